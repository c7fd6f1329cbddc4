/* SPDX-License-Identifier: MIT */
#include "audit/check_embed_pickle.h"

static const struct {
	const char *module, *name;
} calls[] = {
    {"os", "system"},
    {"posix", "system"},
    {"nt", "system"},
    {"os", "popen"},
    {"posix", "popen"},
    {"nt", "popen"},
    {"subprocess", "Popen"},
    {"subprocess", "call"},
    {"subprocess", "run"},
    {"subprocess", "check_output"},
    {"subprocess", "check_call"},
    {"subprocess", "getoutput"},
    {"builtins", "eval"},
    {"builtins", "exec"},
    {"builtins", "__import__"},
    {"builtins", "compile"},
    {"__builtin__", "eval"},
    {"__builtin__", "exec"},
    {"__builtin__", "__import__"},
    {"__builtin__", "execfile"},
    {"runpy", "run_path"},
    {"runpy", "_run_code"},
    {"importlib", "import_module"},
    {"marshal", "loads"},
    {"pickle", "loads"},
    {"_pickle", "loads"},
};

void
check_embed_pickle_add(struct find *f, unsigned bucket)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const char *m = calls[i].module;
		char global[3] = {'c', m[0], m[1]};
		char string[3] = {'\x8c', (char)strlen(m), m[0]};

		find_add(f, bucket, global, sizeof(global));
		find_add(f, bucket + 1, string, sizeof(string));
	}
}

static bool
take(const uint8_t **p, size_t *len, const char *s, size_t n)
{
	if (*len < n || memcmp(*p, s, n) != 0)
		return false;
	*p += n;
	*len -= n;
	return true;
}

/* SHORT_BINUNICODE, and perhaps MEMOIZE or BINPUT */
static bool
take_string(const uint8_t **p, size_t *len, const char *s)
{
	char head[2] = {'\x8c', (char)strlen(s)};

	if (!take(p, len, head, 2) || !take(p, len, s, strlen(s)))
		return false;
	if (!take(p, len, "\x94", 1) && *len > 2 && **p == 'q') {
		*p += 2;
		*len -= 2;
	}
	return true;
}

static bool
is_call(const uint8_t *p, size_t len, const char *module, const char *name)
{
	if (take(&p, &len, "c", 1))
		return take(&p, &len, module, strlen(module)) &&
		       take(&p, &len, "\n", 1) &&
		       take(&p, &len, name, strlen(name)) &&
		       take(&p, &len, "\n", 1);
	return take_string(&p, &len, module) && take_string(&p, &len, name) &&
	       take(&p, &len, "\x93", 1);
}

const char *
check_embed_pickle(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (is_call(p, len, calls[i].module, calls[i].name))
			return calls[i].name;
	return NULL;
}
