/* SPDX-License-Identifier: MIT
 * Groups: a B-tree of symbol table nodes with names in a local heap (III.A,
 * III.B, III.C, III.D), or link messages in the object header (IV.A.2.g).
 */
#include "formats/hdf5_group.h"

#include "base/limits.h"
#include "formats/hdf5_object.h"

#define LEVELS 16 /* of a tree: more than any file of real size has */

static int
add(struct hdf5 *h, struct hdf5_group *g, struct slice name, uint64_t at,
    struct err *e)
{
	struct hdf5_link *more;
	char *copy;
	int rc;

	if ((rc = hdf5_object_spend(h, 1, e)) != 0)
		return rc;
	if (g->n == g->room) {
		g->room = MAX(16, 2 * g->room);
		more = hdf5_object_room(h, g->room, sizeof(*more), e);
		if (more == NULL)
			return ERR_LIMIT;
		if (g->n != 0)
			memcpy(more, g->link, g->n * sizeof(*more));
		g->link = more;
	}
	if (name.len == 0 || name.len > LIMIT_NAME ||
	    memchr(name.ptr, '\0', name.len) != NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "hdf5: a link has an empty, long or broken name");
	copy = hdf5_object_room(h, name.len + 1, 1, e);
	if (copy == NULL)
		return ERR_LIMIT;
	memcpy(copy, name.ptr, name.len);
	rc = map_put(&g->by_name, copy, g->n);
	if (rc < 0)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "hdf5: file too large");
	if (rc == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "hdf5: '%.100s' is in a group twice", copy);
	g->link[g->n++] = (struct hdf5_link){.name = copy, .at = at};
	return 0;
}

/* --- symbol tables ------------------------------------------------------- */

struct table {
	struct hdf5 *h;
	struct hdf5_group *g;
	struct rd heap; /* of names */
};

/* What is unused is a list of places within: where the next one is (1: none, as
 * H5HL_FREE_NULL says), and how much it is. */
static bool
free_list(const struct hdf5 *h, struct rd heap, uint64_t at)
{
	uint64_t size, steps = heap.len / (2 * h->size);

	if (at == HDF5_NOWHERE)
		return true;
	while (at != 1) {
		struct rd r = heap;

		if (steps-- == 0 || rd_skip(&r, at) != 0 ||
		    hdf5_object_number(&r, h->size, &at) != 0 ||
		    hdf5_object_number(&r, h->size, &size) != 0 || size == 0)
			return false;
	}
	return true;
}

static int
heap(struct hdf5 *h, uint64_t at, struct rd *out, struct err *e)
{
	uint64_t size, unused, data;
	uint8_t version;
	struct rd r;
	int rc;

	if ((rc = hdf5_object_signed(h, at, "HEAP", &r, e)) != 0)
		return rc;
	if (rd_u8(&r, &version) != 0 || rd_skip(&r, 3) != 0 ||
	    hdf5_object_number(&r, h->size, &size) != 0 ||
	    hdf5_object_number(&r, h->size, &unused) != 0 ||
	    hdf5_object_address(h, &r, &data) != 0)
		return hdf5_object_cut(&r, "a local heap", e);
	if ((rc = hdf5_object_at(h, data, "a local heap", &r, e)) != 0)
		return rc;
	if (rd_sub(&r, size, out) != 0)
		return hdf5_object_cut(&r, "a local heap", e);
	hdf5_object_expect(h, &r, version == 0 && free_list(h, *out, unused));
	return 0;
}

static int
symbol(struct table *t, struct rd *r, struct err *e)
{
	struct rd name = t->heap;
	uint64_t off, at;
	const uint8_t *end;
	struct slice s;
	uint32_t cache;

	if (hdf5_object_number(r, t->h->off, &off) != 0 ||
	    hdf5_object_address(t->h, r, &at) != 0 ||
	    rd_u32le(r, &cache) != 0 || rd_skip(r, 20) != 0)
		return hdf5_object_cut(r, "a symbol table", e);
	hdf5_object_expect(t->h, r, cache <= 2);
	if (rd_skip(&name, off) != 0 ||
	    rd_bytes(&name, MIN(rd_left(&name), LIMIT_NAME + 1), &s) != 0 ||
	    s.len == 0 || (end = memchr(s.ptr, '\0', s.len)) == NULL)
		return err_set(e, ERR_FORMAT, rd_pos(&name),
		    "hdf5: the name of a link has no end");
	s.len = (size_t)(end - s.ptr);
	/* 2: a soft link */
	return add(t->h, t->g, s, cache == 2 ? HDF5_NOWHERE : at, e);
}

