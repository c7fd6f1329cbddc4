/* SPDX-License-Identifier: MIT
 * What the calls of a Python source do.  One call that decodes, downloads or
 * starts something is usual; one within the parentheses of another that runs
 * it is not.  MITRE ATT&CK T1027, T1059.006, T1105.
 */
#include "audit/check_python_part.h"

#include "audit/check_shell.h"
#include "base/limits.h"
#include "base/text.h"

/* Tokens of one call or statement that are looked at. */
#define SPAN 1000
/* Of all of them, and bytes of commands: honest source has each in a few. */
#define WORK ((uint64_t)100 << 20)
/* A dotted name's first part. */
static struct word
first_part(const struct check_python_token *t)
{
	const char *dot = memchr(t->s, '.', t->len);

	return (struct word){t->s, dot != NULL ? (size_t)(dot - t->s) : t->len};
}

/* True when the name is new. */
static bool
learn(struct source *x, struct map *names, struct word w, size_t value)
{
	const char *name = arena_strdup(&x->arena, w.s, w.len);
	int rc = name != NULL ? map_put(names, name, value) : ERR_LIMIT;

	x->full = x->full || rc < 0;
	return rc > 0;
}

/* The name by its import: "sp.run" is "subprocess.run". */
void
check_python_full_name(
    const struct source *x, const struct check_python_token *t, char out[NAME])
{
	struct word first = first_part(t);
	size_t i = map_get_n(&x->imported, first.s, first.len);
	const struct alias *a;

	if (i == SIZE_MAX) {
		snprintf(out, NAME, "%.*s", (int)MIN(t->len, NAME - 1), t->s);
		return;
	}
	a = (const struct alias *)(const void *)x->aliases.ptr + i;
	snprintf(out, NAME, "%.*s%s%.*s%.*s", (int)MIN(a->full.len, NAME - 1),
	    a->full.s, a->more.s != NULL ? "." : "",
	    (int)MIN(a->more.len, NAME - 1), a->more.s != NULL ? a->more.s : "",
	    (int)MIN(t->len - first.len, NAME - 1), t->s + first.len);
}

static unsigned
look_up(const struct source *x, const struct check_python_token *t)
{
	char name[NAME];

	if (t->kind != TOKEN_NAME)
		return DOES_NOTHING;
	check_python_full_name(x, t, name);
	return check_python_does(name);
}

/* --- imports ------------------------------------------------------------- */

static void
alias(struct source *x, const struct check_python_token *local,
    const struct check_python_token *full,
    const struct check_python_token *more)
{
	struct alias a = {.full = {full->s, full->len}};
	size_t i = map_get_n(&x->imported, local->s, local->len);

	if (more != NULL)
		a.more = (struct word){more->s, more->len};
	/* the last import of a name is the one that counts */
	if (i != SIZE_MAX)
		((struct alias *)(void *)x->aliases.ptr)[i] = a;
	else if (learn(x, &x->imported, (struct word){local->s, local->len},
		     x->aliases.len / sizeof(a)))
		buf_append(&x->aliases, &a, sizeof(a));
}

/* import a.b as c, d; from a import b as c, d */
static void
take_import(struct source *x, size_t i)
{
	const struct check_python_token *from = NULL;

	if (is(at(x, i), "from")) {
		from = at(x, i + 1);
		i += 2;
	}
	for (i++; at(x, i)->kind != TOKEN_LINE; i++) {
		const struct check_python_token *t = at(x, i);
		bool as = is(at(x, i + 1), "as");

		if (t->kind != TOKEN_NAME)
			continue;
		if (as || from != NULL)
			alias(x, as ? at(x, i + 2) : t, from != NULL ? from : t,
			    from != NULL ? t : NULL);
		i += as ? 2 : 0;
	}
}

/* --- what stands in parentheses or in a statement ------------------------ */

static bool
is_tainted(const struct source *x, const struct check_python_token *t)
{
	struct word first = first_part(t);

	return t->kind == TOKEN_NAME &&
	       map_get_n(&x->tainted, first.s, first.len) != SIZE_MAX;
}

/* What the calls from `i` to the end of the brackets (`call`: i is behind the
 * first) or of the line do. */
