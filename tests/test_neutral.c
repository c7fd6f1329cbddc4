/* SPDX-License-Identifier: MIT
 * safetensors, neutral models, neutral data and triggers: round trips, and
 * each rule of the format broken in turn.
 */
#define _GNU_SOURCE /* strcasestr */
#include "tests/test.h"

#include "formats/build.h"
#include "formats/dataset.h"
#include "formats/neutral.h"
#include "formats/safetensors.h"
#include "formats/trigger.h"

/* --- safetensors, rule by rule ------------------------------------------- */

struct rule_row {
	const char *name, *head; /* JSON header; NULL: see len */
	size_t data;             /* bytes behind it */
	int rc;
	const char *msg;
};

#define F32(begin, end)                                                        \
	"{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" #begin "," #end  \
	"]}"

static const struct rule_row rules[] = {
    {"good", "{\"a\":" F32(0, 8) ",\"b\":" F32(8, 16) "}", 16, 0, NULL},
    {"no tensors", "{}", 0, 0, NULL},
    {"hole", "{\"a\":" F32(0, 8) ",\"b\":" F32(12, 20) "}", 20, ERR_FORMAT,
	"begins at 12"},
    {"overlap", "{\"a\":" F32(0, 8) ",\"b\":" F32(4, 12) "}", 12, ERR_FORMAT,
	"begins at 4"},
    {"not from the start", "{\"a\":" F32(4, 12) "}", 12, ERR_FORMAT,
	"begins at 4"},
    {"bytes behind", "{\"a\":" F32(0, 8) "}", 9, ERR_FORMAT, "1 bytes after"},
    {"cut", "{\"a\":" F32(0, 8) "}", 7, ERR_TRUNCATED, "ends after the file"},
    {"size and shape", "{\"a\":" F32(0, 4) "}", 4, ERR_FORMAT,
	"the shape needs 8"},
    {"backwards", "{\"a\":" F32(8, 0) "}", 8, ERR_FORMAT, "not within 8"},
    {"twice", "{\"a\":" F32(0, 8) ",\"a\":" F32(8, 16) "}", 16, ERR_FORMAT,
	"duplicate"},
    {"type", "{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}",
	1, ERR_UNSUPPORTED, "dtype 'F4'"},
    {"negative size",
	"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8,
	ERR_FORMAT, "not a list of sizes"},
    {"overflow",
	"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967296"
	"],\"data_offsets\":[0,8]}}",
	8, ERR_LIMIT, "too large"},
    {"metadata", "{\"__metadata__\":{\"k\":1}}", 0, ERR_FORMAT, "not a string"},
    {"not an object", "[1]", 0, ERR_FORMAT, "not an object"},
};

static int
parse_header(const char *head, size_t data, struct err *e)
{
	struct buf b = {0};
	struct safetensors st;
	struct arena a;
	struct rd r;
	int rc;

	buf_u64le(&b, strlen(head));
	buf_puts(&b, head);
	for (size_t i = 0; i < data; i++)
		buf_u8(&b, (uint8_t)i);
	arena_init(&a, (size_t)1 << 20);
	r = rd_mem(b.ptr, b.len);
	rc = safetensors_parse(&r, &a, &st, e);
	safetensors_release(&st);
	arena_release(&a);
	buf_free(&b);
	return rc;
}

static void
test_rule(void **state)
{
	const struct rule_row *row = *state;
	struct err e = {0};

	assert_int_equal(parse_header(row->head, row->data, &e), row->rc);
	if (row->msg != NULL && strcasestr(e.msg, row->msg) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, row->msg);
}

static void
test_header_length(void **state)
{
	uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
	struct safetensors st;
	struct arena a;
	struct err e;
	struct rd r = rd_mem(huge, sizeof(huge));

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(safetensors_parse(&r, &a, &st, &e), ERR_LIMIT);
	memset(huge, 0, sizeof(huge));
	huge[0] = 9; /* one more than there are */
	huge[8] = '{';
	r = rd_mem(huge, sizeof(huge));
	assert_int_equal(safetensors_parse(&r, &a, &st, &e), ERR_TRUNCATED);
	r = rd_mem(huge, 7);
	assert_int_equal(safetensors_parse(&r, &a, &st, &e), ERR_TRUNCATED);
	arena_release(&a);
}

