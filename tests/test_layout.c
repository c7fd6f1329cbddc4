/* SPDX-License-Identifier: MIT
 * What files beside a model say: YAML and text protocol buffers with exact
 * errors, and folders that are models by what is in them.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "tests/test.h"

#include "base/file.h"
#include "base/tree.h"
#include "formats/label_file.h"
#include "formats/layout.h"
#include "formats/pbtxt.h"
#include "formats/yaml_text.h"

#include <unistd.h>

/* --- the two languages --------------------------------------------------- */

struct text_row {
	const char *name, *file;
	int code;        /* 0: it is read */
	const char *msg; /* of the error, or the JSON */
	uint64_t off;
};

static const struct text_row yaml_rows[] = {
    {"yaml/forms", "good-forms", 0,
	"{\"anchor\":\"value\",\"explicit\":\"literal\\ntext\\n\","
	"\"flow\":{\"a\":[\"1\",\"2.5\",\"true\"],\"b\":\"~\"},"
	"\"folded\":\"folded text\",\"quoted \xc3\xa9\":\"single quote\","
	"\"tagged\":[\"id\"]}",
	0},
    {"yaml/empty map", "good-empty-map", 0, "{}", 0},
    {"yaml/alias", "bad-alias", ERR_FORMAT, "yaml: an alias", 20},
    {"yaml/merge", "bad-merge", ERR_FORMAT, "yaml: a merge key", 14},
    {"yaml/duplicate", "bad-duplicate", ERR_FORMAT,
	"yaml: a key is there twice", 12},
    {"yaml/key", "bad-key", ERR_FORMAT, "yaml: a key is no scalar", 2},
    {"yaml/deep", "bad-deep", ERR_LIMIT, "yaml: nested too deeply", 32},
    {"yaml/two documents", "bad-two-documents", ERR_FORMAT,
	"yaml: a second document", 5},
    {"yaml/open", "bad-open", ERR_FORMAT,
	"yaml: did not find expected ',' or ']'", 9},
    {"yaml/zero", "bad-zero", ERR_FORMAT, "yaml: a zero byte in a scalar", 3},
    {"yaml/utf8", "bad-utf8", ERR_FORMAT, "yaml: invalid leading UTF-8 octet",
	3},
    {"yaml/empty", "bad-empty", ERR_FORMAT, "yaml: no document", 0},
    {"yaml/tab", "bad-tab", ERR_FORMAT,
	"yaml: found character that cannot start any token", 3},
};

static const struct text_row pbtxt_rows[] = {
    {"pbtxt/forms", "good-forms", 0,
	"{\"a\":[\"1\"],\"b\":[\"-2.5e3\"],\"c\":[\"xy\"],\"d\":[{\"e\":[{\"f\""
	":[\"true\"]}]}],\"g\":[],\"h\":[{\"i\":[\"1\"]},{\"i\":[\"2\"]}],"
	"\"k\":[\"inf\",\"nan\"],\"type.googleapis.com/some.Message\":[{\"j\":["
	"\"AB\\n\\\"\"]}]}",
	0},
    {"pbtxt/empty", "good-empty", 0, "{}", 0},
    {"pbtxt/open", "bad-open", ERR_TRUNCATED, "pbtxt: ends inside a message",
	9},
    {"pbtxt/colon", "bad-colon", ERR_FORMAT, "pbtxt: a ':' is missing", 5},
    {"pbtxt/text", "bad-text", ERR_FORMAT, "pbtxt: text without an end", 8},
    {"pbtxt/escape", "bad-escape", ERR_FORMAT, "pbtxt: an unknown escape", 9},
    {"pbtxt/zero", "bad-zero", ERR_FORMAT, "pbtxt: a zero byte in text", 10},
    {"pbtxt/list", "bad-list", ERR_FORMAT, "pbtxt: a list without an end", 13},
    {"pbtxt/close", "bad-close", ERR_FORMAT, "pbtxt: a name is missing", 5},
    {"pbtxt/deep", "bad-deep", ERR_LIMIT, "pbtxt: nested too deeply", 99},
    {"pbtxt/byte", "bad-byte", ERR_FORMAT, "pbtxt: a name is missing", 3},
    {"pbtxt/value", "bad-value", ERR_FORMAT, "pbtxt: a name is missing", 3},
};

