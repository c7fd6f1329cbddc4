/* SPDX-License-Identifier: MIT */
#include "audit/check_onnx_op.h"

#include "base/text.h"

#include <stdlib.h>

struct op {
	const char *name, *domain;
	struct check_onnx_need need;
};

static const struct op ops[] = {
#define ONNX_OP(name, domain, inputs, attributes)                              \
	{name, domain, {inputs, attributes}},
#include "audit/check_onnx_op.def"
#undef ONNX_OP
};

/* onnxruntime's training and extensions call Python by these, in domains that
 * the user names */
static const char *const python[] = {
    "PyCustomOp", "PyFunc", "PyOp", "PythonOp", "PythonOpGrad"};

static int
by_name(const void *a, const void *b)
{
	const struct op *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->domain, y->domain);
}

static const struct op *
find(const char *domain, const char *name)
{
	struct op key = {
	    name, strcmp(domain, "ai.onnx") == 0 ? "" : domain, {0, ""}};

	return bsearch(&key, ops, ARRAY_LEN(ops), sizeof(key), by_name);
}

struct check_onnx_need
check_onnx_op_need(const char *domain, const char *name)
{
	const struct op *op = find(domain, name);

	return op != NULL ? op->need : (struct check_onnx_need){0, ""};
}

enum check_onnx_origin
check_onnx_op(const char *domain, const char *name)
{
	if (text_is_one_of(name, python, ARRAY_LEN(python)))
		return CHECK_ONNX_PYTHON;
	if (find(domain, name) == NULL)
		return CHECK_ONNX_LIBRARY;
	return strncmp(domain, "com.", 4) == 0 ||
		       strcmp(domain, "ai.onnx.contrib") == 0
		   ? CHECK_ONNX_RUNTIME
		   : CHECK_ONNX_STANDARD;
}

bool
check_onnx_op_sorted(void)
{
	for (size_t i = 1; i < ARRAY_LEN(ops); i++)
		if (by_name(&ops[i - 1], &ops[i]) >= 0)
			return false;
	return true;
}
