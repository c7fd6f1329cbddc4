/* SPDX-License-Identifier: MIT
 * Text and the languages that matter here.
 */
#include "formats/identify_probe.h"

#include "base/text.h"
#include "formats/conf.h"

/* How much of a text is looked at; the rest may be anything. */
#define TEXT_SEEN ((size_t)1 << 20)
#define JSON_SEEN ((size_t)64 << 20)

unsigned
identify_text(struct rd r)
{
	size_t len = MIN(r.len, TEXT_SEEN);
	uint32_t cp = 0;

	if (len == 0)
		return 0;
	for (size_t i = 0, n; i < len; i += n) {
		const char *at = (const char *)r.base + i;

		n = text_utf8_decode(at, r.len - i, &cp);
		if (n == 0 || cp == 0x7f)
			return 0;
		if (cp < 0x20 && (cp < '\t' || cp > '\r') && cp != 0x1b)
			return 0;
	}
	return 4;
}

unsigned
identify_text_script(struct rd r)
{
	size_t len = MIN(r.len, 256);
	const uint8_t *end;

	if (len < 4 || r.base[0] != '#' || r.base[1] != '!')
		return 0;
	if ((end = memchr(r.base, '\n', len)) != NULL)
		len = (size_t)(end - r.base);
	/* an interpreter has a path */
	return memchr(r.base, '/', len) != NULL ? 16 : 0;
}

unsigned
identify_text_json(struct rd r)
{
	struct err ignored = {0};
	struct conf_doc doc;
	size_t i = 0;
	bool ok;

	while (i < r.len && strchr(" \t\r\n", r.base[i]) != NULL &&
	       r.base[i] != '\0')
		i++;
	if (i == r.len || (r.base[i] != '{' && r.base[i] != '[') ||
	    r.len > JSON_SEEN)
		return 0;
	/* as those take it that read it: jansson knows no NaN and no integer
	 * of 31 digits, both of which transformers writes */
	ok = conf_json(r, &doc, &ignored) == 0 && doc.documents == 1;
	conf_release(&doc);
	return ok ? 12 : 0;
}

static bool
starts(const char *s, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && memcmp(s, word, n) == 0;
}

static bool
word_then(const char *s, size_t len, const char *before, const char *after)
{
	size_t n = strlen(after);

	if (!starts(s, len, before))
		return false;
	for (size_t i = strlen(before); i + n <= len; i++)
		if (memcmp(s + i, after, n) == 0)
			return true;
	return false;
}

static bool
name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* "class Name:" or "class Name(Base):", no brace as in JavaScript. */
static bool
class_line(const char *s, size_t len)
{
	size_t i = 6;

	if (!starts(s, len, "class ") || s[len - 1] != ':')
		return false;
	while (i < len && name_byte(s[i]))
		i++;
	return i > 6 && i < len && strchr("(:[", s[i]) != NULL;
}

/* A line that is Python at top level and hardly prose. */
static bool
python_line(const char *s, size_t len)
{
	while (len > 0 && (s[len - 1] == '\r' || s[len - 1] == ' '))
		len--;
	if (word_then(s, len, "from ", " import ") ||
	    ((word_then(s, len, "def ", "(") ||
		 word_then(s, len, "async def ", "(")) &&
		s[len - 1] == ':') ||
	    class_line(s, len))
		return true;
	if (!starts(s, len, "import ") || len == 7)
		return false;
	for (size_t i = 7; i < len; i++) {
		char c = s[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && strchr("_., ", c) == NULL)
			return false;
	}
	return memchr(s + 7, ' ', len - 7) == NULL || /* import a */
	       word_then(s, len, "import ", " as ") ||
	       word_then(s, len, "import ", ", ");
}

unsigned
identify_text_python(struct rd r)
{
	const char *s = (const char *)r.base;
	size_t len = MIN(r.len, TEXT_SEEN), lines = 0;

	if (identify_text(r) == 0)
		return 0;
	while (len > 0) {
		const char *end = memchr(s, '\n', len);
		size_t n = end != NULL ? (size_t)(end - s) : len;

		/* a fence: prose that quotes code */
		if (starts(s, n, "```"))
			return 0;
		lines += python_line(s, n);
		s += MIN(n + 1, len);
		len -= MIN(n + 1, len);
	}
	return lines != 0 ? 14 : 0;
}

/* A line of TorchScript that has to do with tensors: with types as Python
 * writes them, since other languages have a Tensor as well. */
static bool
torchscript_line(const char *s, size_t len)
{
	static const char *const types[] = {
	    ": Tensor", "-> Tensor", "[Tensor", "__torch__."};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (word_then(s, len, "", types[i]))
			return true;
	return word_then(s, len, "__parameters__ = [", "]") ||
	       word_then(s, len, "op_version_set = ", "");
}

/*
 * What torch.jit.save prints: no import, as nothing is imported, but tensors.
 * Python that works with tensors has to import something first.
 */
unsigned
identify_text_torchscript(struct rd r)
{
	const char *s = (const char *)r.base;
	size_t len = MIN(r.len, TEXT_SEEN);
	bool def = false, tensors = false;

	if (identify_text(r) == 0)
		return 0;
	while (len > 0) {
		const char *end = memchr(s, '\n', len);
		size_t n = end != NULL ? (size_t)(end - s) : len, in = 0;

		while (in < n && s[in] == ' ')
			in++;
		if (starts(s + in, n - in, "import ") ||
		    starts(s + in, n - in, "from ") || starts(s, n, "```"))
			return 0;
		def = def || starts(s + in, n - in, "def ") ||
		      (n != 0 && class_line(s, n));
		tensors = tensors || torchscript_line(s + in, n - in);
		s += MIN(n + 1, len);
		len -= MIN(n + 1, len);
	}
	return def && tensors ? 16 : 0;
}