static void
check_text(const struct text_row *row, const char *kind,
    int (*read)(struct rd, json_t **, struct err *))
{
	struct err e = {0};
	struct file_map m;
	char path[256];
	json_t *j;
	int rc;

	snprintf(
	    path, sizeof(path), "fixtures/%s/%s.%s", kind, row->file, kind);
	assert_ok(file_map(path, 1 << 20, &m, &e), &e);
	rc = read(rd_mem(m.ptr, m.len), &j, &e);
	if (row->code == 0) {
		char *text;

		assert_ok(rc, &e);
		text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
		assert_string_equal(text, row->msg);
		free(text);
		json_decref(j);
	} else {
		assert_string_equal(e.msg, row->msg);
		assert_int_equal(rc, row->code);
		assert_int_equal(e.off, row->off);
	}
	file_unmap(&m);
}

static void
test_yaml(void **state)
{
	check_text(*state, "yaml", yaml_text_read);
}

static void
test_pbtxt(void **state)
{
	check_text(*state, "pbtxt", pbtxt_read);
}

/* --- folders ------------------------------------------------------------- */

#define MAR(file, more)                                                        \
	"{\"model\":{\"modelName\":\"m\",\"serializedFile\":\"" file "\"" more \
	"}}"
#define MLMODEL(flavours) "flavors: {python_function: {a: b}" flavours "}\n"
#define PBTXT(more)       "name: \"m\" platform: \"onnxruntime_onnx\" " more

struct folder_row {
	const char *name;
	const char *file[10]; /* name, content ("@": an ONNX model), ... */
	const char *kind;     /* of the layout */
	const char *main;     /* what is chosen; or NULL and the error */
	const char *error;
	const char *label1; /* of class 1, or NULL */
};

