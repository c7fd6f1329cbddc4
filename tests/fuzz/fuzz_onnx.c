/* SPDX-License-Identifier: MIT
 * An ONNX file is refused, or the model holds the invariants, and when it can
 * be written as ONNX again, what was written is read again.  A file patched
 * with its own weights is the same file.  Beside it lies "d", for external
 * data.
 */
#include "tests/fuzz/fuzz.h"

#include "formats/onnx.h"
#include "formats/onnx_file.h"
#include "formats/onnx_patch.h"
#include "formats/onnx_probe.h"
#include "formats/onnx_write.h"

#include <unistd.h>

static void
write_and_read(const struct model *m)
{
	struct file_out out;
	struct file_map back;
	struct model again;
	struct err e = {0};
	struct rd r;

	out = (struct file_out){.fd = file_temp(&e)};
	PROPERTY(out.fd >= 0);
	if (onnx_write(&out, m, &e) == 0) {
		PROPERTY(file_map_fd(out.fd, "", UINT32_MAX, &back, &e) == 0);
		r = rd_mem(back.ptr, back.len);
		PROPERTY(onnx_parse(&r, &again, &e) == 0);
		/* fewer when a softmax stood before the one that was cut */
		PROPERTY(again.nnode <= m->nnode);
		PROPERTY(again.ntensor <= m->ntensor);
		model_release(&again);
		file_unmap(&back);
	} else {
		PROPERTY(e.code == ERR_UNSUPPORTED || e.code == ERR_LIMIT);
	}
	if (out.fd >= 0)
		close(out.fd);
}

static const uint8_t beside[4096];

static void
source_beside(struct source *s, const uint8_t *data, size_t len)
{
	source_mem(s, data, len);
	s->file[s->nfile++] =
	    (struct source_file){.name = "d", .map = {beside, sizeof(beside)}};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_mem(data, len);
	struct source s;
	struct model m;
	struct err e = {0};

	(void)onnx_probe(r);
	source_beside(&s, data, len);
	if (onnx_load(&s, &m, &e) == 0) {
		PROPERTY(model_check(&m, &e) == 0);
		write_and_read(&m);
		PROPERTY(onnx_patch(&s, &m, &e) == 0);
		/* nothing to write */
		PROPERTY(!s.file[0].writable && !s.file[1].writable);
		model_release(&m);
	}
	source_release(&s);
	return 0;
}
