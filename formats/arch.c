/* SPDX-License-Identifier: MIT */
#include "formats/arch.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/binary.h"
#include "formats/weights_norm.h"

/* For an attempt that only tells how far a family gets. */
#define ATTEMPT_ARENA ((size_t)1 << 28)

static const struct arch_family *const table[] = {
#define ARCH(stem) &arch_##stem,
#include "formats/arch.def"
#undef ARCH
};

const struct arch_family *const *
arch_all(size_t *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

/* --- which --------------------------------------------------------------- */

const struct arch_family *
arch_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

/* The family that would use most of the weights; *second: what comes next. */
static const struct arch_family *
best(const struct weights *w, const json_t *config,
    const struct arch_family **second)
{
	const struct arch_family *first = NULL;
	size_t most = 0, next = 0;

	*second = NULL;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t n = table[i]->match(w, config);

		if (n > most) {
			*second = first;
			next = most;
			first = table[i];
			most = n;
		} else if (n > next) {
			*second = table[i];
			next = n;
		}
	}
	if (next < most)
		*second = NULL; /* not as good */
	return first;
}

/* How far a family gets with weights that it does not claim. */
struct attempt {
	const struct arch_family *f;
	size_t used;
	char stop[128]; /* why no further */
};

/* Weights of one's own, so that nothing of a failed attempt stays. */
static bool
copy_weights(const struct weights *w, struct arena *a, struct weights *out)
{
	*out = *w;
	out->tensor = arena_alloc(a, w->n + 1, sizeof(*out->tensor));
	out->used = arena_alloc(a, w->n + 1, sizeof(*out->used));
	out->turned = arena_alloc(a, w->n + 1, sizeof(*out->turned));
	out->ignored = arena_alloc(a, w->n + 1, sizeof(*out->ignored));
	if (out->tensor == NULL || out->used == NULL || out->turned == NULL ||
	    out->ignored == NULL)
		return false;
	if (w->n != 0)
		memcpy(out->tensor, w->tensor, w->n * sizeof(*out->tensor));
	return true;
}

static void
take_shape(const struct arch_family *f, const struct hints *h, struct model *m)
{
	const struct preprocess *p = &h->preprocess;
	bool exact = p->resize == RESIZE_EXACT;

	if (p->crop_height != 0) {
		m->shape[2] = p->crop_height;
		m->shape[3] = p->crop_width;
	} else if (exact) {
		m->shape[2] = p->height;
		m->shape[3] = p->width;
	} else if (f->side != 0) {
		m->shape[2] = m->shape[3] = f->side;
	}
}

static void
attempt(const struct arch_family *f, const struct hints *h,
    const struct weights *w, struct attempt *most)
{
	struct weights mine;
	struct model m;
	struct err e = {0};
	struct draw a = {.m = &m, .w = &mine, .hints = h, .e = &e};
	size_t used = 0;

	model_init(&m, ATTEMPT_ARENA);
	if (copy_weights(w, &m.arena, &mine)) {
		take_shape(f, h, &m);
		(void)f->draw(&a, "image");
		for (size_t i = 0; i < w->n; i++)
			used += mine.used[i];
	}
	if (used > most->used) {
		*most = (struct attempt){.f = f, .used = used};
		snprintf(most->stop, sizeof(most->stop), "%.127s",
		    a.rc != 0 ? e.msg : "the rest is not its own");
	}
	model_release(&m);
}

size_t
arch_match_never(const struct weights *w, const json_t *config)
{
	(void)w;
	(void)config;
	return 0;
}

/* A name of transformers' models, which are nothing without a configuration. */
static const char *
of_transformers(const struct weights *w)
{
	static const char *const begins[] = {"vit.embeddings.",
	    "deit.embeddings.", "beit.embeddings.",
	    "data2vec_vision.embeddings.", "resnet.embedder.",
	    "convnext.embeddings.", "convnextv2.embeddings.",
	    "swin.embeddings.", "mobilenet_v1.conv_stem.",
	    "mobilenet_v2.conv_stem.", "efficientnet.embeddings."};

	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(begins); k++)
			if (strncmp(w->tensor[i].name, begins[k],
				strlen(begins[k])) == 0)
				return w->tensor[i].name;
	return NULL;
}

