/* SPDX-License-Identifier: MIT
 * The checks of what model formats can do: their tables, names of files, and
 * the places in a configuration that findings name.
 */
#include "tests/test.h"

#include "audit/check_keras_name.h"
#include "audit/check_onnx_op.h"
#include "audit/check_path.h"
#include "audit/check_tf.h"
#include "base/buf.h"
#include "base/limits.h"
#include "tests/fuzz/look.h"

static void
test_sorted(void **state)
{
	(void)state;
	assert_true(check_keras_name_sorted());
	assert_true(check_onnx_op_sorted());
	assert_true(check_tf_sorted());
}

struct path_row {
	const char *path, *why;
};

static const struct path_row path_rows[] = {
    {"", NULL},
    {"weights.bin", NULL},
    {"a/b..c/d", NULL},
    {"...", NULL},
    {"a:b", "names a drive"},
    {"/etc/passwd", "is absolute"},
    {"\\\\host\\share", "is absolute"},
    {"..", "leaves its folder"},
    {"a/../b", "leaves its folder"},
    {"a\\..\\b", "leaves its folder"},
    {"a/..", "leaves its folder"},
    {"~/x", "begins in somebody's home"},
    {"s3://bucket/x", "is an address"},
    {"C:\\x", "names a drive"},
    {"a\nb", "holds a control character"},
};

static void
test_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++) {
		const char *p = path_rows[i].path;
		const char *why = check_path_escape(
		    (struct slice){(const uint8_t *)p, strlen(p)});

		if (path_rows[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, path_rows[i].why);
	}
}

struct name_row {
	const char *module, *name;
	enum check_keras_kind kind;
	enum check_keras_origin origin;
};

#define CLASS    CHECK_KERAS_CLASS
#define FUNCTION CHECK_KERAS_FUNCTION

static const struct name_row name_rows[] = {
    {"keras.layers", "Dense", CLASS, CHECK_KERAS_OWN},
    {"keras.losses", "Dense", CLASS, CHECK_KERAS_OWN},
    {"keras.layers", "dense", CLASS, CHECK_KERAS_USER},
    {"keras", "Sequential", CLASS, CHECK_KERAS_OWN},
    {"keras.src.models.functional", "Functional", CLASS, CHECK_KERAS_OWN},
    {"keras.src.engine.functional", "Functional", CLASS, CHECK_KERAS_OWN},
    {"keras.src.utils.layer_utils", "Dense", CLASS, CHECK_KERAS_REACH},
    {"keras.layersx", "Dense", CLASS, CHECK_KERAS_REACH},
    {"kerasx.layers", "Dense", CLASS, CHECK_KERAS_USER},
    {"keras", "get_file", FUNCTION, CHECK_KERAS_REACH},
    {"keras.models", "load_model", FUNCTION, CHECK_KERAS_REACH},
    {"keras.activations", "relu", FUNCTION, CHECK_KERAS_OWN},
    {"builtins", "relu", FUNCTION, CHECK_KERAS_OWN},
    {"builtins", "my_loss", FUNCTION, CHECK_KERAS_USER},
    {"builtins", "eval", FUNCTION, CHECK_KERAS_STANDARD},
    {"jax.nn", "relu", FUNCTION, CHECK_KERAS_MATHS},
    {"jax.nn", "Relu", CLASS, CHECK_KERAS_PACKAGE},
    {"os", "system", FUNCTION, CHECK_KERAS_STANDARD},
    {"os.path", "join", CLASS, CHECK_KERAS_STANDARD},
    {"numpy", "load", FUNCTION, CHECK_KERAS_PACKAGE},
    {"__main__", "MyLayer", CLASS, CHECK_KERAS_USER},
    {NULL, "Conv2D", CLASS, CHECK_KERAS_OWN},
    {NULL, "Custom>Conv2D", CLASS, CHECK_KERAS_USER},
    {NULL, "Custom>Adam", CLASS, CHECK_KERAS_OWN},
    {NULL, "Addons>GELU", CLASS, CHECK_KERAS_LIBRARY},
    {"keras.src.applications.convnext", "LayerScale", CLASS, CHECK_KERAS_OWN},
    {"keras.applications", "ResNet50", FUNCTION, CHECK_KERAS_REACH},
    {NULL, "os.system", CLASS, CHECK_KERAS_STANDARD},
    {"keras_cv.layers", "Augmenter", CLASS, CHECK_KERAS_LIBRARY},
    {"keras_cv.utils", "load", FUNCTION, CHECK_KERAS_USER},
};

static void
test_keras_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(name_rows); i++) {
		const struct name_row *r = &name_rows[i];

		assert_int_equal(
		    check_keras_name(r->module, r->name, r->kind), r->origin);
	}
}

