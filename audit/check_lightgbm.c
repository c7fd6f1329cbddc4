/* SPDX-License-Identifier: MIT
 * LightGBM's models as text (GBDT::SaveModelToString() and Tree::ToString()): lines
 * "key=value", first those of the whole, then of each tree.  The library takes sizes
 * and places in arrays from them, and reads beyond these where they are others.
 */
#include "audit/check.h"

#include "base/limits.h"
#include "base/text.h"

#define LEAVES 10000000 /* of a tree */

struct walk {
	const struct check_file *f;
	struct slice rest; /* what was not read */
	uint64_t features;
	bool said;
};

struct line {
	struct slice key, value;
};

static void
fault(struct walk *w, const uint8_t *at, const char *what, struct slice of)
{
	if (!w->said)
		check_short(w->f, FINDING_CONFIG_INVALID,
		    (uint64_t)(at - w->f->bytes.base), "lightgbm: %s '%.*s'",
		    what, (int)MIN(of.len, 60), (const char *)of.ptr);
	w->said = true;
}

static struct slice
take_line(struct slice *rest)
{
	const uint8_t *eol = memchr(rest->ptr, '\n', rest->len);
	struct slice s = {
	    rest->ptr, eol != NULL ? (size_t)(eol - rest->ptr) : rest->len};
	size_t step = s.len + (eol != NULL);

	rest->ptr += step;
	rest->len -= step;
	if (s.len != 0 && s.ptr[s.len - 1] == '\r')
		s.len--;
	return s;
}

/* False: no such line. */
static bool
split(struct slice s, struct line *out)
{
	const uint8_t *eq = s.len != 0 ? memchr(s.ptr, '=', s.len) : NULL;

	if (eq == NULL)
		return false;
	out->key = (struct slice){s.ptr, (size_t)(eq - s.ptr)};
	out->value = (struct slice){eq + 1, s.len - out->key.len - 1};
	return true;
}

/* The next word; len 0: there is none. */
static struct slice
word(struct slice *s)
{
	struct slice out;

	while (s->len != 0 && *s->ptr == ' ') {
		s->ptr++;
		s->len--;
	}
	out = (struct slice){s->ptr, 0};
	while (s->len != 0 && *s->ptr != ' ') {
		s->ptr++;
		s->len--;
		out.len++;
	}
	return out;
}

static size_t
words(struct slice s)
{
	size_t n = 0;

	while (word(&s).len != 0)
		n++;
	return n;
}

