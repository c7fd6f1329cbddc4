/* SPDX-License-Identifier: MIT
 * StringStringEntryProto: key 1, value 2.  The keys are those of onnx's
 * docs/ExternalData.md: location, offset, length, checksum.
 */
#include "formats/onnx_external.h"

#include "base/digest.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/onnx_file.h"
#include "formats/onnx_wire.h"

/* --- entries ------------------------------------------------------------- */

enum key {
	KEY_UNKNOWN,
	KEY_LOCATION,
	KEY_OFFSET,
	KEY_LENGTH,
	KEY_CHECKSUM,
};

static enum key
key_of(const char *s)
{
	static const char *const name[] = {
	    "", "location", "offset", "length", "checksum"};

	for (size_t i = 1; i < ARRAY_LEN(name); i++)
		if (strcmp(name[i], s) == 0)
			return (enum key)i;
	return KEY_UNKNOWN;
}

static int
read_entry(struct rd r, struct arena *a, const char **key, const char **value,
    struct rd *raw, struct err *e)
{
	struct onnx_wire f;
	uint32_t seen = 0;
	int rc;

	*key = *value = "";
	*raw = (struct rd){0};
	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number != 1 && f.number != 2)
			continue;
		if ((rc = onnx_wire_once(&seen, &f, e)) != 0 ||
		    (rc = onnx_wire_want(&f, ONNX_WIRE_BYTES, e)) != 0 ||
		    (rc = onnx_tensor_text(
			 &f.body, a, f.number == 1 ? key : value, e)) != 0)
			return rc;
		if (f.number == 2)
			*raw = f.body;
	}
	return rc;
}

static int
take_entry(struct onnx_external *x, struct rd body, const char *name,
    uint32_t *seen, struct arena *a, struct err *e)
{
	const char *key, *value;
	struct rd raw;
	uint64_t n = 0;
	enum key k;
	int rc;

	if ((rc = read_entry(body, a, &key, &value, &raw, e)) != 0)
		return rc;
	k = key_of(key);
	if (k == KEY_UNKNOWN) {
		x->unknown = key;
		return 0;
	}
	if ((*seen & 1U << k) != 0)
		return err_set(e, ERR_FORMAT, rd_pos(&body),
		    "onnx: tensor '%s' has '%s' of its external data twice",
		    name, key);
	*seen |= 1U << k;
	if ((k == KEY_OFFSET || k == KEY_LENGTH) &&
	    !text_parse_u64(value, INT64_MAX, &n))
		return err_set(e, ERR_FORMAT, rd_pos(&body),
		    "onnx: tensor '%s' has external data of %s '%s'", name, key,
		    value);
	if (k == KEY_LOCATION) /* some exporters put "./" in front */
		x->location = value + (strncmp(value, "./", 2) == 0 ? 2 : 0);
	else if (k == KEY_OFFSET)
		x->offset = n;
	else if (k == KEY_LENGTH)
		x->length = n;
	else
		x->checksum = raw;
	return 0;
}

int
onnx_external_parse(struct rd body, const char *name, struct arena *a,
    struct onnx_external **out, struct err *e)
{
	struct onnx_external *x = arena_alloc(a, 1, sizeof(*x));
	struct onnx_wire f;
	struct rd r = body;
	uint32_t seen = 0;
	size_t n = 0;
	int rc;

	if (x == NULL)
		return err_set(
		    e, ERR_LIMIT, rd_pos(&body), "onnx: model too large");
	x->length = UINT64_MAX;
	x->at = rd_pos(&body);
	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number != 13)
			continue;
		if (++n > LIMIT_EXTERNAL_KEYS)
			return err_set(e, ERR_LIMIT, f.at,
			    "onnx: tensor '%s' has more than %d entries of "
			    "external data",
			    name, LIMIT_EXTERNAL_KEYS);
		if ((rc = onnx_wire_want(&f, ONNX_WIRE_BYTES, e)) != 0 ||
		    (rc = take_entry(x, f.body, name, &seen, a, e)) != 0)
			return rc;
	}
	if (rc == 0 && (x->location == NULL || *x->location == '\0'))
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' does not say where its external data is",
		    name);
	*out = x;
	return rc;
}

