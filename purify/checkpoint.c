/* SPDX-License-Identifier: MIT */
#include "purify/checkpoint.h"

#include "base/limits.h"
#include "base/ranks.h"
#include "base/tool.h"
#include "formats/safetensors.h"

#define CHECKPOINT_KEY    "assay.checkpoint"
#define CHECKPOINT_SCHEMA "assay-checkpoint/1"
/* Memory that is not the guide's: spans. */
#define OWN 9

/* --- what belongs to it --------------------------------------------------- */

/* What may not differ between the run that wrote a checkpoint and the one that
 * goes on: version, inputs, options; what --preprocess and --arch make of the
 * model as well. */
static void
key_of(const struct purification *p, struct digest *out)
{
	struct digest_ctx c;

	digest_begin(&c);
	digest_update(&c, tool_version, strlen(tool_version) + 1);
	digest_update(&c, p->cfg.method->name, strlen(p->cfg.method->name) + 1);
	digest_update(&c, &p->model.digest, sizeof(p->model.digest));
	digest_update(&c, &p->loaded, sizeof(p->loaded));
	digest_update(&c, &p->data.digest, sizeof(p->data.digest));
	digest_update(&c, &p->guided_by, sizeof(p->guided_by));
	digest_update(&c, &p->cfg.options, sizeof(p->cfg.options));
	digest_end(&c, out);
}

/* All memory that changes from round to round, but the guide's pool. */
static size_t
spans(struct purification *p, struct method_span *s)
{
	const struct method_span own[OWN] = {
	    {p->h.weight, p->h.nweight * sizeof(float)},
	    {p->h.fixed, p->h.nfixed * sizeof(float)},
	    {p->kept, (p->h.nweight + p->h.nfixed) * sizeof(float)},
	    {p->round, p->cfg.rounds * sizeof(*p->round)},
	    {&p->draw, sizeof(p->draw)},
	    {&p->done, sizeof(p->done)},
	    {&p->kept_round, sizeof(p->kept_round)},
	    {&p->kept_good, sizeof(p->kept_good)},
	    {&p->after, sizeof(p->after)},
	};

	memcpy(s, own, sizeof(own));
	return OWN + p->cfg.method->spans(p, s + OWN);
}

/* --- writing -------------------------------------------------------------- */

struct list {
	struct arena *a;
	struct tensor *t;
	size_t n, most;
};

static void
add(struct list *l, const char *name, const void *ptr, size_t size)
{
	if (size == 0)
		return;
	if (l->n == l->most)
		BUG("more tensors than were counted");
	l->t[l->n++] = (struct tensor){.name = name,
	    .dtype = DTYPE_U8,
	    .rank = 1,
	    .dim = {size},
	    .data = ptr,
	    .size = size};
}

/* The parts of a perturbation, by their names. */
#define PARTS 4
static const char *const part_name[PARTS] = {
    "mask", "pattern", "delta", "warp"};

static size_t
part_floats(const struct trigger *t, size_t part)
{
	const size_t channels[PARTS] = {1, t->c, t->c, 2};

	return t->h * t->w * channels[part];
}

static void
add_guide(struct list *l, const struct guide *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct guide_question *q = &g->question[i];

		add(l, arena_printf(l->a, "ease.%zu", i), &q->ease,
		    sizeof(q->ease));
		add(l, arena_printf(l->a, "first.%zu", i), &q->first,
		    sizeof(q->first));
		for (size_t k = 0; k < q->n; k++) {
			const struct trigger *t = &q->pool[k];
			const float *part[PARTS] = {
			    t->mask, t->pattern, t->delta, t->warp};

			for (size_t m = 0; m < PARTS; m++)
				if (part[m] != NULL)
					add(l,
					    arena_printf(l->a, "%s.%zu.%zu",
						part_name[m], i, k),
					    part[m],
					    part_floats(t, m) * sizeof(float));
		}
	}
}

static int
write_list(const struct purification *p, const struct list *l, const char *path,
    struct err *e)
{
	json_t *meta = json_object();
	struct file_out out;
	char hex[DIGEST_HEX];
	struct digest key;
	int rc;

	key_of(p, &key);
	digest_hex(&key, hex);
	json_put(meta, CHECKPOINT_KEY, json_text(CHECKPOINT_SCHEMA));
	json_put(meta, "key", json_text(hex));
	if ((rc = file_out_open(&out, path, e)) == 0) {
		if ((rc = safetensors_write(&out, l->t, l->n, meta, e)) == 0)
			rc = file_out_commit(&out, e);
		else
			file_out_abort(&out);
	}
	json_decref(meta);
	return rc;
}

