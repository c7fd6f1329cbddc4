/* SPDX-License-Identifier: MIT
 * OpenVINO's IR (version 10 and 11): the .xml says where in the .bin beside it each
 * constant is, and the runtime takes the bytes from there.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/xml_text.h"

#include <unistd.h>

#define HEAD   4096 /* in which the root begins */
#define DIGITS 20

struct data { /* <data offset="0" size="864"/> */
	bool offset, size;
	uint64_t at, bytes;
	uint64_t where; /* in the .xml */
};

/* The size of the file beside it that has the same name but for its end; false:
 * nobody knows. */
static bool
weights(const struct check_file *f, uint64_t *size)
{
	const struct check_sink *s = f->sink;
	const char *name = check_name_of(f);
	char path[LIMIT_NAME];
	struct file_map m;
	struct err ignored;
	int fd, n;
	bool ok;

	if (s->near == NULL || f->depth != 0 || !text_ends_with(name, ".xml"))
		return false;
	n = snprintf(
	    path, sizeof(path), "%.*s.bin", (int)strlen(name) - 4, name);
	if (n < 0 || (size_t)n >= sizeof(path) ||
	    (fd = s->near(s->beside_ctx, 0, path)) < 0)
		return false;
	if ((ok = file_map_fd(fd, path, LIMIT_MODEL_FILE, &m, &ignored) == 0)) {
		*size = m.len;
		ok = !check_is_pointer_text((const char *)m.ptr, m.len);
		file_unmap(&m);
	}
	close(fd);
	return ok;
}

/* What is no number, or too large a one, is as if it were the largest. */
static uint64_t
number(struct slice s)
{
	char digits[DIGITS + 1] = "";
	uint64_t v;

	if (s.len <= DIGITS && s.len != 0)
		memcpy(digits, s.ptr, s.len);
	return text_parse_u64(digits, INT64_MAX, &v) ? v : UINT64_MAX;
}

/* An attribute of <data>; true at the end of an element that has both. */
static bool
gather(struct data *d, const struct xml_token *t)
{
	if (t->kind == XML_OPEN) {
		*d = (struct data){.where = t->off};
	} else if (t->kind == XML_ATTR && xml_text_is(t->name, "offset")) {
		d->offset = true;
		d->at = number(t->value);
	} else if (t->kind == XML_ATTR && xml_text_is(t->name, "size")) {
		d->size = true;
		d->bytes = number(t->value);
	}
	return t->kind == XML_TAG_END && d->offset && d->size;
}

static void
constants(const struct check_file *f, uint64_t size)
{
	struct xml_token t = {.kind = XML_TEXT};
	struct xml_text x;
	struct data d = {0};
	struct err ignored; /* check_xml says it */
	bool data = false;

	xml_text_init(&x, f->bytes);
	while (xml_text_next(&x, &t, &ignored) == 0 && t.kind != XML_END) {
		if (t.kind == XML_OPEN)
			data = xml_text_is(t.name, "data");
		if (!data || !gather(&d, &t) ||
		    (d.at <= size && d.bytes <= size - d.at))
			continue;
		check_short(f, FINDING_MODEL_WEIGHTS, d.where,
		    "openvino: a constant has %" PRIu64 " bytes at %" PRIu64
		    " of a file of %" PRIu64,
		    d.bytes, d.at, size);
		return;
	}
}

void
check_openvino(const struct check_file *f)
{
	static const char layers[] = "<layers";
	const struct rd *r = &f->bytes;
	uint64_t size;

	if (r->len != 0 &&
	    memmem(r->base, MIN(r->len, HEAD), layers, strlen(layers)) !=
		NULL &&
	    weights(f, &size))
		constants(f, size);
}
