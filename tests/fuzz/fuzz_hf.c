/* SPDX-License-Identifier: MIT
 * A repository of the Hugging Face hub in memory: config.json, NUL,
 * preprocessor_config.json, NUL, the header of model.safetensors, whose
 * numbers are all zero.  It is refused, or the model holds the invariants and
 * patching it with its own weights writes nothing.
 */
#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "formats/format.h"
#include "formats/layout.h"

#include <stdlib.h>

#define DATA ((size_t)1 << 20) /* zeros; more is refused as truncated */

extern const struct format format_weights_file;

/* Up to the next NUL, or to the end; *in is moved behind it. */
static struct slice
part(struct slice *in)
{
	const uint8_t *end =
	    in->len != 0 ? memchr(in->ptr, '\0', in->len) : NULL;
	struct slice s = {
	    in->ptr, end != NULL ? (size_t)(end - in->ptr) : in->len};
	size_t skip = s.len + (end != NULL ? 1 : 0);

	in->ptr += skip;
	in->len -= skip;
	return s;
}

/* The largest end that is written in it, as far as we go. */
static size_t
data_size(struct slice head)
{
	size_t most = 0, n = 0;

	for (size_t i = 0; i < head.len; i++) {
		bool digit = head.ptr[i] >= '0' && head.ptr[i] <= '9';

		n = digit && n < DATA ? 10 * n + head.ptr[i] - '0'
		    : digit           ? n
				      : 0;
		if (i + 1 < head.len && head.ptr[i + 1] == ']' && n <= DATA)
			most = MAX(most, n);
	}
	return most;
}

static void
add(struct source *s, const char *name, struct slice bytes)
{
	s->file[s->nfile++] =
	    (struct source_file){.name = name, .map = {bytes.ptr, bytes.len}};
}

/* What it says of images can be written and read again. */
static void
check_preprocess(const struct preprocess *p)
{
	struct preprocess again;
	struct err e = {0};
	json_t *j;

	if (*p->from == '\0')
		return;
	j = preprocess_json(p);
	PROPERTY(preprocess_parse(j, &again, &e) == 0);
	json_decref(j);
}

static void
check(struct source *s)
{
	struct err e = {0};
	struct model m;

	if (layout_hf.open(s, &e) != 0)
		return;
	check_preprocess(&s->hints.preprocess);
	if (format_weights_file.load(s, &m, &e) != 0)
		return;
	PROPERTY(model_check(&m, &e) == 0);
	PROPERTY(m.nnode > 0);
	if (format_weights_file.patch(s, &m, &e) == 0)
		for (size_t i = 0; i < s->nfile; i++)
			PROPERTY(!s->file[i].writable);
	model_release(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice in = {data, len};
	struct slice config = part(&in), processor = part(&in);
	struct source s;
	struct buf file = {0};
	static const uint8_t zeros[4096];

	buf_u64le(&file, in.len);
	buf_append(&file, in.ptr, in.len);
	for (size_t left = data_size(in); left > 0;) {
		size_t n = MIN(left, sizeof(zeros));

		buf_append(&file, zeros, n);
		left -= n;
	}
	source_mem(&s, file.ptr, file.len);
	s.file[0].name = "model.safetensors";
	add(&s, "config.json", config);
	if (processor.len != 0)
		add(&s, "preprocessor_config.json", processor);
	check(&s);
	source_release(&s);
	buf_free(&file);
	return 0;
}
