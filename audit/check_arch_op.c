/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_op.h"

#include "base/text.h"

bool
check_arch_op_layer(const char *op)
{
	static const char *const ops[] = {"Conv", "ConvTranspose", "Gemm",
	    "MatMul", "ConvInteger", "MatMulInteger", "QLinearConv",
	    "QLinearMatMul", "DeformConv", "Einsum", "LSTM", "GRU", "RNN"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_shape(const char *op)
{
	static const char *const ops[] = {"Shape", "Size"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_reduces(const char *op)
{
	static const char *const ops[] = {"GlobalAveragePool", "GlobalMaxPool",
	    "GlobalLpPool", "ArgMax", "ArgMin", "TopK", "Slice", "Gather",
	    "GatherElements", "GatherND", "MaxPool", "AveragePool", "LpPool",
	    "Split", "Compress", "Crop"};

	return strncmp(op, "Reduce", 6) == 0 ||
	       text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_cuts(const char *op)
{
	static const char *const ops[] = {
	    "Slice", "Gather", "GatherElements", "GatherND", "Split", "Crop"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

static bool
is_whole_type(int64_t to)
{
	/* not float, half, double, bfloat16, nor the f8 types */
	return to != 0 && to != 1 && to != 10 && to != 11 && to < 16;
}

bool
check_arch_op_decides(const struct check_arch_node *n)
{
	static const char *const ops[] = {"Equal", "Greater", "GreaterOrEqual",
	    "Less", "LessOrEqual", "Sign", "Round", "Floor", "Ceil", "ArgMax",
	    "ArgMin", "NonZero", "Hardmax", "IsNaN", "IsInf", "Mod", "And",
	    "Or", "Xor", "Not", "BitShift", "BitwiseAnd", "BitwiseOr",
	    "BitwiseXor", "BitwiseNot", "Unique", "ThresholdedRelu", "Shrink"};

	return text_is_one_of(n->op, ops, ARRAY_LEN(ops)) ||
	       (strcmp(n->op, "Cast") == 0 && is_whole_type(n->to));
}

bool
check_arch_op_saturates(const char *op)
{
	static const char *const ops[] = {
	    "Sigmoid", "Tanh", "HardSigmoid", "Clip", "Relu"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_keeps_mask(const char *op)
{
	static const char *const ops[] = {"Equal", "Greater", "GreaterOrEqual",
	    "Less", "LessOrEqual", "Not", "And", "Or", "Xor", "Cast",
	    "ReduceMin", "ReduceMax", "ReduceProd", "Unsqueeze", "Squeeze",
	    "Reshape", "Identity", "Expand"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_mixes(const char *op)
{
	static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Pow",
	    "Max", "Min", "Mean", "Sum", "Where", "If", "Concat", "MatMul",
	    "Gemm", "Loop", "While", "Scan", "ScatterElements", "ScatterND",
	    "Scatter"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_adds(const char *op)
{
	static const char *const ops[] = {
	    "Add", "Sub", "Sum", "Max", "Min", "Mean", "Where", "If"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_body(const char *op)
{
	static const char *const ops[] = {"Loop", "Scan", "While"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}

bool
check_arch_op_odd(const char *op)
{
	static const char *const ops[] = {"If", "Loop", "Scan", "RandomNormal",
	    "RandomNormalLike", "RandomUniform", "RandomUniformLike",
	    "Bernoulli", "Multinomial", "Det", "Unique", "BitShift",
	    "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "IsNaN",
	    "IsInf", "Hardmax", "StringNormalizer", "TfIdfVectorizer",
	    "RegexFullMatch", "StringConcat", "StringSplit", "Optional",
	    "OptionalGetElement", "SequenceAt", "SequenceMap", "Xor"};

	return text_is_one_of(op, ops, ARRAY_LEN(ops));
}