static bool
number(struct slice s, int64_t *out)
{
	char digits[24] = {0};
	bool minus = s.len != 0 && *s.ptr == '-';
	uint64_t v;

	if (s.len - minus == 0 || s.len - minus >= sizeof(digits))
		return false;
	memcpy(digits, s.ptr + minus, s.len - minus);
	if (!text_parse_u64(digits, INT32_MAX, &v))
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

/* --- one tree ------------------------------------------------------------ */

/* Arrays with an element for each leaf, or for each node that is none. */
static bool
is_of(struct slice key, bool leaves)
{
	static const char *const inner[] = {"split_feature", "threshold",
	    "decision_type", "left_child", "right_child"};

	return leaves ? rd_slice_is(key, "leaf_value")
		      : text_is_among((const char *)key.ptr, key.len, inner,
			    ARRAY_LEN(inner));
}

/* Children are nodes, or leaves as -1 and below; features are those of the header. */
static void
reach(struct walk *w, const struct line *l, int64_t leaves)
{
	bool child = rd_slice_is(l->key, "left_child") ||
		     rd_slice_is(l->key, "right_child");
	bool feature = rd_slice_is(l->key, "split_feature");
	struct slice s = l->value, one;
	int64_t v;

	while ((child || feature) && !w->said && (one = word(&s)).len != 0) {
		if (!number(one, &v) ||
		    (child && (v >= leaves - 1 || v < -leaves)) ||
		    (feature && (v < 0 || (uint64_t)v >= w->features)))
			fault(w, one.ptr,
			    child ? "a child that is not there,"
				  : "a feature that is not there,",
			    one);
	}
}

static void
tree(struct walk *w, struct slice name)
{
	int64_t leaves = -1;
	unsigned seen = 0;
	struct line l;

	while (w->rest.len != 0 && !w->said) {
		struct slice s = take_line(&w->rest);

		if (s.len == 0)
			break;
		if (!split(s, &l))
			continue;
		if (rd_slice_is(l.key, "num_leaves") &&
		    (!number(l.value, &leaves) || leaves < 1 ||
			leaves > LEAVES))
			fault(w, s.ptr, "a tree of so many leaves,", l.value);
		if (leaves < 0 || (!is_of(l.key, true) && !is_of(l.key, false)))
			continue;
		seen++;
		if (words(l.value) !=
		    (size_t)(leaves - (is_of(l.key, true) ? 0 : 1)))
			fault(w, s.ptr, "not one for each of the tree's in",
			    l.key);
		else
			reach(w, &l, leaves);
	}
	/* a linear or constant tree may do without some */
	if (leaves < 0 || (leaves > 1 && seen < 6))
		fault(w, name.ptr, "a tree without its arrays,", name);
}

/* --- the whole ----------------------------------------------------------- */

/* tree_sizes: where each tree begins, from the first on. */
static void
begin(struct walk *w, struct slice sizes, const uint8_t *first)
{
	const uint8_t *end = w->f->bytes.base + w->f->bytes.len, *p = first;
	struct slice one;
	int64_t n;

	while (!w->said && (one = word(&sizes)).len != 0) {
		if (end - p < 5 || memcmp(p, "Tree=", 5) != 0)
			fault(w, one.ptr, "no tree where one begins, before",
			    one);
		else if (!number(one, &n) || n <= 0 || n > end - p)
			fault(w, one.ptr, "a tree of a size beyond the file,",
			    one);
		else
			p += n;
	}
	while (p < end && *p == '\n')
		p++;
	if (!w->said && (end - p < 12 || memcmp(p, "end of trees", 12) != 0))
		fault(w, first, "tree_sizes that do not lead to",
		    (struct slice){(const uint8_t *)"end of trees", 12});
}

static void
names(struct walk *w, const struct line *l)
{
	if ((rd_slice_is(l->key, "feature_names") ||
		rd_slice_is(l->key, "feature_infos")) &&
	    w->features != 0 && words(l->value) != w->features)
		fault(w, l->key.ptr, "not one for each feature in", l->key);
}

/* "max_feature_idx" stands before what is counted by it. */
static void
head(struct walk *w, const struct line *l)
{
	static const char *const counts[] = {
	    "max_feature_idx", "num_class", "num_tree_per_iteration"};
	int64_t n = 0;

	if (text_is_among((const char *)l->key.ptr, l->key.len, counts,
		ARRAY_LEN(counts)) &&
	    (!number(l->value, &n) || n < 0))
		fault(w, l->key.ptr, "a number that is none,", l->value);
	else if (rd_slice_is(l->key, "max_feature_idx"))
		w->features = (uint64_t)n + 1;
	else
		names(w, l);
}

void
check_lightgbm(const struct check_file *f)
{
	struct walk w = {.f = f, .rest = {f->bytes.base, f->bytes.len}};
	struct slice sizes = {0};
	size_t trees = 0;
	struct line l;

	if (!check_is(f, "lightgbm"))
		return;
	check_knows(f);
	while (w.rest.len != 0 && !w.said) {
		struct slice s = take_line(&w.rest);

		if (rd_slice_is(s, "end of trees"))
			return;
		if (!split(s, &l))
			continue;
		if (!rd_slice_is(l.key, "Tree")) {
			if (trees == 0)
				head(&w, &l);
			if (rd_slice_is(l.key, "tree_sizes"))
				sizes = l.value;
			continue;
		}
		if (trees++ == 0 && sizes.len != 0 &&
		    memchr(f->bytes.base, '\r', f->bytes.len) == NULL)
			begin(&w, sizes, s.ptr);
		if (!w.said)
			tree(&w, s);
	}
	if (!w.said && f->bytes.len != 0)
		fault(&w, f->bytes.base, "a model without",
		    (struct slice){(const uint8_t *)"end of trees", 12});
}
