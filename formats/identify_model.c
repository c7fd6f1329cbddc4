/* SPDX-License-Identifier: MIT
 * Models and objects of other ecosystems, which are recognised so that nobody
 * takes "unknown" for "harmless".
 */
#define _GNU_SOURCE /* memmem */
#include "formats/identify_probe.h"

/* R's serialize(), src/main/serialize.c: a letter for the encoding, version 2
 * or 3; save() puts five letters in front. */
unsigned
identify_model_r(struct rd r)
{
	size_t at = 0;

	if (RD_HAS(r, 0, "RDX2\n") || RD_HAS(r, 0, "RDX3\n") ||
	    RD_HAS(r, 0, "RDA2\n") || RD_HAS(r, 0, "RDA3\n") ||
	    RD_HAS(r, 0, "RDB2\n") || RD_HAS(r, 0, "RDB3\n"))
		at = 5;
	if (RD_HAS(r, at, "X\n\0\0\0\2") || RD_HAS(r, at, "X\n\0\0\0\3") ||
	    RD_HAS(r, at, "B\n\2\0\0\0") || RD_HAS(r, at, "B\n\3\0\0\0"))
		return 48;
	return RD_HAS(r, at, "A\n2\n") || RD_HAS(r, at, "A\n3\n") ? 32 : 0;
}

/* Julia's Serialization.serialize: HEADER_TAG, "JL", version, ... */
unsigned
identify_model_julia(struct rd r)
{
	return RD_HAS(r, 0, "7JL") ? 24 : 0;
}

/* BSON.jl: a document of the file's length whose values have tags. */
unsigned
identify_model_bson(struct rd r)
{
	struct rd h = r;
	uint32_t len = 0;

	if (rd_u32le(&h, &len) != 0 || len != r.len || len < 16 ||
	    r.base[len - 1] != 0)
		return 0;
	return r.base[4] >= 1 && r.base[4] <= 0x13 &&
		       memmem(r.base, MIN(r.len, 4096), "tag\0", 4) != NULL
		   ? 32
		   : 0;
}

/* A function, whose code File:readObject() gives to loadstring(), which takes
 * bytecode and source alike: its index, the length. */
static unsigned
torch7_function(struct rd r)
{
	uint32_t type = 0, index = 0, len = 0;

	if (rd_u32le(&r, &type) != 0 || type < 6 || type > 8 ||
	    rd_u32le(&r, &index) != 0 || index != 1 || rd_u32le(&r, &len) != 0)
		return 0;
	if (rd_has(r, r.off, "\x1bL", 2))
		return 48;
	if (len < 8 || len > rd_left(&r))
		return 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = r.base[r.off + i];

		if ((c < 0x20 && strchr("\t\r\n", c) == NULL) || c > 0x7e ||
		    c == 0)
			return 0;
	}
	return 40;
}

/* A table: its index, how many, and the first key, text or a whole number. */
static unsigned
torch7_table(struct rd r)
{
	uint32_t type = 0, index = 0, n = 0, key = 0, len = 0;

	if (rd_u32le(&r, &type) != 0 || type != 3 ||
	    rd_u32le(&r, &index) != 0 || index != 1 || rd_u32le(&r, &n) != 0 ||
	    n == 0 || n > 1 << 24 || rd_u32le(&r, &key) != 0)
		return 0;
	if (key == 1) /* the number one, as a double */
		return RD_HAS(r, r.off, "\0\0\0\0\0\0\xf0\x3f") ? 48 : 0;
	if (key != 2 || rd_u32le(&r, &len) != 0 || len == 0 || len > 256 ||
	    len > rd_left(&r))
		return 0;
	for (size_t i = 0; i < len; i++)
		if (r.base[r.off + i] < 0x20 || r.base[r.off + i] > 0x7e)
			return 0;
	return 40;
}

/* Lua Torch7's File:writeObject: type 4, index, "V 1", a class. */
unsigned
identify_model_torch7(struct rd r)
{
	unsigned bits = MAX(torch7_function(r), torch7_table(r));

	if (RD_HAS(r, 0, "4\n1\n3\nV 1\n"))
		return 48;
	if (RD_HAS(r, 0, "\4\0\0\0\1\0\0\0\3\0\0\0V 1"))
		return 64;
	/* a table with another key, of such */
	if (bits == 0 && RD_HAS(r, 0, "\3\0\0\0\1\0\0\0") && r.len > 64 &&
	    memmem(r.base, MIN(r.len, 65536), "V 1", 3) != NULL)
		return 24;
	return bits;
}

/* mxnet/src/ndarray/ndarray.cc: kMXAPINDArrayListMagic, reserved */
unsigned
identify_model_mxnet(struct rd r)
{
	return RD_HAS(r, 0, "\x12\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0") ? 48 : 0;
}

unsigned
identify_model_catboost(struct rd r)
{
	return RD_HAS(r, 0, "CBM1") ? 32 : 0;
}

/* the legacy model's magic in UTF-16, "BCN" */
unsigned
identify_model_cntk(struct rd r)
{
	return RD_HAS(r, 0, "B\0C\0N\0\0\0") || RD_HAS(r, 0, "B\0C\0N\0") ? 40
									  : 0;
}

