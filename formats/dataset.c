/* SPDX-License-Identifier: MIT */
#include "formats/dataset.h"

#include "base/json.h"
#include "base/limits.h"
#include "formats/safetensors.h"

#include <stdarg.h>

#define DATA_KEY    "assay.data"
#define DATA_SCHEMA "assay-data/1"
#define NOTE_MAX    1000

static const struct tensor *
lookup(const struct safetensors *st, const char *name)
{
	for (size_t i = 0; i < st->ntensor; i++)
		if (strcmp(st->tensor[i].name, name) == 0)
			return &st->tensor[i];
	return NULL;
}

/* The bytes where they lie when aligned to 4, else a copy. */
static const void *
aligned(struct dataset *d, const struct tensor *t)
{
	void *copy;

	if ((uintptr_t)t->data % 4 == 0 || t->size == 0)
		return t->data;
	if ((copy = arena_alloc(&d->arena, t->size, 1)) != NULL)
		memcpy(copy, t->data, t->size);
	return copy;
}

static int
take_images(struct dataset *d, const struct tensor *t, struct err *e)
{
	const void *p;

	if (t == NULL || t->rank != 4 ||
	    (t->dtype != DTYPE_U8 && t->dtype != DTYPE_F32))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'images' is not a u8 or f32 tensor of rank 4");
	if (t->dim[0] > LIMIT_IMAGES || t->dim[1] > LIMIT_IMAGE_SIDE ||
	    t->dim[2] > LIMIT_IMAGE_SIDE || t->dim[3] > LIMIT_IMAGE_CHANNELS ||
	    t->size > LIMIT_DATASET_BYTES)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "images are too large");
	if (t->size == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE, "no images");
	if ((p = aligned(d, t)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	d->n = t->dim[0];
	d->h = t->dim[1];
	d->w = t->dim[2];
	d->c = t->dim[3];
	if (t->dtype == DTYPE_U8)
		d->u8 = p;
	else
		d->f32 = p;
	for (size_t i = 0; d->f32 != NULL && i < t->size / 4; i++)
		if (!(d->f32[i] >= 0.0f && d->f32[i] <= 1.0f))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "image %zu has a pixel outside [0,1]",
			    i / (d->h * d->w * d->c));
	return 0;
}

static int
take_labels(struct dataset *d, const struct tensor *t, struct err *e)
{
	if (t == NULL)
		return 0;
	if (t->dtype != DTYPE_I32 || t->rank != 1)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'labels' is not an i32 tensor of rank 1");
	if (t->dim[0] != d->n)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "%zu images but %" PRIu64 " labels", d->n, t->dim[0]);
	if ((d->label = aligned(d, t)) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++)
		if (d->label[i] < 0 || (size_t)d->label[i] >= d->classes)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "label %zu is %d, there are %zu classes", i,
			    d->label[i], d->classes);
	return 0;
}

static int
take_names(struct dataset *d, const json_t *j, struct err *e)
{
	const json_t *list;
	const char *schema;
	int rc;

	if ((rc = json_get_str(j, "schema", &schema, e)) != 0)
		return rc;
	if (strcmp(schema, DATA_SCHEMA) != 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "schema '%s', expected '%s'", schema, DATA_SCHEMA);
	if ((rc = json_get_array(j, "classes", &list, e)) != 0)
		return rc;
	d->classes = json_array_size(list);
	if (d->classes > LIMIT_CLASSES)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "%zu classes", d->classes);
	d->name = arena_alloc(&d->arena, d->classes + 1, sizeof(*d->name));
	for (size_t i = 0; d->name != NULL && i < d->classes; i++) {
		const char *s;

		if ((rc = json_get_str(json_array_get(list, i), "", &s, e)) !=
		    0)
			return err_wrap(e, "class %zu", i);
		d->name[i] = arena_strdup(&d->arena, s, strlen(s));
		if (d->name[i] == NULL)
			break;
	}
	if (d->name == NULL ||
	    (d->classes != 0 && d->name[d->classes - 1] == NULL))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	return 0;
}

static int
take_note(struct dataset *d, const json_t *j, struct err *e)
{
	const char *s;
	int rc;

	if (json_at(j, "note") == NULL)
		return 0;
	if ((rc = json_get_str(j, "note", &s, e)) == 0)
		d->note = arena_strdup(&d->arena, s, strlen(s));
	return rc;
}

