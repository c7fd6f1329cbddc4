/* SPDX-License-Identifier: MIT */
#include "formats/pbtxt_wire.h"

#include "formats/pbtxt.h"

#include <stdlib.h>

enum kind {
	TEXT,
	BYTES,
	INT,
	FLOAT,
	DOUBLE,
	MESSAGE
};

struct field {
	const char *name;
	uint32_t number;
	enum kind kind;
	const struct pbtxt_schema *of; /* a message's */
};

struct pbtxt_schema {
	const struct field *field;
	size_t n;
};

#define SCHEMA(name, ...)                                                      \
	static const struct field name##_field[] = {__VA_ARGS__};              \
	const struct pbtxt_schema name = {name##_field, ARRAY_LEN(name##_field)}
/* one that no other file names */
#define PART(name, ...)                                                        \
	static const struct field name##_field[] = {__VA_ARGS__};              \
	static const struct pbtxt_schema name = {                              \
	    name##_field, ARRAY_LEN(name##_field)}

/* --- TensorFlow ---------------------------------------------------------- */

PART(tf_dim, {"size", 1, INT, NULL}, {"name", 2, TEXT, NULL});
PART(tf_shape, {"dim", 2, MESSAGE, &tf_dim}, {"unknown_rank", 3, INT, NULL});
PART(tf_tensor, {"dtype", 1, INT, NULL},
    {"tensor_shape", 2, MESSAGE, &tf_shape}, {"version_number", 3, INT, NULL},
    {"tensor_content", 4, BYTES, NULL}, {"float_val", 5, FLOAT, NULL},
    {"double_val", 6, DOUBLE, NULL}, {"int_val", 7, INT, NULL},
    {"string_val", 8, TEXT, NULL}, {"int64_val", 10, INT, NULL},
    {"bool_val", 11, INT, NULL}, {"half_val", 13, INT, NULL});
static const struct pbtxt_schema tf_attr_map;
PART(tf_func, {"name", 1, TEXT, NULL}, {"attr", 2, MESSAGE, &tf_attr_map});
PART(tf_list, {"s", 2, TEXT, NULL}, {"i", 3, INT, NULL}, {"f", 4, FLOAT, NULL},
    {"b", 5, INT, NULL}, {"type", 6, INT, NULL},
    {"shape", 7, MESSAGE, &tf_shape}, {"tensor", 8, MESSAGE, &tf_tensor},
    {"func", 9, MESSAGE, &tf_func});
PART(tf_attr, {"list", 1, MESSAGE, &tf_list}, {"s", 2, TEXT, NULL},
    {"i", 3, INT, NULL}, {"f", 4, FLOAT, NULL}, {"b", 5, INT, NULL},
    {"type", 6, INT, NULL}, {"shape", 7, MESSAGE, &tf_shape},
    {"tensor", 8, MESSAGE, &tf_tensor}, {"placeholder", 9, TEXT, NULL},
    {"func", 10, MESSAGE, &tf_func});
static const struct field tf_attr_map_field[] = {
    {"key", 1, TEXT, NULL}, {"value", 2, MESSAGE, &tf_attr}};
static const struct pbtxt_schema tf_attr_map = {tf_attr_map_field, 2};
PART(tf_node, {"name", 1, TEXT, NULL}, {"op", 2, TEXT, NULL},
    {"input", 3, TEXT, NULL}, {"device", 4, TEXT, NULL},
    {"attr", 5, MESSAGE, &tf_attr_map});
PART(tf_arg, {"name", 1, TEXT, NULL}, {"type", 3, INT, NULL},
    {"type_attr", 4, TEXT, NULL}, {"number_attr", 5, TEXT, NULL});
PART(tf_op, {"name", 1, TEXT, NULL}, {"input_arg", 2, MESSAGE, &tf_arg},
    {"output_arg", 3, MESSAGE, &tf_arg});
PART(tf_text_map, {"key", 1, TEXT, NULL}, {"value", 2, TEXT, NULL});
PART(tf_function, {"signature", 1, MESSAGE, &tf_op},
    {"node_def", 3, MESSAGE, &tf_node}, {"ret", 4, MESSAGE, &tf_text_map},
    {"attr", 5, MESSAGE, &tf_attr_map},
    {"control_ret", 6, MESSAGE, &tf_text_map});
PART(tf_library, {"function", 1, MESSAGE, &tf_function});
SCHEMA(pbtxt_wire_graph, {"node", 1, MESSAGE, &tf_node},
    {"library", 2, MESSAGE, &tf_library}, {"version", 3, INT, NULL});
PART(tf_info, {"name", 1, TEXT, NULL}, {"dtype", 2, INT, NULL},
    {"tensor_shape", 3, MESSAGE, &tf_shape});
PART(tf_info_map, {"key", 1, TEXT, NULL}, {"value", 2, MESSAGE, &tf_info});
PART(tf_signature, {"inputs", 1, MESSAGE, &tf_info_map},
    {"outputs", 2, MESSAGE, &tf_info_map}, {"method_name", 3, TEXT, NULL});
PART(tf_signature_map, {"key", 1, TEXT, NULL},
    {"value", 2, MESSAGE, &tf_signature});
SCHEMA(pbtxt_wire_meta_graph, {"graph_def", 2, MESSAGE, &pbtxt_wire_graph},
    {"signature_def", 5, MESSAGE, &tf_signature_map});

/* --- ONNX ---------------------------------------------------------------- */

PART(o_entry, {"key", 1, TEXT, NULL}, {"value", 2, TEXT, NULL});
PART(o_tensor, {"dims", 1, INT, NULL}, {"data_type", 2, INT, NULL},
    {"float_data", 4, FLOAT, NULL}, {"int32_data", 5, INT, NULL},
    {"string_data", 6, TEXT, NULL}, {"int64_data", 7, INT, NULL},
    {"name", 8, TEXT, NULL}, {"raw_data", 9, BYTES, NULL},
    {"double_data", 10, DOUBLE, NULL}, {"uint64_data", 11, INT, NULL},
    {"doc_string", 12, TEXT, NULL}, {"external_data", 13, MESSAGE, &o_entry},
    {"data_location", 14, INT, NULL});
PART(o_sparse, {"values", 1, MESSAGE, &o_tensor},
    {"indices", 2, MESSAGE, &o_tensor}, {"dims", 3, INT, NULL});
PART(o_dim, {"dim_value", 1, INT, NULL}, {"dim_param", 2, TEXT, NULL});
PART(o_shape, {"dim", 1, MESSAGE, &o_dim});
PART(o_tensor_type, {"elem_type", 1, INT, NULL},
    {"shape", 2, MESSAGE, &o_shape});
PART(o_type, {"tensor_type", 1, MESSAGE, &o_tensor_type});
PART(o_value, {"name", 1, TEXT, NULL}, {"type", 2, MESSAGE, &o_type});
static const struct pbtxt_schema o_graph;
PART(o_attr, {"name", 1, TEXT, NULL}, {"f", 2, FLOAT, NULL},
    {"i", 3, INT, NULL}, {"s", 4, TEXT, NULL}, {"t", 5, MESSAGE, &o_tensor},
    {"g", 6, MESSAGE, &o_graph}, {"floats", 7, FLOAT, NULL},
    {"ints", 8, INT, NULL}, {"strings", 9, TEXT, NULL},
    {"tensors", 10, MESSAGE, &o_tensor}, {"graphs", 11, MESSAGE, &o_graph},
    {"type", 20, INT, NULL}, {"ref_attr_name", 21, TEXT, NULL},
    {"sparse_tensor", 22, MESSAGE, &o_sparse});
PART(o_node, {"input", 1, TEXT, NULL}, {"output", 2, TEXT, NULL},
    {"name", 3, TEXT, NULL}, {"op_type", 4, TEXT, NULL},
    {"attribute", 5, MESSAGE, &o_attr}, {"doc_string", 6, TEXT, NULL},
    {"domain", 7, TEXT, NULL}, {"overload", 8, TEXT, NULL});
static const struct field o_graph_field[] = {{"node", 1, MESSAGE, &o_node},
    {"name", 2, TEXT, NULL}, {"initializer", 5, MESSAGE, &o_tensor},
    {"doc_string", 10, TEXT, NULL}, {"input", 11, MESSAGE, &o_value},
    {"output", 12, MESSAGE, &o_value}, {"value_info", 13, MESSAGE, &o_value},
    {"sparse_initializer", 15, MESSAGE, &o_sparse}};
static const struct pbtxt_schema o_graph = {
    o_graph_field, ARRAY_LEN(o_graph_field)};
PART(o_opset, {"domain", 1, TEXT, NULL}, {"version", 2, INT, NULL});
PART(o_function, {"name", 1, TEXT, NULL}, {"input", 4, TEXT, NULL},
    {"output", 5, TEXT, NULL}, {"attribute", 6, TEXT, NULL},
    {"node", 7, MESSAGE, &o_node}, {"doc_string", 8, TEXT, NULL},
    {"opset_import", 9, MESSAGE, &o_opset}, {"domain", 10, TEXT, NULL},
    {"attribute_proto", 11, MESSAGE, &o_attr}, {"overload", 13, TEXT, NULL});
SCHEMA(pbtxt_wire_onnx, {"ir_version", 1, INT, NULL},
    {"producer_name", 2, TEXT, NULL}, {"producer_version", 3, TEXT, NULL},
    {"domain", 4, TEXT, NULL}, {"model_version", 5, INT, NULL},
    {"doc_string", 6, TEXT, NULL}, {"graph", 7, MESSAGE, &o_graph},
    {"opset_import", 8, MESSAGE, &o_opset},
    {"metadata_props", 14, MESSAGE, &o_entry},
    {"functions", 25, MESSAGE, &o_function});

/* --- values -------------------------------------------------------------- */

/* An enum's name, of TensorFlow's DataType, ONNX's AttributeType and DataLocation. */
static bool
named(const char *s, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t value;
	} names[] = {{"true", 1}, {"false", 0}, {"DT_FLOAT", 1},
	    {"DT_DOUBLE", 2}, {"DT_INT32", 3}, {"DT_UINT8", 4}, {"DT_INT16", 5},
	    {"DT_INT8", 6}, {"DT_STRING", 7}, {"DT_COMPLEX64", 8},
	    {"DT_INT64", 9}, {"DT_BOOL", 10}, {"DT_QINT8", 11},
	    {"DT_QUINT8", 12}, {"DT_QINT32", 13}, {"DT_BFLOAT16", 14},
	    {"DT_UINT16", 17}, {"DT_COMPLEX128", 18}, {"DT_HALF", 19},
	    {"DT_RESOURCE", 20}, {"DT_VARIANT", 21}, {"DT_UINT32", 22},
	    {"DT_UINT64", 23}, {"FLOAT", 1}, {"INT", 2}, {"STRING", 3},
	    {"TENSOR", 4}, {"GRAPH", 5}, {"FLOATS", 6}, {"INTS", 7},
	    {"STRINGS", 8}, {"TENSORS", 9}, {"GRAPHS", 10},
	    {"SPARSE_TENSOR", 11}, {"EXTERNAL", 1}, {"DEFAULT", 0}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, s) == 0) {
			*out = names[i].value;
			return true;
		}
	return false;
}

