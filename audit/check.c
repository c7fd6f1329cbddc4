/* SPDX-License-Identifier: MIT */
#include "audit/check.h"

#include "base/json.h"

static void
check_executable(const struct check_file *f, json_t *findings)
{
	for (size_t i = 0; i < f->bids->n; i++)
		if (f->bids->bid[i]->kind == KIND_CODE)
			json_add(findings,
			    finding_json(FINDING_FILE_EXECUTABLE, f->path,
				UINT64_MAX, "%s", f->bids->bid[i]->summary));
}

/* The header of an NPY file whose elements are Python objects. */
static bool
object_array(const struct check_file *f)
{
	size_t n = MIN(f->bytes.len, 256);

	if (identify_find(f->bids, "npy") == NULL)
		return false;
	for (size_t i = 0; i + 3 <= n; i++)
		if (memcmp(f->bytes.base + i, "|O'", 3) == 0 ||
		    memcmp(f->bytes.base + i, "'O'", 3) == 0)
			return true;
	return false;
}

static void
check_pickle(const struct check_file *f, json_t *findings)
{
	static const char *const holds[] = {"pickle", "torch-zip"};

	for (size_t i = 0; i < ARRAY_LEN(holds); i++) {
		const struct identify_format *bid =
		    identify_find(f->bids, holds[i]);

		if (bid != NULL)
			json_add(
			    findings, finding_json(FINDING_FILE_PICKLE, f->path,
					  UINT64_MAX, "%s", bid->summary));
	}
	if (object_array(f))
		json_add(
		    findings, finding_json(FINDING_FILE_PICKLE, f->path,
				  UINT64_MAX, "NumPy array of Python objects"));
}

/*
 * Two bids that are more than guesses and not of one family: each reader takes
 * the file for something else, and a scanner sees only one of the two.
 */
static void
check_polyglot(const struct check_file *f, json_t *findings)
{
	const struct identify_bids *b = f->bids;

	for (size_t i = 1; i < b->n; i++) {
		size_t k = 0;

		while (k < i && !identify_related(b->bid[i], b->bid[k]))
			k++;
		if (k < i || b->bits[i] < IDENTIFY_STRONG)
			continue;
		json_add(findings,
		    finding_json(FINDING_FORMAT_POLYGLOT, f->path, UINT64_MAX,
			"%s and %s", b->bid[0]->name, b->bid[i]->name));
	}
}

static void
check_unknown(const struct check_file *f, json_t *findings)
{
	if (f->bids->n == 0)
		json_add(findings,
		    finding_json(FINDING_FILE_UNKNOWN, f->path, UINT64_MAX,
			"%s",
			f->bytes.len == 0 ? "empty file" : "no known format"));
}

const struct check check_table[CHECK_COUNT] = {
#define CHECK(id, name, text) [CHECK_##id] = {name, text, check_##id},
#include "audit/check.def"
#undef CHECK
};

void
check_run(const struct check_file *f, json_t *findings)
{
	for (size_t i = 0; i < CHECK_COUNT; i++)
		check_table[i].run(f, findings);
}
