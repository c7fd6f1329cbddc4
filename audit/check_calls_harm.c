/* SPDX-License-Identifier: MIT
 * What no model needs and no list of modules shows: deleting or encrypting all
 * that a person has, running Python out of files that do not look like it,
 * putting code where Python starts, making code of bytes.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_calls_walk.h"

#include "base/text.h"

/* "~", "/", os.path.expanduser("~"), Path.home(), os.environ["HOME"] from i
 * on, with nothing behind it. */
static bool
is_home(const struct walk *w, size_t i, size_t end)
{
	static const char *const all[] = {"~", "~/", "/", "/*", "~/*", "C:\\\\",
	    "C:/", "/home", "/root", "HOME", "USERPROFILE"};
	bool whole = false;

	for (; i < end && !is(w, i, ","); i++) {
		struct pycode_token t = *at(w, i);

		whole |= is(w, i, "home") && is(w, i + 1, "(");
		/* a part of it: Path.home() / ".cache" */
		if (is(w, i, "/") || is(w, i, "+") || is(w, i, "join"))
			return false;
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (!text_is_among(t.s, t.len, all, ARRAY_LEN(all)))
			return false;
		whole = true;
	}
	return whole;
}

static bool
calls(const struct walk *w, size_t i, const char *const *words)
{
	return check_calls_listed(words, at(w, i)) && is(w, i + 1, "(");
}

/* Python of a file whose name does not say so, and is therefore not looked at
 * as Python. */
static bool
runs_other_file(const struct walk *w, size_t i)
{
	static const char *const loaders[] = {"SourceFileLoader",
	    "SourcelessFileLoader", "spec_from_file_location", "load_source",
	    "run_path", NULL};
	size_t end;

	if (!calls(w, i, loaders))
		return false;
	end = check_calls_end(w, i + 1);
	for (i += 2; i < end; i++) {
		struct pycode_token t = *at(w, i);
		const char *dot;

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		dot = t.len != 0 ? memrchr(t.s, '.', t.len) : NULL;
		/* not a version, 1.0, nor a.module.of.names */
		if (dot != NULL && (is(w, i + 1, ")") || is(w, i + 1, ",")) &&
		    !is(w, i - 1, "(") && t.s + t.len - dot <= 5 &&
		    memcmp(t.s + t.len - 3, ".py", 3) != 0)
			return true;
	}
	return false;
}

/* Nothing of the whole source but what starts with Python: a .pth file among
 * the packages. */
static void
starts(const struct walk *w)
{
	static const char *const places[] = {
	    "getsitepackages", "getusersitepackages", "purelib", NULL};
	size_t place = SIZE_MAX;

	for (size_t i = 0; i < w->n && place == SIZE_MAX; i++)
		if (check_calls_listed(places, at(w, i)))
			place = i;
	for (size_t i = 0; i < w->n && place != SIZE_MAX; i++) {
		struct pycode_token t = *at(w, i);

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if ((t.len > 4 && memcmp(t.s + t.len - 4, ".pth", 4) == 0) ||
		    (t.len > 13 &&
			memmem(t.s, t.len, "customize.py", 12) != NULL)) {
			check_calls_find(w, FINDING_CODE_DANGEROUS, place,
			    "a file that runs whenever Python starts is "
			    "written, by");
			return;
		}
	}
}

/* All files of somebody are written again, encrypted. */
static void
ransoms(const struct walk *w)
{
	static const char *const visits[] = {"walk", "rglob", "scandir", NULL};
	bool encrypts = false, home = false;
	size_t visit = SIZE_MAX;

	for (size_t i = 0; i < w->n; i++) {
		struct pycode_token t = *at(w, i);

		encrypts |= is(w, i, "encrypt") && is(w, i + 1, "(") &&
			    is(w, i - 1, ".");
		home |= is(w, i, "home");
		if (visit == SIZE_MAX && calls(w, i, visits))
			visit = i;
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		home |= t.len != 0 && (*t.s == '~' || *t.s == '/');
	}
	if (encrypts && home && visit != SIZE_MAX)
		check_calls_find(w, FINDING_CODE_DANGEROUS, visit,
		    "encrypts the files that it visits by");
}

/* CFUNCTYPE(None)(addressof(buffer)), cast(buffer, CFUNCTYPE(None)): bytes of a
 * buffer as a function (ctypes).  A callback is made of a function. */