static unsigned
done_in(struct source *x, size_t i, bool call, bool *tainted)
{
	size_t depth = call ? 1 : 0, end = i + SPAN;
	unsigned all = 0;

	for (; i < MIN(end, x->n) && x->work != 0; i++, x->work--) {
		const struct check_python_token *t = at(x, i);

		if (t->kind == TOKEN_LINE && depth == 0)
			break;
		if (t->kind == TOKEN_OP && strchr("([{", *t->s) != NULL)
			depth++;
		if (t->kind == TOKEN_OP && strchr(")]}", *t->s) != NULL &&
		    (depth == 0 || --depth == 0) && call)
			break;
		if (is(at(x, i + 1), "(") || is(t, "chr"))
			all |= t->does;
		/* "..."[::-1] */
		if (is(t, ":") && is(at(x, i + 1), ":") &&
		    is(at(x, i + 2), "-"))
			all |= DOES_HIDE;
		*tainted = *tainted || is_tainted(x, t);
	}
	return all;
}

void
check_python_danger(
    struct source *x, const struct check_python_token *t, const char *what)
{
	/* one is enough to stop, and says where to begin to read */
	if (x->dangerous)
		return;
	x->dangerous = true;
	check_find(x->f, FINDING_SOURCE_DANGEROUS, t->at, "%s", what);
}

static bool
starts_statement(const struct source *x, size_t i)
{
	const struct check_python_token *t = at(x, i - 1);

	return i == 0 || t->kind == TOKEN_LINE || is(t, ";") || is(t, ":");
}

/* name = ... what was decoded or downloaded ... */
static void
assignment(struct source *x, size_t i)
{
	bool tainted = false;
	unsigned all;

	if (!is(at(x, i + 1), "=") || is(at(x, i + 2), "=") ||
	    memchr(at(x, i)->s, '.', at(x, i)->len) != NULL)
		return;
	all = done_in(x, i + 2, false, &tainted);
	if ((all & (DOES_DECODE | DOES_NET)) != 0 || tainted)
		(void)learn(x, &x->tainted,
		    (struct word){at(x, i)->s, at(x, i)->len}, 0);
}

/* --- calls --------------------------------------------------------------- */

/* "cmd" of cmd.insert(0, x), cmd[0] = x, cmd, y = x, 0, for cmd in x: all but an argument
 * of a call and what adds to its end may make another of it. */
static bool
changes(struct source *x, size_t k, const struct check_python_token *name)
{
	static const char *const behind[] = {".append", ".extend"};
	const struct check_python_token *t = at(x, k);

	if (t->kind != TOKEN_NAME || t->len < name->len ||
	    memcmp(t->s, name->s, name->len) != 0)
		return false;
	if (t->len == name->len)
		return k < 2 || !is(at(x, k - 1), "(") ||
		       at(x, k - 2)->kind != TOKEN_NAME ||
		       at(x, k - 1)->column0 || is(at(x, k + 1), "[");
	return t->s[name->len] == '.' &&
	       !text_is_among(t->s + name->len, t->len - name->len, behind,
		   ARRAY_LEN(behind));
}

/* cmd = [...]; run(cmd): the "=" in front of the list, where the name has one value
 * in the file; else i. */
static size_t
list_of(struct source *x, size_t i)
{
	const struct check_python_token *name = at(x, i + 2);
	size_t found = i, times = 0;

	if (name->kind != TOKEN_NAME ||
	    (!is(at(x, i + 3), ")") && !is(at(x, i + 3), ",")))
		return i;
	for (size_t k = 0; k + 2 < x->n && x->work != 0; k++, x->work--)
		if (at(x, k)->kind == TOKEN_NAME && is(at(x, k + 1), "=") &&
		    at(x, k)->len == name->len &&
		    memcmp(at(x, k)->s, name->s, name->len) == 0) {
			found = k + 1;
			times++;
		} else if (changes(x, k, name)) {
			return i;
		}
	return times == 1 && is(at(x, found + 1), "[") ? found : i;
}