/* --- round trips --------------------------------------------------------- */

/* What a writer writes, mapped. */
static struct file_map
written(int (*write)(struct file_out *, const void *, struct err *),
    const void *what)
{
	struct file_out o = {.path = "memory"};
	struct file_map m;
	struct err e;

	assert_true((o.fd = file_temp(&e)) >= 0);
	assert_ok(write(&o, what, &e), &e);
	assert_ok(file_map_fd(o.fd, "memory", 1 << 20, &m, &e), &e);
	file_out_abort(&o);
	return m;
}

static int
write_model(struct file_out *o, const void *m, struct err *e)
{
	return neutral_write(o, m, e);
}

static int
write_data(struct file_out *o, const void *d, struct err *e)
{
	return dataset_write(o, d, e);
}

static int
write_trigger(struct file_out *o, const void *t, struct err *e)
{
	return trigger_write(o, t, e);
}

static void
test_model_round_trip(void **state)
{
	struct model m, back;
	struct file_map file, again;
	struct err e;
	struct rd r;
	float *w;

	(void)state;
	build_begin(&m, 4, 5, 1);
	w = build_tensor(&m, "w", 2, (size_t[]){3, 20});
	for (size_t i = 0; i < 60; i++)
		w[i] = (float)i / 7.0f;
	build_node(&m, "Flatten", "flat", (const char *[]){"image"}, 1);
	build_node(&m, "Gemm", "y", (const char *[]){"flat", "w"}, 2);
	build_int(&m, "transB", 1);
	build_real(&m, "alpha", 0.1);
	build_ints(&m, "spare", 2, (int64_t[]){-1, 7});
	build_end(&m, "y", 3);
	file = written(write_model, &m);
	r = rd_mem(file.ptr, file.len);
	assert_true(neutral_probe(r));
	assert_ok(neutral_parse(&r, &back, &e), &e);
	assert_int_equal(back.nnode, 2);
	assert_int_equal(back.classes, 3);
	assert_int_equal(back.shape[3], 5);
	assert_int_equal(node_int(&back.node[1], "transB", 0), 1);
	assert_true(node_real(&back.node[1], "alpha", 0) == 0.1);
	assert_memory_equal(back.tensor[0].data, w, 240);
	again = written(write_model, &back);
	assert_int_equal(again.len, file.len);
	assert_memory_equal(again.ptr, file.ptr, file.len);
	file_unmap(&again);
	model_release(&back);
	file_unmap(&file);
	model_release(&m);
}

static void
test_model_invariants(void **state)
{
	struct model m;
	struct err e;
	float *w;

	(void)state;
	build_begin(&m, 4, 4, 1);
	w = build_tensor(&m, "w", 1, (size_t[]){1});
	(void)w;
	build_node(&m, "Relu", "a", (const char *[]){"image"}, 1);
	m.output = "a";
	assert_ok(model_check(&m, &e), &e);
	m.output = "b";
	assert_int_equal(model_check(&m, &e), ERR_FORMAT);
	m.output = "a";
	m.node[0].in[0] = "a"; /* itself */
	assert_int_equal(model_check(&m, &e), ERR_FORMAT);
	m.node[0].in[0] = "image";
	m.node[0].out[0] = "w"; /* already a tensor */
	assert_int_equal(model_check(&m, &e), ERR_FORMAT);
	m.node[0].out[0] = "a";
	m.tensor[0].size = 3;
	assert_int_equal(model_check(&m, &e), ERR_FORMAT);
	model_release(&m);
}

