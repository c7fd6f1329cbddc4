/* SPDX-License-Identifier: MIT
 * Documents, pages, Java, Arrow, text of wide characters, streams behind a
 * header: whatever the bytes are, each check ends, and a finding is one of its
 * own; a wrong guess at text never reads behind it.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/identify_document.h"
#include "tests/fuzz/look.h"

static const struct {
	void (*check)(const struct check_file *);
	const char *path;
} looks[] = {
    {check_document, "word/vbaProject.bin"},
    {check_document, "x.rels"},
    {check_java, "x.ser"},
    {check_arrow, "x.parquet"},
    {check_page, "x.html"},
    {check_page, "x.js"},
    {check_web, "x.php"},
    {check_web, "x.aspx"},
    {check_wide, "config.json"},
    {check_buried, "x.bin"},
    {check_command, "x.inf"},
    {check_config, "x.json"},
    {check_code, "x.py"},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct identify_wide w;
	uint32_t cp;

	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		struct look l;

		look_at(&l, looks[i].check, looks[i].path, r);
		PROPERTY(look_worst(&l) <= SEVERITY_CRITICAL);
		look_end(&l);
	}
	if (!identify_document_wide_of(r, &w))
		return 0;
	for (r.off = w.skip; identify_document_next(&r, w, &cp);)
		PROPERTY(cp <= 0x10ffff && r.off <= r.len);
	return 0;
}
