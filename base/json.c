/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/file.h"
#include "base/text.h"

#include <math.h>

static int
load(const void *p, size_t len, size_t flags, json_t **out, struct err *e)
{
	json_error_t je;

	*out = NULL;
	if (len == 0)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "json: nothing there, a document expected");
	*out = json_loadb(p, len, JSON_REJECT_DUPLICATES | flags, &je);
	if (*out == NULL)
		return err_set(e, ERR_FORMAT,
		    je.position >= 0 ? (uint64_t)je.position : ERR_NOWHERE,
		    "json: %s", je.text);
	return 0;
}

int
json_read(const void *p, size_t len, json_t **out, struct err *e)
{
	return load(p, len, JSON_ALLOW_NUL, out, e);
}

int
json_read_strict(const void *p, size_t len, json_t **out, struct err *e)
{
	return load(p, len, 0, out, e);
}

int
json_read_file(const char *path, uint64_t limit, json_t **out, struct err *e)
{
	struct file_map m;
	int rc;

	*out = NULL;
	if ((rc = file_map(path, limit, &m, e)) != 0)
		return rc;
	if ((rc = json_read(m.ptr, m.len, out, e)) != 0)
		err_in(e, path);
	file_unmap(&m);
	return rc;
}

/* --- canonical form ------------------------------------------------------ */

/* One code point at a time in UTF-16 order: RFC 8785 section 3.2.3. */
static int
utf16_order(const void *pa, const void *pb)
{
	const char *a = *(const char *const *)pa, *b = *(const char *const *)pb;

	while (*a != '\0' && *b != '\0') {
		uint32_t x = 0, y = 0, hx, hy;

		a += MAX(text_utf8_decode(a, strlen(a), &x), 1);
		b += MAX(text_utf8_decode(b, strlen(b), &y), 1);
		if (x == y)
			continue;
		/* the first code unit decides; surrogates start at d800 */
		hx = x < 0x10000 ? x : 0xd7c0 + (x >> 10);
		hy = y < 0x10000 ? y : 0xd7c0 + (y >> 10);
		if (hx != hy)
			return hx < hy ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return (*a != '\0') - (*b != '\0');
}

static void
canonical_string(const char *s, size_t len, struct buf *out)
{
	static const char *const brief[0x20] = {['\b'] = "\\b",
	    ['\t'] = "\\t",
	    ['\n'] = "\\n",
	    ['\f'] = "\\f",
	    ['\r'] = "\\r"};

	buf_u8(out, '"');
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 && brief[c] != NULL)
			buf_puts(out, brief[c]);
		else if (c < 0x20)
			buf_printf(out, "\\u%04x", c);
		else
			buf_u8(out, c);
	}
	buf_u8(out, '"');
}

/* I-JSON (RFC 7493, 2.2): beyond this others read another number. */
static int
canonical_integer(json_int_t v, struct buf *out, struct err *e)
{
	if (!json_exact(v))
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "the integer %" JSON_INTEGER_FORMAT
		    " is beyond what every reader reads exactly",
		    v);
	buf_printf(out, "%" JSON_INTEGER_FORMAT, v);
	return 0;
}

static int canonical(const json_t *, struct buf *, struct err *);

static int
canonical_object(const json_t *j, struct buf *out, struct err *e)
{
	size_t n = json_object_size(j), i = 0;
	const char **keys = calloc(n + 1, sizeof(*keys));
	const char *key;
	json_t *value;
	int rc = 0;

	if (keys == NULL)
		BUG("out of memory");
	json_object_foreach((json_t *)(uintptr_t)j, key, value) keys[i++] = key;
	qsort(keys, n, sizeof(*keys), utf16_order);
	buf_u8(out, '{');
	for (i = 0; i < n && rc == 0; i++) {
		if (i != 0)
			buf_u8(out, ',');
		canonical_string(keys[i], strlen(keys[i]), out);
		buf_u8(out, ':');
		rc = canonical(json_object_get(j, keys[i]), out, e);
	}
	buf_u8(out, '}');
	free(keys);
	return rc;
}

static int
canonical(const json_t *j, struct buf *out, struct err *e)
{
	int rc;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return canonical_object(j, out, e);
	case JSON_ARRAY:
		buf_u8(out, '[');
		for (size_t i = 0; i < json_array_size(j); i++) {
			if (i != 0)
				buf_u8(out, ',');
			rc = canonical(json_array_get(j, i), out, e);
			if (rc != 0)
				return rc;
		}
		buf_u8(out, ']');
		return 0;
	case JSON_STRING:
		canonical_string(
		    json_string_value(j), json_string_length(j), out);
		return 0;
	case JSON_INTEGER:
		return canonical_integer(json_integer_value(j), out, e);
	case JSON_TRUE:
		buf_puts(out, "true");
		return 0;
	case JSON_FALSE:
		buf_puts(out, "false");
		return 0;
	case JSON_NULL:
		buf_puts(out, "null");
		return 0;
	case JSON_REAL:
		break;
	}
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "a real number has no place in a canonical document");
}

