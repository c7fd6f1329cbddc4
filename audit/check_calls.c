/* SPDX-License-Identifier: MIT
 * Code that a loader may run: Python beside a model, the code of torch.package,
 * and TorchScript, which is compiled to operators.  What it imports and calls
 * that no model needs.  What malware does with it is audit/check_code.c's.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_calls_usual.h"
#include "audit/check_calls_walk.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/zip.h"

/* Talks to somebody by a socket. */
static const char *const code_talks[] = {
    "connect", "connect_ex", "accept", "recvfrom", "sendto", "sendmsg", NULL};
/* Makes text of what does not look like it. */
static const char *const code_decoders[] = {"b64decode", "b32decode",
    "b16decode", "a85decode", "b85decode", "urlsafe_b64decode", "decodebytes",
    "decodestring", "decompress", "fromhex", "unhexlify", "a2b_hex",
    "a2b_base64", "decrypt", "marshal", "codecs", "translate", "maketrans",
    "CodeType", "rot13", NULL};
/* What machine code or a shell is run with, by way of a library of C. */
static const char *const code_machine[] = {"VirtualAlloc", "VirtualAllocEx",
    "VirtualProtect", "VirtualProtectEx", "RtlMoveMemory", "CreateThread",
    "CreateRemoteThread", "WriteProcessMemory", "NtAllocateVirtualMemory",
    "HeapCreate", "HeapAlloc", "mprotect", "mmap", "memfd_create", "WinExec",
    "ShellExecuteA", "ShellExecuteW", "CreateProcessA", "CreateProcessW",
    "execv", "execve", "execvp", "execl", "execlp", "popen", "_wsystem",
    "ptrace", "pythonapi", "URLDownloadToFileA", "URLDownloadToFileW", "dlopen",
    NULL};

static const char *const code_strings[] = {"/etc/passwd", "/etc/shadow",
    "/etc/cron", ".ssh/", "huggingface/token", ".git-credentials", ".netrc",
    ".pypirc", ".kube/config", ".docker/config.json", ".bashrc",
    ".bash_profile", ".zshrc", ".aws/", "/dev/tcp/", "bash -i", "nc -e",
    "curl http", "wget http", "__subclasses__", "__globals__", "__builtins__",
    "169.254.169.254", "powershell", "authorized_keys",
    "profile_default/startup", "LaunchAgents", "LaunchDaemons",
    ".config/autostart", "Programs\\\\Startup", "Programs/Startup",
    "/etc/systemd/", "/etc/ld.so.preload", "/etc/rc.local", "/etc/profile.d/",
    "discord.com/api/webhooks/", "__import__("};

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
		bool usual; /* weights and libraries, which are looked at */
	} chains[] = {{{"torch", "hub", "load"}, false},
	    {{"torch", "hub", "load_state_dict_from_url"}, true},
	    {{"torch", "hub", "download_url_to_file"}, false},
	    {{"torch", "ops", "load_library"}, true},
	    {{"torch", "classes", "load_library"}, true},
	    {{"utils", "cpp_extension", NULL}, false},
	    {{"cpp_extension", "load", NULL}, false}};

	for (size_t k = 0; k < ARRAY_LEN(chains); k++) {
		size_t n = 0;

		while (n < 3 && chains[k].part[n] != NULL &&
		       is(w, i + 2 * n, chains[k].part[n]) &&
		       (n == 0 || is(w, i + 2 * n - 1, ".")))
			n++;
		if (n == 3 || chains[k].part[n] == NULL)
			check_calls_find(w,
			    chains[k].usual || is_own_hub(w, i + 2 * (n - 1))
				? FINDING_CODE_UNUSUAL
				: FINDING_CODE_DANGEROUS,
			    i + 2 * (n - 1), "use of");
	}
}

static void
string(const struct walk *w, size_t i)
{
	const struct pycode_token *t = at(w, i);

	if (check_calls_is_docstring(w, i))
		return;
	for (size_t k = 0; k < ARRAY_LEN(code_strings); k++) {
		const char *word = code_strings[k];

		if (memmem(t->s, t->len, word, strlen(word)) != NULL) {
			check_calls_find(
			    w, FINDING_CODE_DANGEROUS, i, "string");
			return;
		}
	}
}

/* --- all ----------------------------------------------------------------- */