static int
leaf(struct table *t, uint64_t at, struct err *e)
{
	uint8_t version;
	uint16_t n;
	struct rd r;
	int rc;

	if ((rc = hdf5_object_signed(t->h, at, "SNOD", &r, e)) != 0)
		return rc;
	if (rd_u8(&r, &version) != 0 || rd_skip(&r, 1) != 0 ||
	    rd_u16le(&r, &n) != 0)
		return hdf5_object_cut(&r, "a symbol table", e);
	hdf5_object_expect(t->h, &r, version == 1);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = symbol(t, &r, e);
	return rc;
}

static int
tree(struct table *t, uint64_t at, unsigned above, struct err *e)
{
	uint8_t type, level;
	uint16_t n;
	uint64_t key, child, left, right;
	struct rd r;
	int rc;

	if ((rc = hdf5_object_spend(t->h, 1, e)) != 0 ||
	    (rc = hdf5_object_signed(t->h, at, "TREE", &r, e)) != 0)
		return rc;
	if (rd_u8(&r, &type) != 0 || rd_u8(&r, &level) != 0 ||
	    rd_u16le(&r, &n) != 0 ||
	    hdf5_object_address(t->h, &r, &left) != 0 ||
	    hdf5_object_address(t->h, &r, &right) != 0)
		return hdf5_object_cut(&r, "a tree", e);
	hdf5_object_expect(t->h, &r,
	    hdf5_object_within(t->h, left) && hdf5_object_within(t->h, right));
	/* levels that fall cannot go in circles */
	if (type != 0 || level >= above)
		return err_set(e, ERR_FORMAT, rd_pos(&r),
		    "hdf5: a tree of type %u and level %u inside a group", type,
		    level);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (hdf5_object_number(&r, t->h->size, &key) != 0 ||
		    hdf5_object_address(t->h, &r, &child) != 0)
			return hdf5_object_cut(&r, "a tree", e);
		/* a key is the place of a name */
		hdf5_object_expect(t->h, &r, key < t->heap.len);
		rc = level == 0 ? leaf(t, child, e) : tree(t, child, level, e);
	}
	return rc;
}

static int
symbols(struct hdf5 *h, struct hdf5_group *g, struct rd r, struct err *e)
{
	struct table t = {.h = h, .g = g};
	uint64_t root, names;
	int rc;

	if (hdf5_object_address(h, &r, &root) != 0 ||
	    hdf5_object_address(h, &r, &names) != 0)
		return hdf5_object_cut(&r, "a group", e);
	if ((rc = heap(h, names, &t.heap, e)) != 0)
		return rc;
	return tree(&t, root, LEVELS, e);
}

/* --- link messages ------------------------------------------------------- */

/* The value of an external link (64): length, version and flags, the name of the
 * file, the path within it. */
static const char *
file_of(struct hdf5 *h, struct rd r, uint8_t type)
{
	uint16_t len;
	struct rd value;
	struct slice s;
	const uint8_t *end;

	if (type != 64 || rd_u16le(&r, &len) != 0 ||
	    rd_sub(&r, len, &value) != 0 || rd_skip(&value, 1) != 0 ||
	    rd_bytes(&value, rd_left(&value), &s) != 0 || s.len == 0 ||
	    (end = memchr(s.ptr, '\0', s.len)) == NULL)
		return NULL;
	return arena_strdup(
	    h->arena, (const char *)s.ptr, (size_t)(end - s.ptr));
}

static int
link_message(struct hdf5 *h, struct hdf5_group *g, struct rd r, struct err *e)
{
	uint8_t version, flags, type = 0;
	uint64_t len, at = HDF5_NOWHERE;
	struct slice name;
	int rc;

	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &flags) != 0 ||
	    ((flags & 8) != 0 && rd_u8(&r, &type) != 0) ||
	    rd_skip(&r, (flags & 4) != 0 ? 8 : 0) != 0 ||
	    rd_skip(&r, (flags & 16) != 0 ? 1 : 0) != 0 ||
	    hdf5_object_number(&r, (size_t)1 << (flags & 3), &len) != 0 ||
	    rd_bytes(&r, len, &name) != 0 ||
	    (type == 0 && hdf5_object_address(h, &r, &at) != 0))
		return hdf5_object_cut(&r, "a link", e);
	if ((rc = add(h, g, name, at, e)) == 0) {
		g->link[g->n - 1].external = type > 1; /* 1: a soft link */
		g->link[g->n - 1].file = file_of(h, r, type);
	}
	return rc;
}