int
dataset_parse(struct rd *r, struct dataset *d, struct err *e)
{
	struct safetensors st = {0};
	const char *text;
	json_t *j = NULL;
	int rc;

	*d = (struct dataset){0};
	arena_init(&d->arena, LIMIT_DATASET_BYTES);
	if ((rc = safetensors_parse(r, &d->arena, &st, e)) != 0 ||
	    (rc = safetensors_meta(&st, DATA_KEY, &text, e)) != 0 ||
	    (rc = json_read(text, strlen(text), &j, e)) != 0 ||
	    (rc = take_names(d, j, e)) != 0 || (rc = take_note(d, j, e)) != 0 ||
	    (rc = take_images(d, lookup(&st, "images"), e)) != 0)
		goto out;
	rc = take_labels(d, lookup(&st, "labels"), e);
out:
	json_decref(j);
	safetensors_release(&st);
	if (rc != 0)
		dataset_release(d);
	return rc;
}

void
dataset_release(struct dataset *d)
{
	arena_release(&d->arena);
	buf_free(&d->keep);
	*d = (struct dataset){0};
}

void
dataset_say(struct dataset *d, const char *fmt, ...)
{
	const char *old = d->note != NULL ? d->note : "";
	size_t n = strlen(old);
	char text[NOTE_MAX];
	va_list ap;

	if (n + 2 >= sizeof(text))
		return;
	memcpy(text, old, n);
	if (n > 0) {
		memcpy(text + n, "; ", 2);
		n += 2;
	}
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	d->note = arena_strdup(&d->arena, text, strlen(text));
}

static struct tensor
image_tensor(const struct dataset *d)
{
	struct tensor t = {.name = "images",
	    .dtype = d->u8 != NULL ? DTYPE_U8 : DTYPE_F32,
	    .rank = 4,
	    .dim = {d->n, d->h, d->w, d->c},
	    .data = d->u8};

	if (d->u8 == NULL)
		t.data = (const uint8_t *)d->f32;
	t.size = d->n * d->h * d->w * d->c * dtype_width(t.dtype);
	return t;
}

int
dataset_write(struct file_out *out, const struct dataset *d, struct err *e)
{
	json_t *j = json_object(), *names = json_array();
	json_t *meta = json_object();
	struct tensor t[2] = {image_tensor(d)};
	size_t n = 1;
	char *text;
	int rc;

	if (d->label != NULL)
		t[n++] = (struct tensor){.name = "labels",
		    .dtype = DTYPE_I32,
		    .rank = 1,
		    .dim = {d->n},
		    .data = (const uint8_t *)d->label,
		    .size = 4 * d->n};
	for (size_t i = 0; i < d->classes; i++)
		json_add(names, json_text(d->name[i]));
	json_put(j, "schema", json_text(DATA_SCHEMA));
	json_put(j, "classes", names);
	if (d->note != NULL)
		json_put(j, "note", json_text(d->note));
	if ((text = json_dumps(j, JSON_COMPACT)) == NULL)
		BUG("json_dumps");
	json_put(meta, DATA_KEY, json_text(text));
	rc = safetensors_write(out, t, n, meta, e);
	free(text);
	json_decref(meta);
	json_decref(j);
	return rc;
}

void
dataset_image(const struct dataset *d, size_t i, float *out)
{
	size_t len = d->h * d->w * d->c;

	if (d->f32 != NULL) {
		memcpy(out, d->f32 + i * len, len * sizeof(*out));
		return;
	}
	for (size_t k = 0; k < len; k++)
		out[k] = (float)d->u8[i * len + k] / 255.0f;
}

const void *
dataset_bytes(const struct dataset *d, size_t i, size_t *len)
{
	size_t count = d->h * d->w * d->c;

	*len = d->u8 != NULL ? count : count * sizeof(float);
	if (d->u8 != NULL)
		return d->u8 + i * count;
	return d->f32 + i * count;
}

const char *
dataset_class(const struct dataset *d, size_t k, char *spare, size_t size)
{
	if (k < d->classes && d->name != NULL && d->name[k][0] != '\0')
		return d->name[k];
	snprintf(spare, size, "%zu", k);
	return spare;
}
