/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_aten.h"

#include "base/text.h"

/* Tells what a tensor is, and nothing of its numbers. */
static bool
is_about(const char *name)
{
	static const char *const ops[] = {"dtype", "is_floating_point",
	    "is_complex", "__is__", "__isnot__", "device", "layout",
	    "requires_grad", "is_cuda", "is_sparse", "is_quantized",
	    "is_nested", "is_contiguous", "is_grad_enabled", "isinstance",
	    "has_torch_function", "is_autocast_enabled", "format", "stride"};

	return text_is_one_of(name, ops, ARRAY_LEN(ops));
}

const char *
check_arch_aten(const char *name)
{
	static const struct {
		const char *from, *to;
	} ops[] = {{"eq", "Equal"}, {"ne", "Equal"}, {"isclose", "Equal"},
	    {"equal", "Equal"}, {"allclose", "Equal"}, {"gt", "Greater"},
	    {"ge", "Greater"}, {"lt", "Less"}, {"le", "Less"},
	    {"greater", "Greater"}, {"less", "Less"}, {"sign", "Sign"},
	    {"round", "Round"}, {"floor", "Floor"}, {"ceil", "Ceil"},
	    {"argmax", "ArgMax"}, {"argmin", "ArgMin"}, {"all", "ReduceMin"},
	    {"any", "ReduceMax"}, {"sum", "ReduceSum"}, {"mean", "ReduceMean"},
	    {"prod", "ReduceProd"}, {"amax", "ReduceMax"},
	    {"amin", "ReduceMin"}, {"std", "ReduceMean"}, {"var", "ReduceMean"},
	    {"norm", "ReduceL2"}, {"slice", "Slice"}, {"select", "Slice"},
	    {"narrow", "Slice"}, {"index", "Gather"},
	    {"index_select", "Gather"}, {"max_pool2d", "MaxPool"},
	    {"avg_pool2d", "AveragePool"},
	    {"adaptive_avg_pool2d", "AveragePool"}, {"where", "Where"},
	    {"masked_fill", "Where"}, {"masked_fill_", "Where"}, {"add", "Add"},
	    {"add_", "Add"}, {"sub", "Sub"}, {"rsub", "Sub"}, {"mul", "Mul"},
	    {"mul_", "Mul"}, {"div", "Div"}, {"cat", "Concat"}, {"lerp", "Add"},
	    {"logical_and", "And"}, {"logical_or", "Or"},
	    {"logical_not", "Not"}, {"bitwise_and", "And"},
	    {"bitwise_or", "Or"}, {"bitwise_not", "Not"}, {"__and__", "And"},
	    {"__or__", "Or"}, {"linear", "Gemm"}, {"addmm", "Gemm"},
	    {"conv2d", "Conv"}, {"conv1d", "Conv"}, {"_convolution", "Conv"},
	    {"matmul", "MatMul"}, {"size", "Shape"}, {"dim", "Shape"},
	    {"len", "Shape"}, {"numel", "Shape"}, {"sigmoid", "Sigmoid"},
	    {"tanh", "Tanh"}, {"to", "Cast"}, {"_to_copy", "Cast"},
	    {"embedding", "Embedding"}, {"clamp", "Clip"}, {"clamp_", "Clip"},
	    {"clamp_min", "Clip"}, {"clamp_max", "Clip"}, {"clip", "Clip"},
	    {"hardtanh", "Clip"}, {"hardtanh_", "Clip"}, {"relu", "Relu"},
	    {"relu_", "Relu"}, {"relu6", "Clip"},
	    {"hardsigmoid", "HardSigmoid"}, {"heaviside", "Sign"},
	    {"sgn", "Sign"}, {"signbit", "Sign"}, {"copysign", "Sign"},
	    {"trunc", "Floor"}, {"floor_divide", "Floor"},
	    {"bucketize", "Floor"}, {"fmod", "Mod"}, {"remainder", "Mod"},
	    {"logical_xor", "Xor"}, {"bitwise_xor", "Xor"}, {"isin", "Equal"},
	    {"isnan", "IsNaN"}, {"isinf", "IsInf"}, {"topk", "TopK"},
	    {"nonzero", "NonZero"}, {"count_nonzero", "NonZero"},
	    {"threshold", "ThresholdedRelu"}, {"hardshrink", "Shrink"},
	    {"maximum", "Max"}, {"minimum", "Min"}, {"fmax", "Max"},
	    {"fmin", "Min"}, {"pow", "Pow"}, {"stack", "Concat"},
	    {"scatter", "ScatterElements"}, {"index_put", "ScatterND"},
	    {"index_put_", "ScatterND"}, {"index_copy", "ScatterND"},
	    {"slice_scatter", "ScatterND"}, {"select_scatter", "ScatterND"},
	    {"masked_scatter", "Where"}, {"bmm", "MatMul"}, {"mm", "MatMul"}};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].from, name) == 0)
			return ops[i].to;
	/* also those of processors: mkldnn_convolution, linear_run */
	if (strstr(name, "conv") != NULL || strstr(name, "linear") != NULL)
		return "Conv";
	return is_about(name) ? "Shape" : "Other";
}