static size_t
name(struct walk *w, size_t i)
{
	bool first = check_calls_begins_statement(w, i);

	if (first && is(w, i, "import"))
		return check_calls_import(w, i + 1);
	if (first && is(w, i, "from"))
		return check_calls_import_from(w, i + 1);
	check_calls_eval_inner(w, i);
	if (!is(w, i - 1, ".")) {
		check_calls_eval(w, i);
		check_calls_use(w, i);
	}
	chain(w, i);
	if (w->torchscript)
		check_calls_torchscript(w, i);
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

/* Named as source, or not at all as anything. */
static bool
is_named(const struct check_file *f)
{
	static const char *const source[] = {
	    ".py", ".pyw", ".pyi", ".pth", ".ipynb"};

	for (size_t i = 0; i < ARRAY_LEN(source); i++)
		if (text_ends_with(check_name_of(f), source[i]))
			return true;
	return strchr(check_name_of(f), '.') == NULL;
}

/* connect(("127.0.0.1", port)): whether the port is free. */
static bool
is_own_machine(const struct walk *w, size_t i)
{
	static const char *const own[] = {"localhost", "127.0.0.1", "::1"};
	struct pycode_token t = *at(w, i + 3);

	if (!is(w, i + 1, "(") || !is(w, i + 2, "(") || t.kind != PYCODE_STRING)
		return false;
	pycode_inner(&t);
	return text_is_among(t.s, t.len, own, ARRAY_LEN(own));
}

/* What the whole source does, which decides about its parts. */
static void
look_ahead(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct pycode_token *t = at(w, i);

		if (t->kind != PYCODE_NAME)
			continue;
		w->connects =
		    w->connects || (check_calls_listed(code_talks, t) &&
				       !is_own_machine(w, i));
		w->decodes = w->decodes || check_calls_listed(code_decoders, t);
		w->machine =
		    w->machine || check_calls_listed(code_machine, t) ||
		    (is(w, i, "system") && is(w, i - 1, ".") &&
			!is(w, i - 2, "os") && !is(w, i - 2, "platform"));
	}
}

static void
judge(struct walk *w, struct pycode_token last)
{
	uint64_t off = (uint64_t)(last.s - (const char *)w->f->bytes.base);

	look_ahead(w);
	for (size_t i = 0; i < w->n; i++) {
		if (pycode_disguised(&w->t[i]))
			check_calls_find(w, FINDING_CODE_DANGEROUS, i,
			    "a name in letters that stand for others,");
		if (w->t[i].kind == PYCODE_NAME)
			i = name(w, i);
		else if (w->t[i].kind == PYCODE_STRING)
			string(w, i);
	}
	if (!w->torchscript)
		check_calls_harm(w);
	/* prose may begin with "import", and has apostrophes */
	if (last.kind == PYCODE_BAD && is_named(w->f))
		check_short(w->f, FINDING_CONFIG_INVALID, off,
		    "a string of the code has no end");
	else if ((last.kind != PYCODE_END && last.kind != PYCODE_BAD) ||
		 w->full)
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

/* AOTInductor (torch/_inductor/package): what lies there is a library that its
 * loader opens, or source and the command that it compiles it with. */
static void
inductor(const struct check_file *f)
{
	static const char part[] = "data/aotinductor/";
	const char *p = f->member != NULL ? strstr(f->member, part) : NULL;

	if (p == NULL || f->bytes.len == 0)
		return;
	if (text_ends_with(p, ".cpp") || text_ends_with(p, ".so") ||
	    text_ends_with(p, ".o") || strstr(p, "compile_flags") != NULL)
		check_find(f, FINDING_OBJECT_CODE, ERR_NOWHERE,
		    "AOTInductor's loader compiles or opens it");
}

/* The lite interpreter: names of operators in a pickle (bytecode.pkl). */
static void
bytecode(const struct check_file *f)
{
	static const char *const ops[] = {
	    "aten::save", "aten::from_file", "aten::_save", "aten::load"};

	if (strcmp(check_name_of(f), "bytecode.pkl") != 0 || f->bytes.len == 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (memmem(f->bytes.base, f->bytes.len, ops[i],
			strlen(ops[i])) != NULL)
			check_find(f, FINDING_TORCHSCRIPT_OPERATOR, ERR_NOWHERE,
			    "operator '%s'", ops[i]);
}

void
check_calls(const struct check_file *f)
{
	struct walk w = {.f = f, .torchscript = check_is(f, "torchscript")};

	package(f);
	inductor(f);
	bytecode(f);
	if (!w.torchscript && !is_python(f))
		return;
	/* what torch.jit.load compiles, also where it knows no tensor */
	if (f->member != NULL && strstr(f->member, "/code/__torch__") != NULL)
		w.torchscript = true;
	arena_init(&w.arena, LIMIT_TEMPLATE_ARENA);
	map_init(&w.alias, &w.arena);
	map_init(&w.function, &w.arena);
	judge(&w, collect(&w));
	arena_release(&w.arena);
	check_knows(f);
}
