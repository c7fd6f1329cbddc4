/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_paddle_op.h"

#include "base/base.h"

#include <string.h>

static const struct {
	const char *from, *to;
} ops[] = {{"conv2d", "Conv"}, {"conv3d", "Conv"}, {"depthwise_conv2d", "Conv"},
    {"conv2d_fusion", "Conv"}, {"fused_conv2d", "Conv"},
    {"fused_conv2d_add_act", "Conv"}, {"conv2d_transpose", "ConvTranspose"},
    {"conv3d_transpose", "ConvTranspose"},
    {"depthwise_conv2d_transpose", "ConvTranspose"},
    {"deformable_conv", "DeformConv"}, {"deformable_conv_v1", "DeformConv"},
    {"mul", "MatMul"}, {"matmul", "MatMul"}, {"matmul_v2", "MatMul"},
    {"matmul_with_flatten", "MatMul"}, {"bmm", "MatMul"}, {"mv", "MatMul"},
    {"addmm", "Gemm"}, {"fc", "Gemm"}, {"linear", "Gemm"},
    {"linear_v2", "Gemm"}, {"fused_gemm_epilogue", "Gemm"},
    {"fused_linear_param_grad_add", "Gemm"}, {"fused_fc", "Gemm"},
    {"multihead_matmul", "MatMul"}, {"einsum", "Einsum"}, {"lstm", "LSTM"},
    {"cudnn_lstm", "LSTM"}, {"rnn", "RNN"}, {"gru", "GRU"}, {"equal", "Equal"},
    {"not_equal", "Equal"}, {"equal_all", "Equal"}, {"isclose", "Equal"},
    {"allclose", "Equal"}, {"greater_than", "Greater"},
    {"greater_equal", "GreaterOrEqual"}, {"less_than", "Less"},
    {"less_equal", "LessOrEqual"}, {"sign", "Sign"}, {"heaviside", "Sign"},
    {"elementwise_heaviside", "Sign"}, {"copysign", "Sign"}, {"sgn", "Sign"},
    {"round", "Round"}, {"floor", "Floor"}, {"trunc", "Floor"},
    {"ceil", "Ceil"}, {"elementwise_floordiv", "Floor"},
    {"floor_divide", "Floor"}, {"bucketize", "Floor"},
    {"searchsorted", "Floor"}, {"elementwise_mod", "Mod"}, {"remainder", "Mod"},
    {"arg_max", "ArgMax"}, {"argmax", "ArgMax"}, {"arg_min", "ArgMin"},
    {"argmin", "ArgMin"}, {"where_index", "NonZero"}, {"nonzero", "NonZero"},
    {"isnan", "IsNaN"}, {"isnan_v2", "IsNaN"}, {"isinf", "IsInf"},
    {"isinf_v2", "IsInf"}, {"isfinite", "IsInf"}, {"isfinite_v2", "IsInf"},
    {"logical_and", "And"}, {"logical_or", "Or"}, {"logical_xor", "Xor"},
    {"logical_not", "Not"}, {"bitwise_and", "BitwiseAnd"},
    {"bitwise_or", "BitwiseOr"}, {"bitwise_xor", "BitwiseXor"},
    {"bitwise_not", "BitwiseNot"}, {"bitwise_left_shift", "BitShift"},
    {"bitwise_right_shift", "BitShift"}, {"unique", "Unique"},
    {"unique_consecutive", "Unique"}, {"hard_shrink", "Shrink"},
    {"hardshrink", "Shrink"}, {"thresholded_relu", "ThresholdedRelu"},
    {"where", "Where"}, {"select_input", "Where"}, {"masked_fill", "Where"},
    {"multiplex", "Where"}, {"elementwise_add", "Add"}, {"add", "Add"},
    {"lerp", "Add"}, {"sum", "Sum"}, {"add_n", "Sum"},
    {"elementwise_sub", "Sub"}, {"subtract", "Sub"}, {"minus", "Sub"},
    {"elementwise_mul", "Mul"}, {"multiply", "Mul"}, {"scale", "Mul"},
    {"elementwise_div", "Div"}, {"divide", "Div"}, {"elementwise_pow", "Pow"},
    {"pow", "Pow"}, {"elementwise_max", "Max"}, {"maximum", "Max"},
    {"elementwise_fmax", "Max"}, {"fmax", "Max"}, {"elementwise_min", "Min"},
    {"minimum", "Min"}, {"elementwise_fmin", "Min"}, {"fmin", "Min"},
    {"concat", "Concat"}, {"stack", "Concat"}, {"combine", "Concat"},
    {"reduce_sum", "ReduceSum"}, {"reduce_mean", "ReduceMean"},
    {"mean", "ReduceMean"}, {"mean_all", "ReduceMean"},
    {"reduce_max", "ReduceMax"}, {"max", "ReduceMax"}, {"amax", "ReduceMax"},
    {"reduce_amax", "ReduceMax"}, {"reduce_min", "ReduceMin"},
    {"min", "ReduceMin"}, {"amin", "ReduceMin"}, {"reduce_amin", "ReduceMin"},
    {"reduce_prod", "ReduceProd"}, {"prod", "ReduceProd"},
    {"reduce_all", "ReduceMin"}, {"all", "ReduceMin"},
    {"reduce_any", "ReduceMax"}, {"any", "ReduceMax"},
    {"logsumexp", "ReduceSum"}, {"p_norm", "ReduceL2"},
    {"frobenius_norm", "ReduceL2"}, {"norm", "ReduceL2"},
    {"squared_l2_norm", "ReduceL2"}, {"l1_norm", "ReduceL1"},
    {"dist", "ReduceL2"}, {"median", "ReduceMean"}, {"mode", "ReduceMean"},
    {"kthvalue", "TopK"}, {"slice", "Slice"}, {"strided_slice", "Slice"},
    {"crop", "Crop"}, {"crop_tensor", "Crop"}, {"gather", "Gather"},
    {"gather_nd", "GatherND"}, {"index_select", "Gather"},
    {"index_sample", "Gather"}, {"take_along_axis", "Gather"},
    {"masked_select", "Gather"}, {"pool2d", "MaxPool"}, {"pool3d", "MaxPool"},
    {"max_pool2d_with_index", "MaxPool"}, {"split", "Split"},
    {"split_with_num", "Split"}, {"unbind", "Split"}, {"unstack", "Split"},
    {"top_k", "TopK"}, {"top_k_v2", "TopK"}, {"topk", "TopK"},
    {"sigmoid", "Sigmoid"}, {"tanh", "Tanh"}, {"relu", "Relu"},
    {"relu6", "Clip"}, {"brelu", "Clip"}, {"hard_sigmoid", "HardSigmoid"},
    {"hardsigmoid", "HardSigmoid"}, {"hardtanh", "Clip"}, {"clip", "Clip"},
    {"cast", "Cast"}, {"assign", "Identity"}, {"share_data", "Identity"},
    {"share_buffer", "Identity"}, {"builtin.split", "Identity"},
    {"reshape", "Reshape"}, {"reshape2", "Reshape"}, {"squeeze", "Squeeze"},
    {"squeeze2", "Squeeze"}, {"unsqueeze", "Unsqueeze"},
    {"unsqueeze2", "Unsqueeze"}, {"expand", "Expand"}, {"expand_v2", "Expand"},
    {"expand_as", "Expand"}, {"expand_as_v2", "Expand"}, {"tile", "Expand"},
    {"broadcast_to", "Expand"}, {"shape", "Shape"}, {"shape64", "Shape"},
    {"size", "Size"}, {"numel", "Size"}, {"fill_any_like", "Shape"},
    {"full_like", "Shape"}, {"fill_zeros_like", "Shape"},
    {"full_batch_size_like", "Shape"},
    {"fill_constant_batch_size_like", "Shape"},
    {"uniform_random_batch_size_like", "Shape"}, {"set_value", "ScatterND"},
    {"set_value_with_tensor", "ScatterND"}, {"scatter", "ScatterND"},
    {"scatter_nd_add", "ScatterND"}, {"put_along_axis", "ScatterElements"},
    {"index_put", "ScatterND"}, {"index_add", "ScatterND"},
    {"determinant", "Det"}};

const char *
check_arch_paddle_op(const char *op)
{
	size_t len = strlen(op);

	/* "relu_", "set_value_": in place */
	len -= len > 1 && op[len - 1] == '_';
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (strncmp(ops[i].from, op, len) == 0 &&
		    ops[i].from[len] == '\0')
			return ops[i].to;
	return "Other";
}
