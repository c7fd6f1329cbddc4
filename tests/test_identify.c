/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include "base/file.h"
#include "formats/identify.h"

struct row {
	const char *name; /* the file in fixtures/identify */
	const char *bids; /* all of them, best first */
};

static const struct row rows[] = {
    {"good.onnx", "onnx "},
    {"good.safetensors", "safetensors "},
    {"good-torch.pt", "torch-zip zip "},
    {"good.pt2", "torch-export zip "},
    {"good-old.pt2", "torch-export zip "},
    {"good-package.pt", "torch-package zip "},
    {"good.keras", "keras zip "},
    {"good.npz", "npz zip "},
    {"good.zip", "zip "},
    {"good-p0.pkl", "pickle text "},
    {"good-p2.pkl", "pickle "},
    {"good-p4.pkl", "pickle "},
    {"good-p5.pkl", "pickle "},
    {"good.h5", "hdf5 "},
    {"good-user-block.h5", "hdf5 "},
    {"good.tflite", "tflite "},
    {"good.gguf", "gguf "},
    {"good-elf.so", "elf "},
    {"good.exe", "pe "},
    {"good.dylib", "mach-o "},
    {"good.wasm", "wasm "},
    {"good-script.sh", "script text "},
    {"good.py", "python text "},
    {"good.json", "json text "},
    {"good.txt", "text "},
    {"good-prose.txt", "text "},
    {"good-readme.md", "text "},
    {"unknown.bin", ""},
    {"unknown-empty", ""},
    {"bad-polyglot.safetensors", "safetensors zip "},
    {"bad-polyglot.png", "png zip "},
    {"bad-name.txt", "pickle "},
    {"bad-object.npy", "npy "},
};

static void
test_file(void **state)
{
	const struct row *row = *state;
	struct identify_bids bids;
	struct buf seen = {0};
	struct err e = {0};
	struct file_map m;
	char path[128];

	snprintf(path, sizeof(path), "fixtures/identify/%s", row->name);
	assert_ok(file_map(path, 1 << 20, &m, &e), &e);
	identify(rd_mem(m.ptr, m.len), &bids);
	for (size_t i = 0; i < bids.n; i++)
		buf_printf(&seen, "%s ", bids.bid[i]->name);
	assert_string_equal(buf_str(&seen), row->bids);
	buf_free(&seen);
	file_unmap(&m);
}

struct mem_row {
	const char *name, *bytes;
	size_t len;
	const char *best; /* "" none */
};

#define MEM(name, bytes, best)                                                 \
	{                                                                      \
		name, bytes, sizeof(bytes) - 1, best                           \
	}

