/* SPDX-License-Identifier: MIT
 * Documents that do something: macros and packed programs of Office, by the
 * directory of their compound file (MS-CFB 2.6) or by the name that Office Open
 * XML has for them; scripts and actions of PDF (ISO 32000-1, 12.6.4); objects of
 * RTF that are updated by themselves.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check.h"

#include "audit/check_decode.h"
#include "audit/check_expand.h"
#include "base/text.h"

/* --- compound files ------------------------------------------------------ */

/* An entry of the directory: name in UTF-16, its bytes, type, class. */
#define ENTRY      128
#define ENTRY_SIZE 64
#define ENTRY_TYPE 66
#define ENTRY_ID   80
#define FIRST      512 /* behind the header, on whatever sectors */

/* Windows Installer: {000C1084-0000-0000-C000-000000000046}, and those of
 * patches and transforms, 86 and 82. */
static bool
is_installer(const uint8_t *id)
{
	static const uint8_t rest[] = {
	    0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};

	return (id[0] == 0x84 || id[0] == 0x86 || id[0] == 0x82) &&
	       memcmp(id + 1, rest, sizeof(rest)) == 0;
}

/* An entry's name is this, in ASCII, with the zero behind it. */
static bool
is_named(const uint8_t *entry, const char *name)
{
	size_t n = strlen(name);

	if (entry[ENTRY_SIZE] != 2 * (n + 1) || entry[ENTRY_SIZE + 1] != 0)
		return false;
	for (size_t i = 0; i <= n; i++)
		if (entry[2 * i] != (uint8_t)name[i] || entry[2 * i + 1] != 0)
			return false;
	return true;
}

static const char *
what_of(const uint8_t *entry)
{
	static const struct {
		const char *name, *what;
	} active[] = {{"_VBA_PROJECT", "macros"},
	    {"_VBA_PROJECT_CUR", "macros"}, {"VBA", "macros"},
	    {"\1Ole10Native", "a packed file"},
	    {"Equation Native", "an equation, which a program draws"}};

	if (entry[ENTRY_TYPE] == 5 && is_installer(entry + ENTRY_ID))
		return "an installer of Windows";
	if (entry[ENTRY_TYPE] != 1 && entry[ENTRY_TYPE] != 2)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(active); i++)
		if (is_named(entry, active[i].name))
			return active[i].what;
	return NULL;
}

static bool
compound(const struct check_file *f)
{
	const char *what = NULL;
	size_t at = FIRST;

	for (; at + ENTRY <= f->bytes.len; at += ENTRY)
		if ((what = what_of(f->bytes.base + at)) != NULL)
			break;
	if (what != NULL)
		check_find(f, FINDING_DOCUMENT_ACTIVE, at, "%s", what);
	check_knows(f);
	return what != NULL;
}

/* --- Office Open XML ----------------------------------------------------- */

/* A template or object that is fetched when the document is opened. */
static void
relations(const struct check_file *f)
{
	static const char *const fetched[] = {"/attachedTemplate\"",
	    "/oleObject\"", "/frame\"", "/subDocument\""};
	const uint8_t *p = f->bytes.base, *end = p + f->bytes.len, *close;

	while (p < end && (p = memmem(p, (size_t)(end - p), "<Relationship ",
			       14)) != NULL) {
		size_t n;

		close = memchr(p, '>', (size_t)(end - p));
		n = (size_t)((close != NULL ? close : end) - p);
		for (size_t i = 0; i < ARRAY_LEN(fetched); i++)
			if (memmem(p, n, fetched[i], strlen(fetched[i])) !=
				NULL &&
			    memmem(p, n, "\"External\"", 10) != NULL)
				check_find(f, FINDING_DOCUMENT_ACTIVE,
				    (uint64_t)(p - f->bytes.base),
				    "it fetches a part of itself from "
				    "elsewhere");
		p += MAX(n, 1);
	}
}

static void
office(const struct check_file *f)
{
	if (f->member == NULL)
		return;
	if (text_ends_with(check_name_of(f), "vbaProject.bin"))
		check_find(f, FINDING_DOCUMENT_ACTIVE, ERR_NOWHERE, "macros");
	else if (strstr(f->member, "xl/macrosheets/") != NULL)
		check_find(
		    f, FINDING_DOCUMENT_ACTIVE, ERR_NOWHERE, "a macro sheet");
	if (text_ends_with(check_name_of(f), ".rels") && f->bytes.len != 0)
		relations(f);
	/* a field that is the answer of a program */
	if (strstr(f->member, "word/") != NULL && f->bytes.len != 0 &&
	    memmem(f->bytes.base, f->bytes.len, "DDEAUTO", 7) != NULL)
		check_find(f, FINDING_DOCUMENT_ACTIVE, ERR_NOWHERE,
		    "a field that starts a program, DDEAUTO");
}

/* --- PDF ----------------------------------------------------------------- */

/* A name ends at a blank, a delimiter, or the end (7.2.2, 7.3.5). */
static bool
ends_name(struct rd r, size_t at)
{
	return at >= r.len || r.base[at] == 0 ||
	       strchr(" \t\r\n\f()<>[]{}/%", r.base[at]) != NULL;
}

/* The name behind the slash at `at`, with characters written as #61, is that. */
static bool
name_is(struct rd r, size_t at, const char *name)
{
	for (at++; *name != '\0'; name++) {
		int high, low;

		if (at >= r.len)
			return false;
		if (r.base[at] == (uint8_t)*name) {
			at++;
			continue;
		}
		if (r.base[at] != '#' || r.len - at < 3)
			return false;
		high = check_decode_digit(r.base[at + 1]);
		low = check_decode_digit(r.base[at + 2]);
		if (high < 0 || low < 0 || high * 16 + low != *name)
			return false;
		at += 3;
	}
	return ends_name(r, at);
}