static void
test_tf_function(void **state)
{
	(void)state;
	assert_int_equal(check_tf_function("math.add"), CHECK_TF_SAFE);
	assert_int_equal(check_tf_function("reshape"), CHECK_TF_SAFE);
	assert_int_equal(check_tf_function("io.decode_jpeg"), CHECK_TF_SAFE);
	assert_int_equal(check_tf_function("io.read_file"), CHECK_TF_READ);
	assert_int_equal(
	    check_tf_function("compat.v1.write_file"), CHECK_TF_WRITE);
	assert_int_equal(check_tf_function("raw_ops.PyFunc"), CHECK_TF_PYTHON);
	assert_int_equal(
	    check_tf_function("load_op_library"), CHECK_TF_LIBRARY);
	assert_int_equal(
	    check_tf_function("saved_model.load"), CHECK_TF_UNKNOWN);
}

static void
test_onnx_op(void **state)
{
	(void)state;
	assert_int_equal(check_onnx_op("", "Relu"), CHECK_ONNX_STANDARD);
	assert_int_equal(check_onnx_op("ai.onnx", "Relu"), CHECK_ONNX_STANDARD);
	assert_int_equal(
	    check_onnx_op("ai.onnx.ml", "Scaler"), CHECK_ONNX_STANDARD);
	assert_int_equal(
	    check_onnx_op("ai.onnx.ml", "Relu"), CHECK_ONNX_LIBRARY);
	assert_int_equal(
	    check_onnx_op("com.microsoft", "FusedConv"), CHECK_ONNX_RUNTIME);
	assert_int_equal(
	    check_onnx_op("com.microsoft", "PythonOp"), CHECK_ONNX_PYTHON);
	assert_int_equal(check_onnx_op("com.evil", "Conv"), CHECK_ONNX_LIBRARY);
	assert_int_equal(check_onnx_op("ai.onnx.contrib", "BertTokenizer"),
	    CHECK_ONNX_RUNTIME);
	assert_int_equal(
	    check_onnx_op("ai.onnx.contrib", "PyOp"), CHECK_ONNX_PYTHON);
	/* opens files, calls Azure */
	assert_int_equal(check_onnx_op("ai.onnx.contrib", "ImageReader"),
	    CHECK_ONNX_LIBRARY);
	assert_int_equal(
	    check_onnx_op("com.microsoft.extensions", "AzureAudioToText"),
	    CHECK_ONNX_LIBRARY);
}

static void
put_field(struct buf *b, unsigned number, const void *p, size_t len)
{
	buf_varint(b, number << 3 | 2);
	buf_varint(b, len);
	buf_append(b, p, len);
}

/* A domain that is too long to be kept is not ONNX's own. */
static void
test_onnx_long(void **state)
{
	struct buf node = {0}, graph = {0}, model = {0};
	char domain[LIMIT_NAME + 1];
	struct look l;

	(void)state;
	memset(domain, 'd', sizeof(domain));
	put_field(&node, 4, "Relu", 4);
	put_field(&node, 7, domain, sizeof(domain));
	put_field(&graph, 1, node.ptr, node.len);
	buf_puts(&model, "\x08\x08");
	put_field(&model, 7, graph.ptr, graph.len);
	look_at(&l, check_onnx, "m.onnx", rd_mem(model.ptr, model.len));
	assert_true(l.sink.analysed);
	assert_false(l.sink.complete);
	look_end(&l);
	buf_free(&node);
	buf_free(&graph);
	buf_free(&model);
}

/* Behind a mark of the byte order, a configuration that is too large. */
static void
test_keras_large(void **state)
{
	static const char text[] =
	    "\xef\xbb\xbf{\"module\": \"os\", \"class_name\": \"system\", "
	    "\"config\": {}}";
	size_t len = LIMIT_KERAS_TEXT + 64;
	char *s = malloc(len);
	struct look l;

	(void)state;
	assert_non_null(s);
	memset(s, ' ', len);
	memcpy(s, text, sizeof(text) - 1);
	look_at(&l, check_keras, "x.json", rd_mem(s, len));
	assert_true(look_has(&l, "FILE_LIMIT"));
	assert_false(l.sink.complete);
	look_end(&l);
	free(s);
}

/* A finding says where in the configuration it is. */
static void
test_place(void **state)
{
	static const char text[] =
	    "{\"class_name\": \"Sequential\", \"config\": {\"layers\": [{}, "
	    "{\"module\": \"os\", \"class_name\": \"system\", \"config\": "
	    "{}}]}}";
	struct look l;
	const char *detail;

	(void)state;
	look_at(&l, check_keras, "x", rd_mem(text, sizeof(text) - 1));
	assert_int_equal(json_array_size(l.findings), 1);
	detail = json_string_value(
	    json_object_get(json_array_get(l.findings, 0), "detail"));
	assert_string_equal(
	    detail, "config.layers[1]: os.system, of Python itself");
	look_end(&l);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sorted),
	    cmocka_unit_test(test_path),
	    cmocka_unit_test(test_keras_name),
	    cmocka_unit_test(test_tf_function),
	    cmocka_unit_test(test_onnx_op),
	    cmocka_unit_test(test_onnx_long),
	    cmocka_unit_test(test_keras_large),
	    cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
