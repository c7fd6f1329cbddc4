/* SPDX-License-Identifier: MIT
 * Weights in several files, of safetensors or PyTorch, and the index that says
 * where each tensor is: {"metadata": {...}, "weight_map": {tensor: file}}, as
 * the Hugging Face libraries write "model.safetensors.index.json" and
 * "pytorch_model.bin.index.json".  Index and files must say the same: no tensor
 * is missing, in another file, or not in the map.
 */
#define _GNU_SOURCE /* memmem */
#include "base/json.h"
#include "base/limits.h"
#include "formats/arch.h"
#include "formats/format.h"
#include "formats/patch.h"
#include "formats/safetensors.h"
#include "formats/torch_part.h"

static const char key[] = "\"weight_map\"";

/* 100 bytes a tensor; parsed it is several times as large. */
#define INDEX_MOST ((size_t)4 << 20)

/* A file of PyTorch's. */
struct part {
	struct torch_part torch;
	struct part *next;
};

struct index {
	struct source *src;
	struct arena *arena;
	struct part *part;
	const char *folder; /* of the index, with its slash; or "" */
	const json_t *where;
	struct tensor *tensor;
	size_t n;
};

static int
probe(struct rd r)
{
	size_t at = 0;

	while (at < r.len && strchr(" \t\r\n", r.base[at]) != NULL &&
	       r.base[at] != '\0')
		at++;
	if (at == r.len || r.base[at] != '{')
		return 0;
	return memmem(r.base, MIN(r.len, INDEX_MOST), key, sizeof(key) - 1) !=
		       NULL
		   ? 50
		   : 0;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_LIMIT, ERR_NOWHERE, "too many tensors");
}

/* The folder that the main file is in. */
static const char *
folder_of(const struct source *s, struct arena *a)
{
	for (size_t i = 0; i < s->nfile; i++) {
		const char *name = s->file[i].name;
		const char *slash = strrchr(name, '/');

		if (s->file[i].map.ptr != s->main.base || slash == NULL)
			continue;
		return arena_strdup(a, name, (size_t)(slash - name) + 1);
	}
	return "";
}

static int
check_shard(const struct index *x, const struct tensor *t, size_t n,
    const char *shard, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const char *file =
		    json_string_value(json_object_get(x->where, t[i].name));

		if (file == NULL)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "tensor '%.100s' is not in the index", t[i].name);
		if (strcmp(file, shard) != 0)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "tensor '%.80s' is here, but in '%.64s' by the "
			    "index",
			    t[i].name, file);
	}
	return 0;
}

static int
take_shard(struct index *x, const struct tensor *t, size_t n, const char *shard,
    struct err *e)
{
	int rc;

	if ((rc = check_shard(x, t, n, shard, e)) != 0)
		return rc;
	if (n > json_object_size(x->where) - x->n) /* by the check never */
		return full(e);
	if (n != 0)
		memcpy(x->tensor + x->n, t, n * sizeof(*t));
	x->n += n;
	return 0;
}

static int
read_torch(struct index *x, struct rd r, const char *shard, struct err *e)
{
	struct part *p = arena_alloc(x->arena, 1, sizeof(*p));
	int rc;

	if (p == NULL)
		return full(e);
	if ((rc = torch_part_open(&p->torch, x->arena, r, e)) != 0)
		return rc;
	p->next = x->part;
	x->part = p;
	return take_shard(x, p->torch.tensor, p->torch.n, shard, e);
}

static int
read_safetensors(struct index *x, struct rd r, const char *shard, struct err *e)
{
	struct safetensors st = {0};
	int rc;

	if ((rc = safetensors_parse(&r, x->arena, &st, e)) == 0)
		rc = take_shard(x, st.tensor, st.ntensor, shard, e);
	safetensors_release(&st);
	return rc;
}

/* All tensors of one file. */
static int
read_shard(struct index *x, const char *shard, struct err *e)
{
	char path[LIMIT_NAME + 1];
	struct rd r;
	int rc, n = snprintf(path, sizeof(path), "%s%s", x->folder, shard);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(e, ERR_LIMIT, ERR_NOWHERE, "a name is too long");
	if ((rc = source_open(x->src, path, &r, e)) != 0)
		return rc;
	rc = torch_part_probe(r) ? read_torch(x, r, shard, e)
				 : read_safetensors(x, r, shard, e);
	return rc != 0 ? err_in(e, path) : 0;
}