/* The strings of a command, together as a shell has them. */
static void
judge_command(struct source *x, size_t i)
{
	const struct check_python_token *name = at(x, i);
	struct word first = {0};
	struct buf text = {0};
	const char *what;
	size_t depth = 0, where = 0, from = list_of(x, i), end = from + SPAN;
	const char *open = from != i ? "[" : "(";
	const char *close = from != i ? "]" : ")";
	bool own = false, code = false;

	for (i = from + 1; i < MIN(end, x->n) && x->work != 0; i++, x->work--) {
		const struct check_python_token *t = at(x, i);

		if (is(t, open))
			depth++;
		if (is(t, close) && --depth == 0)
			break;
		own |= is(t, "sys.executable");
		if (t->kind != TOKEN_STRING)
			continue;
		if (first.s == NULL)
			first = (struct word){t->s, t->len};
		code |= check_python_is_code(t->s, t->len);
		buf_append(&text, t->s, t->len);
		buf_append(&text, " ", 1);
		x->work -= MIN(x->work - 1, t->len);
	}
	what = check_shell_judge((const char *)text.ptr, text.len, &where);
	if (what != NULL)
		check_python_danger(x, name, what);
	if (name->column0 &&
	    !check_python_sets_up(first.s, first.len, own, code))
		x->starts = MIN(x->starts, name->at);
	buf_free(&text);
}

/* Python that is made, or a command that is. */
static void
judge_run(struct source *x, size_t i, unsigned what)
{
	const struct check_python_token *t = at(x, i), *first = at(x, i + 2);
	bool tainted = false;
	unsigned in = done_in(x, i + 2, true, &tainted);

	if ((what & DOES_EXEC) != 0) {
		if ((in & (DOES_DECODE | DOES_NET | DOES_HIDE)) != 0 || tainted)
			check_python_danger(x, t,
			    "runs Python that it decodes or "
			    "downloads");
		return;
	}
	/* what a program is given as data is no command */
	if (is_tainted(x, first) ||
	    (first->does & (DOES_DECODE | DOES_NET)) != 0)
		check_python_danger(
		    x, t, "starts what it decodes or downloads");
}

/* All of the environment, with the tokens that are in it. */
static bool
sends_environment(struct source *x, size_t i)
{
	size_t depth = 0, end = i + SPAN;

	for (i++; i < MIN(end, x->n) && x->work != 0; i++, x->work--) {
		char name[NAME];

		if (is(at(x, i), "("))
			depth++;
		if (is(at(x, i), ")") && --depth == 0)
			break;
		if (at(x, i)->kind != TOKEN_NAME || is(at(x, i + 1), "["))
			continue;
		check_python_full_name(x, at(x, i), name);
		if (strcmp(name, "os.environ") == 0 ||
		    strcmp(name, "os.environ.items") == 0)
			return true;
	}
	return false;
}

/* What is loaded was downloaded, or is a string of the source; the string of a
 * pickle is looked at itself. */
static void
judge_load(struct source *x, size_t i, unsigned what)
{
	bool tainted = false, held = false;
	unsigned in = done_in(x, i + 2, true, &tainted);
	size_t end = i + SPAN;

	for (size_t k = i + 2; k < MIN(end, x->n) && !is(at(x, k), ")"); k++)
		held = held ||
		       (at(x, k)->kind == TOKEN_STRING && at(x, k)->len > 8);
	if ((in & DOES_NET) != 0)
		check_python_danger(
		    x, at(x, i), "loads objects that it downloads");
	else if ((what & DOES_DECODE) != 0 && held)
		check_python_danger(
		    x, at(x, i), "makes code of bytes that it holds");
}

static void
judge_call(struct source *x, size_t i)
{
	unsigned what = at(x, i)->does;

	x->all |= what;
	if ((what & DOES_LOAD) != 0)
		judge_load(x, i, what);
	if ((what & (DOES_EXEC | DOES_SHELL)) != 0)
		judge_run(x, i, what);
	if ((what & DOES_SHELL) != 0)
		judge_command(x, i);
	if ((what & DOES_NET) != 0 && sends_environment(x, i))
		check_python_danger(x, at(x, i), "sends the environment away");
}

/* --- the whole ----------------------------------------------------------- */

/* A string that stands for itself, or is long, is what somebody reads. */
static bool
is_text(const struct source *x, size_t i)
{
	return at(x, i)->len > 400 ||
	       ((i == 0 || at(x, i - 1)->kind == TOKEN_LINE) &&
		   at(x, i + 1)->kind == TOKEN_LINE);
}

static void
string(struct source *x, size_t i)
{
	const struct check_python_token *t = at(x, i), *before = at(x, i - 1);
	bool first =
	    i == 0 || (before->kind != TOKEN_STRING && !is(before, "+"));

	check_python_literal(x->f, t);
	if (check_python_pieces(t, x->n - i, first))
		check_python_danger(
		    x, t, "hides a name that runs or decodes something");
}

