/* SPDX-License-Identifier: MIT
 * Archives into a sink that touches no disk: only plain relative names get
 * there, never twice open, never more bytes than the limits allow; and the
 * input itself as a name.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/bundle.h"

#define MOST ((uint64_t)4 << 20)

struct state {
	bool open;
	uint64_t bytes;
	size_t files;
};

static void
check_path(const char *path)
{
	PROPERTY(path[0] != '\0' && path[0] != '/');
	PROPERTY(strchr(path, '\\') == NULL && strchr(path, '\n') == NULL);
	PROPERTY(strstr(path, "//") == NULL && strlen(path) <= 1024);
	while (path != NULL) {
		size_t n = strcspn(path, "/");

		PROPERTY(n > 0 && n <= 255);
		PROPERTY(!(n == 1 && path[0] == '.'));
		PROPERTY(!(n == 2 && path[0] == '.' && path[1] == '.'));
		path = path[n] == '/' ? path + n + 1 : NULL;
	}
}

static int
on_folder(void *ctx, const char *path, struct err *e)
{
	struct state *s = ctx;

	(void)e;
	PROPERTY(!s->open);
	check_path(path);
	return 0;
}

static int
on_open(void *ctx, const char *path, struct err *e)
{
	struct state *s = ctx;

	(void)e;
	PROPERTY(!s->open);
	check_path(path);
	/* now and then something is in the way */
	if (++s->files % 7 == 0)
		return BUNDLE_EXISTS;
	s->open = true;
	return 0;
}

static int
on_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct state *s = ctx;

	(void)p;
	(void)e;
	s->bytes += len;
	PROPERTY(s->open && s->bytes <= MOST);
	return 0;
}

static int
on_close(void *ctx, bool keep, struct err *e)
{
	struct state *s = ctx;

	(void)keep;
	(void)e;
	PROPERTY(s->open);
	s->open = false;
	return 0;
}

static void
check_name(const uint8_t *data, size_t len)
{
	char raw[2048], folded[LIMIT_MEMBER_NAME + 1];
	size_t n = MIN(len, sizeof(raw) - 1);
	struct member m;

	if (n != 0)
		memcpy(raw, data, n);
	raw[n] = '\0';
	if (member_check(raw, &m) != MEMBER_ACCEPTED)
		return;
	check_path(m.path);
	member_fold(m.path, folded);
	PROPERTY(strlen(folded) <= strlen(m.path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bundle_limits limits = {
	    .entries = 100, .bytes = MOST, .member = MOST / 2, .ratio = 200};
	struct state s = {0};
	struct bundle_sink sink = {&s, on_folder, on_open, on_write, on_close};
	struct err e = {0};
	struct bundle b;

	check_name(data, len);
	bundle_init(&b, &limits, &sink);
	PROPERTY(bundle_archive(&b, rd_mem(data, len), false, &e) == 0);
	PROPERTY(!s.open);
	PROPERTY(!b.stop || !b.complete);
	PROPERTY(json_array_size(b.refused) <= json_array_size(b.findings));
	bundle_release(&b);
	return 0;
}
