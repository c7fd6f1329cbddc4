/* SPDX-License-Identifier: MIT
 * Texts: names of modes, of devices, and messages.  What is written into one (a
 * number, a shape) is not known here, nor is any text that it becomes a part of.
 */
#include "formats/script_base.h"

#include "base/limits.h"

#define arg script_base_arg

const char script_words_some[] = "some";

/* Whether something stands in a pattern besides its places, "{}". */
static bool
has_words(const struct script_value *v)
{
	return v->type == SCRIPT_TEXT && strspn(v->s, "{}") != strlen(v->s);
}

/* Text is itself; that of anything else is not made up. */
static int
do_text(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	(void)s;
	(void)known;
	*out = *arg(a, 0);
	if (strcmp(a->callee, "torch.format") == 0)
		*out = (struct script_value){.type = SCRIPT_UNKNOWN,
		    .s = has_words(arg(a, 0)) ? script_words_some : NULL};
	else if (out->type != SCRIPT_TEXT)
		*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	return 0;
}

/* Where a tensor is. */
static int
do_device(struct script *s, const struct script_args *a,
    struct script_value *out, bool *known)
{
	(void)a;
	(void)known;
	s->assumed = true;
	*out = (struct script_value){.type = SCRIPT_TEXT, .s = "cpu"};
	return 0;
}

static bool
is_int(const struct script_value *v, int64_t i)
{
	return v->type == SCRIPT_INT && v->i == i;
}

/* find(text, part, from, to), in the whole text */
static int
do_find(struct script *s, const struct script_args *a, struct script_value *out,
    bool *known)
{
	const struct script_value *x = arg(a, 0), *y = arg(a, 1);
	const char *at;

	(void)known;
	if (x->type != SCRIPT_TEXT || y->type != SCRIPT_TEXT ||
	    (a->n > 2 && !is_int(arg(a, 2), 0)) ||
	    (a->n > 3 && !is_int(arg(a, 3), (int64_t)strlen(x->s))))
		return script_fail(s, "find", "in what is no text");
	at = strstr(x->s, y->s);
	*out = (struct script_value){
	    .type = SCRIPT_INT, .i = at != NULL ? at - x->s : -1};
	return 0;
}

static bool
is_text(const struct script_value *v)
{
	return v->type == SCRIPT_TEXT || v->type == SCRIPT_UNKNOWN;
}

bool
script_words_sum(struct script *s, const struct script_value *x,
    const struct script_value *y, struct script_value *out)
{
	if (!is_text(x) || !is_text(y))
		return false;
	*out = (struct script_value){.type = SCRIPT_UNKNOWN};
	if (x->type == SCRIPT_TEXT && y->type == SCRIPT_TEXT &&
	    strlen(x->s) + strlen(y->s) <= LIMIT_NAME)
		*out = (struct script_value){.type = SCRIPT_TEXT,
		    .s = arena_printf(s->arena, "%s%s", x->s, y->s)};
	return true;
}

const struct script_base script_words[] = {
    {"torch.find", do_find},
    {"torch.format", do_text},
    {"torch.str", do_text},
    {"str", do_text},
    {"ops.prim.device", do_device},
    {NULL, NULL},
};
