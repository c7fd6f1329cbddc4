/* SPDX-License-Identifier: MIT */
#include "formats/note.h"

#include "base/json.h"
#include "formats/onnx_wire.h"

/* onnx.proto: ModelProto.metadata_props, StringStringEntryProto */
#define METADATA_PROPS 14
#define ENTRY_KEY      1
#define ENTRY_VALUE    2

static int
there(const char *key, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "the note '%s' is there already", key);
}

/* --- ONNX ----------------------------------------------------------------- */

static void
put_bytes(struct buf *b, uint32_t number, const void *p, size_t len)
{
	buf_varint(b, (uint64_t)number << 3 | ONNX_WIRE_BYTES);
	buf_varint(b, len);
	buf_append(b, p, len);
}

/* The last key counts, as for any protobuf reader. */
static bool
has_key(const struct onnx_wire *f, const char *key)
{
	return f->number == METADATA_PROPS && f->type == ONNX_WIRE_BYTES &&
	       rd_is(onnx_wire_last(f->body, ENTRY_KEY), key);
}

static int
add_onnx(struct rd r, const char *key, const char *text, struct buf *out,
    struct err *e)
{
	struct buf entry = {0};
	struct onnx_wire f;
	struct rd at = r;
	int rc;

	while ((rc = onnx_wire_next(&at, &f, e)) > 0)
		if (has_key(&f, key))
			return there(key, e);
	if (rc != 0)
		return rc;
	buf_append(out, r.base, r.len);
	put_bytes(&entry, ENTRY_KEY, key, strlen(key));
	put_bytes(&entry, ENTRY_VALUE, text, strlen(text));
	put_bytes(out, METADATA_PROPS, entry.ptr, entry.len);
	buf_free(&entry);
	return 0;
}

/* --- safetensors ---------------------------------------------------------- */

/* The header with the note in it; a new reference. */
static int
noted_header(struct slice header, const char *key, const char *text,
    json_t **out, struct err *e)
{
	json_t *meta;
	int rc;

	if ((rc = json_read(header.ptr, header.len, out, e)) != 0)
		return rc;
	meta = json_object_get(*out, "__metadata__");
	if (meta == NULL) {
		meta = json_object();
		json_put(*out, "__metadata__", meta);
	}
	if (!json_is_object(meta) || json_object_get(meta, key) != NULL)
		rc = there(key, e);
	else
		json_put(meta, key, json_text(text));
	if (rc != 0)
		json_decref(*out);
	return rc;
}

static int
add_safetensors(struct rd r, const char *key, const char *text, struct buf *out,
    struct err *e)
{
	struct slice header, data;
	struct buf b = {0};
	json_t *j;
	uint64_t len;
	char *made;
	int rc;

	if (rd_u64le(&r, &len) != 0 || rd_bytes(&r, len, &header) != 0 ||
	    rd_bytes(&r, rd_left(&r), &data) != 0)
		BUG("the file was parsed before");
	if ((rc = noted_header(header, key, text, &j, e)) != 0)
		return rc;
	made = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (made == NULL)
		BUG("out of memory");
	buf_puts(&b, made);
	free(made);
	/* spaces, as the reference writer has it: tensors stay aligned */
	while (b.len % 8 != 0)
		buf_u8(&b, ' ');
	buf_u64le(out, b.len);
	buf_append(out, b.ptr, b.len);
	buf_append(out, data.ptr, data.len);
	buf_free(&b);
	return 0;
}

/* --- either --------------------------------------------------------------- */

int
note_add(struct source *s, const struct format *f, const char *key,
    const char *text, struct err *e)
{
	/* what a patch wrote is in the mapping */
	struct rd r = rd_mem(s->main.base, s->main.len);
	struct buf out = {0};
	uint8_t *kept;
	int rc;

	if (strcmp(f->name, "onnx") == 0)
		rc = add_onnx(r, key, text, &out, e);
	else if (strcmp(f->name, "safetensors") == 0)
		rc = add_safetensors(r, key, text, &out, e);
	else
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "a %s file has no place for a note", f->name);
	if (rc == 0) {
		kept = arena_alloc(&s->made, out.len, 1);
		if (kept == NULL)
			rc = err_set(e, ERR_LIMIT, ERR_NOWHERE,
			    "the file does not fit in memory");
		else
			source_replace(
			    s, memcpy(kept, out.ptr, out.len), out.len);
	}
	buf_free(&out);
	return rc;
}
