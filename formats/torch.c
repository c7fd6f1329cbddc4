/* SPDX-License-Identifier: MIT */
#include "formats/torch.h"

#include "base/limits.h"
#include "base/text.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/patch.h"
#include "formats/torch_behind.h"
#include "formats/torch_code.h"
#include "formats/torch_leaf.h"
#include "formats/torch_pick.h"
#include "formats/torch_record.h"
#include "formats/torch_resize.h"
#include "formats/torch_script.h"
#include "formats/torch_sequential.h"
#include "formats/torch_stream.h"
#include "formats/torch_tar.h"
#include "formats/torch_zip.h"
#include "formats/zip_write.h"

#include <stdarg.h>

#define SLACK ((uint64_t)1 << 20) /* tensors of a tiny file */
#define VIT   224

/* --- shared by the parts ------------------------------------------------- */

void
torch_note(struct torch *t, const char *fmt, ...)
{
	size_t n = strlen(t->note), from = n;
	va_list ap;

	if (n + 3 >= sizeof(t->note))
		return;
	if (n != 0)
		n += (size_t)snprintf(t->note + n, sizeof(t->note) - n, "; ");
	va_start(ap, fmt);
	vsnprintf(t->note + n, sizeof(t->note) - n, fmt, ap);
	va_end(ap);
	/* names are cut anywhere, and are what a file says */
	for (size_t i = from; t->note[i] != '\0'; i++)
		if ((unsigned char)t->note[i] < ' ' ||
		    (unsigned char)t->note[i] > '~')
			t->note[i] = '?';
}

int
torch_full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "torch: model too large");
}

int
torch_spend(struct torch *t, size_t n, struct err *e)
{
	if (n > t->steps)
		return err_set(e, ERR_LIMIT, ERR_NOWHERE,
		    "torch: an object of more than %zu parts",
		    LIMIT_TORCH_STEPS);
	t->steps -= n;
	return 0;
}

const char *
torch_name(struct torch *t, struct slice s, struct err *e)
{
	char *name;

	if (s.len == 0 || s.len > LIMIT_NAME ||
	    memchr(s.ptr, '\0', s.len) != NULL ||
	    !text_utf8_valid((const char *)s.ptr, s.len)) {
		err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: a name that is empty, too long or not text");
		return NULL;
	}
	name = arena_strdup(t->arena, (const char *)s.ptr, s.len);
	if (name == NULL)
		(void)!torch_full(e);
	return name;
}

/* --- loading ------------------------------------------------------------- */

static int
probe(struct rd r)
{
	return torch_zip_probe(r)      ? 60
	       : torch_stream_probe(r) ? 70
	       : torch_tar_probe(r)    ? 60
				       : 0;
}

int
torch_open(struct torch *t, struct arena *a, struct rd file, struct err *e)
{
	*t = (struct torch){.arena = a,
	    .file = file,
	    .pickle = {.arena = a},
	    .bytes = SLACK,
	    .folder = "data/",
	    .steps = LIMIT_TORCH_STEPS};
	if (torch_zip_probe(t->file))
		return torch_zip_open(t, e);
	return torch_stream_probe(t->file) ? torch_stream_open(t, e)
					   : torch_tar_open(t, e);
}

/* The graph: of the row of layers when there is one, else by architecture. */
static int
draw(struct torch *t, const struct torch_found *f, bool resizes,
    const struct hints *hints, struct weights *w, struct model *m,
    struct err *e)
{
	struct hints inner = *hints;
	const struct preprocess *p = &hints->preprocess;
	int64_t size[2] = {VIT, VIT};
	int rc;

	if (f->nlayer != 0 && hints->arch == NULL)
		resizes = torch_sequential_resize(f, size);
	if (resizes) /* the image that the network itself sees */
		inner.preprocess = (struct preprocess){.from = ""};
	if (f->nlayer != 0 && !f->in_order) {
		w->row = torch_sequential_part;
		w->found = f;
	}
	if (f->in_order && hints->arch == NULL)
		rc = torch_sequential_load(f, &inner, w, m, e);
	else if (torch_behind_is(f, w))
		rc = torch_behind_load(f, &inner, w, m, e);
	else if ((rc = arch_load(&inner, w, m, e)) == 0 && !f->in_order)
		rc = torch_leaf_check(f, w, m, e);
	if (rc != 0 || !resizes)
		return rc;
	/* a family may know of it by the names */
	if (m->nnode == 0 || strcmp(m->node[0].op, "Resize") != 0) {
		rc = torch_resize_front(m, size[0], size[1], e);
		torch_note(t,
		    "images are resized to %" PRId64 " x %" PRId64
		    " first, bilinear without antialiasing",
		    size[0], size[1]);
	}
	if (rc == 0 && p->resize == RESIZE_EXACT) {
		m->shape[2] = p->height;
		m->shape[3] = p->width;
	}
	return rc;
}

/* A Normalize in front of the model is what its pixels need. */
static int
normalize(struct torch *t, const struct torch_found *f, const struct hints *h,
    struct model *m, struct err *e)
{
	struct preprocess own = {.from = ""};