/* What training or a library left in the place of weights; or NULL. */
static const char *
in_place(const struct weights *w, const char **name)
{
	static const struct {
		const char *end, *why;
	} sign[] = {
	    {".weight_mask", "is pruned: prune.remove() before saving"},
	    {".weight_g", "is computed by weight_norm: remove_weight_norm() "
			  "before saving"},
	    {".weight_u", "is computed by spectral_norm: "
			  "remove_spectral_norm() before saving"},
	    {".parametrizations.weight.original0",
		"is parametrised: remove_parametrizations() before saving"},
	    {".parametrizations.weight.original",
		"is parametrised: remove_parametrizations() before saving"},
	    {".activation_post_process.scale",
		"has the observers of a quantisation: convert it, or save it "
		"before"},
	    {".zero_point", "is quantised: save it before quantisation, or "
			    "export it as ONNX"},
	    {".lora_A.weight", "has adapters that are not merged"},
	    {".lora_A", "has adapters that are not merged"},
	};

	for (size_t k = 0; k < ARRAY_LEN(sign); k++)
		for (size_t i = 0; i < w->n; i++)
			if (text_ends_with(w->tensor[i].name, sign[k].end)) {
				*name = w->tensor[i].name;
				return sign[k].why;
			}
	return NULL;
}

/* No family claims the weights: say which one comes nearest. */
static int
refuse(const struct hints *h, const struct weights *w, struct err *e)
{
	const char *type =
	    json_string_value(json_object_get(h->config, "model_type"));
	const char *origin = h->origin != NULL ? h->origin : "";
	const char *gap = h->origin != NULL ? ": " : "", *name, *why;
	struct attempt most = {.f = NULL};

	if (type != NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "weights of no architecture that is known here "
		    "(model_type '%.40s', the first of %zu is '%.64s')",
		    type, w->n, w->n != 0 ? w->tensor[0].name : "");
	if ((name = of_transformers(w)) != NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "weights of transformers ('%.64s') without the "
		    "config.json that belongs to them",
		    name);
	if ((why = in_place(w, &name)) != NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%s%sby '%.80s', a weight %s", origin, gap, name, why);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		attempt(table[i], h, w, &most);
	/* a few names that all have in common say nothing */
	if (most.f == NULL || most.used < MAX(3, w->n / 8))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "%s%sweights of no architecture that is known here (the "
		    "first of %zu is '%.64s'): export the model as ONNX",
		    origin, gap, w->n, w->n != 0 ? w->tensor[0].name : "");
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "%s%sweights of no architecture that is known here; %s comes "
	    "nearest and uses %zu of %zu tensors: %s",
	    origin, gap, most.f->name, most.used, w->n, most.stop);
}

int
arch_choose(const struct hints *h, const struct weights *w,
    const struct arch_family **out, struct err *e)
{
	const struct arch_family *second;

	if (h->arch != NULL && (*out = arch_named(h->arch)) == NULL)
		return err_set(e, ERR_USAGE, ERR_NOWHERE,
		    "no architecture is called '%.64s'", h->arch);
	if (h->arch != NULL)
		return 0;
	*out = best(w, h->config, &second);
	if (*out == NULL)
		return refuse(h, w, e);
	if (second != NULL)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "could be %s or %s: say which with --arch", (*out)->name,
		    second->name);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

static bool
is_counter(const char *name)
{
	static const char suffix[] = "num_batches_tracked";
	size_t n = strlen(name), k = strlen(suffix);

	return n >= k && strcmp(name + n - k, suffix) == 0;
}

