/* SPDX-License-Identifier: MIT */
#include "formats/torch_zip.h"

#include "base/limits.h"
#include "formats/identify_probe.h"

/* kMaxSupportedFileFormatVersion, caffe2/serialize/versions.h */
#define VERSION_MAX 10

bool
torch_zip_probe(struct rd r)
{
	/* PyTorch takes a file for a zip by its first bytes only */
	return r.len >= 4 && memcmp(r.base, "PK\3\4", 4) == 0 &&
	       identify_zip_torch(r) != 0;
}

/* All entries are in one folder, that of the first. */
static int
take_top(struct torch *t, struct err *e)
{
	const char *first = t->zip.n != 0 ? t->zip.entry[0].name : "";
	const char *slash = strchr(first, '/');

	if (slash == NULL)
		return err_set(e, ERR_MISMATCH, ERR_NOWHERE,
		    "torch: the first entry is in no folder");
	t->top = arena_strdup(t->arena, first, (size_t)(slash - first));
	return t->top != NULL ? 0 : torch_full(e);
}

static const struct zip_entry *
find(const struct torch *t, const char *prefix, struct slice s)
{
	char name[LIMIT_NAME + 1];
	int n;

	if (s.len > LIMIT_NAME)
		return NULL;
	n = snprintf(name, sizeof(name), "%s/%s%.*s", t->top, prefix,
	    (int)s.len, (const char *)s.ptr);
	return n > 0 && (size_t)n < sizeof(name) ? zip_find(&t->zip, name)
						 : NULL;
}

/* An entry is read, and its checksum computed, once. */
static int
read_entry(struct torch *t, const struct zip_entry *f, struct slice *out,
    struct err *e)
{
	size_t i = (size_t)(f - t->zip.entry);
	int rc;

	if (t->read[i].ptr == NULL) {
		if ((rc = zip_read(&t->zip, f, &t->read[i], e)) != 0)
			return rc;
		t->bytes += TORCH_TIMES * (uint64_t)t->read[i].len;
		t->crc[i] = t->unsummed
				? f->crc
				: zip_crc(t->read[i].ptr, t->read[i].len);
		if (t->crc[i] != f->crc && t->damaged++ == 0)
			torch_note(
			    t, "the checksum of '%.60s' is wrong", f->name);
	}
	*out = t->read[i];
	return 0;
}

/* What two readers could take for different models is refused; what PyTorch
 * reads as we do is said. */
static int
check_oddities(struct torch *t, struct err *e)
{
	static const bool refused[ZIP_ODDITIES] = {
	    [ZIP_DUPLICATE] = true, [ZIP_CASE] = true, [ZIP_OVERLAP] = true};
	const struct zip *z = &t->zip;

	for (size_t i = 0; i < ZIP_ODDITIES; i++) {
		const char *text = zip_oddity_text((enum zip_oddity)i);

		if (z->odd[i] != 0 && refused[i])
			return err_set(
			    e, ERR_FORMAT, z->odd_at[i], "zip: %s", text);
		if (z->odd[i] != 0)
			torch_note(t, "zip: %s (%zu, at offset %" PRIu64 ")",
			    text, z->odd[i], z->odd_at[i]);
	}
	return 0;
}

static int
check_order(struct torch *t, struct err *e)
{
	static const char big[] = "big";
	const struct zip_entry *f = find(t, "byteorder", (struct slice){0});
	struct slice s;
	int rc;

	if (f == NULL)
		return 0;
	if ((rc = read_entry(t, f, &s, e)) != 0)
		return rc;
	if (s.len >= sizeof(big) - 1 &&
	    memcmp(s.ptr, big, sizeof(big) - 1) == 0)
		return err_set(e, ERR_UNSUPPORTED, f->data,
		    "torch: the file was written on a big-endian machine");
	return 0;
}

/* caffe2/serialize/inline_container.cc: std::stoull of ".data/version", else of
 * "version", from 1 to 10; a file without one is taken here. */
static int
check_version(struct torch *t, struct err *e)
{
	static const char *const names[] = {".data/version", "version"};
	const struct zip_entry *f = NULL;
	unsigned version = 0;
	struct slice s;
	size_t i = 0;
	int rc;

	for (size_t k = 0; k < ARRAY_LEN(names) && f == NULL; k++)
		f = find(t, names[k], (struct slice){0});
	if (f == NULL)
		return 0;
	if ((rc = read_entry(t, f, &s, e)) != 0)
		return rc;
	while (
	    i < s.len && s.ptr[i] != 0 && strchr(" \t\r\n", s.ptr[i]) != NULL)
		i++;
	for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
		version = MIN(version * 10 + (s.ptr[i] - '0'), 1000u);
	if (version < 1 || version > VERSION_MAX)
		return err_set(e, ERR_FORMAT, f->data,
		    "torch: the version is no number from 1 to %d",
		    VERSION_MAX);
	return 0;
}

int
torch_zip_open(struct torch *t, struct err *e)
{
	const struct zip_entry *f;
	struct slice s;
	struct rd r;
	int rc;

	t->is_zip = true;
	if ((rc = zip_open(&t->zip, t->file, t->arena, e)) != 0 ||
	    (rc = check_oddities(t, e)) != 0 || (rc = take_top(t, e)) != 0)
		return rc;
	t->read = arena_alloc(t->arena, t->zip.n, sizeof(*t->read));
	t->crc = arena_alloc(t->arena, t->zip.n, sizeof(*t->crc));
	if (t->read == NULL || t->crc == NULL)
		return torch_full(e);
	if ((f = find(t, "data.pkl", (struct slice){0})) == NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: there is no '%.60s/data.pkl'", t->top);
	if ((rc = check_version(t, e)) != 0 || (rc = check_order(t, e)) != 0 ||
	    (rc = read_entry(t, f, &s, e)) != 0)
		return rc;
	r = rd_mem(s.ptr, s.len);
	r.start = zip_is_stored(f) ? f->data : 0;
	return pickle_read(&t->pickle, &r, &t->root, e);
}

int
torch_zip_entry(
    struct torch *t, const char *name, struct slice *out, struct err *e)
{
	const struct zip_entry *f = find(t, name, (struct slice){0});

	*out = (struct slice){0};
	return f != NULL
		   ? read_entry(t, f, out, e)
		   : err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
			 "torch: there is no '%.60s/%.100s'", t->top, name);
}

int
torch_zip_storage(
    struct torch *t, struct slice key, struct slice *out, struct err *e)
{
	const struct zip_entry *f = find(t, t->folder, key);

	*out = (struct slice){0};
	if (f == NULL)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: there is no storage '%.*s'", (int)MIN(key.len, 40),
		    (const char *)key.ptr);
	return read_entry(t, f, out, e);
}

void
torch_zip_mend(struct torch *t, uint8_t *file)
{
	for (size_t i = 0; i < t->zip.n; i++) {
		const struct zip_entry *f = &t->zip.entry[i];

		if (t->read[i].ptr != NULL && zip_is_stored(f) &&
		    zip_crc(t->read[i].ptr, t->read[i].len) != t->crc[i])
			zip_mend(&t->zip, f, file);
	}
}