static void
judge_together(struct source *x)
{
	bool secret = false;
	const char *what;
	size_t where;

	if ((x->all & DOES_SOCKET) != 0 &&
	    (x->all & (DOES_DUP | DOES_SHELLED)) != 0)
		check_python_danger(
		    x, at(x, 0), "opens a shell to the network");
	for (size_t i = 0; i < x->n && !secret; i++)
		secret = at(x, i)->kind == TOKEN_STRING &&
			 check_python_secret(at(x, i)->s, at(x, i)->len);
	/* run("...") of a function that hands on what it is given */
	for (size_t i = 0; i < x->n && (x->all & DOES_SHELL) != 0; i++)
		if (at(x, i)->kind == TOKEN_STRING && !is_text(x, i) &&
		    (what = check_shell_judge(
			 at(x, i)->s, at(x, i)->len, &where)) != NULL)
			check_python_danger(x, at(x, i), what);
	if (secret && (x->all & (DOES_NET | DOES_SOCKET)) != 0)
		check_python_danger(
		    x, at(x, 0), "reads secrets and talks to the network");
	if (!x->dangerous && x->starts != SIZE_MAX && !x->cells)
		check_find(x->f, FINDING_SOURCE_STARTS, x->starts,
		    "whenever it is imported");
}

/* __import__("base64").b64decode */
static void
by_import_call(struct source *x, size_t i)
{
	const struct check_python_token *module = at(x, i + 2);
	const struct check_python_token *rest = at(x, i + 5);
	char name[NAME];

	if ((!is(at(x, i), "__import__") &&
		!is(at(x, i), "importlib.import_module")) ||
	    module->kind != TOKEN_STRING || !is(at(x, i + 3), ")") ||
	    !is(at(x, i + 4), ".") || rest->kind != TOKEN_NAME)
		return;
	snprintf(name, sizeof(name), "%.*s.%.*s", (int)MIN(module->len, 60),
	    module->s, (int)MIN(rest->len, 60), rest->s);
	x->t[i + 5].does = check_python_does(name);
}

/* Imports first: a name means what it was imported as. */
static void
prepare(struct source *x)
{
	for (size_t i = 0; i < x->n; i++)
		if ((i == 0 || at(x, i - 1)->kind == TOKEN_LINE) &&
		    (is(at(x, i), "import") || is(at(x, i), "from")))
			take_import(x, i);
	for (size_t i = 0; i < x->n; i++)
		x->t[i].does = look_up(x, &x->t[i]);
	for (size_t i = 0; i + 5 < x->n; i++)
		by_import_call(x, i);
}

static void
judge(const struct check_file *f, const char *s, size_t len, bool cells)
{
	struct source x = {
	    .f = f, .starts = SIZE_MAX, .work = WORK, .cells = cells};
	struct buf tokens = {0};

	arena_init(&x.arena, LIMIT_TEMPLATE_ARENA);
	map_init(&x.imported, &x.arena);
	map_init(&x.tainted, &x.arena);
	check_python_tokens(s, len, &x.arena, &tokens);
	x.t = (struct check_python_token *)(void *)tokens.ptr;
	x.n = tokens.len / sizeof(*x.t);
	prepare(&x);
	if (check_python_disguised(s, len))
		check_python_danger(
		    &x, at(&x, 0), "is written in a disguising encoding");
	for (size_t i = 0; i < x.n; i++) {
		if (at(&x, i)->kind == TOKEN_STRING)
			string(&x, i);
		if (at(&x, i)->kind != TOKEN_NAME)
			continue;
		if (is(at(&x, i + 1), "("))
			judge_call(&x, i);
		check_python_hidden(&x, i);
		check_python_reduces(&x, i);
		if (starts_statement(&x, i))
			assignment(&x, i);
	}
	judge_together(&x);
	if (x.work == 0 || x.full)
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "source whose %s are more than can be looked at",
		    x.full ? "names" : "calls");
	buf_free(&tokens);
	buf_free(&x.aliases);
	arena_release(&x.arena);
}

void
check_python_judge(const struct check_file *f, const char *s, size_t len)
{
	judge(f, s, len, false);
}

void
check_python_cells(const struct check_file *f, const char *s, size_t len)
{
	judge(f, s, len, true);
}