/* --- all tensors --------------------------------------------------------- */

/* Call fn for every tensor with external data: initialisers, attributes. */
static int
each(const struct onnx_file *f,
    int (*fn)(struct onnx_tensor *, void *, struct err *), void *ctx,
    struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < f->ntensor && rc == 0; i++)
		if (f->tensor[i].external != NULL)
			rc = fn(&f->tensor[i], ctx, e);
	for (size_t i = 0; i < f->nnode; i++)
		for (size_t k = 0; k < f->node[i].nattr && rc == 0; k++) {
			struct onnx_tensor *t = f->node[i].attr[k].t;

			if (t != NULL && t->external != NULL)
				rc = fn(t, ctx, e);
		}
	return rc;
}

/* --- opening ------------------------------------------------------------- */

#define SHA1_TEXT 40

static int
check_sum(const struct onnx_external *x, const struct rd *file, struct err *e)
{
	char want[SHA1_TEXT + 1];
	bool same = x->checksum.len == SHA1_TEXT;

	if (same) {
		digest_sha1_hex(file->base, file->len, want);
		for (size_t i = 0; i < SHA1_TEXT; i++) {
			uint8_t c = x->checksum.base[i];

			if (c >= 'A' && c <= 'F')
				c = (uint8_t)(c - 'A' + 'a');
			same = same && c == (uint8_t)want[i];
		}
	}
	if (same)
		return 0;
	err_set(e, ERR_FORMAT, ERR_NOWHERE,
	    "does not have the checksum that the model says");
	return err_in(e, x->location);
}

/* The bytes of it that are the tensor's. */
static int
place(struct onnx_tensor *t, const struct rd *file, struct err *e)
{
	const struct onnx_external *x = t->external;
	enum dtype d = onnx_tensor_dtype(t->type);
	uint64_t n, size;

	if (d == DTYPE_COUNT)
		return 0; /* of no use to us */
	if (!tensor_elements(&t->t, &n))
		BUG("checked by onnx_tensor_parse");
	size = n * dtype_width(d);
	if (x->length != UINT64_MAX && x->length != size)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: tensor '%s' has %" PRIu64 " bytes of external data "
		    "for %" PRIu64 " elements of %s",
		    t->t.name, x->length, n, dtype_name(d));
	if (x->offset > file->len || size > file->len - x->offset)
		return err_set(e, ERR_TRUNCATED, x->at,
		    "onnx: tensor '%s' wants %" PRIu64 " bytes at %" PRIu64
		    " of '%s', which has %zu",
		    t->t.name, size, x->offset, x->location, file->len);
	t->t.dtype = d;
	/* an empty file has no mapping */
	t->t.data = size != 0 ? file->base + x->offset : (const uint8_t *)"";
	t->t.size = (size_t)size;
	return 0;
}

struct opening {
	struct source *source;
	size_t main;        /* the model among the source's files */
	const char *folder; /* what its name has in front of the last "/" */
	size_t nfolder;
	const char *location; /* of the tensor before: most share a file */
	struct rd file;
	struct rd summed; /* the checksum that was last found right */
	/* when stamping: the file that `sum` is of */
	size_t stamped;
	char sum[SHA1_TEXT + 1];
};

/* Locations are relative to where the model is. */
static void
begin(struct opening *o, struct source *s)
{
	const char *slash;

	*o = (struct opening){.source = s, .stamped = SIZE_MAX};
	if (s == NULL)
		return;
	o->main = source_main(s);
	o->folder = s->file[o->main].name;
	slash = strrchr(o->folder, '/');
	o->nfolder = slash != NULL ? (size_t)(slash + 1 - o->folder) : 0;
}