int
checkpoint_write(struct purification *p, const char *path, struct err *e)
{
	struct method_span s[OWN + METHOD_SPANS];
	size_t n = spans(p, s);
	struct list l = {.most = n + p->guide.n * (2 + PARTS * GUIDE_POOL)};
	struct arena a;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	l.a = &a;
	if ((l.t = arena_alloc(&a, l.most, sizeof(*l.t))) == NULL)
		BUG("out of memory");
	for (size_t i = 0; i < n; i++)
		add(&l, arena_printf(&a, "span.%zu", i), s[i].ptr, s[i].size);
	add_guide(&l, &p->guide);
	rc = write_list(p, &l, path, e);
	arena_release(&a);
	return rc;
}

/* --- reading -------------------------------------------------------------- */

static const struct tensor *
find(const struct safetensors *s, const char *name)
{
	for (size_t i = 0; i < s->ntensor; i++)
		if (strcmp(s->tensor[i].name, name) == 0)
			return &s->tensor[i];
	return NULL;
}

/* The bytes of a tensor that must have this size; of none, none. */
static int
take(const struct safetensors *s, const char *name, void *to, size_t size,
    struct err *e)
{
	const struct tensor *t = find(s, name);

	if (size == 0)
		return 0;
	if (t == NULL || t->dtype != DTYPE_U8 || t->size != size)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is not as this run has it", name);
	memcpy(to, t->data, size);
	return 0;
}

/* The next perturbation of question i; *more is false behind the last. */
static int
take_trigger(const struct safetensors *s, const struct net *net,
    struct guide_question *q, size_t i, bool *more, struct err *e)
{
	struct trigger *t = &q->pool[q->n];
	float **part[PARTS] = {&t->mask, &t->pattern, &t->delta, &t->warp};
	int rc = 0;

	*more = false;
	trigger_init(t, q->geometry->name, net->h, net->w, net->c, net->classes,
	    q->target);
	for (size_t m = 0; rc == 0 && m < PARTS; m++) {
		size_t n = part_floats(t, m);
		char name[64];

		snprintf(
		    name, sizeof(name), "%s.%zu.%zu", part_name[m], i, q->n);
		if (find(s, name) == NULL)
			continue;
		*part[m] = trigger_part(t, n);
		rc = take(s, name, *part[m], n * sizeof(float), e);
		*more = true;
	}
	if (rc != 0 || !*more)
		trigger_release(t);
	else
		q->n++;
	return rc;
}

static int
take_guide(const struct safetensors *s, struct purification *p, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->guide.n; i++) {
		struct guide_question *q = &p->guide.question[i];
		bool more = true;
		char name[64];

		snprintf(name, sizeof(name), "ease.%zu", i);
		rc = take(s, name, &q->ease, sizeof(q->ease), e);
		snprintf(name, sizeof(name), "first.%zu", i);
		if (rc == 0)
			rc = take(s, name, &q->first, sizeof(q->first), e);
		while (rc == 0 && more && q->n < GUIDE_POOL)
			rc = take_trigger(s, &p->h, q, i, &more, e);
	}
	return rc;
}

static int
take_all(struct rd *r, struct purification *p, struct err *e)
{
	struct method_span s[OWN + METHOD_SPANS];
	char hex[DIGEST_HEX], name[64];
	struct safetensors st = {0};
	const char *key = "";
	struct digest want;
	size_t n;
	int rc;

	key_of(p, &want);
	digest_hex(&want, hex);
	if ((rc = safetensors_parse(r, &p->arena, &st, e)) == 0)
		rc = safetensors_meta(&st, "key", &key, e);
	if (rc == 0 && strcmp(key, hex) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "a checkpoint of another run (other inputs or options)");
	n = rc == 0 ? spans(p, s) : 0;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		snprintf(name, sizeof(name), "span.%zu", i);
		rc = take(&st, name, s[i].ptr, s[i].size, e);
	}
	if (rc == 0)
		rc = take_guide(&st, p, e);
	if (rc == 0 && (p->done > p->cfg.rounds || p->kept_round > p->done))
		rc =
		    err_set(e, ERR_FORMAT, ERR_NOWHERE, "more rounds than all");
	if (rc == 0)
		net_changed(&p->h);
	safetensors_release(&st);
	return rc;
}

int
checkpoint_read(struct purification *p, const char *path, struct err *e)
{
	struct file_map m;
	struct rd r;
	int rc;

	if (!ranks_any(ranks_first() && file_exists(path)))
		return 0;
	if ((rc = ranks_map_file(path, LIMIT_MODEL_FILE, &m, e)) != 0)
		return rc;
	r = rd_mem(m.ptr, m.len);
	rc = take_all(&r, p, e);
	file_unmap(&m);
	return rc == 0 ? 0 : err_in(e, path);
}
