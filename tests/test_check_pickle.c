/* SPDX-License-Identifier: MIT
 * The verdict on pickles: what is hostile is found as what it is, what honest
 * libraries write is not found at all, what is broken is never clean, and the
 * lists of names hold what they say.
 */
#include "tests/test.h"

#include "audit/check.h"
#include "audit/check_pickle_allow.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/limits.h"

#include <dirent.h>

#define FIXTURES "fixtures/inspect/"

/* Said of names, of what is not understood, and of what is not wrong. */
static const char *const beside[] = {
    "FILE_PICKLE", "FILE_UNKNOWN", "MODEL_UNSUPPORTED", "NAME_MISMATCH"};

struct verdict {
	struct check_sink sink;
	char ids[512]; /* sorted, once each, with blanks between */
};

static bool
is_beside(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(beside); i++)
		if (strcmp(id, beside[i]) == 0)
			return true;
	return false;
}

static void
list_ids(struct verdict *v)
{
	size_t len = 0;

	for (enum finding_id id = 0; id < FINDING_COUNT; id++) {
		const char *name = finding_table[id].name;
		json_t *f;
		size_t i;

		if (is_beside(name))
			continue;
		json_array_foreach(v->sink.findings, i, f)
		{
			if (strcmp(json_string_value(json_object_get(f, "id")),
				name) != 0)
				continue;
			len +=
			    (size_t)snprintf(v->ids + len, sizeof(v->ids) - len,
				"%s%s", len != 0 ? " " : "", name);
			break;
		}
	}
}

static void
inspect(struct verdict *v, const char *name, const void *p, size_t n)
{
	struct identify_bids bids;

	*v = (struct verdict){
	    .sink = {.findings = json_array(), .complete = true}};
	check_bytes(&v->sink, name, rd_mem(p, n), &bids);
	list_ids(v);
	json_decref(v->sink.findings);
}

/* --- fixtures ------------------------------------------------------------ */

struct row {
	const char *name, *ids;
};

static const struct row rows[] = {
#include "tests/test_check_pickle.def"
};

static void
inspect_file(struct verdict *v, const char *name)
{
	struct file_map m;
	struct err e = {0};
	char path[512];

	snprintf(path, sizeof(path), FIXTURES "%s", name);
	assert_ok(file_map(path, LIMIT_MODEL_FILE, &m, &e), &e);
	inspect(v, name, m.ptr, m.len);
	file_unmap(&m);
}

static void
test_row(void **state)
{
	const struct row *r = *state;
	struct verdict v;

	inspect_file(&v, r->name);
	assert_string_equal(v.ids, r->ids);
	if (strncmp(r->name, "malformed", 9) == 0)
		assert_true(!v.sink.complete || strstr(v.ids, "NPY"));
}

static void
test_honest(void **state)
{
	DIR *d = opendir(FIXTURES);
	const struct dirent *entry;
	struct verdict v;
	size_t n = 0;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (strncmp(entry->d_name, "good-", 5) != 0)
			continue;
		inspect_file(&v, entry->d_name);
		if (v.ids[0] != '\0' || !v.sink.complete || !v.sink.analysed)
			fail_msg("%s: %s", entry->d_name, v.ids);
		n++;
	}
	closedir(d);
	assert_true(n >= 60);
}

/* However an honest pickle is cut, it is not clean. */
static void
test_cut(void **state)
{
	static const char *const names[] = {"good-stdlib-0.pkl",
	    "good-stdlib-2.pkl", "good-stdlib-4.pkl", "good-arrays.joblib",
	    "good-torch-weights.pth"};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		char path[512];
		struct file_map m;
		struct err e = {0};
		struct verdict v;

		snprintf(path, sizeof(path), FIXTURES "%s", names[k]);
		assert_ok(file_map(path, LIMIT_MODEL_FILE, &m, &e), &e);
		for (size_t n = 0; n < m.len; n += 1 + m.len / 400) {
			inspect(&v, names[k], m.ptr, n);
			if (v.sink.complete)
				fail_msg("%s cut to %zu", names[k], n);
		}
		file_unmap(&m);
	}
}

/* --- names --------------------------------------------------------------- */

struct gadget {
	const char *name; /* "module name" */
};

/* Every call that an advisory of a scanner of pickles was about. */
static const struct gadget gadgets[] = {
#define GADGET(name) {name},
#include "tests/test_check_pickle_names.def"
#undef GADGET
};

