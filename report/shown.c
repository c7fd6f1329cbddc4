/* SPDX-License-Identifier: MIT */
#include "report/shown.h"

#include "report/page.h"
#include "report/picture.h"

#include "base/limits.h"
#include "formats/dataset.h"
#include "formats/trigger.h"

#include <math.h>
#include <stdarg.h>

/* Targets that are shown; a map of all classes has as many as classes. */
#define SHOWN_MAX 4

struct shown {
	const struct case_docs *docs;
	const struct evidence *v;
	struct file_map map; /* of the images */
	struct dataset images;
	bool has_images;
	struct buf *b;
};

/* Map the file, which has that digest; *there is false where it is gone. */
static int
open_file(const struct shown *s, const char *rel, const char *hex,
    struct file_map *m, bool *there, struct err *e)
{
	struct digest want, have;
	char path[1024];
	int rc;

	*there = false;
	if (rel == NULL || hex == NULL)
		return 0;
	if (!subject_safe(rel) || !digest_parse(hex, &want))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "scan.json: '%.60s' is no relative path with its sha256",
		    rel);
	if ((rc = file_join(path, sizeof(path), s->docs->dir, rel, e)) != 0 ||
	    !file_exists(path))
		return rc;
	if ((rc = file_map(path, LIMIT_DOCUMENT, m, e)) != 0)
		return rc;
	digest_mem(m->ptr, m->len, &have);
	*there = digest_equal(&have, &want);
	if (*there)
		return 0;
	file_unmap(m);
	return err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "chain of digests is broken: %s is not what scan.json says", rel);
}

static int
open_images(struct shown *s, struct err *e)
{
	const json_t *x = json_at(case_doc(s->docs, CASE_SCAN), "examples");
	bool there;
	struct rd r;
	int rc = open_file(s, json_string_value(json_at(x, "path")),
	    json_string_value(json_at(x, "sha256")), &s->map, &there, e);

	if (rc != 0 || !there)
		return rc;
	r = rd_mem(s->map.ptr, s->map.len);
	if ((rc = dataset_parse(&r, &s->images, e)) != 0) {
		file_unmap(&s->map);
		return err_in(e, "examples.safetensors");
	}
	s->has_images = true;
	return 0;
}

/* --- pictures ------------------------------------------------------------ */

static double
largest(const float *x, size_t n)
{
	double most = 0.0;

	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)x[i]));
	return most;
}

/* Middle grey is nothing; the largest value is black or white. */
static void
around_grey(const float *x, size_t n, double most, float *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (float)(0.5 + 0.5 * (double)x[i] / fmax(most, 1e-9));
}

static void
put_part_head(const struct shown *s)
{
	buf_puts(s->b, "<figure class=\"part\">");
}

static void PRINTF_LIKE(2, 3)
    put_part_foot(const struct shown *s, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	page_el(s->b, "figcaption", "%s", text);
	buf_puts(s->b, "</figure>\n");
}

/* What is added to each pixel. */
static int
put_delta(
    const struct shown *s, const struct trigger *t, float *room, struct err *e)
{
	size_t n = t->h * t->w * t->c;
	double most;
	int rc;

	if (t->delta == NULL || (most = largest(t->delta, n)) <= 0.0)
		return 0;
	around_grey(t->delta, n, most, room);
	put_part_head(s);
	rc = picture_image(s->b, room, t->h, t->w, t->c, "px",
	    "the recovered change, amplified", e);
	put_part_foot(s,
	    "What is added, amplified: grey is nothing, the strongest pixel "
	    "changes by %.3f of the range",
	    most);
	return rc;
}

/* Where something is laid over the image; nothing where that is everywhere. */
static int
put_where(const struct shown *s, const struct trigger *t, double most,
    float *room, struct err *e)
{
	size_t n = t->h * t->w;
	bool even = true;
	int rc;

	for (size_t i = 0; i < n; i++) {
		room[i] = (float)(fabs((double)t->mask[i]) / most);
		even = even && t->mask[i] == t->mask[0];
	}
	if (even)
		return 0;
	put_part_head(s);
	rc = picture_image(s->b, room, t->h, t->w, 1, "px",
	    "where the recovered pattern is laid over the image", e);
	put_part_foot(s,
	    "Where it is laid over the image: black is nowhere, white is "
	    "%.3g %% opaque",
	    100.0 * most);
	return rc;
}

