/* SPDX-License-Identifier: MIT
 * Model files that the loaders know: do they keep their own format's rules?
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_arch.h"

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/format.h"

#include <unistd.h>

#define BIDS 8

/* A loader's complaint as a finding: what a limit or a missing feature stopped
 * is not called invalid, nor is a model of which only the weights are others. */
static void
complain(const struct check_file *f, const struct err *e)
{
	enum finding_id id = FINDING_MODEL_INVALID;

	if (e->code == ERR_LIMIT) {
		check_short(f, FINDING_FILE_LIMIT, e->off, "%s", e->msg);
		return;
	}
	if (e->code == ERR_UNSUPPORTED)
		id = FINDING_MODEL_UNSUPPORTED;
	if (e->code == ERR_MISMATCH)
		id = FINDING_MODEL_WEIGHTS;
	check_find(f, id, e->off, "%s", e->msg);
}

static bool
has(const struct rd *r, const char *name)
{
	return r->len != 0 &&
	       memmem(r->base, r->len, name, strlen(name)) != NULL;
}

/* torch.load() takes a zip for its own whatever is in it, and finds no object
 * there; archives of torch.package have an importer of their own. */
static bool
is_empty_torch(const struct check_file *f)
{
	return check_is(f, "zip") && !check_is(f, "torch-zip") &&
	       (text_ends_with(check_name_of(f), ".pt") ||
		   text_ends_with(check_name_of(f), ".pth")) &&
	       !has(&f->bytes, ".data/extern_modules");
}

/* Archives by their names, and the member without which nobody loads one: TorchServe's
 * model-archiver, NeMo's SaveRestoreConnector, skops.io. */
static void
lacks_member(const struct check_file *f)
{
	static const struct {
		const char *suffix, *format, *member;
	} needs[] = {
	    {".mar", "zip", "MANIFEST.json"},
	    {".nemo", "tar", "model_config.yaml"},
	    {".skops", "zip", "schema.json"},
	};

	for (size_t i = 0; i < ARRAY_LEN(needs); i++)
		if (text_ends_with(check_name_of(f), needs[i].suffix) &&
		    check_is(f, needs[i].format) &&
		    !has(&f->bytes, needs[i].member))
			check_find(f, FINDING_MODEL_ABSENT, ERR_NOWHERE,
			    "named %s, but it has no %s", needs[i].suffix,
			    needs[i].member);
}

/* PyTorchStreamReader::init() asks for the record "version", in the archive's folder or
 * where torch.package has it. */
static void
lacks_version(const struct check_file *f)
{
	if (check_is(f, "torch-zip") && !has(&f->bytes, "/version") &&
	    (text_ends_with(check_name_of(f), ".pt") ||
		text_ends_with(check_name_of(f), ".pth")))
		check_find(f, FINDING_MODEL_ABSENT, ERR_NOWHERE,
		    "it has no record of a version, without which PyTorch "
		    "opens none");
}

/* What may be a model's members was looked at; without any there is nothing that
 * could have been. */
static void
absent(const struct check_file *f)
{
	static const char *const members[] = {"config.json", "data.pkl"};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (has(&f->bytes, members[i])) {
			check_find(f, FINDING_MODEL_ABSENT, ERR_NOWHERE,
			    "it has %s, but not what else makes a model",
			    members[i]);
			return;
		}
	check_short(f, FINDING_MODEL_ABSENT, ERR_NOWHERE,
	    "it has no config.json and no data.pkl");
}

/* The config.json of Hugging Face that belongs to a file, as the loader finds
 * it; a new reference, or NULL. */
static json_t *
config_beside(const struct check_file *f)
{
	static const char *const keys[] = {
	    "model_type", "architecture", "architectures"};
	struct file_map m;
	json_t *j = NULL;
	struct err e;
	bool ours = false;
	int fd;

	if (f->sink->near == NULL || f->member != NULL || f->depth != 0 ||
	    (fd = f->sink->near(f->sink->beside_ctx, 0, "config.json")) < 0)
		return NULL;
	if (file_map_fd(fd, "config.json", LIMIT_INSPECT_SOURCE, &m, &e) == 0) {
		if (json_read(m.ptr, m.len, &j, &e) != 0)
			j = NULL;
		file_unmap(&m);
	}
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ours = ours || json_object_get(j, keys[i]) != NULL;
	if (ours)
		return j;
	json_decref(j);
	return NULL;
}

void
check_model(const struct check_file *f)
{
	const struct format *bid[BIDS];
	size_t n = format_bids(f->bytes, bid, BIDS);

	/* a damaged ONNX file may look like nothing at all but for its name */
	if (n == 0 && text_ends_with(check_name_of(f), ".onnx")) {
		check_find(f, FINDING_MODEL_INVALID, ERR_NOWHERE,
		    "named .onnx, but no ONNX model can be read from it");
		return;
	}
	lacks_member(f);
	lacks_version(f);
	if ((n == 0 && text_ends_with(check_name_of(f), ".keras")) ||
	    is_empty_torch(f))
		absent(f);
	for (size_t i = 0; i < MIN(n, BIDS); i++) {
		struct source s;
		struct err e = {.off = UINT64_MAX};
		struct model m;

		if (bid[i]->load == NULL)
			continue;
		check_knows(f);
		source_mem(&s, f->bytes.base, f->bytes.len);
		s.hints.config = config_beside(f);
		if (bid[i]->load(&s, &m, &e) != 0) {
			complain(f, &e);
		} else {
			/* of these, check_arch sees the file itself */
			if (strcmp(bid[i]->name, "onnx") != 0 &&
			    strcmp(bid[i]->name, "tflite") != 0)
				check_arch_model(f, &m);
			model_release(&m);
		}
		source_release(&s);
	}
}