static void
test_gadget(void **state)
{
	const struct gadget *g = *state;
	const char *cut = strchr(g->name, ' ');
	int n = (int)(cut - g->name);
	struct buf b = {0};
	struct verdict v;

	buf_printf(&b, "c%.*s\n%s\n(S'id'\ntR.", n, g->name, cut + 1);
	inspect(&v, "a.bin", b.ptr, b.len);
	if (strstr(v.ids, "PICKLE_") == NULL)
		fail_msg("protocol 0: '%s'", v.ids);
	b.len = 0;
	buf_printf(&b, "\x80%c\x8c%c%.*s\x8c%c%s\x93\x8c\2id\x85R.", 4, n, n,
	    g->name, (int)strlen(cut + 1), cut + 1);
	inspect(&v, "a.bin", b.ptr, b.len);
	if (strstr(v.ids, "PICKLE_CALL") == NULL &&
	    strstr(v.ids, "PICKLE_CODE") == NULL &&
	    strstr(v.ids, "PICKLE_MISUSE") == NULL)
		fail_msg("protocol 4: '%s'", v.ids);
	buf_free(&b);
}

/* Names and arguments that a long pickle put aside and asks for at its end. */
static void
test_memo(void **state)
{
	static const char names[] = "\x8c\2os\x94"
				    "0\x8c\6system\x94"
				    "0";
	struct verdict v;
	struct buf b = {0};

	(void)state;
	for (int late = 0; late < 2; late++) {
		uint32_t first = late ? 20000 : 0;

		b.len = 0;
		buf_puts(&b, "\x80\4");
		if (!late)
			buf_append(&b, names, sizeof(names) - 1);
		for (size_t i = 0; i < 20000; i++)
			buf_puts(&b, "]\x94(K\1K\2e0");
		if (late)
			buf_append(&b, names, sizeof(names) - 1);
		for (size_t i = 0; i < 20000; i++)
			buf_puts(&b, "\x8c\1x\x94(K\1K\2l00");
		buf_u8(&b, 'j');
		buf_u32le(&b, first);
		buf_u8(&b, 'j');
		buf_u32le(&b, first + 1);
		buf_puts(&b, "\x93\x8c\2id\x85R.");
		inspect(&v, "a.pkl", b.ptr, b.len);
		assert_non_null(strstr(v.ids, "PICKLE_CALL_DANGEROUS"));
		assert_true(v.sink.complete);
	}
	buf_free(&b);
}

static struct slice
of(const char *s)
{
	return (struct slice){(const uint8_t *)s, strlen(s)};
}

static void
test_sorted(void **state)
{
	const struct check_pickle_allow *a = check_pickle_allow_table;

	(void)state;
	for (size_t i = 1; i < check_pickle_allow_count; i++) {
		int c = strcmp(a[i - 1].module, a[i].module);

		if (c > 0 || (c == 0 && strcmp(a[i - 1].name, a[i].name) >= 0))
			fail_msg(
			    "%s %s is not in order", a[i].module, a[i].name);
		assert_ptr_equal(
		    check_pickle_allow_find(of(a[i].module), of(a[i].name)),
		    &a[i]);
		assert_true(a[i].reason[0] != '\0');
	}
}

/* What may be called and is dangerous is so only with its arguments checked. */
static void
test_disjoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < check_pickle_allow_count; i++) {
		const struct check_pickle_allow *a =
		    &check_pickle_allow_table[i];

		if ((a->use & USE_CALL) != 0 && a->arg == ARG_any &&
		    check_pickle_danger_find(of(a->module), of(a->name)) !=
			NULL)
			fail_msg("%s.%s", a->module, a->name);
	}
}

/* A key that is a tuple of a tuple twice, of a tuple twice, ...: hash() walks
 * through 2 to the power of that. */
