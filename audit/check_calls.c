/* SPDX-License-Identifier: MIT
 * Code that a loader may run: Python beside a model, the code of torch.package,
 * and TorchScript, which is compiled to operators.  What it imports and calls
 * that no model needs.  What malware does with it is audit/check_code.c's.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_calls_usual.h"
#include "audit/check_calls_words.h"
#include "audit/check_python.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "formats/pycode.h"
#include "formats/zip.h"

#define SHOWN 160
/* Tokens of a call whose command is looked at. */
#define TAME_SPAN 60

struct walk {
	const struct check_file *f;
	struct arena arena;
	struct map alias; /* name -> 1 + index in code_modules */
	struct pycode_token *t;
	size_t n, cap;
	bool torchscript;
	bool full;     /* uses of some modules go unseen */
	bool connects; /* something talks: connect(), accept() ... */
};

static const struct pycode_token *
at(const struct walk *w, size_t i)
{
	static const struct pycode_token none = {PYCODE_END, "", 0};

	return i < w->n ? &w->t[i] : &none;
}

static bool
is(const struct walk *w, size_t i, const char *word)
{
	return at(w, i)->kind != PYCODE_STRING && pycode_is(at(w, i), word);
}

static bool
listed(const char *const *list, const struct pycode_token *t)
{
	for (; list != NULL && *list != NULL; list++)
		if (pycode_is(t, *list))
			return true;
	return false;
}

/* A socket that is only bound is how scripts look for a free port. */
static bool
allowed(
    const struct walk *w, const struct code_module *m, struct pycode_token t)
{
	return listed(m->allowed, &t) &&
	       !(w->connects && strcmp(m->name, "socket") == 0 &&
		   pycode_is(&t, "socket"));
}

static void
find(const struct walk *w, enum finding_id id, size_t i, const char *what)
{
	const struct pycode_token *t = at(w, i);
	char shown[SHOWN];

	text_escape(t->s, MIN(t->len, 100), shown, sizeof(shown));
	check_find(w->f, id, (uint64_t)(t->s - (const char *)w->f->bytes.base),
	    "%s '%s'", what, shown);
}

static enum finding_id
weigh(const struct code_module *m)
{
	return m->usual ? FINDING_CODE_UNUSUAL : FINDING_CODE_DANGEROUS;
}

/* --- imports ------------------------------------------------------------- */

static const struct code_module *
module_of(const struct pycode_token *t)
{
	for (size_t i = 0; i < ARRAY_LEN(code_modules); i++)
		if (pycode_is(t, code_modules[i].name))
			return &code_modules[i];
	return NULL;
}

static void
remember(struct walk *w, const struct pycode_token *name,
    const struct code_module *m)
{
	const char *s = arena_strdup(&w->arena, name->s, name->len);

	if (s == NULL ||
	    map_put(&w->alias, s, (size_t)(m - code_modules) + 1) < 0)
		w->full = true;
}

/* import a.b as c, d: the token behind "import" is at i; returns the end. */
static size_t
import(struct walk *w, size_t i)
{
	for (; i < w->n; i++) {
		const struct code_module *m = module_of(at(w, i));
		size_t name = i, last = i;

		/* all that its compiler imports */
		if (w->torchscript && !is(w, i, "__torch__"))
			find(w, FINDING_TORCHSCRIPT_LIBRARY, i, "import of");
		while (is(w, last + 1, ".") &&
		       at(w, last + 2)->kind == PYCODE_NAME)
			last += 2;
		/* urllib.parse only cuts strings */
		if (m != NULL && m->allowed == NULL)
			find(w, weigh(m), name, "import of");
		else if (m != NULL && last > i && !allowed(w, m, *at(w, i + 2)))
			find(w, weigh(m), i + 2, "import of");
		if (is(w, last + 1, "as")) {
			/* import os.path as osp: the name is the inner one's */
			m = last > i ? NULL : m;
			name = last + 2;
			last += 2;
		}
		i = last + 1;
		if (m != NULL && m->allowed != NULL)
			remember(w, at(w, name), m);
		if (!is(w, i, ","))
			break;
	}
	return i;
}

