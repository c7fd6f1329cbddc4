/* SPDX-License-Identifier: MIT */
#include "formats/identify.h"

#include "base/limits.h"
#include "formats/identify_probe.h"
#include "formats/onnx_probe.h"

#define ZSTD_SKIPPED 16

#define MAGIC(id, at, magic, bits)                                             \
	static unsigned probe_##id(struct rd r)                                \
	{                                                                      \
		return RD_HAS(r, at, magic) ? (bits) : 0;                      \
	}

/* RFC 8878, 3.1: frames that readers pass over may stand before the first. */
static unsigned
probe_zstd(struct rd r)
{
	struct rd at = r;
	uint32_t len = 0;

	for (int i = 0; i < ZSTD_SKIPPED; i++) {
		if (RD_HAS(at, at.off, "\x28\xb5\x2f\xfd"))
			return 32;
		if (!RD_HAS(at, at.off + 1, "\x2a\x4d\x18") ||
		    (at.base[at.off] & 0xf0) != 0x50 || rd_skip(&at, 4) != 0 ||
		    rd_u32le(&at, &len) != 0 || rd_skip(&at, len) != 0)
			break;
	}
	return 0;
}

/* clang-format off */
MAGIC(tflite, 4, "TFL3", 32)
MAGIC(gguf, 0, "GGUF", 32)
MAGIC(npy, 0, "\x93NUMPY", 48)
MAGIC(png, 0, "\x89PNG\r\n\x1a\n", 64)
MAGIC(jpeg, 0, "\xff\xd8\xff", 24)
MAGIC(gif, 0, "GIF8", 32)
MAGIC(gzip, 0, "\x1f\x8b\x08", 24)
MAGIC(xz, 0, "\xfd" "7zXZ\0", 48)
MAGIC(sevenzip, 0, "7z\xbc\xaf\x27\x1c", 48)
MAGIC(lz4_frame, 0, "\x04\x22\x4d\x18", 32)
MAGIC(lz4_legacy, 0, "\x02\x21\x4c\x18", 32)
MAGIC(lzip, 0, "LZIP\1", 40)
MAGIC(ar, 0, "!<arch>\n", 64)
MAGIC(rpm, 0, "\xed\xab\xee\xdb", 32)
MAGIC(rar, 0, "Rar!\x1a\7\0", 56)
MAGIC(rar5, 0, "Rar!\x1a\7\1\0", 64)
MAGIC(cab, 0, "MSCF\0\0\0\0", 64)
MAGIC(sqlite, 0, "SQLite format 3\0", 120)
MAGIC(xar, 0, "xar!\0\x1c", 48)
MAGIC(riff, 0, "RIFF", 32)
MAGIC(elf, 0, "\x7f" "ELF", 32)
MAGIC(chm, 0, "ITSF\3\0\0\0", 64)
MAGIC(wasm, 0, "\0asm\1\0\0\0", 64)
/* clang-format on */

/* Frames that readers skip may come first. */
static unsigned
probe_lz4(struct rd r)
{
	unsigned bits = MAX(probe_lz4_frame(r), probe_lz4_legacy(r));
	uint32_t magic, len;

	for (size_t i = 0; bits == 0 && i < 8; i++) {
		if (rd_u32le(&r, &magic) != 0 || magic >> 4 != 0x184d2a5 ||
		    rd_u32le(&r, &len) != 0 || rd_skip(&r, len) != 0)
			return 0;
		r = rd_mem(r.base + r.off, rd_left(&r));
		bits = MAX(probe_lz4_frame(r), probe_lz4_legacy(r));
	}
	return bits;
}

static unsigned
probe_parquet(struct rd r)
{
	return RD_HAS(r, 0, "PAR1") && r.len >= 12 &&
		       RD_HAS(r, r.len - 4, "PAR1")
		   ? 64
		   : 0;
}

static unsigned
probe_bzip2(struct rd r)
{
	return RD_HAS(r, 0, "BZh") && r.len > 10 && r.base[3] >= '1' &&
		       r.base[3] <= '9' && RD_HAS(r, 4, "1AY&SY")
		   ? 64
		   : 0;
}

/* The superblock may stand behind a user block of 512, 1024, ... bytes. */
static unsigned
probe_hdf5(struct rd r)
{
	if (RD_HAS(r, 0, "\x89HDF\r\n\x1a\n"))
		return 64;
	for (size_t at = 512; at <= (size_t)1 << 20; at *= 2)
		if (RD_HAS(r, at, "\x89HDF\r\n\x1a\n"))
			return 32;
	return 0;
}

static unsigned
probe_pe(struct rd r)
{
	struct rd h = r;
	uint32_t at = 0;

	if (!RD_HAS(r, 0, "MZ") || rd_skip(&h, 0x3c) != 0 ||
	    rd_u32le(&h, &at) != 0)
		return 0;
	return RD_HAS(r, at, "PE\0\0") ? 48 : 0;
}

