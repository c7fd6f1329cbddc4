/* SPDX-License-Identifier: MIT
 * What a pickle would do when it is loaded, without loading it: the file's
 * opcodes are followed (formats/pickle.h), every name, call and change is judged
 * (check_pickle_judge.h), and what cannot be followed is said.
 */
#include "audit/check_pickle_part.h"

#include "base/text.h"

#include <ctype.h>

/* Names that promise a pickle where the content is nothing else: a file that is
 * so damaged that it looks like nothing is not to be called harmless. */
static bool
is_named_pickle(const struct check_file *f)
{
	static const char *const suffix[] = {
	    ".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth"};
	const struct identify_bids *b = f->bids;

	if (b->n > 1 || (b->n == 1 && strcmp(b->best->name, "text") != 0))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(suffix); i++)
		if (text_ends_with(check_name_of(f), suffix[i]))
			return true;
	return false;
}

/* joblib before 0.10 (read_zfile): "ZF", the size as int(text, 16) takes it, 19
 * characters of Python 3 and 20 of Python 2 with blanks behind, then a stream of
 * zlib. */
static bool
check_zfile(const struct check_file *f)
{
	struct rd r = f->bytes;
	size_t i = 2, digits = 0;

	if (r.len < 32 || !RD_HAS(r, 0, "ZF"))
		return false;
	while (i < 21 && (r.base[i] == ' ' || r.base[i] == '+'))
		i++;
	if (RD_HAS(r, i, "0x") || RD_HAS(r, i, "0X"))
		i += 2;
	for (; i < 23 && (isxdigit(r.base[i]) || r.base[i] == '_'); i++)
		digits++;
	i += digits != 0 && r.base[i] == 'L';
	while (i < r.len && i < 32 && r.base[i] == ' ')
		i++;
	/* nothing else has a stream of zlib there */
	if (digits == 0 || i < 21 || i >= r.len || r.base[i] != 'x')
		return false;
	check_knows(f);
	check_within(f, "zlib", rd_mem(r.base + i, r.len - i));
	return true;
}

void
check_pickle(const struct check_file *f)
{
	const struct identify_format *bid = identify_find(f->bids, "pickle");

	if (bid == NULL) /* kinds of it */
		bid = check_is(f, "joblib") ? identify_find(f->bids, "joblib")
					    : identify_find(f->bids, "sklearn");
	if (bid != NULL) {
		check_find(f, FINDING_FILE_PICKLE, ERR_NOWHERE, "%s",
		    f->bids->best->within[0] != '\0' ? f->bids->best->summary
						     : bid->summary);
		check_knows(f);
		check_pickle_stream(f, f->bytes);
	} else if (!check_zfile(f) && is_named_pickle(f)) {
		check_short(f, FINDING_PICKLE_INVALID, ERR_NOWHERE,
		    "its name says that it is a pickle or archive, its "
		    "content does not");
		check_pickle_stream(f, f->bytes);
	}
	if (check_is(f, "torch-zip")) {
		check_find(f, FINDING_FILE_PICKLE, ERR_NOWHERE, "%s",
		    identify_find(f->bids, "torch-zip")->summary);
		check_pickle_zip(f);
	}
	if (check_is(f, "npy"))
		check_pickle_npy(f);
}