/* Many links are in a fractal heap, which Keras's files never have. */
static int
no_heap(const struct hdf5 *h, struct rd r, struct err *e)
{
	uint8_t version, flags;
	uint64_t at;

	if (rd_u8(&r, &version) != 0 || rd_u8(&r, &flags) != 0 ||
	    rd_skip(&r, (flags & 1) != 0 ? 8 : 0) != 0 ||
	    hdf5_object_address(h, &r, &at) != 0)
		return hdf5_object_cut(&r, "a group", e);
	if (at != HDF5_NOWHERE)
		return err_set(e, ERR_UNSUPPORTED, rd_pos(&r),
		    "hdf5: a group that keeps its links in a fractal heap");
	return 0;
}

static int
fill(struct hdf5 *h, struct hdf5_group *g, uint64_t at, struct err *e)
{
	struct hdf5_message *m;
	bool group = false;
	int rc;

	if ((rc = hdf5_object_read(h, at, &m, e)) != 0)
		return rc;
	for (; m != NULL && rc == 0; m = m->next) {
		group = group || m->type == HDF5_SYMBOLS ||
			m->type == HDF5_LINKS || m->type == HDF5_LINK;
		if (m->type == HDF5_SYMBOLS)
			rc = symbols(h, g, m->body, e);
		else if (m->type == HDF5_LINK)
			rc = link_message(h, g, m->body, e);
		else if (m->type == HDF5_LINKS)
			rc = no_heap(h, m->body, e);
	}
	if (rc == 0 && !group)
		rc = err_set(e, ERR_FORMAT, h->file.start + at,
		    "hdf5: what should be a group is none");
	return rc;
}

/* --- the interface ------------------------------------------------------- */

static int
remember(struct hdf5 *h, const char *key, struct hdf5_group *g, struct err *e)
{
	struct hdf5_group **more;

	if (h->nknown == h->room) {
		h->room = MAX(16, 2 * h->room);
		more = hdf5_object_room(h, h->room, sizeof(*more), e);
		if (more == NULL)
			return ERR_LIMIT;
		if (h->nknown != 0)
			memcpy(more, h->known, h->nknown * sizeof(*more));
		h->known = more;
	}
	if (map_put(&h->group, key, h->nknown) < 0)
		return err_set(
		    e, ERR_LIMIT, ERR_NOWHERE, "hdf5: file too large");
	h->known[h->nknown++] = g;
	return 0;
}

int
hdf5_group_read(
    struct hdf5 *h, uint64_t at, const struct hdf5_group **out, struct err *e)
{
	struct hdf5_group *g;
	char hex[20];
	char *key;
	size_t seen;
	int rc;

	snprintf(hex, sizeof(hex), "%" PRIx64, at);
	if ((seen = map_get(&h->group, hex)) != SIZE_MAX) {
		*out = h->known[seen];
		return 0;
	}
	if ((g = hdf5_object_room(h, 1, sizeof(*g), e)) == NULL ||
	    (key = hdf5_object_room(h, sizeof(hex), 1, e)) == NULL)
		return ERR_LIMIT;
	memcpy(key, hex, sizeof(hex));
	map_init(&g->by_name, h->arena);
	if ((rc = fill(h, g, at, e)) != 0 || (rc = remember(h, key, g, e)) != 0)
		return rc;
	*out = g;
	return 0;
}

int
hdf5_group_find(struct hdf5 *h, uint64_t group, const char *path, uint64_t *at,
    struct err *e)
{
	const struct hdf5_group *g;
	char part[LIMIT_NAME + 1];
	int rc;

	*at = group;
	while (*path != '\0') {
		size_t n = strcspn(path, "/"), i;

		if (n > LIMIT_NAME)
			return 0;
		memcpy(part, path, n);
		part[n] = '\0';
		path += n + strspn(path + n, "/");
		if (n == 0)
			continue;
		if ((rc = hdf5_group_read(h, *at, &g, e)) != 0)
			return rc;
		if ((i = map_get(&g->by_name, part)) == SIZE_MAX)
			return 0;
		*at = g->link[i].at;
		if (*at == HDF5_NOWHERE)
			return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			    "hdf5: '%.100s' is a link to another place", part);
	}
	return 1;
}
