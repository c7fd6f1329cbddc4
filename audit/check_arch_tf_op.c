/* SPDX-License-Identifier: MIT */
#include "audit/check_arch_tf_op.h"

#include "base/text.h"

#include <string.h>

static const struct {
	const char *from, *to;
} ops[] = {{"Conv2D", "Conv"}, {"Conv3D", "Conv"}, {"Conv", "Conv"},
    {"DepthwiseConv2dNative", "Conv"}, {"_FusedConv2D", "Conv"},
    {"FusedResizeAndPadConv2D", "Conv"}, {"FusedPadConv2D", "Conv"},
    {"QuantizedConv2D", "Conv"}, {"_FusedDepthwiseConv2dNative", "Conv"},
    {"Conv2DBackpropInput", "ConvTranspose"},
    {"Conv3DBackpropInputV2", "ConvTranspose"}, {"MatMul", "MatMul"},
    {"BatchMatMul", "MatMul"}, {"BatchMatMulV2", "MatMul"},
    {"BatchMatMulV3", "MatMul"}, {"_FusedMatMul", "MatMul"},
    {"QuantizedMatMul", "MatMul"}, {"SparseTensorDenseMatMul", "MatMul"},
    {"Einsum", "Einsum"}, {"XlaDot", "MatMul"}, {"XlaConv", "Conv"},
    {"CudnnRNN", "LSTM"}, {"CudnnRNNV2", "LSTM"}, {"CudnnRNNV3", "LSTM"},
    {"LSTMBlockCell", "LSTM"}, {"BlockLSTM", "LSTM"}, {"BlockLSTMV2", "LSTM"},
    {"GRUBlockCell", "GRU"}, {"Equal", "Equal"}, {"NotEqual", "Equal"},
    {"ApproximateEqual", "Equal"}, {"Greater", "Greater"},
    {"GreaterEqual", "GreaterOrEqual"}, {"Less", "Less"},
    {"LessEqual", "LessOrEqual"}, {"InTopK", "Equal"}, {"InTopKV2", "Equal"},
    {"Bucketize", "Floor"}, {"Sign", "Sign"}, {"Rint", "Round"},
    {"Round", "Round"}, {"Floor", "Floor"}, {"Ceil", "Ceil"},
    {"FloorDiv", "Floor"}, {"TruncateDiv", "Floor"}, {"FloorMod", "Mod"},
    {"Mod", "Mod"}, {"TruncateMod", "Mod"}, {"ArgMax", "ArgMax"},
    {"ArgMin", "ArgMin"}, {"Where", "NonZero"}, {"IsNan", "IsNaN"},
    {"IsInf", "IsInf"}, {"IsFinite", "IsInf"}, {"LogicalAnd", "And"},
    {"LogicalOr", "Or"}, {"LogicalNot", "Not"}, {"BitwiseAnd", "BitwiseAnd"},
    {"BitwiseOr", "BitwiseOr"}, {"BitwiseXor", "BitwiseXor"},
    {"Invert", "BitwiseNot"}, {"LeftShift", "BitShift"},
    {"RightShift", "BitShift"}, {"Unique", "Unique"}, {"UniqueV2", "Unique"},
    {"Select", "Where"}, {"SelectV2", "Where"}, {"Add", "Add"},
    {"AddV2", "Add"}, {"Sub", "Sub"}, {"SquaredDifference", "Sub"},
    {"Mul", "Mul"}, {"MulNoNan", "Mul"}, {"Div", "Div"}, {"RealDiv", "Div"},
    {"DivNoNan", "Div"}, {"Pow", "Pow"}, {"Maximum", "Max"}, {"Minimum", "Min"},
    {"AddN", "Sum"}, {"AccumulateNV2", "Sum"}, {"ConcatV2", "Concat"},
    {"Concat", "Concat"}, {"Pack", "Concat"}, {"ParallelConcat", "Concat"},
    {"DynamicStitch", "Concat"}, {"Sum", "ReduceSum"}, {"Mean", "ReduceMean"},
    {"Max", "ReduceMax"}, {"Min", "ReduceMin"}, {"Prod", "ReduceProd"},
    {"All", "ReduceMin"}, {"Any", "ReduceMax"}, {"EuclideanNorm", "ReduceL2"},
    {"L2Loss", "ReduceL2"}, {"SegmentSum", "ReduceSum"},
    {"UnsortedSegmentSum", "ReduceSum"}, {"Slice", "Slice"},
    {"StridedSlice", "Slice"}, {"Gather", "Gather"}, {"GatherV2", "Gather"},
    {"GatherNd", "GatherND"}, {"DynamicPartition", "Split"},
    {"BooleanMask", "Gather"}, {"CropAndResize", "Crop"},
    {"ExtractGlimpse", "Crop"}, {"ExtractGlimpseV2", "Crop"},
    {"MaxPool", "MaxPool"}, {"MaxPoolV2", "MaxPool"}, {"MaxPool3D", "MaxPool"},
    {"MaxPoolWithArgmax", "MaxPool"}, {"AvgPool", "AveragePool"},
    {"AvgPool3D", "AveragePool"}, {"Split", "Split"}, {"SplitV", "Split"},
    {"Unpack", "Split"}, {"TopK", "TopK"}, {"TopKV2", "TopK"},
    {"Sigmoid", "Sigmoid"}, {"Tanh", "Tanh"}, {"Relu", "Relu"},
    {"Relu6", "Clip"}, {"ClipByValue", "Clip"}, {"Cast", "Cast"},
    {"Identity", "Identity"}, {"StopGradient", "Identity"},
    {"PreventGradient", "Identity"}, {"CheckNumerics", "Identity"},
    {"CheckNumericsV2", "Identity"}, {"Snapshot", "Identity"},
    {"EnsureShape", "Identity"}, {"ReadVariableOp", "Identity"},
    {"Reshape", "Reshape"}, {"Squeeze", "Squeeze"}, {"ExpandDims", "Unsqueeze"},
    {"BroadcastTo", "Expand"}, {"Tile", "Expand"}, {"Shape", "Shape"},
    {"ShapeN", "Shape"}, {"Size", "Size"}, {"Rank", "Shape"},
    {"ZerosLike", "Shape"}, {"OnesLike", "Shape"}, {"BroadcastArgs", "Shape"},
    {"ScatterNd", "ScatterND"}, {"TensorScatterUpdate", "ScatterND"},
    {"TensorScatterAdd", "ScatterND"}, {"TensorScatterSub", "ScatterND"},
    {"TensorScatterMax", "ScatterND"}, {"TensorScatterMin", "ScatterND"},
    {"MatrixDeterminant", "Det"}};

const char *
check_arch_tf_op(const char *op)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].from, op) == 0)
			return ops[i].to;
	return "Other";
}