static int
all_used(const struct arch_family *f, const struct weights *w, struct err *e)
{
	size_t left = 0, first = 0;

	for (size_t i = w->n; i-- > 0;) {
		if (w->used[i] || w->ignored[i] ||
		    is_counter(w->tensor[i].name))
			continue;
		first = i;
		left++;
	}
	if (left == 0)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "nearest to %s, which has no use for %zu of %zu tensors ('%.64s')",
	    f->name, left, w->n, w->tensor[first].name);
}

/* The tensors that the graph uses, and those that the family made. */
static int
keep_tensors(const struct weights *w, struct model *m, struct err *e)
{
	struct tensor *t =
	    arena_alloc(&m->arena, w->n + m->ntensor + 1, sizeof(*t));
	size_t n = 0;

	if (t == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
	for (size_t i = 0; i < w->n; i++)
		if (w->used[i])
			t[n++] = w->tensor[i];
	for (size_t i = 0; i < m->ntensor; i++)
		t[n++] = m->tensor[i];
	m->tensor = t;
	m->ntensor = n;
	return 0;
}

/* transformers' trust_remote_code: a model of the repository's own classes. */
static bool
wants_code(const json_t *config)
{
	const json_t *map = json_object_get(config, "auto_map");

	return map != NULL && !json_is_null(map);
}

/* What lies beside the model, and, of weights alone, that it was the second in
 * a row: what came first has none, but may resize or normalise. */
static void
say_around(struct draw *a)
{
	const struct weights *w = a->w;
	size_t n = w->prefix, i = 0;
	const char *name;

	while (i < w->n && w->ignored[i])
		i++;
	name = i < w->n ? w->tensor[i].name : "";
	if (w->nattr == 0 && w->mean == SIZE_MAX && n >= 2 &&
	    strncmp(name + n - 2, "1.", 2) == 0 &&
	    (n == 2 || name[n - 3] == '.') &&
	    strstr(a->m->note, "resized") == NULL)
		draw_note(a,
		    "all names begin with '%.*s': what comes before the model "
		    "is not in the file",
		    (int)MIN(n, 64), name);
	if (w->mean != SIZE_MAX)
		draw_note(a,
		    "images are taken to be normalised by the model's own "
		    "'%.64s' and '%.64s'",
		    w->tensor[w->mean].name, w->tensor[w->std].name);
	if (w->head != NULL)
		draw_note(a,
		    "'%.64s' is taken for the last layer, right behind the "
		    "backbone",
		    w->head);
	if (w->aside != SIZE_MAX)
		draw_note(a,
		    "left aside: '%.64s' and the like, beside the model",
		    w->tensor[w->aside].name);
}

int
arch_draw(const struct arch_family *f, const void *ctx, const struct hints *h,
    struct weights *w, struct model *m, struct err *e)
{
	struct draw a = {.m = m, .w = w, .hints = h, .e = e, .ctx = ctx};
	const char *logits;
	int rc;

	m->input = "image";
	take_shape(f, h, m);
	logits = f->draw(&a, m->input);
	if (a.rc != 0)
		return err_wrap(e, "as %s", f->name);
	if ((rc = all_used(f, w, e)) != 0 ||
	    (rc = keep_tensors(w, m, e)) != 0 ||
	    (w->mean != SIZE_MAX && (rc = weights_norm_take(w, &h->preprocess,
					 &m->preprocess, e)) != 0))
		return rc;
	say_around(&a);
	m->output = logits;
	m->note = arena_printf(&m->arena, "%s%sarchitecture %s%s%.400s%s",
	    h->origin != NULL ? h->origin : "", h->origin != NULL ? "; " : "",
	    f->name, *m->note != '\0' ? "; " : "", m->note,
	    wants_code(h->config)
		? "; config.json wants code of its own run, which was not"
		: "");
	if ((rc = binary_classes(m, NULL, e)) != 0)
		return rc;
	return model_check(m, e);
}

int
arch_load(
    const struct hints *h, struct weights *w, struct model *m, struct err *e)
{
	const struct arch_family *f;
	int rc = arch_choose(h, w, &f, e);

	return rc != 0 ? rc : arch_draw(f, NULL, h, w, m, e);
}