static const struct folder_row folder_rows[] = {
    {"mar",
	{"MAR-INF/MANIFEST.json", MAR("m.onnx", ""), "m.onnx", "@",
	    "index_to_name.json", "{\"1\":[\"n1\",\"dog\"],\"0\":\"cat\"}"},
	"torchserve", "m.onnx", NULL, "dog"},
    {"mar/no weights",
	{"MAR-INF/MANIFEST.json", MAR("m.onnx", ""), "other.onnx", "@"},
	"torchserve", NULL, "belongs to the model but is not there", NULL},
    {"mar/outside", {"MAR-INF/MANIFEST.json", MAR("../m.onnx", "")},
	"torchserve", NULL, "is no plain path within the model's folder", NULL},
    {"mar/eager", {"MAR-INF/MANIFEST.json", "{\"model\":{}}"}, "torchserve",
	NULL, "'model.serializedFile' is missing", NULL},
    {"mar/no json", {"MAR-INF/MANIFEST.json", "{"}, "torchserve", NULL,
	"json: string or '}' expected near end of file", NULL},
    {"mar/names with a hole",
	{"MAR-INF/MANIFEST.json", MAR("m.onnx", ""), "m.onnx", "@",
	    "index_to_name.json", "{\"0\":\"cat\",\"2\":\"dog\"}"},
	"torchserve", NULL,
	"'2' is not the number and name of one of 2 classes", NULL},
    {"mar/names by number twice",
	{"MAR-INF/MANIFEST.json", MAR("m.onnx", ""), "m.onnx", "@",
	    "index_to_name.json", "{\"0\":\"cat\",\"00\":\"dog\"}"},
	"torchserve", NULL,
	"'00' is not the number and name of one of 2 classes", NULL},
    {"mlflow/onnx",
	{"MLmodel", MLMODEL(", onnx: {data: data/m.onnx}"), "data/m.onnx", "@"},
	"mlflow", "data/m.onnx", NULL, NULL},
    {"mlflow/usual name",
	{"MLmodel", MLMODEL(", onnx: {onnx_version: 1}"), "model.onnx", "@"},
	"mlflow", "model.onnx", NULL, NULL},
    {"mlflow/keras",
	{"MLmodel", MLMODEL(", tensorflow: {data: d}"), "d/model.keras", "x"},
	"mlflow", "d/model.keras", NULL, NULL},
    {"mlflow/pytorch",
	{"MLmodel", MLMODEL(", pytorch: {model_data: data}"), "data/model.pth",
	    "x", "data/pickle_module_info.txt", "mlflow.pytorch.pickle"},
	"mlflow", "data/model.pth", NULL, NULL},
    {"mlflow/other flavour", {"MLmodel", MLMODEL(", sklearn: {a: b}")},
	"mlflow", NULL, "a model of the flavour 'sklearn'", NULL},
    {"mlflow/none", {"MLmodel", "a: b\n"}, "mlflow", NULL,
	"no flavour of a model", NULL},
    {"mlflow/outside",
	{"MLmodel", MLMODEL(", onnx: {data: ../m.onnx}"), "m.onnx", "@"},
	"mlflow", NULL,
	"flavour onnx: no model that can be read in '../m.onnx'", NULL},
    {"mlflow/transformers",
	{"MLmodel", MLMODEL(", transformers: {model_binary: model}"),
	    "model/config.json",
	    "{\"model_type\":\"vit\",\"id2label\":{\"0\":\"cat\",\"1\":"
	    "\"dog\"}}",
	    "model/model.safetensors", "x",
	    "components/image_processor/preprocessor_config.json", "{}"},
	"mlflow", "model/model.safetensors", NULL, "dog"},
    {"mlflow/transformers without weights",
	{"MLmodel", MLMODEL(", transformers: {model_binary: model}"),
	    "model/config.json", "{}"},
	"mlflow", NULL, "no config.json with weights in 'model'", NULL},
    {"mlflow/transformers elsewhere",
	{"MLmodel", MLMODEL(", transformers: {source_model_name: a/b}")},
	"mlflow", NULL, "flavour transformers: its model is not in the bundle",
	NULL},
    {"mlflow/transformers in parts",
	{"MLmodel", MLMODEL(", transformers: {model_binary: m}"),
	    "m/config.json", "{}", "m/model.safetensors.index.json", "{}"},
	"mlflow", NULL, "weights in several files: name the folder 'm'", NULL},
    {"nemo",
	{"model_config.yaml", "target: a.b.C\nlabels: [cat, dog]\n",
	    "model_weights.ckpt", "x"},
	"nemo", "model_weights.ckpt", NULL, "dog"},
    {"nemo/distributed",
	{"model_config.yaml", "target: a.b.C\n", "model_weights/common.pt",
	    "x"},
	"nemo", NULL,
	"a NeMo model of the class 'a.b.C': it has no model_weights.ckpt "
	"(distributed checkpoints, a folder model_weights, are not read here)",
	NULL},
    {"nemo/no class",
	{"model_config.yaml", "a: b\n", "model_weights/metadata.json", "{}"},
	"nemo", NULL,
	"a NeMo model that does not say its class: it has no "
	"model_weights.ckpt (distributed checkpoints, a folder model_weights, "
	"are not read here)",
	NULL},
    {"nemo/labels",
	{"model_config.yaml", "labels: [[a], b]\n", "model_weights.ckpt", "x"},
	"nemo", NULL, "the name of class 0 is no text", NULL},
    {"nemo/no yaml",
	{"model_config.yaml", "a: [b\n", "model_weights.ckpt", "x"}, "nemo",
	NULL, "yaml: did not find expected ',' or ']'", NULL},
    {"triton",
	{"config.pbtxt", PBTXT("output [{ label_filename: \"l.txt\" }]"),
	    "2/model.onnx", "@", "10/model.onnx", "@", "l.txt",
	    "cat\r\ndog\n\n"},
	"triton", "10/model.onnx", NULL, "dog"},
    {"triton/policy",
	{"config.pbtxt", PBTXT("version_policy: { specific { versions: [2] }}"),
	    "2/model.onnx", "@", "10/model.onnx", "@"},
	"triton", "2/model.onnx", NULL, NULL},
    {"triton/folder",
	{"config.pbtxt", PBTXT(""), "1/model.onnx/model.onnx", "@"}, "triton",
	"1/model.onnx/model.onnx", NULL, NULL},
    {"triton/file name",
	{"config.pbtxt", PBTXT("default_model_filename: \"net.onnx\""),
	    "1/net.onnx", "@", "1/model.onnx", "@", "07/net.onnx", "@"},
	"triton", "1/net.onnx", NULL, NULL},
    {"triton/code", {"config.pbtxt", "backend: \"python\"", "1/model.py", "x"},
	"triton", NULL, "a model for a backend that is not read here", NULL},
    {"triton/no version", {"config.pbtxt", PBTXT(""), "model.onnx", "@"},
	"triton", NULL, "no version of it has a file 'model.onnx'", NULL},
    {"triton/labels outside",
	{"config.pbtxt", PBTXT("output { label_filename: \"/etc/passwd\" }"),
	    "1/model.onnx", "@"},
	"triton", NULL, "is no plain path within the model's folder", NULL},
    {"plain", {"net.onnx", "@", "README.md", "hello", "sub/net.onnx", "@"},
	"folder", "net.onnx", NULL, NULL},
    {"plain/two", {"a.onnx", "@", "b.onnx", "@"}, "folder", NULL,
	"a folder with 2 models: name one of its files", NULL},
    {"plain/none", {"README.md", "hello"}, "folder", NULL,
	"a folder that is no model of a known layout", NULL},
};

