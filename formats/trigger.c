/* SPDX-License-Identifier: MIT */
#include "formats/trigger.h"

#include "base/json.h"
#include "base/limits.h"
#include "formats/safetensors.h"

#include <math.h>

#define TRIGGER_KEY    "assay.trigger"
#define TRIGGER_SCHEMA "assay-trigger/1"
#define TRIGGER_ARENA  ((size_t)4 << 30)

void
trigger_init(struct trigger *t, const char *kind, size_t h, size_t w, size_t c,
    size_t classes, int32_t target)
{
	*t = (struct trigger){.h = h, .w = w, .c = c, .classes = classes};
	arena_init(&t->arena, TRIGGER_ARENA);
	t->kind = arena_printf(&t->arena, "%s", kind);
	t->map = arena_alloc(&t->arena, classes, sizeof(*t->map));
	if (t->map == NULL)
		BUG("trigger too large");
	for (size_t i = 0; i < classes; i++)
		t->map[i] = target;
}

float *
trigger_part(struct trigger *t, size_t n)
{
	float *p = arena_alloc(&t->arena, n, sizeof(*p));

	if (p == NULL)
		BUG("trigger too large");
	return p;
}

void
trigger_like(const struct trigger *t, struct trigger *to)
{
	trigger_init(to, t->kind, t->h, t->w, t->c, t->classes, -1);
	memcpy(to->map, t->map, t->classes * sizeof(*t->map));
	if (t->mask != NULL)
		to->mask = trigger_part(to, t->h * t->w);
	if (t->pattern != NULL)
		to->pattern = trigger_part(to, t->h * t->w * t->c);
	if (t->delta != NULL)
		to->delta = trigger_part(to, t->h * t->w * t->c);
	if (t->warp != NULL)
		to->warp = trigger_part(to, t->h * t->w * 2);
}

void
trigger_release(struct trigger *t)
{
	arena_release(&t->arena);
	*t = (struct trigger){0};
}

/* --- reading ------------------------------------------------------------- */

