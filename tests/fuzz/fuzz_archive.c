/* SPDX-License-Identifier: MIT
 * Archives, and those in them, into a sink that touches no disk: only plain relative names get
 * there, never twice open, never more bytes than the limits allow; and the
 * input itself as a name.
 */
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "formats/bundle.h"

#define MOST       ((uint64_t)4 << 20)
#define MOST_FILES 100

struct kept {
	char path[LIMIT_MEMBER_NAME + 1];
	struct buf bytes;
};

struct state {
	bool open, mapped;
	uint64_t bytes;
	size_t opened;
	struct kept kept[MOST_FILES];
	size_t nkept;
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
	if (++s->opened % 7 == 0)
		return BUNDLE_EXISTS;
	for (size_t i = 0; i < s->nkept; i++)
		if (strcmp(s->kept[i].path, path) == 0)
			return BUNDLE_EXISTS;
	PROPERTY(s->nkept < MOST_FILES);
	s->kept[s->nkept].bytes = (struct buf){0};
	snprintf(s->kept[s->nkept].path, sizeof(s->kept[0].path), "%s", path);
	s->open = true;
	return 0;
}

static int
on_write(void *ctx, const void *p, size_t len, struct err *e)
{
	struct state *s = ctx;

	(void)e;
	s->bytes += len;
	PROPERTY(s->open && s->bytes <= MOST);
	buf_append(&s->kept[s->nkept].bytes, p, len);
	return 0;
}

static int
on_close(void *ctx, bool keep, struct err *e)
{
	struct state *s = ctx;

	(void)e;
	PROPERTY(s->open);
	s->open = false;
	if (keep)
		s->nkept++;
	else
		buf_free(&s->kept[s->nkept].bytes);
	return 0;
}

/* An exact copy: files that are written meanwhile move the buffers. */
static int
on_map(void *ctx, const char *path, struct rd *out, struct err *e)
{
	struct state *s = ctx;

	(void)e;
	PROPERTY(!s->mapped);
	s->mapped = true;
	for (size_t i = 0; i < s->nkept; i++)
		if (strcmp(s->kept[i].path, path) == 0) {
			*out =
			    rd_mem(s->kept[i].bytes.ptr, s->kept[i].bytes.len);
			return 0;
		}
	BUG("a file that was never kept");
}

static void
on_unmap(void *ctx)
{
	struct state *s = ctx;

	PROPERTY(s->mapped);
	s->mapped = false;
}

static void
check_name(const uint8_t *data, size_t len)
{
	char raw[2048], folded[MEMBER_FOLD], again[MEMBER_FOLD];
	size_t n = MIN(len, sizeof(raw) - 1);
	struct member m;

	if (n != 0)
		memcpy(raw, data, n);
	raw[n] = '\0';
	if (member_check(raw, &m) != MEMBER_ACCEPTED)
		return;
	check_path(m.path);
	member_fold(m.path, folded);
	/* folding what is folded changes nothing */
	if (strlen(folded) <= LIMIT_MEMBER_NAME)
		member_fold(folded, again);
	else
		memcpy(again, folded, strlen(folded) + 1);
	PROPERTY(strcmp(again, folded) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct state s;
	struct bundle_limits limits = {.entries = MOST_FILES,
	    .bytes = MOST,
	    .member = MOST / 2,
	    .ratio = 200,
	    .depth = 2,
	    .name = 500};
	struct bundle_sink sink = {
	    &s, on_folder, on_open, on_write, on_close, on_map, on_unmap};
	struct err e = {0};
	struct bundle b;

	s = (struct state){0};
	check_name(data, len);
	bundle_init(&b, &limits, &sink);
	PROPERTY(bundle_archive(&b, rd_mem(data, len), false, &e) == 0);
	b.outer = len;
	PROPERTY(bundle_nested(&b, &e) == 0);
	PROPERTY(!s.open && !s.mapped);
	PROPERTY(!b.stop || !b.complete);
	PROPERTY(json_array_size(b.refused) <= json_array_size(b.findings));
	bundle_release(&b);
	for (size_t i = 0; i < s.nkept; i++)
		buf_free(&s.kept[i].bytes);
	return 0;
}