/* What is laid over the image, and where. */
static int
put_mask(
    const struct shown *s, const struct trigger *t, float *room, struct err *e)
{
	size_t n = t->h * t->w;
	double most;
	int rc;

	if (t->mask == NULL || t->pattern == NULL ||
	    (most = largest(t->mask, n)) <= 0.0)
		return 0;
	if ((rc = put_where(s, t, most, room, e)) != 0)
		return rc;
	for (size_t i = 0; i < n * t->c; i++) {
		double m = fabs((double)t->mask[i / t->c]) / most;

		room[i] = (float)(m * (double)t->pattern[i] + (1.0 - m) * 0.5);
	}
	put_part_head(s);
	rc = picture_image(s->b, room, t->h, t->w, t->c, "px",
	    "the recovered pattern, made opaque", e);
	put_part_foot(s,
	    "What is laid over the image, shown opaque; it is at most %.3g %%",
	    100.0 * most);
	return rc;
}

/* How far each pixel is moved. */
static int
put_warp(
    const struct shown *s, const struct trigger *t, float *room, struct err *e)
{
	size_t n = t->h * t->w;
	double most;
	int rc;

	if (t->warp == NULL)
		return 0;
	for (size_t i = 0; i < n; i++)
		room[i] = (float)hypot(
		    (double)t->warp[2 * i], (double)t->warp[2 * i + 1]);
	if ((most = largest(room, n)) <= 0.0)
		return 0;
	for (size_t i = 0; i < n; i++)
		room[i] = (float)((double)room[i] / most);
	put_part_head(s);
	rc = picture_image(s->b, room, t->h, t->w, 1, "px",
	    "how far the recovered warp moves each pixel", e);
	put_part_foot(
	    s, "How far pixels are moved: white by %.2f pixels", most);
	return rc;
}

/* --- examples ------------------------------------------------------------ */

static void
class_words(const struct shown *s, const json_t *j, struct buf *b)
{
	size_t k = (size_t)json_integer_value(j);
	char room[EVIDENCE_WORDS];

	if (!json_is_integer(j) || k >= s->v->classes)
		page_el(b, "td", "\xe2\x80\x94");
	else
		page_el(b, "td", "%s", evidence_words(s->v, k, room));
}

/* One reference's class, or how many of several keep the right one. */
static void
reference_words(const struct shown *s, const json_t *one, struct buf *b)
{
	const json_t *refs = json_at(one, "references");
	size_t n = json_array_size(refs), same = 0;

	if (n == 1) {
		class_words(s, json_array_get(refs, 0), b);
		return;
	}
	for (size_t i = 0; i < n; i++)
		same += (size_t)json_equal(
		    json_array_get(refs, i), json_object_get(one, "class"));
	page_el(b, "td", "%zu of %zu keep it", same, n);
}

static int
put_example(const struct shown *s, const struct trigger *t, const json_t *one,
    float *room, struct err *e)
{
	size_t h = s->images.h, w = s->images.w, c = s->images.c, n = h * w * c;
	float *x = room, *after = room + n, *diff = room + 2 * n;
	int64_t i;
	double most;
	int rc = json_get_int(one, "image", 0, (int64_t)s->images.n - 1, &i, e);

	if (rc != 0)
		return rc;
	dataset_image(&s->images, (size_t)i, x);
	trigger_apply(t, x, after);
	for (size_t k = 0; k < n; k++)
		diff[k] = after[k] - x[k];
	most = largest(diff, n);
	around_grey(diff, n, most, diff);
	buf_puts(s->b, "<tr><td>");
	rc = picture_image(s->b, x, h, w, c, "px", "before", e);
	buf_puts(s->b, "</td><td>");
	if (rc == 0)
		rc = picture_image(s->b, after, h, w, c, "px", "after", e);
	buf_puts(s->b, "</td><td>");
	if (rc == 0)
		rc = picture_image(
		    s->b, diff, h, w, c, "px", "the difference, amplified", e);
	buf_puts(s->b, "</td>");
	page_el(s->b, "td class=\"num\"", "%.3f", most);
	class_words(s, json_at(one, "class"), s->b);
	class_words(s, json_at(one, "suspect"), s->b);
	reference_words(s, one, s->b);
	buf_puts(s->b, "</tr>\n");
	return rc;
}

