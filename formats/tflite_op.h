/* SPDX-License-Identifier: MIT
 * The functions of tflite_op.def: each lowers one operator, l->n.  Field
 * numbers of options are those of tensorflow/lite/schema/schema.fbs.
 */
#ifndef FORMATS_TFLITE_OP_H
#define FORMATS_TFLITE_OP_H

#include "formats/tflite_const.h"

/* tflite_op.c: over windows and products */
tflite_lower_fn tflite_op_conv, tflite_op_depthwise, tflite_op_pool,
    tflite_op_dense, tflite_op_matmul, tflite_op_resize;
/* tflite_op_batch.c: blocks of pixels as images */
tflite_lower_fn tflite_op_batch_space, tflite_op_batch_back;
/* tflite_op_gather.c: by places, along a new axis */
tflite_lower_fn tflite_op_gather, tflite_op_gather_pack;
/* tflite_op_block.c: images made larger or smaller */
tflite_lower_fn tflite_op_block, tflite_op_block_conv;
/* tflite_op_math.c: element by element, reductions */
tflite_lower_fn tflite_op_math_binary, tflite_op_math_unary,
    tflite_op_math_softmax, tflite_op_math_reduce, tflite_op_math_l2,
    tflite_op_math_lrn, tflite_op_math_sum;
/* tflite_op_move.c: nothing is computed */
tflite_lower_fn tflite_op_move_alias, tflite_op_move_reshape,
    tflite_op_move_squeeze, tflite_op_move_expand, tflite_op_move_transpose,
    tflite_op_move_concat, tflite_op_move_pad, tflite_op_move_broadcast;
/* tflite_op_slice.c: parts, and sizes as numbers */
tflite_lower_fn tflite_op_slice, tflite_op_slice_strided, tflite_op_slice_split,
    tflite_op_slice_shape, tflite_op_slice_pack, tflite_op_slice_unpack,
    tflite_op_slice_reverse;

#endif
