/* SPDX-License-Identifier: MIT */
#include "formats/torch_part.h"

#include "formats/torch_pick.h"
#include "formats/torch_stream.h"
#include "formats/torch_tar.h"
#include "formats/torch_zip.h"

bool
torch_part_probe(struct rd r)
{
	return torch_zip_probe(r) || torch_stream_probe(r) ||
	       torch_tar_probe(r);
}

int
torch_part_open(
    struct torch_part *p, struct arena *a, struct rd r, struct err *e)
{
	struct torch_found f;
	int rc;

	if ((rc = torch_open(&p->torch, a, r, e)) != 0 ||
	    (rc = torch_pick(&p->torch, &f, e)) != 0)
		return rc;
	if (f.nlayer != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "torch: a whole module in the place of a state dict");
	p->tensor = f.tensor;
	p->n = f.n;
	return 0;
}

void
torch_part_mend(struct torch_part *p, uint8_t *file)
{
	if (p->torch.is_zip)
		torch_zip_mend(&p->torch, file);
}
