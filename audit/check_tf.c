/* SPDX-License-Identifier: MIT */
#include "audit/check_tf.h"

#include "base/text.h"

enum {
	SAFE = CHECK_TF_SAFE,
	SAVER = CHECK_TF_SAVER,
	TABLE = CHECK_TF_TABLE,
	CACHE = CHECK_TF_CACHE,
	READ = CHECK_TF_READ,
	WRITE = CHECK_TF_WRITE,
	NETWORK = CHECK_TF_NETWORK,
	PYTHON = CHECK_TF_PYTHON,
	LIBRARY = CHECK_TF_LIBRARY,
	CLOCK = CHECK_TF_CLOCK,
};

static const struct {
	const char *name;
	int class;
} ops[] = {
#define TF_OP(name, class) {name, class},
#include "audit/check_tf_op.def"
#undef TF_OP
};

/* As memcmp, the shorter one first. */
static int
compare(const char *a, struct slice b)
{
	size_t n = strlen(a);
	int c = b.len != 0 ? memcmp(a, b.ptr, MIN(n, b.len)) : 0;

	return c != 0 ? c : (n > b.len) - (n < b.len);
}

enum check_tf_class
check_tf_op(struct slice name)
{
	size_t low = 0, high = ARRAY_LEN(ops);

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = compare(ops[mid].name, name);

		if (c == 0)
			return (enum check_tf_class)ops[mid].class;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return CHECK_TF_UNKNOWN;
}

bool
check_tf_sorted(void)
{
	for (size_t i = 1; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i - 1].name, ops[i].name) >= 0)
			return false;
	return true;
}

/* --- the public API ------------------------------------------------------ */

static const char *
after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* Modules of pure functions; functions at top level are those of array_ops,
 * but for these. */
static const char *const pure[] = {"__operators__.", "audio.", "bitwise.",
    "dtypes.", "image.", "keras.backend.", "linalg.", "math.", "nest.", "nn.",
    "numpy.", "quantization.", "ragged.", "random.", "sets.", "signal.",
    "sparse.", "strings."};
static const char *const python[] = {"numpy_function", "py_func", "py_function",
    "function", "autodiff", "custom_gradient"};
static const char *const library[] = {
    "load_library", "load_op_library", "import_graph_def"};

/* tf.io: codecs are pure, what opens files is not. */
static enum check_tf_class
io(const char *s)
{
	static const char *const codecs[] = {"decode_", "encode_", "parse_",
	    "serialize_", "deserialize_", "extract_", "is_jpeg"};

	if (strcmp(s, "read_file") == 0 || strcmp(s, "matching_files") == 0)
		return CHECK_TF_READ;
	if (strcmp(s, "write_file") == 0)
		return CHECK_TF_WRITE;
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
		if (after(s, codecs[i]) != NULL)
			return CHECK_TF_SAFE;
	return CHECK_TF_UNKNOWN;
}

enum check_tf_class
check_tf_function(const char *name)
{
	const char *rest;

	if ((rest = after(name, "compat.v1.")) != NULL ||
	    (rest = after(name, "compat.v2.")) != NULL)
		name = rest;
	if ((rest = after(name, "raw_ops.")) != NULL)
		return check_tf_op(
		    (struct slice){(const uint8_t *)rest, strlen(rest)});
	if ((rest = after(name, "io.")) != NULL)
		return io(rest);
	for (size_t i = 0; i < ARRAY_LEN(pure); i++)
		if (after(name, pure[i]) != NULL)
			return CHECK_TF_SAFE;
	if (text_is_one_of(name, python, ARRAY_LEN(python)))
		return CHECK_TF_PYTHON;
	if (text_is_one_of(name, library, ARRAY_LEN(library)))
		return CHECK_TF_LIBRARY;
	if (strcmp(name, "read_file") == 0 ||
	    strcmp(name, "matching_files") == 0)
		return CHECK_TF_READ;
	if (strcmp(name, "write_file") == 0)
		return CHECK_TF_WRITE;
	return strchr(name, '.') == NULL ? CHECK_TF_SAFE : CHECK_TF_UNKNOWN;
}

enum finding_id check_tf_finding(enum check_tf_class class)
{
	switch (class) {
	case CHECK_TF_CACHE:
	case CHECK_TF_WRITE:
		return FINDING_TF_WRITE;
	case CHECK_TF_NETWORK:
		return FINDING_TF_NETWORK;
	case CHECK_TF_PYTHON:
		return FINDING_TF_PYTHON;
	case CHECK_TF_CLOCK:
		return FINDING_TF_CLOCK;
	case CHECK_TF_LIBRARY:
	case CHECK_TF_UNKNOWN:
		return FINDING_TF_LIBRARY;
	case CHECK_TF_SAVER:
	case CHECK_TF_TABLE:
		return FINDING_TF_PATH;
	case CHECK_TF_SAFE:
	case CHECK_TF_READ:
		break;
	}
	return FINDING_TF_READ;
}

const char *check_tf_text(enum check_tf_class class)
{
	switch (class) {
	case CHECK_TF_SAFE:
		break;
	case CHECK_TF_SAVER:
	case CHECK_TF_TABLE:
		return "opens a file";
	case CHECK_TF_READ:
		return "reads files";
	case CHECK_TF_CACHE:
	case CHECK_TF_WRITE:
		return "writes files";
	case CHECK_TF_NETWORK:
		return "uses the network";
	case CHECK_TF_PYTHON:
		return "calls Python";
	case CHECK_TF_LIBRARY:
		return "runs code that is not TensorFlow's";
	case CHECK_TF_CLOCK:
		return "reads the clock";
	case CHECK_TF_UNKNOWN:
		return "is no operator of TensorFlow";
	}
	return "is harmless";
}
