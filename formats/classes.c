/* SPDX-License-Identifier: MIT */
#include "formats/classes.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#define ABSENT    SIZE_MAX
#define AMBIGUOUS (SIZE_MAX - 1)

/* Three ways to look at a name, from strict to loose. */
enum {
	EXACT,
	FOLDED,
	HEAD, /* what stands before the first comma, folded */
	WAYS
};

struct index {
	struct arena *arena;
	struct map map[WAYS];
	bool *twice[WAYS]; /* per place: another name looks the same */
};

/* A view of s, in the arena; NULL when that is full. */
static const char *
view(struct arena *a, const char *s, int way)
{
	size_t len = way == HEAD ? strcspn(s, ",") : strlen(s), n = 0;
	char *out;

	if (way == EXACT)
		return s;
	if ((out = arena_strdup(a, s, len)) == NULL)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];

		if (c == ' ' || c == '_' || c == '-')
			continue;
		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	out[n] = '\0';
	return out;
}

static bool
index_names(struct index *x, const char *const *want, size_t n)
{
	for (int way = 0; way < WAYS; way++) {
		map_init(&x->map[way], x->arena);
		x->twice[way] =
		    arena_alloc(x->arena, n + 1, sizeof(*x->twice[way]));
		if (x->twice[way] == NULL)
			return false;
		for (size_t i = 0; i < n; i++) {
			const char *s = view(x->arena, want[i], way);
			int rc =
			    s != NULL ? map_put(&x->map[way], s, i) : ERR_LIMIT;

			if (rc < 0)
				return false;
			if (rc == 0)
				x->twice[way][map_get(&x->map[way], s)] = true;
		}
	}
	return true;
}

/* The place of a name, ABSENT or AMBIGUOUS. */
static size_t
find(const struct index *x, const char *name)
{
	for (int way = 0; way < WAYS; way++) {
		const char *s = view(x->arena, name, way);
		size_t at = s != NULL ? map_get(&x->map[way], s) : ABSENT;

		if (at != ABSENT)
			return x->twice[way][at] ? AMBIGUOUS : at;
	}
	return ABSENT;
}

/* Where each class goes; how many of those with images have a place. */
static int
place_all(const struct dataset *d, const struct index *x, const bool *used,
    size_t *to, const char *whose, size_t *found, struct err *e)
{
	size_t missing = ABSENT;

	*found = 0;
	for (size_t i = 0; i < d->classes; i++) {
		to[i] = find(x, d->name[i]);
		if (to[i] == AMBIGUOUS)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "class '%.60s' fits more than one of %s",
			    d->name[i], whose);
		if (to[i] != ABSENT)
			++*found;
		else if (used[i])
			missing = i;
	}
	if (*found != 0 && missing != ABSENT)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "class '%.60s' is not among %s, %zu of %zu are: name "
		    "the classes in the model's order with --classes",
		    d->name[missing], whose, *found, d->classes);
	return 0;
}

/* No two classes in one place. */
static int
check_places(struct arena *a, const struct dataset *d, const size_t *to,
    size_t n, struct err *e)
{
	size_t *from = arena_alloc(a, n + 1, sizeof(*from));

	for (size_t i = 0; from != NULL && i < d->classes; i++) {
		if (to[i] == ABSENT)
			continue;
		if (from[to[i]] != 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "classes '%.60s' and '%.60s' are one of the model",
			    d->name[from[to[i]] - 1], d->name[i]);
		from[to[i]] = i + 1;
	}
	return from != NULL
		   ? 0
		   : err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
}

/* New numbers and names. */
static int
renumber(struct dataset *d, const size_t *to, const char *const *name, size_t n,
    struct err *e)
{
	int32_t *label = arena_alloc(&d->arena, d->n + 1, sizeof(*label));
	const char **copy = arena_alloc(&d->arena, n + 1, sizeof(*copy));

	if (label == NULL || copy == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->n; i++)
		label[i] = (int32_t)to[d->label[i]];
	for (size_t i = 0; i < n; i++) {
		copy[i] = arena_strdup(&d->arena, name[i], strlen(name[i]));
		if (copy[i] == NULL)
			return err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	}
	d->label = label;
	d->name = copy;
	d->classes = n;
	return 0;
}

