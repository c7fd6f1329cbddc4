/* SPDX-License-Identifier: MIT */
#include "formats/onnx_patch.h"

#include "base/limits.h"
#include "formats/onnx.h"
#include "formats/onnx_file.h"
#include "formats/onnx_wire.h"
#include "formats/patch.h"

/* Where a file keeps values outside raw_data: a repeated field. */
struct place {
	struct rd body;
	uint32_t number;
	enum onnx_wire_type type;
};

struct change {
	const struct tensor *old, *now;
	uint64_t i; /* of the next element */
	uint8_t *file;
};

/* A new value over the old one, which takes `len` bytes at `at`. */
static int
store(struct change *c, enum onnx_wire_type type, uint64_t at, size_t len,
    struct err *e)
{
	uint64_t i = c->i++, bits;

	if (patch_same(c->old, c->now, i))
		return 0;
	bits = patch_bits(c->old->dtype, tensor_real(c->now, i));
	for (size_t k = 0; k < len; k++) {
		if (type != ONNX_WIRE_VARINT) {
			c->file[at + k] = (uint8_t)(bits >> 8 * k);
			continue;
		}
		/* a varint may be longer than it must be */
		c->file[at + k] =
		    (uint8_t)((bits & 0x7f) | (k + 1 < len ? 0x80 : 0));
		bits >>= 7;
	}
	if (type == ONNX_WIRE_VARINT && bits != 0)
		return err_set(e, ERR_UNSUPPORTED, at,
		    "onnx: a new value of tensor '%s' does not fit the bytes "
		    "of the old one",
		    c->old->name);
	return 0;
}

static int
store_packed(
    struct change *c, const struct place *p, struct rd r, struct err *e)
{
	while (rd_left(&r) > 0) {
		uint64_t at = rd_pos(&r), skipped;
		int rc;

		if (p->type == ONNX_WIRE_VARINT)
			rc = rd_varint(&r, &skipped);
		else
			rc = rd_skip(&r, p->type == ONNX_WIRE_FIXED32 ? 4 : 8);
		if (rc != 0)
			BUG("the file was parsed before");
		rc = store(c, p->type, at, (size_t)(rd_pos(&r) - at), e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
store_field(struct change *c, const struct place *p, struct err *e)
{
	struct rd r = p->body;
	struct onnx_wire f;
	size_t len;
	int rc;

	while ((rc = onnx_wire_next(&r, &f, e)) > 0) {
		if (f.number != p->number)
			continue;
		if (f.type == ONNX_WIRE_BYTES) {
			rc = store_packed(c, p, f.body, e);
		} else {
			len = (size_t)(rd_pos(&r) - f.value_at);
			rc = store(c, p->type, f.value_at, len, e);
		}
		if (rc != 0)
			return rc;
	}
	return rc;
}

static struct place
place_of_tensor(const struct onnx_tensor *x)
{
	struct place p = {x->body, 4, ONNX_WIRE_FIXED32};

	if (x->t.dtype == DTYPE_F64) {
		p.number = 10;
		p.type = ONNX_WIRE_FIXED64;
	} else if (x->t.dtype != DTYPE_F32) {
		p.number = 5;
		p.type = ONNX_WIRE_VARINT;
	}
	return p;
}

/* value_float is field 2 of its attribute, value_floats field 7. */
static bool
find_place(const struct onnx_file *f, const char *name, struct place *out)
{
	for (size_t i = 0; i < f->ntensor; i++)
		if (strcmp(f->tensor[i].t.name, name) == 0) {
			*out = place_of_tensor(&f->tensor[i]);
			return true;
		}
	for (size_t i = 0; i < f->nnode; i++) {
		const struct onnx_node *n = &f->node[i];

		if (strcmp(n->op, "Constant") != 0 || n->nattr != 1 ||
		    n->nout == 0 || strcmp(n->out[0], name) != 0)
			continue;
		if (n->attr[0].type == ONNX_TENSOR)
			*out = place_of_tensor(n->attr[0].t);
		else
			*out = (struct place){n->attr[0].body,
			    n->attr[0].type == ONNX_FLOAT ? 2 : 7,
			    ONNX_WIRE_FIXED32};
		return true;
	}
	return false;
}

static int
patch_one(const struct onnx_file *f, struct source *s, struct change *c,
    struct err *e)
{
	struct place place;
	uint64_t off;
	size_t at = 0;
	bool raw = source_place(s, c->old->data, c->old->size, &at, &off);
	int rc;

	/* else in typed fields of the model itself */
	if (!raw)
		at = source_main(s);
	if (!raw && !find_place(f, c->old->name, &place))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "onnx: tensor '%s' is not in the file as such",
		    c->old->name);
	if ((rc = source_writable(s, at, &c->file, e)) != 0)
		return rc;
	if (!raw)
		return store_field(c, &place, e);
	patch_tensor(c->old, c->now, c->file + off);
	return 0;
}

int
onnx_patch(struct source *original, const struct model *neutral, struct err *e)
{
	struct arena scratch;
	struct onnx_file f;
	struct model old;
	struct map names;
	int rc;

	if ((rc = onnx_load(original, &old, e)) != 0)
		return rc;
	arena_init(&scratch, LIMIT_MODEL_ARENA);
	if ((rc = patch_check(&old, neutral, e)) != 0 ||
	    (rc = onnx_file_load(original, &scratch, &f, e)) != 0)
		goto out;
	map_init(&names, &scratch);
	for (size_t i = 0; i < neutral->ntensor && rc == 0; i++)
		if (map_put(&names, neutral->tensor[i].name, i) < 0)
			rc = err_set(
			    e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
	for (size_t i = 0; i < old.ntensor && rc == 0; i++) {
		struct change c = {.old = &old.tensor[i]};
		size_t at = map_get(&names, c.old->name);

		if (at == SIZE_MAX)
			BUG("patch_check");
		c.now = &neutral->tensor[at];
		if (patch_changed(c.old, c.now))
			rc = patch_one(&f, original, &c, e);
	}
	if (rc == 0)
		rc = onnx_external_stamp(&f, original, e);
out:
	arena_release(&scratch);
	model_release(&old);
	return rc;
}