	if (!torch_sequential_normalize(f, &own))
		return 0;
	if (h->preprocess.nmean != 0 || h->preprocess.nstd != 0)
		return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "torch: the model normalises images itself, and %.64s says "
		    "to do so as well",
		    h->preprocess.from);
	if (*m->preprocess.from == '\0')
		m->preprocess = h->preprocess;
	memcpy(m->preprocess.mean, own.mean, sizeof(own.mean));
	memcpy(m->preprocess.std, own.std, sizeof(own.std));
	m->preprocess.nmean = own.nmean;
	m->preprocess.nstd = own.nstd;
	if (*m->preprocess.from == '\0')
		m->preprocess.from = "the module's Normalize";
	torch_note(t, "images are normalised first, by the module itself");
	return 0;
}

/* By the names of the weights, and what a TorchScript file calls. */
static int
draw_named(struct torch *t, struct torch_found *f, bool resizes,
    const struct hints *hints, struct model *m, struct err *e)
{
	struct weights w;
	int rc;

	if ((rc = weights_init(
		 &w, t->arena, f->tensor, f->n, f->attr, f->nattr, e)) == 0 &&
	    (rc = draw(t, f, resizes, hints, &w, m, e)) == 0)
		rc = torch_code_check(t, m, e);
	return rc;
}

/* By its code, into m; where that fails, m is as it was. */
static int
follow(struct torch *t, const struct torch_found *f, size_t noted,
    struct model *m, struct err *e)
{
	struct model named = *m;
	char note[sizeof(t->note)];
	int rc;

	memcpy(note, t->note, sizeof(note));
	t->note[noted] = '\0';
	model_init(m, LIMIT_MODEL_ARENA);
	m->arena = named.arena; /* which t lives in, too */
	m->format = named.format;
	if ((rc = torch_script_load(t, f, m, e)) == 0)
		return 0;
	memcpy(t->note, note, sizeof(note));
	named.arena = m->arena;
	*m = named;
	return rc;
}

/* By its names; where these do not tell what a TorchScript file computes, or
 * how many heads its attention has, its code does. */
static int
draw_any(struct torch *t, struct torch_found *f, bool resizes,
    const struct hints *hints, struct model *m, struct err *e)
{
	bool script = hints->arch == NULL && torch_script_is(t);
	size_t noted = strlen(t->note);
	struct torch_found all;
	int rc = torch_pick(t, f, e);

	if (rc != 0 && (rc != ERR_UNSUPPORTED || !script || f->n != 0))
		return rc;
	all = *f;
	if (script && f->n != 0) { /* names are changed for architectures */
		all.tensor = arena_alloc(t->arena, f->n, sizeof(*all.tensor));
		if (all.tensor == NULL)
			return torch_full(e);
		memcpy(all.tensor, f->tensor, f->n * sizeof(*all.tensor));
	}
	if (rc == 0)
		rc = draw_named(t, f, resizes, hints, m, e);
	if (!script || (rc != 0 && rc != ERR_UNSUPPORTED) ||
	    (rc == 0 && !m->supposed))
		return rc;
	return follow(t, &all, noted, m, e);
}

static int
build(struct torch *t, struct source *src, struct model *m, struct err *e)
{
	struct hints hints = src->hints;
	struct torch_record record;
	struct torch_found f;
	int rc;

	if ((rc = torch_record_read(t, &record, &hints, e)) != 0 ||
	    (rc = draw_any(t, &f, record.resizes, &hints, m, e)) != 0)
		return rc;
	if (record.classes != 0 && record.classes != m->classes)
		return err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "torch: the record says %" PRIu64
		    " classes, the last layer has %" PRIu64,
		    record.classes, m->classes);
	if (record.is)
		m->preprocess = hints.preprocess;
	if ((rc = normalize(t, &f, &hints, m, e)) != 0)
		return rc;
	if (t->note[0] != '\0')
		m->note = arena_printf(t->arena, "%s; %s", m->note, t->note);
	return 0;
}

/* *t outlives m; both end with m's arena. */
static int
load_into(struct torch *t, struct source *src, struct model *m, struct err *e)
{
	int rc;

	model_init(m, LIMIT_MODEL_ARENA);
	m->format = "torch";
	if ((rc = torch_open(t, &m->arena, src->main, e)) == 0)
		rc = build(t, src, m, e);
	if (rc != 0)
		model_release(m);
	return rc;
}

static int
load(struct source *src, struct model *m, struct err *e)
{
	struct torch t;

	return load_into(&t, src, m, e);
}

/* --- writing ------------------------------------------------------------- */

static int
mend(struct torch *t, struct source *s, struct err *e)
{
	size_t i = source_main(s);
	uint8_t *file;
	int rc;

	if (!t->is_zip || !s->file[i].writable)
		return 0;
	if ((rc = source_writable(s, i, &file, e)) == 0)
		torch_zip_mend(t, file);
	return rc;
}

static int
patch(struct source *original, const struct model *neutral, struct err *e)
{
	struct patch_span *span = NULL;
	struct torch t;
	struct model old;
	size_t n = 0;
	int rc;

	if ((rc = load_into(&t, original, &old, e)) != 0)
		return rc;
	if (t.is_zip)
		rc = zip_write_spans(&t.zip, &span, &n, e);
	if (rc == 0 &&
	    (rc = patch_spans(original, &old, neutral, span, n, e)) == 0)
		rc = mend(&t, original, e);
	if (rc == 0 && t.is_zip)
		rc = zip_write_changed(&t.zip, original, span, n, e);
	model_release(&old);
	return rc;
}

const struct format format_torch = {
    .name = "torch",
    .summary = "PyTorch: state dicts, checkpoints, whole modules, TorchScript",
    .probe = probe,
    .load = load,
    .patch = patch,
};