static void
make_file(int root, const char *name, const char *content)
{
	struct err e = {0};
	struct file_map m = {(const uint8_t *)content, strlen(content)};
	bool model = strcmp(content, "@") == 0;
	int fd = -1;

	if (model)
		assert_ok(file_map("fixtures/onnx/good-resnet-9-static.onnx",
			      1 << 20, &m, &e),
		    &e);
	assert_ok(tree_create(root, name, &fd, &e), &e);
	assert_int_equal(write(fd, m.ptr, m.len), m.len);
	close(fd);
	if (model)
		file_unmap(&m);
}

static void
test_folder(void **state)
{
	const struct folder_row *row = *state;
	char dir[] = "/tmp/assay-layout-XXXXXX";
	struct err e = {0};
	struct source s;
	int root, rc;

	assert_non_null(mkdtemp(dir));
	assert_true((root = tree_root(dir, &e)) >= 0);
	for (size_t i = 0; row->file[i] != NULL; i += 2)
		make_file(root, row->file[i], row->file[i + 1]);
	source_init(&s, NULL, "", root);
	assert_non_null(layout_find(&s));
	assert_string_equal(layout_find(&s)->name, row->kind);
	assert_int_equal(
	    layout_find(&s)->loose, strcmp(row->kind, "folder") == 0);
	rc = layout_open(&s, &e);
	if (row->main != NULL) {
		assert_ok(rc, &e);
		assert_string_equal(s.file[source_main(&s)].name, row->main);
	} else {
		assert_int_not_equal(rc, 0);
		assert_string_equal(e.msg, row->error);
	}
	if (row->label1 != NULL) {
		assert_int_equal(s.hints.nlabel, 2);
		assert_string_equal(s.hints.label[1], row->label1);
	}
	source_release(&s);
	close(root);
	assert_ok(file_remove_tree(dir, &e), &e);
}

/* The handler that resizes by itself; a file named as the operand. */
static void
test_handler(void **state)
{
	static const char manifest[] =
	    MAR("m.onnx", ",\"handler\":\"image_classifier\"");
	char dir[] = "/tmp/assay-layout-XXXXXX";
	struct file_map m = {(const uint8_t *)"x", 1};
	struct err e = {0};
	struct source s;
	int root;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_true((root = tree_root(dir, &e)) >= 0);
	make_file(root, "MAR-INF/MANIFEST.json", manifest);
	make_file(root, "m.onnx", "@");
	source_init(&s, &m, "m.onnx", root);
	assert_ok(layout_open(&s, &e), &e);
	assert_int_equal(s.hints.preprocess.crop_height, 224);
	assert_int_equal(s.hints.preprocess.nmean, 3);
	assert_int_equal(source_main(&s), 0);
	source_release(&s);
	/* another file of the folder is not what the handler is for */
	source_init(&s, &m, "other.onnx", root);
	assert_ok(layout_open(&s, &e), &e);
	assert_int_equal(s.hints.preprocess.nmean, 0);
	source_release(&s);
	close(root);
	assert_ok(file_remove_tree(dir, &e), &e);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(yaml_rows) + ARRAY_LEN(pbtxt_rows) +
				ARRAY_LEN(folder_rows) + 1] = {
	    cmocka_unit_test(test_handler)};
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(yaml_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_yaml, yaml_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(pbtxt_rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_pbtxt, pbtxt_rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(folder_rows); i++)
		tests[n++] =
		    (struct CMUnitTest)ROW(test_folder, folder_rows[i]);
	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