int
json_canonical(const json_t *j, struct buf *out, struct err *e)
{
	return canonical(j, out, e);
}

static int
dump_to_buf(const char *p, size_t len, void *out)
{
	buf_append(out, p, len);
	return 0;
}

void
json_pretty(const json_t *j, struct buf *out)
{
	size_t flags = JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY |
		       JSON_REAL_PRECISION(9);

	if (json_dump_callback(j, dump_to_buf, out, flags) != 0)
		BUG("json_dump_callback");
	buf_u8(out, '\n');
}

void
json_print(const json_t *j)
{
	struct buf b = {0};

	json_pretty(j, &b);
	fwrite(b.ptr, 1, b.len, stdout);
	buf_free(&b);
}

int
json_write_file(const char *path, const json_t *j, struct err *e)
{
	struct buf b = {0};
	int rc;

	json_pretty(j, &b);
	rc = file_write(path, b.ptr, b.len, e);
	buf_free(&b);
	return rc;
}

/* --- getters ------------------------------------------------------------- */

const json_t *
json_at(const json_t *j, const char *path)
{
	char key[64];

	while (j != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");
		uint64_t i;

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		path += n + (path[n] == '.');
		if (!json_is_array(j))
			j = json_object_get(j, key);
		else if (text_parse_u64(key, SIZE_MAX, &i))
			j = json_array_get(j, i);
		else
			return NULL;
	}
	return j;
}

static int
get(const json_t *j, const char *path, const char *want, bool ok, struct err *e)
{
	if (j != NULL && ok)
		return 0;
	return err_set(e, ERR_FORMAT, ERR_NOWHERE, "'%s' %s", path,
	    j == NULL ? "is missing" : want);
}

const char *
json_unknown_key(const json_t *j, const char *const *known, size_t n)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)j, key,
	    value) if (!text_is_one_of(key, known, n)) return key;
	return NULL;
}

const char *
json_text_at(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	return s != NULL ? s : "";
}

int
json_get_str(const json_t *j, const char *path, const char **out, struct err *e)
{
	const json_t *v = json_at(j, path);
	int rc = get(v, path, "is not a string", json_is_string(v), e);

	if (rc != 0)
		return rc;
	*out = json_string_value(v);
	if (strlen(*out) != json_string_length(v))
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' contains a zero byte", path);
	return 0;
}

int
json_get_int(const json_t *j, const char *path, int64_t lo, int64_t hi,
    int64_t *out, struct err *e)
{
	const json_t *v = json_at(j, path);
	int rc = get(v, path, "is not an integer", json_is_integer(v), e);

	if (rc != 0)
		return rc;
	*out = json_integer_value(v);
	if (*out < lo || *out > hi)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "'%s' is %" PRId64 ", not within %" PRId64 " to %" PRId64,
		    path, *out, lo, hi);
	return 0;
}

int
json_get_real(const json_t *j, const char *path, double *out, struct err *e)
{
	const json_t *v = json_at(j, path);
	int rc = get(v, path, "is not a number", json_is_number(v), e);

	if (rc == 0)
		*out = json_number_value(v);
	return rc;
}

int
json_get_array(
    const json_t *j, const char *path, const json_t **out, struct err *e)
{
	*out = json_at(j, path);
	return get(*out, path, "is not an array", json_is_array(*out), e);
}

int
json_get_object(
    const json_t *j, const char *path, const json_t **out, struct err *e)
{
	*out = json_at(j, path);
	return get(*out, path, "is not an object", json_is_object(*out), e);
}

/* --- building ------------------------------------------------------------ */

void
json_put(json_t *obj, const char *key, json_t *value)
{
	if (json_object_set_new(obj, key, value) != 0)
		BUG(key);
}

void
json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		BUG("json_array_append_new");
}

json_t *
json_text(const char *s)
{
	json_t *j = json_string(s);
	struct buf b = {0};

	if (j != NULL)
		return j;
	for (; *s != '\0'; s++)
		buf_printf(
		    &b, (uint8_t)*s < 0x80 ? "%c" : "\\x%02x", (uint8_t)*s);
	j = json_string(buf_str(&b));
	buf_free(&b);
	return j;
}

json_t *
json_inert(const char *s)
{
	char safe[4096];

	text_escape(s, strlen(s), safe, sizeof(safe));
	return json_text(safe);
}

json_t *
json_inert_copy(const json_t *j)
{
	json_t *out, *v;
	const char *key;
	size_t i;

	if (json_is_string(j))
		return json_inert(json_string_value(j));
	if (json_is_array(j)) {
		out = json_array();
		json_array_foreach(j, i, v) json_add(out, json_inert_copy(v));
		return out;
	}
	if (!json_is_object(j))
		return json_deep_copy(j);
	out = json_object();
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	    json_put(out, key, json_inert_copy(v));
	return out;
}

bool
json_exact(json_int_t v)
{
	return v >= -JSON_EXACT && v <= JSON_EXACT;
}

json_t *
json_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}
