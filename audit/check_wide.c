/* SPDX-License-Identifier: MIT
 * Text in UTF-16 or UTF-32.  Python's json.loads() takes bytes in either, with
 * and without a byte order mark (json.detect_encoding), so that Keras, skops and
 * whoever else hands it the bytes of a file read what a look at them as UTF-8
 * does not see; PyYAML and libyaml take UTF-16 with a mark; Windows writes
 * registry files, shortcuts and scripts so.  The text is looked at once more as
 * what it says.
 */
#include "audit/check.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/identify_document.h"

/* What is no character becomes U+FFFD, as readers that go on have it. */
static size_t
narrow(struct rd r, struct identify_wide w, uint8_t *out)
{
	size_t n = 0;
	uint32_t cp;

	r.off = w.skip;
	while (identify_document_next(&r, w, &cp))
		n += text_utf8_encode(cp, out + n);
	return n;
}

/* Files that Hugging Face's libraries open as UTF-8, which JSON is (RFC 8259, 8.1). */
static bool
is_read_as_utf8(const char *name)
{
	static const char *const names[] = {"config.json",
	    "generation_config.json", "preprocessor_config.json",
	    "tokenizer_config.json", "adapter_config.json", "tokenizer.json",
	    "vocab.json", "special_tokens_map.json", "added_tokens.json"};

	return text_is_one_of(name, names, ARRAY_LEN(names)) ||
	       text_ends_with(name, ".index.json");
}

void
check_wide(const struct check_file *f)
{
	struct identify_wide w;
	struct arena a;
	uint8_t *out;

	if (!identify_document_wide_of(f->bytes, &w))
		return;
	check_knows(f);
	if (is_read_as_utf8(check_name_of(f)))
		check_short(f, FINDING_CONFIG_INVALID, ERR_NOWHERE,
		    "JSON in UTF-%u", w.width * 8);
	if (f->bytes.len > LIMIT_INSPECT_SOURCE) {
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "text in UTF-%u of more than %zu bytes", w.width * 8,
		    LIMIT_INSPECT_SOURCE);
		return;
	}
	if (!check_spend(f, 2 * (uint64_t)f->bytes.len))
		return;
	/* of 2 bytes become at most 3, of 4 at most 4 */
	arena_init(&a, 2 * f->bytes.len + 64);
	/* by the same name, which some readers go by */
	if ((out = arena_alloc(&a, 2 * f->bytes.len + 4, 1)) != NULL)
		check_within(
		    f, check_name_of(f), rd_mem(out, narrow(f->bytes, w, out)));
	arena_release(&a);
}