/* The first of these names; false: none. */
static bool
actions(const struct check_file *f, struct rd r, const char *where)
{
	static const char *const names[] = {
	    "JavaScript", "Launch", "ImportData", "RichMediaExecute"};
	const uint8_t *p = r.base, *end = r.base + r.len;

	while (p < end && (p = memchr(p, '/', (size_t)(end - p))) != NULL) {
		size_t at = (size_t)(p - r.base);

		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (!name_is(r, at, names[i]))
				continue;
			check_find(f, FINDING_DOCUMENT_ACTIVE,
			    where[0] == '\0' ? at : ERR_NOWHERE,
			    "an action /%s%s", names[i], where);
			return true;
		}
		p++;
	}
	return false;
}

/* What happens when it is opened: it goes to an address or to another file. */
static bool
opens(const struct check_file *f)
{
	static const char *const away[] = {"URI", "SubmitForm", "GoToE"};
	static const char word[] = "/OpenAction";
	struct rd r = f->bytes;
	const uint8_t *p = memmem(r.base, r.len, word, sizeof(word) - 1);
	size_t from = p != NULL ? (size_t)(p - r.base) : r.len;

	for (size_t at = from + 1; at < MIN(r.len, from + 200); at++) {
		if (memcmp(r.base + at, ">>", MIN(r.len - at, (size_t)2)) == 0)
			break;
		for (size_t i = 0; i < ARRAY_LEN(away); i++)
			if (r.base[at] == '/' && name_is(r, at, away[i])) {
				check_find(f, FINDING_DOCUMENT_ACTIVE, at,
				    "opening it does /%s", away[i]);
				return true;
			}
	}
	return false;
}

/* In the dictionary before a stream: its last 1024 bytes. */
static bool
dictionary_has(struct rd r, size_t stream, const char *name)
{
	size_t from = stream > 1024 ? stream - 1024 : 0;
	struct rd d = rd_mem(r.base, stream);

	for (size_t at = stream; at-- > from;) {
		if (r.base[at] == '/' && name_is(d, at, name))
			return true;
		/* the end of an object before it */
		if (stream - at > 6 && memcmp(r.base + at, "endobj", 6) == 0)
			break;
	}
	return false;
}

/* Objects, and files that the document carries, may be packed. */
static bool
packed(const struct check_file *f, size_t dict, struct rd data)
{
	bool objects = dictionary_has(f->bytes, dict, "ObjStm");
	bool carried = dictionary_has(f->bytes, dict, "EmbeddedFile");
	struct check_expanded x = {.end = EXPAND_WHOLE};
	bool found = false;

	if (!objects && !carried)
		return false;
	if (dictionary_has(f->bytes, dict, "FlateDecode"))
		check_expand_zlib(f, data, &x);
	else
		check_expand_take(f, &x, data.base, data.len);
	if (x.bytes.len == 0 && data.len > 8)
		check_short(f, FINDING_CONFIG_INVALID, dict,
		    "a stream of objects that cannot be read");
	else if (objects)
		found = actions(
		    f, rd_mem(x.bytes.ptr, x.bytes.len), ", in packed objects");
	else
		check_within(
		    f, "embedded file", rd_mem(x.bytes.ptr, x.bytes.len));
	check_expand_free(&x);
	return found;
}

static void
pdf(const struct check_file *f)
{
	static const char word[] = "stream", close[] = "endstream";
	const uint8_t *base = f->bytes.base, *end = base + f->bytes.len;
	const uint8_t *p = base, *q;
	bool found = actions(f, f->bytes, "") || opens(f);

	while (p < end && (p = memmem(p, (size_t)(end - p), word,
			       sizeof(word) - 1)) != NULL) {
		size_t dict = (size_t)(p - base);

		p += sizeof(word) - 1;
		if (p < end && *p == '\r')
			p++;
		if (p >= end || *p != '\n' ||
		    (dict > 2 && memcmp(base + dict - 3, "end", 3) == 0))
			continue;
		p++;
		q = memmem(p, (size_t)(end - p), close, sizeof(close) - 1);
		if (q == NULL)
			q = end;
		if (!found)
			found = packed(f, dict, rd_mem(p, (size_t)(q - p)));
		p = q;
	}
	check_knows(f);
}

/* --- RTF ----------------------------------------------------------------- */

static void
rtf(const struct check_file *f)
{
	static const char *const words[] = {"\\objupdate", "\\objdata"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (memmem(f->bytes.base, f->bytes.len, words[i],
			strlen(words[i])) != NULL) {
			check_find(f, FINDING_DOCUMENT_ACTIVE, ERR_NOWHERE,
			    "an object, %s", words[i]);
			return;
		}
}

/* --- PostScript ---------------------------------------------------------- */

/* A file that is opened as %pipe% is a command (Ghostscript, "Special file names"),
 * whatever the image is called. */
static void
postscript(const struct check_file *f)
{
	static const char word[] = "%pipe%";

	if (f->bytes.len > 2 && memcmp(f->bytes.base, "%!", 2) == 0 &&
	    memmem(f->bytes.base, f->bytes.len, word, sizeof(word) - 1) != NULL)
		check_find(f, FINDING_DOCUMENT_ACTIVE, ERR_NOWHERE,
		    "PostScript that starts a program, '%s'", word);
}

void
check_document(const struct check_file *f)
{
	bool found = check_is(f, "ole2") && compound(f);

	if (!found)
		office(f);
	if (check_is(f, "pdf"))
		pdf(f);
	postscript(f);
	if (f->bytes.len > 16 && memcmp(f->bytes.base, "{\\rt", 4) == 0)
		rtf(f);
}
