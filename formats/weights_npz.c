/* SPDX-License-Identifier: MIT
 * NPZ files (numpy.savez) of weights: a zip with an NPY array for each tensor.
 * Arrays that are stored are spans of the file, also in Fortran order, and are
 * written back with their checksums; for those of savez_compressed the archive
 * is written anew.
 */
#include "base/limits.h"
#include "base/text.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/npy.h"
#include "formats/patch.h"
#include "formats/zip_write.h"

static const char suffix[] = ".npy";

#define SUFFIX_LEN (sizeof(suffix) - 1)

static bool
is_array(const char *name, size_t len)
{
	return len > SUFFIX_LEN &&
	       memcmp(name + len - SUFFIX_LEN, suffix, SUFFIX_LEN) == 0;
}

/* By the first local header. */
static int
probe(struct rd r)
{
	struct slice magic, name;
	uint16_t len;

	if (rd_bytes(&r, 4, &magic) != 0 ||
	    memcmp(magic.ptr, "PK\3\4", 4) != 0 || rd_skip(&r, 22) != 0 ||
	    rd_u16le(&r, &len) != 0 || rd_skip(&r, 2) != 0 ||
	    rd_bytes(&r, len, &name) != 0)
		return 0;
	return is_array((const char *)name.ptr, name.len) ? 50 : 0;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
}

static enum dtype
type_of(const struct array *a)
{
	static const struct {
		char kind;
		size_t width;
		enum dtype type;
	} known[] = {{'f', 2, DTYPE_F16}, {'f', 4, DTYPE_F32},
	    {'f', 8, DTYPE_F64}, {'i', 1, DTYPE_I8}, {'i', 2, DTYPE_I16},
	    {'i', 4, DTYPE_I32}, {'i', 8, DTYPE_I64}, {'u', 1, DTYPE_U8},
	    {'b', 1, DTYPE_BOOL}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].kind == a->kind && known[i].width == a->width)
			return known[i].type;
	return DTYPE_COUNT;
}

/* Bytes between neighbours of each axis, the first one densest. */
static const uint64_t *
columns(const struct array *a, struct arena *arena)
{
	uint64_t *stride = arena_alloc(arena, a->rank + 1, sizeof(*stride));
	uint64_t step = a->width;

	for (size_t i = 0; stride != NULL && i < a->rank; i++) {
		stride[i] = step;
		step *=
		    MAX(a->dim[i], 1); /* no more than the bytes there are */
	}
	return stride;
}

static int
take(struct arena *arena, const char *name, struct rd r, struct tensor *t,
    struct err *e)
{
	struct array a;
	int rc = npy_parse_weights(r, &a, e);

	if (rc != 0)
		return rc;
	if (type_of(&a) == DTYPE_COUNT || (a.big && a.width > 1))
		return err_set(e, ERR_UNSUPPORTED, r.start,
		    "elements of %s%c%zu are no weights",
		    a.big ? "big-endian " : "", a.kind, a.width);
	*t = (struct tensor){
	    .name = arena_strdup(arena, name, strlen(name) - SUFFIX_LEN),
	    .dtype = type_of(&a),
	    .rank = a.rank,
	    .data = a.data.base,
	    .size = a.data.len};
	memcpy(t->dim, a.dim, a.rank * sizeof(*t->dim));
	if (t->name == NULL)
		return full(e);
	if (a.columns && a.rank > 1 && a.count > 0 &&
	    (t->stride = columns(&a, arena)) == NULL)
		return full(e);
	return 0;
}

/* One member, which must be an array. */
static int
read_member(
    struct zip *z, const struct zip_entry *f, struct tensor *t, struct err *e)
{
	struct slice s;
	struct rd r;
	int rc;

	if (!is_array(f->name, strlen(f->name)) ||
	    strlen(f->name) > LIMIT_NAME ||
	    !text_utf8_valid(f->name, strlen(f->name)))
		return err_set(e, ERR_UNSUPPORTED, f->central,
		    "'%.100s' is no array", f->name);
	if ((rc = zip_read(z, f, &s, e)) != 0)
		return rc;
	if (zip_crc(s.ptr, s.len) != f->crc)
		return err_set(e, ERR_FORMAT, f->central,
		    "'%.100s' has another checksum than it should", f->name);
	r = rd_mem(s.ptr, s.len);
	if (zip_is_stored(f))
		r.start = f->data;
	if ((rc = take(z->arena, f->name, r, t, e)) != 0)
		return err_wrap(e, "'%.100s'", f->name);
	return 0;
}

/* What numpy and others would see differently is refused. */
static int
check_oddities(const struct zip *z, struct err *e)
{
	for (size_t i = 0; i < ZIP_ODDITIES; i++)
		if (z->odd[i] != 0)
			return err_set(e, ERR_FORMAT, z->odd_at[i], "%s",
			    zip_oddity_text((enum zip_oddity)i));
	return 0;
}

static int
read_arrays(struct zip *z, const struct source *src, struct arena *a,
    struct tensor **t, struct err *e)
{
	int rc = zip_open(z, src->main, a, e);

	if (rc != 0 || (rc = check_oddities(z, e)) != 0)
		return rc;
	if (z->n > LIMIT_TENSORS ||
	    (*t = arena_alloc(a, z->n + 1, sizeof(**t))) == NULL)
		return full(e);
	for (size_t i = 0; i < z->n && rc == 0; i++)
		rc = read_member(z, &z->entry[i], &(*t)[i], e);
	return rc;
}

static int
load_zip(struct source *src, struct model *m, struct zip *z, struct err *e)
{
	struct weights w;
	struct tensor *t = NULL;
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	m->format = "npz";
	if ((rc = read_arrays(z, src, &m->arena, &t, e)) != 0)
		rc = err_wrap(e, "npz");
	if (rc == 0 &&
	    (rc = weights_init(&w, &m->arena, t, z->n, NULL, 0, e)) == 0)
		rc = arch_load(&src->hints, &w, m, e);
	if (rc != 0)
		model_release(m);
	return rc;
}

static int
load(struct source *src, struct model *m, struct err *e)
{
	struct zip z;

	return load_zip(src, m, &z, e);
}

/* The file that the archive is, which is the main one. */
static int
mend(struct source *s, const struct zip *z, struct err *e)
{
	uint8_t *bytes;
	size_t file = source_main(s);
	int rc;

	if (!s->file[file].writable)
		return 0; /* nothing was written */
	if ((rc = source_writable(s, file, &bytes, e)) != 0)
		return rc;
	for (size_t i = 0; i < z->n; i++)
		if (zip_is_stored(&z->entry[i]))
			zip_mend(z, &z->entry[i], bytes);
	return 0;
}

static int
patch(struct source *original, const struct model *neutral, struct err *e)
{
	struct patch_span *span;
	struct model old;
	struct zip z;
	size_t n;
	int rc;

	if ((rc = load_zip(original, &old, &z, e)) != 0)
		return rc;
	if ((rc = zip_write_spans(&z, &span, &n, e)) == 0 &&
	    (rc = patch_spans(original, &old, neutral, span, n, e)) == 0 &&
	    (rc = mend(original, &z, e)) == 0)
		rc = zip_write_changed(&z, original, span, n, e);
	model_release(&old);
	return rc;
}

const struct format format_weights_npz = {
    .name = "npz",
    .summary = "NPZ weights of a known architecture",
    .probe = probe,
    .load = load,
    .patch = patch,
};