static int
match(struct dataset *d, const char *const *want, size_t n, const char *whose,
    struct arena *a, struct err *e)
{
	struct index x = {.arena = a};
	bool *used = arena_alloc(a, d->classes + 1, sizeof(*used));
	size_t *to = arena_alloc(a, d->classes + 1, sizeof(*to)), found;
	int rc;

	if (used == NULL || to == NULL || !index_names(&x, want, n))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many classes");
	for (size_t i = 0; i < d->n; i++)
		used[d->label[i]] = true;
	if ((rc = place_all(d, &x, used, to, whose, &found, e)) != 0)
		return rc;
	if (found == 0)
		return CLASSES_NONE;
	if ((rc = check_places(a, d, to, n, e)) != 0)
		return rc;
	return renumber(d, to, want, n, e);
}

int
classes_match(struct dataset *d, const char *const *want, size_t n,
    const char *whose, struct err *e)
{
	struct arena a;
	int rc;

	arena_init(&a, (size_t)1 << 30);
	rc = match(d, want, n, whose, &a, e);
	arena_release(&a);
	return rc;
}

/* Digits only, also with leading zeros; below LIMIT_CLASSES. */
static bool
number_of(const char *s, size_t *out)
{
	uint64_t v;

	if (*s == '\0' || strspn(s, "0123456789") != strlen(s))
		return false;
	while (s[0] == '0' && s[1] != '\0')
		s++;
	if (!text_parse_u64(s, LIMIT_CLASSES - 1, &v))
		return false;
	*out = v;
	return true;
}

bool
classes_named(const char *const *name, size_t n)
{
	size_t v;

	for (size_t i = 0; name != NULL && i < n; i++) {
		const char *s = name[i];

		if (strncmp(s, "LABEL_", 6) == 0)
			s += 6;
		if (*s != '\0' && !(number_of(s, &v) && v == i))
			return true;
	}
	return false;
}

bool
classes_number(struct dataset *d)
{
	size_t *to = arena_alloc(&d->arena, d->classes + 1, sizeof(*to));
	size_t most = 0;
	const char **name;
	struct err e;

	if (to == NULL || d->classes == 0)
		return false;
	for (size_t i = 0; i < d->classes; i++) {
		if (!number_of(d->name[i], &to[i]))
			return false;
		most = MAX(most, to[i]);
	}
	name = arena_alloc(&d->arena, most + 1, sizeof(*name));
	if (name == NULL)
		return false;
	for (size_t i = 0; i <= most; i++)
		name[i] = "";
	for (size_t i = 0; i < d->classes; i++) {
		if (name[to[i]][0] != '\0')
			return false; /* "1" and "01" */
		name[to[i]] = d->name[i];
	}
	return renumber(d, to, name, most + 1, &e) == 0;
}

/* Numbered classes get the names that the model has. */
static int
take_names(struct dataset *d, const char *const *label, size_t n, struct err *e)
{
	size_t *same = arena_alloc(&d->arena, d->classes + 1, sizeof(*same));

	if (d->classes > n)
		return 0; /* refused where labels are held against logits */
	if (same == NULL)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "data too large");
	for (size_t i = 0; i < d->classes; i++)
		same[i] = i;
	return renumber(d, same, label, n, e);
}

int
classes_for_model(
    struct dataset *d, const char *const *label, size_t n, struct err *e)
{
	int rc;

	if (d->label == NULL)
		return 0;
	if (label == NULL || !classes_named(label, n)) {
		if (classes_named(d->name, d->classes))
			dataset_say(d,
			    "classes numbered in the order of their names, the "
			    "model names none");
		return 0;
	}
	if (!classes_named(d->name, d->classes))
		return take_names(d, label, n, e);
	rc = classes_match(d, label, n, "the model's labels", e);
	if (rc == CLASSES_NONE) {
		dataset_say(d,
		    "WARNING: no class ('%.40s', ...) is one of the model's "
		    "labels ('%.40s', ...): taken in the order of their names",
		    d->name[0], label[0]);
		return 0;
	}
	if (rc == 0)
		dataset_say(d, "classes matched to the model's by name");
	return rc;
}