static bool
calls_bytes(const struct walk *w, size_t i)
{
	static const char *const types[] = {
	    "CFUNCTYPE", "WINFUNCTYPE", "PYFUNCTYPE", NULL};
	static const char *const casts[] = {"cast", NULL};
	static const char *const where[] = {
	    "addressof", "create_string_buffer", "from_buffer", NULL};
	size_t end;

	if (calls(w, i, types)) {
		i = check_calls_end(w, i + 1);
		if (!is(w, i + 1, "("))
			return false;
		end = check_calls_end(w, i + 1);
		for (i += 2; i < end; i++)
			if (check_calls_listed(where, at(w, i)))
				return true;
		return false;
	}
	if (!calls(w, i, casts))
		return false;
	end = check_calls_end(w, i + 1);
	for (size_t k = i + 2; k < end; k++)
		if (calls(w, k, types))
			for (size_t m = 0; m < w->n; m++)
				if (check_calls_listed(where + 1, at(w, m)))
					return true;
	return false;
}

/* The first argument is a path where anybody of the machine may have put a file,
 * or on another machine. */
static bool
from_anywhere(const struct walk *w, size_t i)
{
	static const char *const places[] = {
	    "/tmp/", "/var/tmp/", "/dev/shm/", "\\\\", "//"};
	struct pycode_token t = *at(w, i);

	if (t.kind != PYCODE_STRING)
		return false;
	pycode_inner(&t);
	for (size_t k = 0; k < ARRAY_LEN(places); k++)
		if (text_begins_with(t.s, t.len, places[k]))
			return true;
	return false;
}

/* Names of a loader of libraries in a file. */
#define RENAMED 8

static const char *const native[] = {"CDLL", "PyDLL", "WinDLL", "OleDLL",
    "LoadLibrary", "load_library", "dlopen", NULL};

/* The name that a loader of libraries is given by token i: "CDLL as load",
 * "load = ctypes.CDLL"; NULL: it is given none. */
static const struct pycode_token *
renamed(const struct walk *w, size_t i)
{
	if (!check_calls_listed(native, at(w, i)))
		return NULL;
	if (is(w, i + 1, "as"))
		return at(w, i + 2);
	if (is(w, i + 1, "(") || i == 0)
		return NULL;
	while (i > 1 && is(w, i - 1, "."))
		i -= 2;
	return i > 1 && is(w, i - 1, "=") ? at(w, i - 2) : NULL;
}

/* Loads such a library by another name of what loads it. */
static void
loads_renamed(const struct walk *w)
{
	for (size_t i = 0, found = 0; i < w->n && found < RENAMED; i++) {
		const struct pycode_token *name = renamed(w, i);

		/* by one of their own names it is found as that */
		if (name == NULL || name->kind != PYCODE_NAME ||
		    check_calls_listed(native, name))
			continue;
		found++;
		for (size_t k = i + 1; k + 2 < w->n; k++)
			if (at(w, k)->kind == PYCODE_NAME &&
			    !is(w, k - 1, ".") && at(w, k)->len == name->len &&
			    memcmp(at(w, k)->s, name->s, name->len) == 0 &&
			    is(w, k + 1, "(") && from_anywhere(w, k + 2))
				check_calls_find(w, FINDING_CODE_DANGEROUS, k,
				    "a library that anybody may have put "
				    "there, by");
	}
}

/* "os", "system", one behind the other: for who puts a call together of texts. */
static bool
is_spelt(const struct walk *w, size_t i)
{
	static const char *const pairs[][2] = {{"os", "system"},
	    {"os", "popen"}, {"posix", "system"}, {"nt", "system"},
	    {"subprocess", "Popen"}, {"subprocess", "run"},
	    {"subprocess", "call"}, {"subprocess", "check_output"},
	    {"builtins", "exec"}, {"builtins", "eval"}};
	struct pycode_token a = *at(w, i), b = *at(w, i + 2);

	if (!is(w, i + 1, ",") || a.kind != PYCODE_STRING ||
	    b.kind != PYCODE_STRING)
		return false;
	pycode_inner(&a);
	pycode_inner(&b);
	for (size_t k = 0; k < ARRAY_LEN(pairs); k++)
		if (text_is_among(a.s, a.len, &pairs[k][0], 1) &&
		    text_is_among(b.s, b.len, &pairs[k][1], 1))
			return true;
	return false;
}

void
check_calls_harm(const struct walk *w)
{
	static const char *const wipes[] = {"rmtree", NULL};
	static const char *const makes[] = {"CodeType", NULL};

	for (size_t i = 0; i < w->n; i++) {
		if (is_spelt(w, i))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "a call that is put together of");
		if (at(w, i)->kind != PYCODE_NAME)
			continue;
		if (calls(w, i, wipes) &&
		    is_home(w, i + 2, check_calls_end(w, i + 1)))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "deletes all that somebody has, by");
		if (calls(w, i, native) && from_anywhere(w, i + 2))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "a library that anybody may have put there, by");
		if (calls_bytes(w, i))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "runs bytes of a buffer by");
		if (runs_other_file(w, i))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "runs Python of a file that is not named so, by");
		if (calls(w, i, makes) && !is(w, i + 2, ")"))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "makes code of bytes by");
	}
	loads_renamed(w);
	starts(w);
	ransoms(w);
}