/* from a.b import c as d, e: the token behind "from" is at i. */
static size_t
from(struct walk *w, size_t i)
{
	const struct code_module *m = module_of(at(w, i));
	size_t first = i;

	if (is(w, i, "."))
		m = NULL; /* a file beside this one, looked at by itself */
	if (m != NULL && m->allowed == NULL)
		find(w, weigh(m), i, "import from");
	while (at(w, i)->kind != PYCODE_LINE && at(w, i)->kind != PYCODE_END &&
	       !is(w, i, "import") && !is(w, i, ";"))
		i++;
	if (!is(w, i, "import"))
		return i;
	/* from urllib.parse import quote */
	if (m != NULL && m->allowed != NULL && i > first + 2) {
		if (!listed(m->allowed, at(w, first + 2)))
			find(w, weigh(m), first + 2, "import from");
		return i;
	}
	for (i++; at(w, i)->kind != PYCODE_LINE &&
		  at(w, i)->kind != PYCODE_END && !is(w, i, ";");
	     i++) {
		if (m == NULL || m->allowed == NULL || is(w, i - 1, "as") ||
		    (at(w, i)->kind != PYCODE_NAME && !is(w, i, "*")) ||
		    is(w, i, "as"))
			continue;
		if (!allowed(w, m, *at(w, i)))
			find(w, weigh(m), i, "import of");
	}
	return i;
}

/* --- names --------------------------------------------------------------- */

/* A command that only asks: for the revision of a work tree, for graphics
 * cards. */
static bool
asks(const struct walk *w, size_t i)
{
	static const char *const git[] = {
	    "rev-parse", "describe", "log", "status", "diff", "branch"};
	char command[80] = "";
	size_t n = 0;

	for (size_t k = i; k < i + TAME_SPAN && n + 2 < sizeof(command); k++) {
		struct pycode_token t = *at(w, k);

		if (t.kind == PYCODE_LINE || t.kind == PYCODE_END)
			break;
		/* put together from what is not seen here */
		if (is(w, k, "+") || is(w, k, "%") || is(w, k, "format") ||
		    (t.kind == PYCODE_STRING && (*t.s == 'f' || *t.s == 'F')))
			return false;
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		for (size_t m = 0; m < t.len; m++)
			if (strchr(";|&$`<>\\\n", t.s[m]) != NULL)
				return false;
		n += (size_t)snprintf(command + n, sizeof(command) - n, "%.*s ",
		    (int)MIN(t.len, sizeof(command)), t.s);
	}
	if (strncmp(command, "nvidia-smi ", 11) == 0)
		return true;
	for (size_t k = 0; k < ARRAY_LEN(git); k++)
		if (strncmp(command, "git ", 4) == 0 &&
		    strncmp(command + 4, git[k], strlen(git[k])) == 0)
			return true;
	return false;
}

/* The command of a call is one that honest scripts run. */
static bool
tame(const struct walk *w, size_t i)
{
	struct pycode_token first = {.s = NULL};
	bool own = false, code = false;

	for (size_t k = i; k < i + TAME_SPAN; k++) {
		struct pycode_token t = *at(w, k);

		if (t.kind == PYCODE_LINE || t.kind == PYCODE_END)
			break;
		own |= first.s == NULL && is(w, k, "sys") &&
		       is(w, k + 2, "executable");
		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		code |= check_python_is_code(t.s, t.len);
		first = first.s == NULL ? t : first;
	}
	return check_python_sets_up(first.s, first.len, own, code);
}

/* What a module does that code of a model may not. */
static void
use_module(const struct walk *w, size_t i)
{
	size_t m = map_get_n(&w->alias, at(w, i)->s, at(w, i)->len);

	if (m == SIZE_MAX)
		return;
	if (!is(w, i + 1, ".")) {
		/* os = None, f(os=...) */
		if (!is(w, i + 1, "=") || is(w, i + 2, "="))
			find(w, weigh(&code_modules[m - 1]), i,
			    "module as a value");
	} else if (!allowed(w, &code_modules[m - 1], *at(w, i + 2)) &&
		   !(is(w, i + 3, "(") && asks(w, i + 3))) {
		find(w,
		    is(w, i + 3, "(") && tame(w, i + 3)
			? FINDING_CODE_UNUSUAL
			: weigh(&code_modules[m - 1]),
		    i + 2, "use of");
	}
}