/* 0xcafebabe is also Java; a fat binary has few architectures. */
static unsigned
probe_macho(struct rd r)
{
	uint32_t magic = 0, n = 0;

	if (rd_u32be(&r, &magic) != 0 || rd_u32be(&r, &n) != 0)
		return 0;
	if (magic == 0xcafebabe)
		return n != 0 && n < 40 ? 32 : 0;
	return magic == 0xfeedface || magic == 0xfeedfacf ||
		       magic == 0xcefaedfe || magic == 0xcffaedfe
		   ? 32
		   : 0;
}

/* The checksum of the first header (pax(5)); a zero block proves nothing. */
static unsigned
probe_tar(struct rd r)
{
	uint32_t sum = 0, want = 0;
	size_t i = 148;

	if (r.len < 512 || r.base[0] == 0)
		return 0;
	for (size_t k = 0; k < 512; k++)
		sum += k >= 148 && k < 156 ? ' ' : r.base[k];
	while (i < 156 && r.base[i] == ' ')
		i++;
	for (; i < 156 && r.base[i] >= '0' && r.base[i] <= '7'; i++)
		want = want * 8 + (uint32_t)(r.base[i] - '0');
	if (sum != want)
		return 0;
	return RD_HAS(r, 257, "ustar") ? 64 : 24;
}

/* Header sizes of BITMAPCOREHEADER to BITMAPV5HEADER, reserved zeros. */
static unsigned
probe_bmp(struct rd r)
{
	return RD_HAS(r, 0, "BM") && RD_HAS(r, 6, "\0\0\0\0") && r.len > 26 &&
		       (r.base[14] == 12 || r.base[14] == 40 ||
			   r.base[14] == 108 || r.base[14] == 124) &&
		       RD_HAS(r, 15, "\0\0\0")
		   ? 64
		   : 0;
}

static unsigned
probe_tiff(struct rd r)
{
	return RD_HAS(r, 0, "II*\0") || RD_HAS(r, 0, "MM\0*") ? 32 : 0;
}

/* http://yann.lecun.com/exdb/mnist: 0 0 type rank, sizes, exactly the data */
static unsigned
probe_idx(struct rd r)
{
	static const uint8_t width[16] = {
	    [8] = 1, [9] = 1, [11] = 2, [12] = 4, [13] = 4, [14] = 8};
	uint32_t magic = 0, dim;
	uint64_t size;

	if (rd_u32be(&r, &magic) != 0 || magic >> 16 != 0 ||
	    (magic >> 8) > 15 || width[magic >> 8] == 0 ||
	    (magic & 0xff) == 0 || (magic & 0xff) > 8)
		return 0;
	size = width[magic >> 8];
	for (uint32_t k = 0; k < (magic & 0xff); k++)
		if (rd_u32be(&r, &dim) != 0 || ckd_mul(&size, size, dim))
			return 0;
	return size == rd_left(&r) ? 32 : 0;
}

/* The header is JSON of a stated length that fits the file. */
static unsigned
probe_safetensors(struct rd r)
{
	uint64_t len = 0;
	uint8_t first = 0;

	if (rd_u64le(&r, &len) != 0 || len < 2 ||
	    len > LIMIT_SAFETENSORS_HEADER || len > rd_left(&r) ||
	    rd_u8(&r, &first) != 0 || first != '{')
		return 0;
	return r.base[8 + len - 1] == '}' || r.base[8 + len - 1] == ' ' ? 48
									: 0;
}

/* Fields of onnx.ModelProto and their wire types (2: bytes), -1: none. */
static const int8_t model_field[32] = {-1, 0, 2, 2, 2, 0, 2, 2, 2, -1, -1, -1,
    -1, -1, 2, -1, -1, -1, -1, -1, 2, -1, -1, -1, -1, 2, 2, -1, -1, -1, -1, -1};

/*
 * protobuf has no magic: every field to the end of the file must be one of
 * ModelProto's, with a graph (7) and a version (1 or 8).  The first bytes of a
 * tensor are so by chance, one of a hundred thousand, but for the graph's own.
 */
static unsigned
probe_onnx(struct rd r)
{
	uint32_t seen = 0;
	uint64_t key, value;
	struct rd body;

	while (rd_left(&r) != 0) {
		if (rd_varint(&r, &key) != 0 || key >> 3 > 31 || key >> 3 == 0)
			return 0;
		if (model_field[key >> 3] != (int8_t)(key & 7) ||
		    rd_varint(&r, &value) != 0)
			return 0;
		if ((key & 7) == 2 && rd_sub(&r, value, &body) != 0)
			return 0;
		/* several are merged: an empty one more changes nothing */
		if (key >> 3 != 7 || onnx_probe_graph(body))
			seen |= (uint32_t)1 << (key >> 3);
	}
	return (seen & 1U << 7) != 0 && (seen & (1U << 1 | 1U << 8)) != 0 ? 24
									  : 0;
}