static int
open_file(struct opening *o, const struct onnx_external *x, struct err *e)
{
	char name[2 * LIMIT_NAME + 1];

	if (strcmp(x->location, o->folder + o->nfolder) == 0)
		return err_set(e, ERR_FORMAT, x->at,
		    "onnx: external data in the model file itself");
	/* both are names within LIMIT_NAME */
	snprintf(name, sizeof(name), "%.*s%s", (int)o->nfolder, o->folder,
	    x->location);
	return source_open(o->source, name, &o->file, e);
}

static int
open_one(struct onnx_tensor *t, void *ctx, struct err *e)
{
	const struct onnx_external *x = t->external;
	struct opening *o = ctx;
	bool again =
	    o->location != NULL && strcmp(o->location, x->location) == 0;
	bool summed =
	    again && o->summed.len == x->checksum.len && o->summed.len != 0 &&
	    memcmp(o->summed.base, x->checksum.base, x->checksum.len) == 0;
	int rc;

	if (o->source == NULL)
		return err_set(e, ERR_UNSUPPORTED, t->at,
		    "onnx: tensor '%s' keeps its values in another file",
		    t->t.name);
	if (!again && (rc = open_file(o, x, e)) != 0)
		return rc;
	if (x->checksum.len != 0 && !summed) {
		if ((rc = check_sum(x, &o->file, e)) != 0)
			return rc;
		o->summed = x->checksum;
	}
	o->location = x->location;
	return place(t, &o->file, e);
}

int
onnx_external_open(const struct onnx_file *f, struct source *s, struct err *e)
{
	struct opening o;

	begin(&o, s);
	return each(f, open_one, &o, e);
}

/* --- writing ------------------------------------------------------------- */

static int
stamp_one(struct onnx_tensor *t, void *ctx, struct err *e)
{
	const struct onnx_external *x = t->external;
	struct opening *o = ctx;
	const struct source_file *file;
	uint64_t off;
	uint8_t *main;
	size_t at;
	int rc;

	if (x->checksum.len == 0 || t->t.size == 0)
		return 0;
	if (!source_place(o->source, t->t.data, t->t.size, &at, &off))
		BUG("external data that is in no file");
	file = &o->source->file[at];
	if (!file->writable)
		return 0; /* nothing was changed */
	if ((rc = source_writable(o->source, o->main, &main, e)) != 0)
		return rc;
	if (o->stamped != at)
		digest_sha1_hex(file->map.ptr, file->map.len, o->sum);
	o->stamped = at;
	memcpy(main + x->checksum.start, o->sum, SHA1_TEXT);
	return 0;
}

int
onnx_external_stamp(const struct onnx_file *f, struct source *s, struct err *e)
{
	struct opening o;

	begin(&o, s);
	return each(f, stamp_one, &o, e);
}

/* --- for people ---------------------------------------------------------- */

struct told {
	const char *location, *unknown;
	size_t files; /* by changes of name: a guess from below is enough */
};

static int
tell_one(struct onnx_tensor *t, void *ctx, struct err *e)
{
	const struct onnx_external *x = t->external;
	struct told *told = ctx;

	(void)e;
	if (told->location == NULL)
		told->location = x->location;
	else if (strcmp(told->location, x->location) != 0)
		told->files = 2;
	if (x->unknown != NULL)
		told->unknown = x->unknown;
	return 0;
}

const char *
onnx_external_note(const struct onnx_file *f, struct arena *a)
{
	struct told told = {.files = 1};
	struct err ignored;
	char name[80], key[80];

	if (each(f, tell_one, &told, &ignored) != 0)
		BUG("tell_one never fails");
	if (told.location == NULL)
		return "";
	snprintf(name, sizeof(name), "'%.70s'", told.location);
	snprintf(key, sizeof(key), "%.70s",
	    told.unknown != NULL ? told.unknown : "");
	return arena_printf(a, "; weights in %s%s%s%s",
	    told.files > 1 ? "several other files" : name,
	    told.unknown != NULL ? "; external data has the unknown key '" : "",
	    key, told.unknown != NULL ? "'" : "");
}
