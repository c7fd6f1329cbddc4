/* SPDX-License-Identifier: MIT */
#include "base/sarif_text.h"

#include "base/json.h"
#include "base/text.h"

void
sarif_text_add(struct buf *b, const char *s)
{
	char safe[4096];

	text_escape(s, strlen(s), safe, sizeof(safe));
	for (const char *p = safe; *p != '\0'; p++) {
		buf_u8(b, (uint8_t)*p);
		if (*p == '{' || *p == '}')
			buf_u8(b, (uint8_t)*p);
		if (p[0] == ']' && p[1] == '(')
			buf_u8(b, ' ');
	}
}

json_t *
sarif_text_message(const char *s)
{
	struct buf b = {0};
	json_t *j = json_object();

	sarif_text_add(&b, s);
	json_put(j, "text", json_text(buf_str(&b)));
	buf_free(&b);
	return j;
}

void
sarif_text_uri(const char *path, struct buf *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";

	if (*path == '/')
		buf_puts(out, "file://");
	for (; *path != '\0'; path++) {
		if (strchr(plain, *path) != NULL)
			buf_u8(out, (uint8_t)*path);
		else
			buf_printf(out, "%%%02X", (uint8_t)*path);
	}
}