static void
test_hash(void **state)
{
	struct buf b = {0};
	struct verdict v;

	(void)state;
	for (size_t deep = 10; deep <= 60; deep += 50) {
		b.len = 0;
		buf_puts(&b, "\x80\2K\1q");
		buf_u8(&b, 0);
		for (size_t i = 0; i < deep; i++) {
			buf_u8(&b, '0');
			for (size_t k = 0; k < 2; k++) {
				buf_u8(&b, 'h');
				buf_u8(&b, (uint8_t)i);
			}
			buf_puts(&b, "\x86q");
			buf_u8(&b, (uint8_t)(i + 1));
		}
		buf_puts(&b, "0}h");
		buf_u8(&b, (uint8_t)deep);
		buf_puts(&b, "K\1s.");
		inspect(&v, "a.pkl", b.ptr, b.len);
		assert_string_equal(v.ids, deep > 26 ? "PICKLE_MISUSE" : "");
		assert_true(v.sink.complete);
	}
	buf_free(&b);
}

/* The same in lists, which nothing hashes: walking through is what never ends. */
static void
test_walk(void **state)
{
	struct buf b = {0};
	struct verdict v;

	(void)state;
	for (size_t deep = 20; deep <= 60; deep += 40) {
		b.len = 0;
		buf_puts(&b, "\x80\2]q");
		buf_u8(&b, 0);
		buf_puts(&b, "(K\1K\2e");
		for (size_t i = 0; i < deep; i++) {
			buf_puts(&b, "0]q");
			buf_u8(&b, (uint8_t)(i + 1));
			buf_u8(&b, '(');
			for (size_t k = 0; k < 2; k++) {
				buf_u8(&b, 'h');
				buf_u8(&b, (uint8_t)i);
			}
			buf_u8(&b, 'e');
		}
		buf_u8(&b, '.');
		inspect(&v, "a.pkl", b.ptr, b.len);
		assert_string_equal(v.ids, deep > 38 ? "PICKLE_MISUSE" : "");
	}
	buf_free(&b);
}

struct family_row {
	const char *name, *module, *attribute;
	bool allowed;
	unsigned use;
};

static const struct family_row families[] = {
    {"a class", "sklearn.svm._classes", "SVC", true, USE_NEW | USE_STATE},
    {"a function", "sklearn.metrics._ranking", "roc_curve", true, USE_DATA},
    {"a path", "sklearn.svm._classes", "SVC.fit", false, 0},
    {"a longer word", "sklearnish.svm", "SVC", false, 0},
    {"taken out", "sklearn.datasets._base", "Bunch", false, 0},
    {"copies", "sklearn.externals.joblib", "Parallel", false, 0},
    {"a module", "sklearn.svm", "os", false, 0},
    {"another letter", "sklearn.svm", "S\xd0\x92", false, 0},
    {"a blank", "sklearn.svm ", "SVC", false, 0},
    {"nothing", "sklearn.svm", "", false, 0},
    {"a callback", "pytorch_lightning.callbacks.early_stopping",
	"EarlyStopping", true, USE_DATA},
    {"a loop's buffer", "mmengine.logging.history_buffer", "HistoryBuffer",
	true, USE_NEW | USE_STATE},
    {"a configuration", "detectron2.config.config", "CfgNode", true,
	USE_NEW | USE_STATE | USE_ITEMS},
    {"a namespace", "ultralytics.utils", "IterableSimpleNamespace", true,
	USE_CALL | USE_NEW | USE_STATE},
    {"a tokenizer", "keras.src.legacy.preprocessing.text", "Tokenizer", true,
	USE_NEW | USE_STATE},
    {"Keras itself", "keras.src.models", "Model", false, 0},
    {"a study", "optuna.study.study", "Study", true, USE_NEW | USE_STATE},
    {"its database", "optuna.storages._rdb.storage", "RDBStorage", false, 0},
    {"a function on arrays", "numpy", "reshape", true, USE_DATA},
    {"a counter", "nltk.probability", "FreqDist", true,
	USE_CALL | USE_NEW | USE_STATE | USE_ITEMS},
    {"vectors", "gensim.models.keyedvectors", "KeyedVectors", true,
	USE_NEW | USE_STATE},
    {"functions of layers", "torch.nn.modules.linear", "init", false, 0},
};

static void
test_family(void **state)
{
	const struct family_row *r = *state;
	const struct check_pickle_allow *a =
	    check_pickle_allow_find(of(r->module), of(r->attribute));

	assert_int_equal(a != NULL, r->allowed);
	if (a != NULL)
		assert_int_equal(a->use, r->use);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(gadgets) +
				ARRAY_LEN(families) + 7];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_row, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(gadgets); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_gadget, gadgets[i]);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_family, families[i]);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_honest);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_cut);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_memo);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_hash);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_walk);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_sorted);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_disjoint);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