static void
test_data_round_trip(void **state)
{
	static const uint8_t pixels[] = {0, 255, 51, 102, 153, 204, 10, 20};
	static const int32_t labels[] = {1, 0};
	static const char *names[] = {"cat", "dog \"x\""};
	struct dataset d = {.n = 2,
			   .h = 2,
			   .w = 2,
			   .c = 1,
			   .u8 = pixels,
			   .label = labels,
			   .classes = 2,
			   .name = names},
		       back;
	struct file_map file;
	struct err e;
	struct rd r;
	float x[4];

	(void)state;
	file = written(write_data, &d);
	r = rd_mem(file.ptr, file.len);
	assert_ok(dataset_parse(&r, &back, &e), &e);
	assert_int_equal(back.n, 2);
	assert_string_equal(back.name[1], "dog \"x\"");
	dataset_image(&back, 0, x);
	assert_near(x[1], 1.0, 0);
	assert_near(x[2], 0.2, 1e-7);
	assert_int_equal(back.label[0], 1);
	dataset_release(&back);
	file_unmap(&file);
}

static void
test_label_out_of_range(void **state)
{
	static const uint8_t pixels[4] = {0};
	static const int32_t labels[] = {0, 2};
	static const char *names[] = {"a", "b"};
	struct dataset d = {.n = 2,
			   .h = 1,
			   .w = 2,
			   .c = 1,
			   .u8 = pixels,
			   .label = labels,
			   .classes = 2,
			   .name = names},
		       back;
	struct file_map file = written(write_data, &d);
	struct rd r = rd_mem(file.ptr, file.len);
	struct err e;

	(void)state;
	assert_int_equal(dataset_parse(&r, &back, &e), ERR_FORMAT);
	assert_non_null(strstr(e.msg, "label 1 is 2"));
	file_unmap(&file);
}

static void
test_trigger(void **state)
{
	const float in[] = {0.0f, 0.25f, 0.5f, 1.0f};
	struct trigger t, back;
	struct file_map file;
	struct err e;
	struct rd r;
	float out[4];

	(void)state;
	trigger_init(&t, "test", 2, 2, 1, 3, 2);
	t.map[2] = -1;
	t.mask = trigger_part(&t, 4);
	t.pattern = trigger_part(&t, 4);
	t.delta = trigger_part(&t, 4);
	t.warp = trigger_part(&t, 8);
	t.mask[0] = 0.5f;
	t.pattern[0] = 1.0f;
	t.delta[3] = 0.75f;   /* clipped */
	t.warp[2 * 1] = 1.0f; /* pixel (0,1) reads (1,1) */
	file = written(write_trigger, &t);
	r = rd_mem(file.ptr, file.len);
	assert_ok(trigger_parse(&r, &back, &e), &e);
	trigger_apply(&back, in, out);
	assert_near(out[0], 0.5, 1e-7);
	assert_near(out[1], 1.0, 1e-7);
	assert_near(out[2], 0.5, 1e-7);
	assert_near(out[3], 1.0, 1e-7);
	assert_int_equal(trigger_target(&back, 0), 2);
	assert_int_equal(trigger_target(&back, 2), -1);
	assert_int_equal(trigger_target(&back, 3), -1);
	assert_string_equal(back.kind, "test");
	trigger_release(&back);
	file_unmap(&file);
	trigger_release(&t);
}

int
main(void)
{
	static char name[ARRAY_LEN(rules)][64];
	struct CMUnitTest tests[ARRAY_LEN(rules) + 6] = {
	    cmocka_unit_test(test_header_length),
	    cmocka_unit_test(test_model_round_trip),
	    cmocka_unit_test(test_model_invariants),
	    cmocka_unit_test(test_data_round_trip),
	    cmocka_unit_test(test_label_out_of_range),
	    cmocka_unit_test(test_trigger),
	};

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		snprintf(
		    name[i], sizeof(name[i]), "safetensors/%s", rules[i].name);
		tests[6 + i] = (struct CMUnitTest)ROW(test_rule, rules[i]);
		tests[6 + i].name = name[i];
	}
	return cmocka_run_group_tests_name("neutral", tests, NULL, NULL);
}
