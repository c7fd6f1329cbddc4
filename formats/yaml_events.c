/* SPDX-License-Identifier: MIT */
#include "formats/yaml_events.h"

#include "base/limits.h"

static int
drive(yaml_parser_t *p,
    int (*take)(void *ctx, const yaml_event_t *, struct err *), void *ctx,
    struct err *e)
{
	bool end = false;
	yaml_event_t ev;
	int rc = 0;

	while (rc == 0 && !end) {
		if (yaml_parser_parse(p, &ev) != 1)
			return err_set(e, ERR_FORMAT,
			    p->problem_offset != 0 ? p->problem_offset
						   : p->problem_mark.index,
			    "yaml: %s",
			    p->problem != NULL ? p->problem : "damaged");
		end = ev.type == YAML_STREAM_END_EVENT;
		rc = take(ctx, &ev, e);
		yaml_event_delete(&ev);
	}
	return rc;
}

/* OpenCV's FileStorage begins its files with "%YAML:1.0", which is no directive
 * of YAML; as a comment it says as much. */
static const char opencv[] = "%YAML:1.";

/* Where libyaml has its bytes from. */
struct feed {
	struct rd in;
	bool begun;
};

static int
feed(void *ctx, unsigned char *out, size_t size, size_t *n)
{
	struct feed *f = ctx;
	struct slice s;

	*n = MIN(size, rd_left(&f->in));
	if (rd_bytes(&f->in, *n, &s) != 0)
		return 0;
	memcpy(out, s.ptr, s.len);
	if (!f->begun && s.len >= sizeof(opencv) &&
	    memcmp(out, opencv, sizeof(opencv) - 1) == 0)
		out[0] = '#';
	f->begun = true;
	return 1;
}

int
yaml_events(struct rd in,
    int (*take)(void *ctx, const yaml_event_t *, struct err *), void *ctx,
    struct err *e)
{
	struct feed from = {in, false};
	yaml_parser_t p;
	int rc;

	if (rd_left(&in) > LIMIT_CONFIG_FILE)
		return err_set(
		    e, ERR_LIMIT, 0, "yaml: %zu bytes", rd_left(&in));
	if (rd_left(&in) == 0)
		return err_set(e, ERR_FORMAT, 0, "yaml: no document");
	if (yaml_parser_initialize(&p) != 1)
		BUG("libyaml");
	/* or a byte order mark would choose UTF-16 */
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input(&p, feed, &from);
	rc = drive(&p, take, ctx, e);
	yaml_parser_delete(&p);
	return rc;
}