static int
take_map(struct trigger *t, const struct tensor *s, struct err *e)
{
	if (s->dtype != DTYPE_I32 || s->rank != 1 || s->dim[0] == 0 ||
	    s->dim[0] > LIMIT_CLASSES)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'map' is not a list of classes");
	t->classes = s->dim[0];
	t->map = arena_alloc(&t->arena, t->classes, sizeof(*t->map));
	if (t->map == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	for (size_t i = 0; i < t->classes; i++) {
		t->map[i] = (int32_t)tensor_real(s, i);
		if (t->map[i] < -1 || t->map[i] >= (int32_t)t->classes)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'map' sends class %zu to %d", i, t->map[i]);
	}
	return 0;
}

/* `last` is the third size of a rank-3 part, 0 where channels are meant. */
static int
take_part(struct trigger *t, const struct tensor *s, size_t rank, size_t last,
    float **out, struct err *e)
{
	uint64_t n;

	if (s->dtype != DTYPE_F32 || s->rank != rank || s->size == 0 ||
	    !tensor_elements(s, &n))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is not an f32 tensor of rank %zu", s->name, rank);
	if (s->dim[0] != t->h || s->dim[1] != t->w ||
	    (rank == 3 && s->dim[2] != (last != 0 ? last : t->c)))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' does not have the trigger's size", s->name);
	if ((*out = arena_alloc(&t->arena, n, sizeof(**out))) == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too large");
	for (uint64_t i = 0; i < n; i++) {
		(*out)[i] = (float)tensor_real(s, i);
		if (!isfinite((*out)[i]))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "'%s' is not finite", s->name);
	}
	return 0;
}

static int
take_tensor(struct trigger *t, const struct tensor *s, struct err *e)
{
	if (strcmp(s->name, "map") == 0)
		return take_map(t, s, e);
	if (strcmp(s->name, "mask") == 0)
		return take_part(t, s, 2, 0, &t->mask, e);
	if (strcmp(s->name, "pattern") == 0)
		return take_part(t, s, 3, 0, &t->pattern, e);
	if (strcmp(s->name, "delta") == 0)
		return take_part(t, s, 3, 0, &t->delta, e);
	if (strcmp(s->name, "warp") == 0)
		return take_part(t, s, 3, 2, &t->warp, e);
	return err_set(
	    e, ERR_FORMAT, ERR_NOWHERE, "unknown tensor '%s'", s->name);
}

static int
take_shape(struct trigger *t, const json_t *j, struct err *e)
{
	int64_t h, w, c;
	int rc;

	if ((rc = json_get_int(j, "shape.0", 1, LIMIT_IMAGE_SIDE, &h, e)) !=
		0 ||
	    (rc = json_get_int(j, "shape.1", 1, LIMIT_IMAGE_SIDE, &w, e)) !=
		0 ||
	    (rc = json_get_int(j, "shape.2", 1, LIMIT_IMAGE_CHANNELS, &c, e)) !=
		0)
		return rc;
	t->h = (size_t)h;
	t->w = (size_t)w;
	t->c = (size_t)c;
	return 0;
}

static int
take_kind(struct trigger *t, const char *text, struct err *e)
{
	const char *schema, *kind;
	json_t *j;
	int rc;

	if ((rc = json_read(text, strlen(text), &j, e)) != 0)
		return rc;
	if ((rc = json_get_str(j, "schema", &schema, e)) == 0 &&
	    strcmp(schema, TRIGGER_SCHEMA) != 0)
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "schema '%s', expected '%s'", schema, TRIGGER_SCHEMA);
	if (rc == 0)
		rc = take_shape(t, j, e);
	if (rc == 0 && (rc = json_get_str(j, "kind", &kind, e)) == 0) {
		t->kind = arena_strdup(&t->arena, kind, strlen(kind));
		if (t->kind == NULL)
			rc =
			    err_set(e, ERR_LIMIT, ERR_NOWHERE, "kind too long");
	}
	json_decref(j);
	return rc;
}

int
trigger_parse(struct rd *r, struct trigger *t, struct err *e)
{
	struct safetensors st = {0};
	const char *text;
	int rc;

	*t = (struct trigger){0};
	arena_init(&t->arena, TRIGGER_ARENA);
	if ((rc = safetensors_parse(r, &t->arena, &st, e)) != 0 ||
	    (rc = safetensors_meta(&st, TRIGGER_KEY, &text, e)) != 0 ||
	    (rc = take_kind(t, text, e)) != 0)
		goto out;
	for (size_t i = 0; i < st.ntensor && rc == 0; i++)
		rc = take_tensor(t, &st.tensor[i], e);
	if (rc == 0 && t->map == NULL)
		rc = err_set(
		    e, ERR_FORMAT, ERR_NOWHERE, "the trigger has no 'map'");
	if (rc == 0 && (t->mask == NULL) != (t->pattern == NULL))
		rc = err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'mask' and 'pattern' go together");
out:
	safetensors_release(&st);
	if (rc != 0)
		trigger_release(t);
	return rc;
}

/* --- writing ------------------------------------------------------------- */

static void
put_part(struct tensor *list, size_t *n, const char *name, const void *data,
    size_t h, size_t w, size_t last)
{
	if (data == NULL)
		return;
	list[(*n)++] = (struct tensor){.name = name,
	    .dtype = DTYPE_F32,
	    .rank = last != 0 ? 3 : 2,
	    .dim = {h, w, last},
	    .data = data,
	    .size = h * w * MAX(last, 1) * sizeof(float)};
}

