/* SPDX-License-Identifier: MIT
 * Archives of TorchScript that torch.jit.load() refuses (torch/csrc/jit/serialization/
 * import.cpp and import_source.cpp): members that are missing, classes that the code
 * does not have, code that does not begin as code, types that there are not.
 * What the code does is looked at by check_calls_torchscript.c.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/zip.h"

#define CLASSES 10000 /* of a data.pkl, that are looked for */

struct walk {
	const struct check_file *f;
	struct zip zip;
	struct arena arena;
	struct map seen; /* classes that were looked for */
	const char *top; /* "archive/", also empty */
	size_t ntop;
	bool said;
};

static void
fault(struct walk *w, const struct zip_entry *e, const char *what,
    struct slice of)
{
	if (!w->said)
		check_short(w->f, FINDING_TORCHSCRIPT_BROKEN, e->data,
		    "'%.200s' %s '%.*s'", e->name, what, (int)MIN(of.len, 80),
		    of.len != 0 ? (const char *)of.ptr : "");
	w->said = true;
}

/* --- code ---------------------------------------------------------------- */

/* What stands at the beginning of a line: SourceImporterImpl::parse...() */
static bool
is_begun(struct slice line)
{
	static const char *const words[] = {
	    "class ", "def ", "import ", "op_version_set", "#", "@"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (text_begins_with(
			(const char *)line.ptr, line.len, words[i]))
			return true;
	return false;
}

static bool
is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* string_to_type_lut and subscript_to_type_fns of script_type_parser.cpp, and what
 * python_str() gives the types that have no name there. */
static bool
is_type(struct slice word)
{
	static const char *const types[] = {"Tensor", "int", "float", "bool",
	    "complex", "str", "Device", "Stream", "Generator", "number", "None",
	    "NoneType", "Any", "Capsule", "list", "tuple", "dict", "List",
	    "Tuple", "Dict", "Optional", "Union", "Future", "Await", "RRef",
	    "Final", "NamedTuple", "Layout", "QScheme", "Storage",
	    "MemoryFormat", "ScalarType", "Quantizer", "SymInt", "SymFloat",
	    "SymBool", "AnyList", "AnyTuple", "AnyClass", "AnyEnum", "Function",
	    "Undefined", "BroadcastingList1", "BroadcastingList2",
	    "BroadcastingList3", "InterfaceType", "PyObject", "uint64_t",
	    "Module", "device", "dtype"};

	return text_is_among(
	    (const char *)word.ptr, word.len, types, ARRAY_LEN(types));
}

/* The first word that is no type; len 0: none.  Names with dots are of classes. */
static struct slice
odd_type(struct slice s)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] != '=' && s.ptr[i] != '#' &&
	       s.ptr[i] != '"' && s.ptr[i] != '\'') {
		size_t n = 0;
		bool dotted = i != 0 && s.ptr[i - 1] == '.';

		while (i + n < s.len && is_word(s.ptr[i + n]))
			n++;
		dotted = dotted || (i + n < s.len && s.ptr[i + n] == '.');
		if (n != 0 && !dotted && !is_type((struct slice){s.ptr + i, n}))
			return (struct slice){s.ptr + i, n};
		i += MAX(n, 1);
	}
	return (struct slice){0};
}

/* "  weight : Tensor", an attribute of a class; {0}: another kind of line */
static struct slice
attribute_type(struct slice line)
{
	size_t i = 2;

	if (line.len < 6 || line.ptr[0] != ' ' || line.ptr[1] != ' ')
		return (struct slice){0};
	while (i < line.len && is_word(line.ptr[i]))
		i++;
	if (i == 2 || i + 3 > line.len || memcmp(line.ptr + i, " : ", 3) != 0)
		return (struct slice){0};
	return (struct slice){line.ptr + i + 3, line.len - i - 3};
}

static void
code(struct walk *w, const struct zip_entry *e)
{
	const uint8_t *p, *end;
	struct err ignored;
	struct slice s;

	if (zip_read(&w->zip, e, &s, &ignored) != 0)
		return;
	end = s.ptr + s.len;
	for (p = s.ptr; p < end && !w->said;) {
		const uint8_t *eol = memchr(p, '\n', (size_t)(end - p));
		struct slice line = {
		    p, (size_t)((eol != NULL ? eol : end) - p)};
		struct slice type = attribute_type(line);

		type = odd_type(type);
		if (line.len != 0 && *p != ' ' && *p != '\r' && !is_begun(line))
			fault(w, e, "has a line that is no code:", line);
		else if (type.len != 0)
			fault(w, e, "has an attribute of unknown type", type);
		p += line.len + 1;
	}
}

/* --- classes of data.pkl ------------------------------------------------- */

static const struct zip_entry *
entry(struct walk *w, const char *name)
{
	const char *path =
	    arena_printf(&w->arena, "%.*s%s", (int)w->ntop, w->top, name);

	return path != NULL ? zip_find(&w->zip, path) : NULL;
}