static unsigned
digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void
bytes(const char *s, struct buf *out)
{
	size_t n;

	if (strncmp(s, PBTXT_HEX, sizeof(PBTXT_HEX) - 1) != 0)
		s = "";
	else
		s += sizeof(PBTXT_HEX) - 1;
	n = strlen(s) / 2;
	buf_varint(out, n);
	for (size_t i = 0; i < n; i++)
		buf_u8(
		    out, (uint8_t)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1])));
}

static void
scalar(const struct field *f, const char *s, struct buf *out)
{
	static const uint32_t wire[] = {
	    [TEXT] = 2, [BYTES] = 2, [INT] = 0, [FLOAT] = 5, [DOUBLE] = 1};
	uint64_t v;
	double d;
	float one;

	buf_varint(out, f->number << 3 | wire[f->kind]);
	switch (f->kind) {
	case TEXT:
		buf_varint(out, strlen(s));
		buf_puts(out, s);
		break;
	case BYTES:
		bytes(s, out);
		break;
	case INT:
		if (!named(s, &v))
			v = *s == '-' ? (uint64_t)strtoll(s, NULL, 0)
				      : strtoull(s, NULL, 0);
		buf_varint(out, v);
		break;
	case FLOAT:
		one = strtof(s, NULL);
		buf_append(out, &one, sizeof(one));
		break;
	case DOUBLE:
		d = strtod(s, NULL);
		buf_append(out, &d, sizeof(d));
		break;
	case MESSAGE:
		BUG("a message is no scalar");
	}
}

static void
value(const struct field *f, const json_t *v, struct buf *out)
{
	struct buf inner = {0};

	if (f->kind != MESSAGE) {
		if (json_is_string(v))
			scalar(f, json_string_value(v), out);
		return;
	}
	if (!json_is_object(v))
		return;
	pbtxt_wire(v, f->of, &inner);
	buf_varint(out, f->number << 3 | 2);
	buf_varint(out, inner.len);
	buf_append(out, inner.ptr, inner.len);
	buf_free(&inner);
}

void
pbtxt_wire(const json_t *m, const struct pbtxt_schema *schema, struct buf *out)
{
	for (size_t i = 0; i < schema->n; i++) {
		const json_t *list = json_object_get(m, schema->field[i].name);

		for (size_t k = 0; k < json_array_size(list); k++)
			value(&schema->field[i], json_array_get(list, k), out);
	}
}