/* clang-format off */
static const struct mem_row mem_rows[] = {
	MEM("gzip", "\x1f\x8b\x08\0\0\0\0\0\0\3", "gzip"),
	MEM("compound file", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "ole2"),
	MEM("Java objects", "\xac\xed\0\5sr\0\1A", "java"),
	MEM("another stream of Java's colour", "\xac\xed\0\4sr\0\1A", ""),
	MEM("Arrow file", "ARROW1\0\0\xff\xff\xff\xff", "arrow"),
	MEM("Arrow stream", "\xff\xff\xff\xff\x10\0\0\0\x08\0\0\0abcdefghijkl",
	    "arrow"),
	MEM("Arrow stream, its root outside",
	    "\xff\xff\xff\xff\x10\0\0\0\x18\0\0\0abcdefghijkl", ""),
	MEM("registry", "REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\x]\r\n", "reg"),
	MEM("registry without keys", "REGEDIT4\r\n\r\n", "text"),
	MEM("autorun", "[AutoRun]\r\nicon=x\r\nOpen=x\r\n", "autorun"),
	MEM("autorun of nothing", "[autorun]\nicon=x\n[x]\nopen=x\n", "text"),
	MEM("launcher", "#!x\n\n[Desktop Entry]\nName=x\nExec=x\n", "desktop"),
	MEM("launcher of nothing", "[Desktop Entry]\nName=x\n", "text"),
	MEM("help", "ITSF\3\0\0\0\0", "chm"),
	MEM("PDF behind bytes", "ab\1\n%PDF-1.4\nx", "pdf"),
	MEM("UTF-16", "\xff\xfe{\0}\0\n\0", "wide-text"),
	MEM("UTF-16 without mark", "\0{\0\"\0a\0\"\0:\0001\0}", "wide-text"),
	MEM("UTF-32", "{\0\0\0}\0\0\0\n\0\0\0", "wide-text"),
	MEM("small numbers", "\1\0\2\0\3\0\4\0\5\0", ""),
	MEM("xz", "\xfd" "7zXZ\0\0\4", "xz"),
	MEM("zstd", "\x28\xb5\x2f\xfd\x20\x00", "zstd"),
	MEM("bzip2", "BZh91AY&SY\0\0", "bzip2"),
	MEM("bzip2 is not any BZh", "BZh9 and so on", "text"),
	MEM("7z", "7z\xbc\xaf\x27\x1c\0\4", "7z"),
	MEM("jpeg", "\xff\xd8\xff\xe0", "jpeg"),
	MEM("idx", "\0\0\x08\x01\0\0\0\2ab", "idx"),
	MEM("idx of another size", "\0\0\x08\x01\0\0\0\3ab", ""),
	MEM("java is not mach-o", "\xca\xfe\xba\xbe\0\0\0\x41", ""),
	MEM("a script needs a path", "#! nothing\n", "text"),
	MEM("safetensors header too long", "\xff\0\0\0\0\0\0\0{}", ""),
	MEM("onnx without a graph", "\x08\x08\x42\x02\x10\x11", ""),
	MEM("onnx with a hole", "\x08\x08\x3a\x7f\x10\x11", ""),
	MEM("onnx whose graph is numbers",
	    "\x08\x5c\x3a\x05\x3d\xa4\x3b\x30\x3c", ""),
	MEM("pickle without stop, long", "\x80\x04NNNNNN", "pickle"),
	MEM("pickle that stops at once", "\x80\x04.", ""),
	MEM("old pickle with an import", "cos\nsystem\n(S'x'\ntR.", "pickle"),
	MEM("prose is no pickle", "(a) cat.\n", "text"),
	MEM("scikit-learn", "\x80\4\x95\x2a\0\0\0\0\0\0\0\x8c\x1asklearn.tree._classes.Tree1\x94.", "sklearn"),
	MEM("joblib", "\x80\3csklearn.tree\nT\ncjoblib.numpy_pickle\nNumpyArrayWrapper\n\xff", "joblib"),
	MEM("SavedModel", "\x08\1\x12\5\x0a\3abc", "savedmodel"),
	MEM("SavedModel with a hole", "\x08\1\x12\7\x0a\3abc", ""),
	MEM("PMML", "<?xml version=\"1.0\"?>\n<PMML xmlns=\"http://www.dmg.org/PMML-4_4\">\n</PMML>", "pmml"),
	MEM("XML is no PMML", "<?xml version=\"1.0\"?>\n<a/>", "text"),
	MEM("XGBoost as JSON", "{\"learner\":{\"attributes\":{},\"gradient_booster\":{}},\"version\":[1,7,4]}", "xgboost"),
	MEM("XGBoost as UBJSON", "{L\0\0\0\0\0\0\0\7learner{L\0\0\0\0\0\0\0\nattributes", "xgboost"),
	MEM("LightGBM", "tree\nversion=v4\nnum_class=3\n", "lightgbm"),
};
/* clang-format on */

static void
test_mem(void **state)
{
	const struct mem_row *row = *state;
	struct identify_bids bids;

	identify(rd_mem(row->bytes, row->len), &bids);
	assert_string_equal(
	    bids.best != NULL ? bids.best->name : "", row->best);
}

static void
test_tar(void **state)
{
	struct identify_bids bids;
	struct err e = {0};
	struct file_map m;

	(void)state;
	assert_ok(
	    file_map("fixtures/archive/good-plain.tar", 1 << 20, &m, &e), &e);
	identify(rd_mem(m.ptr, m.len), &bids);
	assert_string_equal(bids.best->name, "tar");
	file_unmap(&m);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(mem_rows) + 1] = {
	    cmocka_unit_test(test_tar)};
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_file, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(mem_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_mem, mem_rows[i]);
	return cmocka_run_group_tests_name("identify", tests, NULL, NULL);
}