/* "class Net(", at the beginning of a line */
static bool
has_class(struct slice s, struct slice name)
{
	const uint8_t *p = s.ptr, *end = s.ptr + s.len;

	while ((p = memmem(p, (size_t)(end - p), name.ptr, name.len)) != NULL) {
		const uint8_t *behind = p + name.len;

		if (behind < end && (*behind == '(' || *behind == ':') &&
		    p - s.ptr >= 6 && memcmp(p - 6, "class ", 6) == 0)
			return true;
		p = behind;
	}
	return false;
}

/* __torch__.a.b and C: class C of code/__torch__/a/b.py */
static void
look_for(struct walk *w, const struct zip_entry *from, struct slice module,
    struct slice name)
{
	char *path = arena_printf(&w->arena, "code/%.*s.py", (int)module.len,
	    (const char *)module.ptr);
	const struct zip_entry *e;
	struct err ignored;
	struct slice s;

	if (path == NULL)
		return;
	for (char *c = path + 5; c[3] != '\0'; c++)
		if (*c == '.')
			*c = '/';
	if ((e = entry(w, path)) == NULL)
		fault(w, from, "needs code that is not there,", module);
	else if (zip_read(&w->zip, e, &s, &ignored) == 0 && !has_class(s, name))
		fault(w, from, "is of a class that the code has not,", name);
}

static bool
is_new(struct walk *w, const uint8_t *p, size_t len)
{
	const char *key;

	return map_get_n(&w->seen, (const char *)p, len) == SIZE_MAX &&
	       (key = arena_strdup(&w->arena, (const char *)p, len)) != NULL &&
	       map_put(&w->seen, key, 1) == 1;
}

/* The pickler of TorchScript names classes by GLOBAL alone, "c__torch__.a\nB\n";
 * those of torch.classes are of libraries. */
static void
classes(struct walk *w, const struct zip_entry *from, struct slice s)
{
	static const char begin[] = "c__torch__",
			  library[] = "__torch__.torch.classes";
	const uint8_t *p = s.ptr, *end = s.ptr + s.len;

	for (size_t n = 0; n < CLASSES && !w->said &&
			   (p = memmem(p, (size_t)(end - p), begin,
				sizeof(begin) - 1)) != NULL;
	     n++) {
		const uint8_t *a = memchr(p, '\n', (size_t)(end - p)), *b;
		struct slice module = {p + 1, 0}, name;

		b = a != NULL ? memchr(a + 1, '\n', (size_t)(end - a - 1))
			      : NULL;
		if (b == NULL || b - p > LIMIT_NAME)
			return;
		module.len = (size_t)(a - p - 1);
		name = (struct slice){a + 1, (size_t)(b - a - 1)};
		if (!text_begins_with(
			(const char *)module.ptr, module.len, library) &&
		    is_new(w, module.ptr, (size_t)(b - p - 1)))
			look_for(w, from, module, name);
		p = b;
	}
}

/* --- the archive --------------------------------------------------------- */

static bool
is_code(const struct walk *w, const struct zip_entry *e)
{
	return strncmp(e->name, w->top, w->ntop) == 0 &&
	       strncmp(e->name + w->ntop, "code/", 5) == 0 &&
	       text_ends_with(e->name, ".py");
}

/* Whether it is TorchScript and not what torch.save() writes. */
static bool
is_script(const struct walk *w, struct slice data)
{
	for (size_t i = 0; i < w->zip.n; i++)
		if (is_code(w, &w->zip.entry[i]))
			return true;
	return data.len != 0 &&
	       memmem(data.ptr, data.len, "c__torch__.", 11) != NULL;
}

static void
archive(struct walk *w, const struct zip_entry *data)
{
	struct err ignored;
	struct slice s;

	if (zip_read(&w->zip, data, &s, &ignored) != 0 || !is_script(w, s))
		return;
	if (entry(w, "constants.pkl") == NULL)
		fault(w, data, "needs what is not there,",
		    (struct slice){(const uint8_t *)"constants.pkl", 13});
	classes(w, data, s);
	for (size_t i = 0; i < w->zip.n && !w->said; i++)
		if (is_code(w, &w->zip.entry[i]))
			code(w, &w->zip.entry[i]);
}

void
check_torchscript(const struct check_file *f)
{
	static const char tail[] = "data.pkl";
	struct walk w = {.f = f};
	struct err ignored;

	if (!check_is(f, "torch-zip"))
		return;
	arena_init(&w.arena, LIMIT_MODEL_ARENA);
	map_init(&w.seen, &w.arena);
	if (zip_open(&w.zip, f->bytes, &w.arena, &ignored) == 0)
		for (size_t i = 0; i < w.zip.n && !w.said; i++) {
			const struct zip_entry *e = &w.zip.entry[i];
			size_t n = strlen(e->name);

			if (n < sizeof(tail) - 1 || e->shadowed ||
			    strcmp(e->name + n - (sizeof(tail) - 1), tail) != 0)
				continue;
			w.top = e->name;
			w.ntop = n - (sizeof(tail) - 1);
			archive(&w, e);
		}
	arena_release(&w.arena);
}