unsigned
identify_model_executorch(struct rd r)
{
	/* "ET" and the version of the format, 12 at present */
	return RD_HAS(r, 4, "ET") && r.len > 7 && r.base[6] >= '0' &&
		       r.base[6] <= '9' && r.base[7] >= '0' && r.base[7] <= '9'
		   ? 32
		   : 0;
}

unsigned
identify_model_tensorrt(struct rd r)
{
	return RD_HAS(r, 0, "ftrt") || RD_HAS(r, 0, "ptrt") ? 32 : 0;
}

unsigned
identify_model_rknn(struct rd r)
{
	return RD_HAS(r, 0, "RKNN") ? 32 : 0;
}

/* ncnn's text parameters and their binary form */
unsigned
identify_model_ncnn(struct rd r)
{
	return RD_HAS(r, 0, "7767517\n") || RD_HAS(r, 0, "\x5d\x86\x76\0") ? 32
									   : 0;
}

/* flax.serialization: a map of names whose leaves are extension 1 (arrays). */
unsigned
identify_model_flax(struct rd r)
{
	uint8_t c = r.len > 8 ? r.base[0] : 0;
	size_t at = c == 0xde ? 3 : c == 0xdf ? 5 : 1;

	if ((c & 0xf0) != 0x80 && c != 0xde && c != 0xdf)
		return 0;
	if (c == 0x80 || (r.base[at] & 0xe0) != 0xa0)
		return 0;
	/* a pickle of protocol 2 to 5 begins with a map of no entries */
	return memmem(r.base, MIN(r.len, 65536), "float32", 7) != NULL ||
		       memmem(r.base, MIN(r.len, 65536), "bfloat16", 8) != NULL
		   ? 20
		   : 0;
}

/* CoreML's Model.proto: version 1, description 2 (which may be left out, as any
 * message), updatable 10, and one type from 200 on; nothing else, to the end. */
unsigned
identify_model_coreml(struct rd r)
{
	uint64_t key, value;
	bool version = false, description = false, type = false;

	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0 || rd_varint(&r, &value) != 0 ||
		    ((key & 7) == 2 && rd_skip(&r, value) != 0))
			return 0;
		version = version || (key == 0x08 && value < 64);
		description = description || key == 0x12;
		type = type ||
		       (key >> 3 >= 200 && key >> 3 < 4000 && (key & 7) == 2);
		if (key != 0x08 && key != 0x12 && key != 0x50 &&
		    !(key >> 3 >= 200 && key >> 3 < 4000 && (key & 7) == 2))
			return 0;
	}
	if (!version || !type)
		return 0;
	return description ? 28 : 20;
}

static bool
is_operator_name(struct rd r, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = r.base[r.off + i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return true;
}

/* OpDesc: inputs 1, outputs 2, type 3, attributes 4, all of them messages or
 * texts, and a type like "conv2d" among them. */
static bool
is_paddle_op(struct rd r)
{
	uint64_t key, len;
	bool type = false;

	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0 || (key & 7) > 2)
			return false;
		if (rd_varint(&r, &len) != 0)
			return false;
		if ((key & 7) == 0)
			continue;
		type |= len <= rd_left(&r) && key == 0x1a && len >= 3 &&
			len < 64 && is_operator_name(r, (size_t)len);
		if (rd_skip(&r, len) != 0)
			return false;
	}
	return type;
}

/* PaddlePaddle's ProgramDesc: a block, which has a number, that of the one around
 * it (-1 for the first), variables and operators. */
unsigned
identify_model_paddle(struct rd r)
{
	static const char root[] =
	    "\x08\0\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\1";
	uint64_t key, len, value;
	bool op = false, index = false, parent = false;
	struct rd block;

	if (rd_varint(&r, &key) != 0 || key != 0x0a ||
	    rd_varint(&r, &len) != 0 || len > rd_left(&r))
		return 0;
	if (rd_has(r, r.off, root, sizeof(root) - 1))
		return 48;
	block = rd_mem(r.base + r.off, (size_t)len);
	while (rd_left(&block) != 0 && !op) {
		if (rd_varint(&block, &key) != 0 ||
		    rd_varint(&block, &value) != 0)
			return 0;
		index |= key == 0x08;
		parent |= key == 0x10;
		if (key != 0x08 && key != 0x10 && key != 0x28 &&
		    (key != 0x1a && key != 0x22))
			return 0;
		if ((key & 7) != 2)
			continue;
		op =
		    key == 0x22 && value <= rd_left(&block) &&
		    is_paddle_op(rd_mem(block.base + block.off, (size_t)value));
		if (rd_skip(&block, value) != 0)
			return 0;
	}
	return op && index && parent ? 40 : 0;
}

unsigned
identify_model_lua(struct rd r)
{
	return RD_HAS(r, 0, "\x1bLua") || RD_HAS(r, 0, "\x1bLJ") ? 32 : 0;
}

/* Cosmopolitan's portable executables: llamafile is one with weights in it. */
unsigned
identify_model_ape(struct rd r)
{
	return RD_HAS(r, 0, "MZqFpD='") || RD_HAS(r, 0, "jartsr='") ? 48 : 0;
}
