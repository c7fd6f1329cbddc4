/* SPDX-License-Identifier: MIT
 * OpenVINO's IR (version 10 and 11): the .xml says where in the .bin beside it each
 * constant is, and the runtime takes the bytes from there.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "formats/xml_text.h"

#include <unistd.h>

#define HEAD   4096 /* in which the root begins */
#define DIGITS 20

/* <data element_type="f32" shape="3,8,3,3" offset="0" size="864"/> */
struct data {
	bool offset, size;
	uint64_t at, bytes;
	struct slice type, shape;
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
	} else if (t->kind == XML_ATTR &&
		   xml_text_is(t->name, "element_type")) {
		d->type = t->value;
	} else if (t->kind == XML_ATTR && xml_text_is(t->name, "shape")) {
		d->shape = t->value;
	}
	return t->kind == XML_TAG_END && d->offset && d->size;
}

/* Bits of an element (ov::element::Type); 0: of no fixed size, or not known. */
static unsigned
bits_of(struct slice type)
{
	static const struct {
		const char *name;
		unsigned bits;
	} types[] = {{"f64", 64}, {"f32", 32}, {"f16", 16}, {"bf16", 16},
	    {"i64", 64}, {"u64", 64}, {"i32", 32}, {"u32", 32}, {"i16", 16},
	    {"u16", 16}, {"i8", 8}, {"u8", 8}, {"boolean", 8}, {"i4", 4},
	    {"u4", 4}, {"nf4", 4}, {"u1", 1}, {"f8e4m3", 8}, {"f8e5m2", 8}};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (xml_text_is(type, types[i].name))
			return types[i].bits;
	return 0;
}

/* Its size is that of its shape, "4,3" or "" for one element. */
static bool
fits(const struct data *d)
{
	struct slice s = d->shape;
	uint64_t bits = bits_of(d->type), n;

	if (bits == 0 || s.ptr == NULL)
		return true;
	while (s.len != 0) {
		const uint8_t *comma = memchr(s.ptr, ',', s.len);
		struct slice one = {
		    s.ptr, comma != NULL ? (size_t)(comma - s.ptr) : s.len};

		s.ptr += one.len + (comma != NULL);
		s.len -= one.len + (comma != NULL);
		while (one.len != 0 && *one.ptr == ' ') {
			one.ptr++;
			one.len--;
		}
		n = number(one);
		if (ckd_mul(&bits, bits, n))
			return false;
	}
	return d->bytes == bits / 8 + (bits % 8 != 0);
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
		if (!data || !gather(&d, &t))
			continue;
		if (!fits(&d)) {
			check_short(f, FINDING_MODEL_WEIGHTS, d.where,
			    "openvino: a constant of %" PRIu64
			    " bytes, which its shape has not",
			    d.bytes);
			return;
		}
		if (d.at <= size && d.bytes <= size - d.at)
			continue;
		check_short(f, FINDING_MODEL_WEIGHTS, d.where,
		    "openvino: a constant has %" PRIu64 " bytes at %" PRIu64
		    " of a file of %" PRIu64,
		    d.bytes, d.at, size);
		return;
	}
}

/* --- edges --------------------------------------------------------------- */

/* Inputs of layers, "id:port", and those that an edge leads to. */
struct ports {
	struct arena arena;
	struct map led;               /* to 1, by an edge */
	struct slice layer, port, to; /* ids that were read last */
	bool in;                      /* between <input> and </input> */
};

static const char *
port_key(struct ports *p, struct slice layer, struct slice port)
{
	return arena_printf(&p->arena, "%.*s:%.*s", (int)MIN(layer.len, DIGITS),
	    (const char *)layer.ptr, (int)MIN(port.len, DIGITS),
	    (const char *)port.ptr);
}

/* One walk takes the edges (look false), the next looks for inputs without one. */
static bool
port(
    struct ports *p, const struct xml_token *t, struct slice element, bool look)
{
	bool attr = t->kind == XML_ATTR;
	const char *key;

	if (t->kind == XML_OPEN && xml_text_is(t->name, "input"))
		p->in = true;
	if (t->kind == XML_CLOSE && xml_text_is(t->name, "input"))
		p->in = false;
	if (attr && xml_text_is(element, "layer") && xml_text_is(t->name, "id"))
		p->layer = t->value;
	if (attr && xml_text_is(t->name, "to-layer"))
		p->to = t->value;
	if (attr && xml_text_is(t->name, "to-port"))
		p->port = t->value;
	/* attributes stand in any order */
	if (t->kind == XML_TAG_END && xml_text_is(element, "edge") && !look)
		return (key = port_key(p, p->to, p->port)) == NULL ||
		       map_put(&p->led, key, 1) >= 0;
	if (!look || !p->in || !attr || !xml_text_is(element, "port") ||
	    !xml_text_is(t->name, "id"))
		return true;
	key = port_key(p, p->layer, t->value);
	p->port = t->value;
	return key == NULL || map_get(&p->led, key) != SIZE_MAX;
}

static bool
edges(const struct check_file *f, struct ports *p, bool look)
{
	struct xml_token t = {.kind = XML_TEXT};
	struct slice element = {(const uint8_t *)"", 0};
	struct xml_text x;
	struct err ignored;

	xml_text_init(&x, f->bytes);
	while (xml_text_next(&x, &t, &ignored) == 0 && t.kind != XML_END) {
		if (t.kind == XML_OPEN)
			element = t.name;
		if (!port(p, &t, element, look)) {
			if (look)
				check_short(f, FINDING_MODEL_INVALID, t.off,
				    "openvino: nothing leads to input %.*s of "
				    "layer %.*s",
				    (int)MIN(p->port.len, DIGITS),
				    (const char *)p->port.ptr,
				    (int)MIN(p->layer.len, DIGITS),
				    (const char *)p->layer.ptr);
			return false;
		}
	}
	return true;
}

/* Bodies of loops number their layers anew. */
static void
connected(const struct check_file *f)
{
	struct ports p = {.in = false};

	if (memmem(f->bytes.base, f->bytes.len, "body", 4) != NULL)
		return;
	arena_init(&p.arena, LIMIT_TEMPLATE_ARENA);
	map_init(&p.led, &p.arena);
	if (edges(f, &p, false))
		(void)edges(f, &p, true);
	arena_release(&p.arena);
}

void
check_openvino(const struct check_file *f)
{
	static const char layers[] = "<layers";
	const struct rd *r = &f->bytes;
	uint64_t size;

	if (r->len == 0 ||
	    memmem(r->base, MIN(r->len, HEAD), layers, strlen(layers)) == NULL)
		return;
	if (memmem(r->base, r->len, "<edges", 6) != NULL)
		connected(f);
	if (weights(f, &size))
		constants(f, size);
}