static bool
is_about(const struct evidence_target *t, const json_t *one)
{
	return json_integer_value(json_at(one, "target")) ==
		   (json_int_t)t->target &&
	       strcmp(json_text_at(one, "geometry"), t->geometry) == 0 &&
	       (t->source < 0 ||
		   json_integer_value(json_at(one, "class")) == t->source);
}

static int
put_examples(const struct shown *s, const struct evidence_target *t,
    const struct trigger *trigger, float *room, struct err *e)
{
	static const char *const column[] = {"Before", "After", "Difference",
	    "#Largest", "Class", "Suspect, after", "References, after", NULL};
	const json_t *list =
	    json_at(case_doc(s->docs, CASE_SCAN), "examples.shown");
	const json_t *one;
	size_t i, n = 0;
	int rc = 0;

	if (!s->has_images)
		return 0;
	if (s->images.h != trigger->h || s->images.w != trigger->w ||
	    s->images.c != trigger->c)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "examples and perturbation are of different sizes");
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (rc != 0 || !is_about(t, one))
			continue;
		if (n++ == 0)
			page_table(s->b,
			    "Held-out images that every model gets right, the "
			    "first of their classes, before and after the "
			    "change",
			    column);
		rc = put_example(s, trigger, one, room, e);
	}
	if (n != 0)
		page_table_end(s->b);
	return rc;
}

/* --- targets ------------------------------------------------------------- */

static int
put_trigger(const struct shown *s, const struct evidence_target *t,
    const struct trigger *trigger, struct err *e)
{
	size_t n = trigger->h * trigger->w * MAX(trigger->c, 2);
	struct arena a;
	char from[EVIDENCE_WORDS], to[EVIDENCE_WORDS];
	float *room;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	if ((room = arena_alloc(&a, 3 * n, sizeof(*room))) == NULL) {
		arena_release(&a);
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "a perturbation is too large");
	}
	if (t->source >= 0)
		page_el(s->b, "h3", "From %s to %s",
		    evidence_words(s->v, (size_t)t->source, from),
		    evidence_words(s->v, t->target, to));
	else
		page_el(s->b, "h3", "To %s, by %s",
		    evidence_words(s->v, t->target, to), t->geometry);
	buf_puts(s->b, "<div class=\"parts\">\n");
	if ((rc = put_delta(s, trigger, room, e)) == 0 &&
	    (rc = put_mask(s, trigger, room, e)) == 0)
		rc = put_warp(s, trigger, room, e);
	buf_puts(s->b, "</div>\n");
	if (rc == 0)
		rc = put_examples(s, t, trigger, room, e);
	arena_release(&a);
	return rc;
}

static int
put_target(
    const struct shown *s, const struct evidence_target *t, struct err *e)
{
	struct trigger trigger;
	struct file_map m;
	struct rd r;
	bool there;
	int rc = open_file(s, t->path, t->sha256, &m, &there, e);

	if (rc != 0 || !there)
		return rc;
	r = rd_mem(m.ptr, m.len);
	if ((rc = trigger_parse(&r, &trigger, e)) == 0) {
		rc = put_trigger(s, t, &trigger, e);
		trigger_release(&trigger);
	}
	file_unmap(&m);
	return rc != 0 ? err_in(e, t->path) : 0;
}

int
shown_html(const struct case_docs *docs, const struct evidence *v,
    struct buf *out, struct err *e)
{
	struct shown s = {.docs = docs, .v = v, .b = out};
	int rc = open_images(&s, e);

	for (size_t i = 0; i < MIN(v->ntarget, SHOWN_MAX) && rc == 0; i++)
		rc = put_target(&s, &v->target[i], e);
	if (rc == 0 && v->ntarget > SHOWN_MAX)
		page_el(out, "p class=\"soft\"",
		    "The first %d of %zu targets are shown.", SHOWN_MAX,
		    v->ntarget);
	if (s.has_images) {
		dataset_release(&s.images);
		file_unmap(&s.map);
	}
	return rc;
}
