/* SPDX-License-Identifier: MIT */
#include "audit/check_keras_code.h"

#include "base/arena.h"

/* Names that no layer needs: of a code object that has one it is known what it
 * is for.  The list only raises severity. */
static const char *const names[] = {"__builtins__", "__import__",
    "__subclasses__", "b64decode", "b85decode", "breakpoint", "builtins",
    "check_output", "compile", "ctypes", "eval", "exec", "execv", "execve",
    "getattr", "globals", "importlib", "marshal", "open", "os", "pickle",
    "popen", "Popen", "posix", "pty", "requests", "rmtree", "shutil", "socket",
    "spawn", "subprocess", "sys", "system", "unlink", "urllib", "urlopen",
    "write_file", "read_file"};

/* 0..63, or 64 */
static unsigned
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* RFC 4648, what is no digit left out, as Python's codec does. */
static size_t
decode(const char *s, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned n = 0;
	size_t len = 0;

	for (; *s != '\0' && *s != '='; s++) {
		unsigned d = digit(*s);

		if (d == 64)
			continue;
		bits = bits << 6 | d;
		if (++n % 4 != 1)
			out[len++] = (uint8_t)(bits >> (6 - 2 * ((n - 1) % 4)));
	}
	return len;
}

/* TYPE_SHORT_ASCII and TYPE_SHORT_ASCII_INTERNED (marshal.c), with or without
 * FLAG_REF; Python 2 wrote 's', 't' or 'u' and four bytes of length. */
static const char *
name_at(const uint8_t *p, size_t left)
{
	uint8_t type = left >= 2 ? p[0] & 0x7f : 0;
	size_t head = 0, len = 0;

	if (type == 'z' || type == 'Z') {
		head = 2;
		len = p[1];
	} else if ((type == 's' || type == 't' || type == 'u' || type == 'a' ||
		       type == 'A') &&
		   left >= 5 && p[2] == 0 && p[3] == 0 && p[4] == 0) {
		head = 5;
		len = p[1];
	}
	if (head == 0 || len > left - head)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == len &&
		    memcmp(names[i], p + head, len) == 0)
			return names[i];
	return NULL;
}

void
check_keras_code(
    const struct check_file *f, const char *where, const char *base64)
{
	struct arena a;
	uint8_t *code;
	const char *name = NULL;
	size_t n;

	arena_init(&a, strlen(base64) + 4096);
	if ((code = arena_alloc(&a, strlen(base64) + 1, 1)) == NULL)
		BUG("an arena of the size that was asked for");
	n = decode(base64, code);
	for (size_t i = 0; i < n && name == NULL; i++)
		name = name_at(code + i, n - i);
	if (name != NULL)
		check_find(f, FINDING_KERAS_PAYLOAD, ERR_NOWHERE,
		    "%s: compiled Python that uses '%s'", where, name);
	else
		check_find(f, FINDING_KERAS_CODE, ERR_NOWHERE,
		    "%s: %zu bytes of compiled Python", where, n);
	arena_release(&a);
}

void
check_keras_code_torch(
    const struct check_file *f, const char *where, const char *base64)
{
	struct arena a;
	uint8_t *pickle;

	arena_init(&a, strlen(base64) + 4096);
	if ((pickle = arena_alloc(&a, strlen(base64) + 1, 1)) == NULL)
		BUG("an arena of the size that was asked for");
	check_find(f, FINDING_KERAS_PICKLE, ERR_NOWHERE,
	    "%s: what torch.load() is given", where);
	check_within(f, where, rd_mem(pickle, decode(base64, pickle)));
	arena_release(&a);
}

/* 'a', b"\\x00" and nothing besides, which might call something. */
static bool
is_quoted(const char *s, size_t len)
{
	size_t i = len != 0 && s[0] == 'b' ? 1 : 0;
	char quote = i < len ? s[i] : '\0';

	if ((quote != '\'' && quote != '"') || len - i < 2)
		return false;
	while (++i < len && s[i] != quote)
		i += s[i] == '\\';
	return i == len - 1;
}

bool
check_keras_code_evaluated(const char *word)
{
	const char *from = strchr(word, ' '), *to = strrchr(word, ' ');

	return from != NULL && to > from + 1 &&
	       !is_quoted(from + 1, (size_t)(to - from - 1));
}