/* Each file once, then whether everything was there. */
static int
read_shards(struct index *x, struct err *e)
{
	struct map seen, got;
	const char *name;
	json_t *v;
	int rc;

	map_init(&seen, x->arena);
	map_init(&got, x->arena);
	json_object_foreach((json_t *)(uintptr_t)x->where, name, v)
	{
		if (!json_is_string(v) ||
		    json_string_length(v) != strlen(json_string_value(v)))
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "weight_map: '%.100s' is no file name", name);
		if ((rc = map_put(&seen, json_string_value(v), 0)) < 0)
			return full(e);
		if (rc == 1 &&
		    (rc = read_shard(x, json_string_value(v), e)) != 0)
			return rc;
	}
	for (size_t i = 0; i < x->n; i++)
		if (map_put(&got, x->tensor[i].name, i) < 0)
			return full(e);
	json_object_foreach((json_t *)(uintptr_t)x->where, name, v)
	{
		if (map_get(&got, name) == SIZE_MAX)
			return err_set(e, ERR_FORMAT, ERR_NOWHERE,
			    "weight_map: tensor '%.100s' is not in '%.80s'",
			    name, json_string_value(v));
	}
	return 0;
}

static int
read_index(struct index *x, const json_t *j, struct err *e)
{
	int rc = json_get_object(j, "weight_map", &x->where, e);

	if (rc != 0)
		return rc;
	if (json_object_size(x->where) > LIMIT_TENSORS)
		return full(e);
	x->tensor = arena_alloc(
	    x->arena, json_object_size(x->where) + 1, sizeof(*x->tensor));
	x->folder = folder_of(x->src, x->arena);
	if (x->tensor == NULL || x->folder == NULL)
		return full(e);
	return read_shards(x, e);
}

/* x->part lives in m's arena. */
static int
load_index(struct index *x, struct source *src, struct model *m, struct err *e)
{
	struct weights w;
	json_t *j = NULL;
	int rc = 0;

	*x = (struct index){.src = src, .arena = &m->arena};
	model_init(m, LIMIT_MODEL_ARENA);
	if (src->main.len > INDEX_MOST)
		rc = err_set(e, ERR_LIMIT, ERR_NOWHERE, "an index of %zu bytes",
		    src->main.len);
	if (rc == 0 &&
	    (rc = json_read(src->main.base, src->main.len, &j, e)) == 0 &&
	    (rc = read_index(x, j, e)) == 0 &&
	    (rc = weights_init(&w, &m->arena, x->tensor, x->n, NULL, 0, e)) ==
		0)
		rc = arch_load(&src->hints, &w, m, e);
	m->format = x->part != NULL ? "torch" : "safetensors";
	json_decref(j);
	if (rc != 0)
		model_release(m);
	return rc;
}

static int
load(struct source *src, struct model *m, struct err *e)
{
	struct index x;

	return load_index(&x, src, m, e);
}

/* The checksums of the files of PyTorch's that were written into. */
static int
mend(const struct index *x, struct source *s, struct err *e)
{
	uint8_t *file;
	int rc;

	for (struct part *p = x->part; p != NULL; p = p->next)
		for (size_t i = 0; i < s->nfile; i++) {
			if (s->file[i].map.ptr != p->torch.torch.file.base ||
			    !s->file[i].writable)
				continue;
			if ((rc = source_writable(s, i, &file, e)) != 0)
				return rc;
			torch_part_mend(&p->torch, file);
		}
	return 0;
}

static int
patch(struct source *original, const struct model *neutral, struct err *e)
{
	struct index x;
	struct model old;
	int rc;

	if ((rc = load_index(&x, original, &old, e)) != 0)
		return rc;
	if ((rc = patch_in_place(original, &old, neutral, e)) == 0)
		rc = mend(&x, original, e);
	model_release(&old);
	return rc;
}

const struct format format_weights_index = {
    .name = "safetensors-index",
    .summary = "weights in several files, by their index",
    .probe = probe,
    .load = load,
    .patch = patch,
};
