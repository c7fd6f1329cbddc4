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

json_t *
sarif_text_inert(const char *s)
{
	char safe[4096];

	text_escape(s, strlen(s), safe, sizeof(safe));
	return json_text(safe);
}

json_t *
sarif_text_copy(const json_t *j)
{
	json_t *out, *v;
	const char *key;
	size_t i;

	if (json_is_string(j))
		return sarif_text_inert(json_string_value(j));
	if (json_is_array(j)) {
		out = json_array();
		json_array_foreach(j, i, v) json_add(out, sarif_text_copy(v));
		return out;
	}
	if (!json_is_object(j))
		return json_deep_copy(j);
	out = json_object();
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	    json_put(out, key, sarif_text_copy(v));
	return out;
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