/* "...version.py" among the tokens from i to the end of the line. */
static bool
names_source(const struct walk *w, size_t i, size_t end)
{
	for (; i < end && at(w, i)->kind != PYCODE_LINE; i++) {
		struct pycode_token t = *at(w, i);

		if (t.kind != PYCODE_STRING)
			continue;
		pycode_inner(&t);
		if (check_calls_own_source(t.s, t.len))
			return true;
	}
	return false;
}

/* exec(open("version.py").read()) and exec(f.read()) with that open as f: how
 * set-up scripts learn the version.  The file is looked at as source. */
static bool
runs_source(const struct walk *w, size_t i)
{
	const struct pycode_token *v = at(w, i + 2);
	size_t k = i;

	if (!is(w, i, "exec") || !is(w, i + 1, "("))
		return false;
	if (is(w, i + 2, "open"))
		return names_source(w, i + 2, i + TAME_SPAN);
	if (!is(w, i + 3, ".") || !is(w, i + 4, "read") || !is(w, i + 5, "("))
		return false;
	while (k > 1 && i - k < TAME_SPAN &&
	       !(at(w, k)->len == v->len && is(w, k - 1, "as") &&
		   memcmp(at(w, k)->s, v->s, v->len) == 0))
		k--;
	if (k <= 1 || i - k == TAME_SPAN)
		return false;
	while (k > 0 && at(w, k - 1)->kind != PYCODE_LINE)
		k--;
	return names_source(w, k, i);
}

/* eval, exec and the like, when they are the functions of Python. */
static void
builtin(const struct walk *w, size_t i)
{
	bool call = is(w, i + 1, "(");
	bool keyword = is(w, i + 1, "=") && !is(w, i + 2, "=");

	if (is(w, i - 1, "def") || keyword)
		return;
	if (listed(code_builtins, at(w, i)))
		find(w,
		    runs_source(w, i) ? FINDING_CODE_UNUSUAL
				      : FINDING_CODE_DANGEROUS,
		    i, "use of");
	if (call && listed(code_usual, at(w, i)))
		find(w, FINDING_CODE_UNUSUAL, i, "use of");
}

/* torch.hub.load("pytorch/vision"), of those who make PyTorch. */
static bool
is_own_hub(const struct walk *w, size_t i)
{
	struct pycode_token t = *at(w, i + 2);

	if (!is(w, i, "load") || !is(w, i + 1, "(") || t.kind != PYCODE_STRING)
		return false;
	pycode_inner(&t);
	return check_calls_own_hub(t.s, t.len);
}

/* torch.hub.load and others, from the first name. */
static void
chain(const struct walk *w, size_t i)
{
	static const struct {
		const char *part[3];
		bool weights; /* how honest source gets its own weights */
	} chains[] = {{{"torch", "hub", "load"}, false},
	    {{"torch", "hub", "load_state_dict_from_url"}, true},
	    {{"torch", "hub", "download_url_to_file"}, false},
	    {{"torch", "ops", "load_library"}, false},
	    {{"torch", "classes", "load_library"}, false},
	    {{"utils", "cpp_extension", NULL}, false},
	    {{"cpp_extension", "load", NULL}, false}};

	for (size_t k = 0; k < ARRAY_LEN(chains); k++) {
		size_t n = 0;

		while (n < 3 && chains[k].part[n] != NULL &&
		       is(w, i + 2 * n, chains[k].part[n]) &&
		       (n == 0 || is(w, i + 2 * n - 1, ".")))
			n++;
		if (n == 3 || chains[k].part[n] == NULL)
			find(w,
			    chains[k].weights || is_own_hub(w, i + 2 * (n - 1))
				? FINDING_CODE_UNUSUAL
				: FINDING_CODE_DANGEROUS,
			    i + 2 * (n - 1), "use of");
	}
}

static void
string(const struct walk *w, size_t i)
{
	const struct pycode_token *t = at(w, i);

	for (size_t k = 0; k < ARRAY_LEN(code_strings); k++) {
		const char *word = code_strings[k];

		if (memmem(t->s, t->len, word, strlen(word)) != NULL) {
			find(w, FINDING_CODE_DANGEROUS, i, "string");
			return;
		}
	}
}