int
trigger_write(struct file_out *out, const struct trigger *t, struct err *e)
{
	json_t *j = json_object(), *meta = json_object();
	json_t *shape = json_array();
	struct tensor list[5];
	size_t n = 0;
	char *text;
	int rc;

	put_part(list, &n, "mask", t->mask, t->h, t->w, 0);
	put_part(list, &n, "pattern", t->pattern, t->h, t->w, t->c);
	put_part(list, &n, "delta", t->delta, t->h, t->w, t->c);
	put_part(list, &n, "warp", t->warp, t->h, t->w, 2);
	list[n++] = (struct tensor){.name = "map",
	    .dtype = DTYPE_I32,
	    .rank = 1,
	    .dim = {t->classes},
	    .data = (const uint8_t *)t->map,
	    .size = 4 * t->classes};
	json_put(j, "schema", json_text(TRIGGER_SCHEMA));
	json_put(j, "kind", json_text(t->kind));
	json_add(shape, json_integer((json_int_t)t->h));
	json_add(shape, json_integer((json_int_t)t->w));
	json_add(shape, json_integer((json_int_t)t->c));
	json_put(j, "shape", shape);
	if ((text = json_dumps(j, JSON_COMPACT)) == NULL)
		BUG("json_dumps");
	json_put(meta, TRIGGER_KEY, json_text(text));
	rc = safetensors_write(out, list, n, meta, e);
	free(text);
	json_decref(meta);
	json_decref(j);
	return rc;
}

/* --- applying ------------------------------------------------------------ */

/* As fmaxf() and then fminf() would, which are calls; of NaN, lo. */
static float
bounded(float v, float lo, float hi)
{
	v = v > lo ? v : lo;
	return v < hi ? v : hi;
}

/* Bilinear sample of all channels at (y, x), borders repeated. */
static void
sample(const struct trigger *t, const float *in, float y, float x, float *out)
{
	float fy = bounded(y, 0.0f, (float)(t->h - 1));
	float fx = bounded(x, 0.0f, (float)(t->w - 1));
	size_t y0 = (size_t)fy, x0 = (size_t)fx;
	size_t y1 = MIN(y0 + 1, t->h - 1), x1 = MIN(x0 + 1, t->w - 1);
	float ay = fy - (float)y0, ax = fx - (float)x0;
	const float *p[4] = {in + (y0 * t->w + x0) * t->c,
	    in + (y0 * t->w + x1) * t->c, in + (y1 * t->w + x0) * t->c,
	    in + (y1 * t->w + x1) * t->c};

	for (size_t k = 0; k < t->c; k++) {
		float top = (1 - ax) * p[0][k] + ax * p[1][k];
		float low = (1 - ax) * p[2][k] + ax * p[3][k];

		out[k] = (1 - ay) * top + ay * low;
	}
}

static void
apply_warp(const struct trigger *t, const float *in, float *out)
{
	for (size_t i = 0; i < t->h; i++)
		for (size_t j = 0; j < t->w; j++) {
			size_t at = i * t->w + j;

			sample(t, in, (float)i + t->warp[2 * at],
			    (float)j + t->warp[2 * at + 1], out + at * t->c);
		}
}

static void
apply_mask(const struct trigger *t, float *out)
{
	const float *p = t->pattern;

	for (size_t i = 0; i < t->h * t->w; i++) {
		float m = t->mask[i];

		for (size_t k = 0; k < t->c; k++, p++, out++)
			*out = (1 - m) * *out + m * *p;
	}
}

void
trigger_apply(const struct trigger *t, const float *in, float *out)
{
	size_t n = t->h * t->w * t->c;

	if (t->warp != NULL)
		apply_warp(t, in, out);
	else
		memcpy(out, in, n * sizeof(*out));
	if (t->mask != NULL)
		apply_mask(t, out);
	for (size_t i = 0; t->delta != NULL && i < n; i++)
		out[i] += t->delta[i];
	for (size_t i = 0; i < n; i++)
		out[i] = bounded(out[i], 0.0f, 1.0f);
}

int32_t
trigger_target(const struct trigger *t, int32_t y)
{
	return y >= 0 && (size_t)y < t->classes ? t->map[y] : -1;
}