/* those with files of their own */
#define probe_batch         identify_code_batch
#define probe_class         identify_code_class
#define probe_dex           identify_code_dex
#define probe_lnk           identify_code_lnk
#define probe_pyc           identify_code_pyc
#define probe_pdf           identify_document_pdf
#define probe_desktop       identify_document_desktop
#define probe_reg           identify_document_reg
#define probe_autorun       identify_document_autorun
#define probe_ole2          identify_document_ole2
#define probe_java          identify_document_java
#define probe_arrow         identify_document_arrow
#define probe_wide          identify_document_wide
#define probe_compress      identify_archive_compress
#define probe_cpio          identify_archive_cpio
#define probe_iso9660       identify_archive_iso9660
#define probe_lha           identify_archive_lha
#define probe_lzma          identify_archive_lzma
#define probe_zlib          identify_archive_zlib
#define probe_zip           identify_zip
#define probe_torch_zip     identify_zip_torch
#define probe_keras         identify_zip_keras
#define probe_npz           identify_zip_npz
#define probe_torch_export  identify_zip_export
#define probe_torch_package identify_zip_package
#define probe_pickle        identify_pickle
#define probe_savedmodel    identify_other_savedmodel
#define probe_tf_graph      identify_other_tf_graph
#define probe_tf_meta       identify_other_tf_meta
#define probe_pmml          identify_other_pmml
#define probe_xgboost       identify_other_xgboost
#define probe_lightgbm      identify_other_lightgbm
#define probe_joblib        identify_other_joblib
#define probe_sklearn       identify_other_sklearn
#define probe_text          identify_text
#define probe_json          identify_text_json
#define probe_python        identify_text_python
#define probe_script        identify_text_script

#define probe_torchscript identify_text_torchscript
#define probe_rdata       identify_model_r
#define probe_julia       identify_model_julia
#define probe_bson        identify_model_bson
#define probe_torch7      identify_model_torch7
#define probe_mxnet       identify_model_mxnet
#define probe_catboost    identify_model_catboost
#define probe_cntk        identify_model_cntk
#define probe_executorch  identify_model_executorch
#define probe_tensorrt    identify_model_tensorrt
#define probe_rknn        identify_model_rknn
#define probe_ncnn        identify_model_ncnn
#define probe_flax        identify_model_flax
#define probe_coreml      identify_model_coreml
#define probe_paddle      identify_model_paddle
#define probe_lua         identify_model_lua
#define probe_llamafile   identify_model_ape

const struct identify_format identify_table[IDENTIFY_COUNT] = {
#define IDENTIFY(id, name, kind, within, text)                                 \
	[IDENTIFY_##id] = {name, KIND_##kind, within, text, probe_##id},
#include "formats/identify.def"
#undef IDENTIFY
};

/* Behind those of as much evidence: the order of the table decides. */
static void
insert(struct identify_bids *b, const struct identify_format *f, unsigned bits)
{
	size_t i = b->n++;

	for (; i > 0 && b->bits[i - 1] < bits; i--) {
		b->bid[i] = b->bid[i - 1];
		b->bits[i] = b->bits[i - 1];
	}
	b->bid[i] = f;
	b->bits[i] = bits;
}

void
identify(struct rd r, struct identify_bids *b)
{
	*b = (struct identify_bids){0};
	for (size_t i = 0; i < IDENTIFY_COUNT; i++) {
		unsigned bits = identify_table[i].probe(r);

		if (bits != 0)
			insert(b, &identify_table[i], bits);
	}
	b->best = b->n != 0 ? b->bid[0] : NULL;
}

bool
identify_related(
    const struct identify_format *a, const struct identify_format *b)
{
	return a == b || strcmp(a->within, b->name) == 0 ||
	       strcmp(b->within, a->name) == 0 ||
	       (a->within[0] != '\0' && strcmp(a->within, b->within) == 0);
}

bool
identify_is_model(const char *name)
{
	for (size_t i = 0; i < IDENTIFY_COUNT; i++)
		if (strcmp(identify_table[i].name, name) == 0)
			return identify_table[i].kind == KIND_MODEL;
	return false;
}

const struct identify_format *
identify_find(const struct identify_bids *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->bid[i]->name, name) == 0)
			return b->bid[i];
	return NULL;
}

const char *
identify_kind_name(enum identify_kind k)
{
	static const char *const name[] = {
	    "model", "data", "archive", "image", "code", "document", "other"};

	return name[k];
}