/* --- TorchScript --------------------------------------------------------- */

/* ops.<namespace>.<name>: operators beyond PyTorch's own. */
static void
operator(const struct walk *w, size_t i)
{
	if (listed(code_op_files, at(w, i + 4)) ||
	    listed(code_op_dangers, at(w, i + 2)))
		find(w, FINDING_TORCHSCRIPT_OPERATOR, i + 4, "operator");
	else if (!listed(code_op_spaces, at(w, i + 2)))
		find(w, FINDING_TORCHSCRIPT_LIBRARY, i + 2, "operators of");
}

static void
torchscript(const struct walk *w, size_t i)
{
	/* prim::rpc_async and its kind, whose arguments name a function */
	if ((is(w, i, "rpc_async") || is(w, i, "rpc_sync") ||
		is(w, i, "rpc_remote")) &&
	    is(w, i + 1, "(") && !is(w, i - 3, "ops"))
		find(w, FINDING_TORCHSCRIPT_OPERATOR, i, "operator");
	if (is(w, i - 1, "."))
		return;
	if (is(w, i, "ops") && is(w, i + 1, ".") && is(w, i + 3, "."))
		operator(w, i);
	else if (is(w, i, "ops") && is(w, i + 1, "."))
		find(w, FINDING_TORCHSCRIPT_LIBRARY, i + 2, "operators of");
	if (is(w, i, "torch") && is(w, i + 1, ".") &&
	    listed(code_op_files, at(w, i + 2)))
		find(w, FINDING_TORCHSCRIPT_OPERATOR, i + 2, "operator");
	if (is(w, i, "torch") && is(w, i + 2, "ops") && is(w, i + 5, "."))
		operator(w, i + 2);
	/* self.layers is getattr(self, "layers") where it is no name */
	if (is(w, i, "getattr") && at(w, i + 4)->kind == PYCODE_STRING &&
	    memmem(at(w, i + 4)->s, at(w, i + 4)->len, "__", 2) != NULL)
		find(w, FINDING_TORCHSCRIPT_OPERATOR, i + 4, "attribute");
	/* __torch__.torch.classes.<library>.<class> */
	if (is(w, i, "__torch__") && is(w, i + 2, "torch") &&
	    is(w, i + 4, "classes") && !listed(code_class_spaces, at(w, i + 6)))
		find(w, FINDING_TORCHSCRIPT_LIBRARY, i + 6, "classes of");
}

/* --- all ----------------------------------------------------------------- */

static size_t
name(struct walk *w, size_t i)
{
	bool first = i == 0 || at(w, i - 1)->kind == PYCODE_LINE ||
		     is(w, i - 1, ";") || is(w, i - 1, ":");

	if (first && is(w, i, "import"))
		return import(w, i + 1);
	if (first && is(w, i, "from"))
		return from(w, i + 1);
	if (listed(code_inner, at(w, i)))
		find(w, FINDING_CODE_DANGEROUS, i, "use of");
	if (listed(code_inner_usual, at(w, i)))
		find(w, FINDING_CODE_UNUSUAL, i, "use of");
	if (!is(w, i - 1, ".")) {
		builtin(w, i);
		use_module(w, i);
	}
	chain(w, i);
	if (w->torchscript)
		torchscript(w, i);
	return i;
}

static bool
keep(struct walk *w, struct pycode_token t)
{
	if (w->n == w->cap) {
		size_t cap = w->cap != 0 ? w->cap * 2 : 1024;
		struct pycode_token *more =
		    arena_alloc(&w->arena, cap, sizeof(*more));

		if (more == NULL)
			return false;
		if (w->n != 0)
			memcpy(more, w->t, w->n * sizeof(*more));
		w->t = more;
		w->cap = cap;
	}
	w->t[w->n++] = t;
	return true;
}

