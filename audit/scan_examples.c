/* SPDX-License-Identifier: MIT
 * Example images for people: what each target's perturbation does to a few
 * held-out images that every model gets right.  They are taken by class and
 * by order, never by result, so that a page that shows them is no selection.
 */
#include "audit/scan_doc.h"

#include "base/limits.h"

#define EXAMPLES      8
#define EXAMPLES_FILE "examples.safetensors"

struct examples {
	uint32_t test[EXAMPLES]; /* among the TEST images */
	size_t n;
};

static void
take(const struct scan *s, struct examples *x, size_t class)
{
	for (size_t i = 0; i < s->nboth; i++) {
		if ((size_t)s->test.label[s->both[i]] != class)
			continue;
		for (size_t k = 0; k < x->n; k++)
			if (x->test[k] == s->both[i])
				return;
		if (x->n < EXAMPLES)
			x->test[x->n++] = s->both[i];
		return;
	}
}

/* The first image of the source of each target that has one, then of classes
 * that lie evenly among all. */
static void
choose(const struct scan *s, const json_t *targets, struct examples *x)
{
	size_t k = s->classes, stride = MAX(k / EXAMPLES, 1), i;
	json_t *one;

	json_array_foreach((json_t *)(uintptr_t)targets, i, one)
	{
		const json_t *source = json_object_get(one, "source");

		if (source != NULL)
			take(s, x, (size_t)json_integer_value(source));
	}
	for (size_t from = 0; from < stride; from++)
		for (size_t c = from; c < k && x->n < EXAMPLES; c += stride)
			take(s, x, c);
}

/* As the data has them: bytes stay bytes. */
static int
write_images(const struct scan *s, const struct examples *x, const char *path,
    struct err *e)
{
	const struct dataset *from = &s->data.data;
	size_t image = from->h * from->w * from->c;
	float *f32 = scan_need(
	    (struct scan *)(uintptr_t)s, EXAMPLES * image, sizeof(*f32));
	uint8_t *u8 = scan_need((struct scan *)(uintptr_t)s, EXAMPLES, image);
	int32_t label[EXAMPLES];
	struct dataset d = {.n = x->n,
	    .h = from->h,
	    .w = from->w,
	    .c = from->c,
	    .label = label,
	    .classes = from->classes,
	    .name = from->name};
	struct file_out out;
	int rc;

	for (size_t i = 0; i < x->n; i++) {
		label[i] = s->test.label[x->test[i]];
		memcpy(f32 + i * image, s->test.x + x->test[i] * image,
		    image * sizeof(*f32));
	}
	for (size_t i = 0; i < x->n * image; i++)
		u8[i] = (uint8_t)(f32[i] * 255.0f + 0.5f);
	if (from->u8 != NULL)
		d.u8 = u8;
	else
		d.f32 = f32;
	if ((rc = file_out_open(&out, path, e)) != 0)
		return rc;
	if ((rc = dataset_write(&out, &d, e)) == 0)
		rc = file_out_commit(&out, e);
	file_out_abort(&out);
	return rc;
}

/* The perturbation of a target, NULL where nothing was searched. */
static const struct trigger *
trigger_of(const struct scan *s, const json_t *target)
{
	const struct profile *p = &s->suspect.profile[0];
	size_t t = (size_t)json_integer_value(json_object_get(target, "class"));
	const json_t *source = json_object_get(target, "source");
	const struct uap_found *f = NULL;

	if (source != NULL)
		f = &p->pair[(size_t)json_integer_value(source) * s->classes +
			     t];
	for (size_t g = 0; source == NULL && g < geometry_count; g++)
		if (strcmp(geometry_table[g]->name,
			json_text_at(target, "geometry")) == 0)
			f = &p->cell[g * s->classes + t];
	return f != NULL && f->n != 0 ? &f->trigger : NULL;
}

/* What every model makes of the examples that the target is about. */
static int
show(const struct scan *s, const struct examples *x, const json_t *target,
    json_t *list, struct err *e)
{
	const struct trigger *t = trigger_of(s, target);
	const json_t *source = json_object_get(target, "source");
	int32_t pred[SCAN_REFERENCES + 1][EXAMPLES];
	int rc = 0;

	for (size_t k = 0; t != NULL && k <= s->nref && rc == 0; k++)
		rc = uap_predict(&SCAN_MODEL(s, k)->net, &s->test, x->test,
		    x->n, t, pred[k], e);
	for (size_t i = 0; t != NULL && i < x->n && rc == 0; i++) {
		int32_t y = s->test.label[x->test[i]];
		json_t *j, *refs;

		if (y == json_integer_value(json_object_get(target, "class")) ||
		    (source != NULL && y != json_integer_value(source)))
			continue;
		j = json_object();
		refs = json_array();
		for (size_t k = 1; k <= s->nref; k++)
			json_add(refs, json_integer(pred[k][i]));
		json_put(
		    j, "target", json_incref(json_object_get(target, "class")));
		json_put(j, "geometry",
		    json_incref(json_object_get(target, "geometry")));
		json_put(j, "image", json_integer((json_int_t)i));
		json_put(j, "class", json_integer(y));
		json_put(j, "suspect", json_integer(pred[0][i]));
		json_put(j, "references", refs);
		json_add(list, j);
	}
	return rc;
}

int
scan_examples(const struct scan *s, const char *dir, json_t *doc, struct err *e)
{
	const json_t *targets = json_object_get(doc, "targets"), *one;
	struct examples x = {.n = 0};
	json_t *j, *list;
	char path[600], hex[DIGEST_HEX];
	struct digest d;
	uint64_t size;
	size_t i;
	int rc;

	json_put(doc, "examples", json_null());
	if (dir == NULL || json_array_size(targets) == 0)
		return 0;
	choose(s, targets, &x);
	if ((rc = file_join(path, sizeof(path), dir, EXAMPLES_FILE, e)) != 0 ||
	    (rc = write_images(s, &x, path, e)) != 0 ||
	    (rc = digest_file(path, LIMIT_DOCUMENT, &d, &size, e)) != 0)
		return rc;
	j = json_object();
	list = json_array();
	digest_hex(&d, hex);
	json_put(j, "path", json_text(EXAMPLES_FILE));
	json_put(j, "sha256", json_text(hex));
	json_put(j, "shown", list);
	json_put(doc, "examples", j);
	json_array_foreach((json_t *)(uintptr_t)targets, i, one) if (rc == 0)
	    rc = show(s, &x, one, list, e);
	return rc;
}
