/* SPDX-License-Identifier: MIT
 * Tables of images and classes: refused with a message, or every path stays
 * beneath the folder and every class is there.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/imagetable.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	size_t classes;
	struct listing l;
	struct err e = {0};
	char first[64];
	const char *name = len > 0 && *data == '{' ? "m.jsonl" : "t.csv";

	(void)imagetable_probe(name, r);
	if (imagetable_first(name, r, first, sizeof(first)))
		PROPERTY(strlen(first) < sizeof(first));
	listing_init(&l);
	if (imagetable_read(name, r, "images/", &l, &e) != 0)
		PROPERTY(e.code < 0 && e.msg[0] != '\0');
	classes = l.classes.len / sizeof(char *);
	PROPERTY(
	    l.images.len / sizeof(char *) == l.labels.len / sizeof(int32_t));
	for (size_t i = 0; i < l.labels.len / sizeof(int32_t); i++) {
		const char *path;
		int32_t label;

		memcpy(&path, l.images.ptr + i * sizeof(path), sizeof(path));
		memcpy(&label, l.labels.ptr + i * sizeof(label), sizeof(label));
		PROPERTY((size_t)label < classes);
		PROPERTY(strncmp(path, "images/", 7) == 0);
		PROPERTY(strstr(path, "/../") == NULL);
	}
	listing_release(&l);
	return 0;
}