/* A string and, of an f-string, what it computes as lines behind it. */
static bool
keep_all(struct walk *w, struct pycode_token t)
{
	struct pycode_token field, inner;
	size_t at = 0;

	if (!keep(w, t))
		return false;
	while (pycode_field(&t, &at, &field)) {
		struct pycode p;

		pycode_init(&p, field.s, field.len);
		p.depth = 1;
		do {
			inner = pycode_next(&p);
			if (!keep(w, inner.kind == PYCODE_END
					 ? (struct pycode_token){PYCODE_LINE,
					       inner.s, 0}
					 : inner))
				return false;
		} while (inner.kind != PYCODE_END);
	}
	return true;
}

/* All tokens, or those that there is room for; the first bad one or, where
 * there is none, the last. */
static struct pycode_token
collect(struct walk *w)
{
	struct pycode p;
	struct pycode_token t, bad = {0};

	pycode_init(&p, (const char *)w->f->bytes.base, w->f->bytes.len);
	do {
		t = pycode_next(&p);
		if (t.kind == PYCODE_BAD && bad.s == NULL)
			bad = t;
		if (!keep_all(w, t))
			return t;
	} while (t.kind != PYCODE_END);
	return bad.s != NULL ? bad : t;
}

static void
judge(struct walk *w, struct pycode_token last)
{
	uint64_t off = (uint64_t)(last.s - (const char *)w->f->bytes.base);

	for (size_t i = 0; i < w->n; i++)
		w->connects = w->connects || is(w, i, "connect") ||
			      is(w, i, "connect_ex") || is(w, i, "accept") ||
			      is(w, i, "recvfrom") || is(w, i, "sendto") ||
			      is(w, i, "sendmsg");
	for (size_t i = 0; i < w->n; i++) {
		if (pycode_disguised(&w->t[i]))
			find(w, FINDING_CODE_DANGEROUS, i,
			    "a name in letters that stand for others,");
		if (w->t[i].kind == PYCODE_NAME)
			i = name(w, i);
		else if (w->t[i].kind == PYCODE_STRING)
			string(w, i);
	}
	if (last.kind == PYCODE_BAD)
		check_short(w->f, FINDING_CONFIG_INVALID, off,
		    "a string of the code has no end");
	else if (last.kind != PYCODE_END || w->full)
		check_short(w->f, FINDING_FILE_LIMIT, off,
		    "more than %zu tokens", w->n);
}

/* Python runs lines of .pth files that begin with import. */
static bool
is_python(const struct check_file *f)
{
	static const char *const names[] = {".py", ".pyw", ".pth"};

	if (check_is(f, "python"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (text_ends_with(check_name_of(f), names[i]))
			return check_is(f, "text") && !check_is(f, "pickle");
	return false;
}

/* torch.package: its importer runs the source of what a pickle asks for.  The
 * names of members are enough to tell. */
static void
package(const struct check_file *f)
{
	struct zip z;
	struct err ignored = {0};
	struct arena a;
	bool marked = false;
	const char *source = NULL;

	if (!check_is(f, "zip"))
		return;
	arena_init(&a, LIMIT_TEMPLATE_ARENA);
	if (zip_open(&z, f->bytes, &a, &ignored) != 0)
		z.n = 0;
	for (size_t i = 0; i < z.n; i++) {
		const char *name = z.entry[i].name;

		marked = marked || text_ends_with(name, ".data/extern_modules");
		if (text_ends_with(name, ".py") &&
		    strstr(name, "/code/") == NULL)
			source = name;
	}
	if (marked && source != NULL)
		check_find(f, FINDING_TORCH_PACKAGE, ERR_NOWHERE,
		    "its importer runs '%.200s' and what else is there",
		    source);
	arena_release(&a);
}

void
check_calls(const struct check_file *f)
{
	struct walk w = {.f = f, .torchscript = check_is(f, "torchscript")};

	package(f);
	if (!w.torchscript && !is_python(f))
		return;
	/* what torch.jit.load compiles, also where it knows no tensor */
	if (f->member != NULL && strstr(f->member, "/code/__torch__") != NULL)
		w.torchscript = true;
	arena_init(&w.arena, LIMIT_TEMPLATE_ARENA);
	map_init(&w.alias, &w.arena);
	judge(&w, collect(&w));
	arena_release(&w.arena);
	check_knows(f);
}
