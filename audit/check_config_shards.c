/* SPDX-License-Identifier: MIT
 * model.safetensors.index.json of Hugging Face: which file each tensor is in.  What a
 * file of the bundle does not hold, transformers takes from nowhere and fills with
 * random numbers, with a warning; and it ends where one of the files is missing.
 */
#include "audit/check_config_part.h"

#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define SHARDS 256
#define HEADER ((uint64_t)4 << 20) /* of one; larger ones are left out */

/* The header of a shard beside the file, a new reference; NULL: it is not there, or
 * what is wrong with it is said of it. */
static json_t *
header(const struct check_file *f, const char *name)
{
	struct file_map m;
	struct err ignored;
	struct slice s;
	uint64_t len;
	json_t *j = NULL;
	int fd = f->sink->near(f->sink->beside_ctx, 0, name);

	if (fd < 0)
		return NULL;
	if (file_map_fd(fd, name, LIMIT_MODEL_FILE, &m, &ignored) == 0) {
		struct rd r = rd_mem(m.ptr, m.len);

		if (rd_u64le(&r, &len) == 0 && len <= HEADER &&
		    rd_bytes(&r, len, &s) == 0 &&
		    json_read(s.ptr, s.len, &j, &ignored) != 0)
			j = NULL;
		file_unmap(&m);
	}
	close(fd);
	return j;
}

/* Files that the index names: those that were seen, how many are there, how many not,
 * the first of these. */
struct shards {
	struct arena arena;
	struct map seen;
	size_t there, missing;
	const struct conf *first;
};

static bool
lacks(const json_t *head, const struct conf *tensor)
{
	char name[LIMIT_NAME + 1];

	if (tensor->key_len > LIMIT_NAME)
		return false;
	memcpy(name, tensor->key, tensor->key_len);
	name[tensor->key_len] = '\0';
	return json_object_get(head, name) == NULL;
}

/* All that the index says of one shard, from there on; one finding a shard. */
static void
shard(const struct check_file *f, const struct conf *of, const char *name)
{
	json_t *head = header(f, name);
	const struct conf *first = NULL;
	size_t n = 0;

	for (const struct conf *k = of; head != NULL && k != NULL; k = k->next)
		if (k->kind == CONF_STRING && k->len == of->len &&
		    memcmp(k->text, of->text, of->len) == 0 && lacks(head, k)) {
			first = first == NULL ? k : first;
			n++;
		}
	if (first != NULL)
		check_find(f, FINDING_MODEL_INVALID, first->off,
		    "'%s' lacks %zu tensors that are said to be in it, "
		    "'%.*s' first",
		    name, n, (int)MIN(first->key_len, (size_t)200), first->key);
	json_decref(head);
}

static void
look_for(const struct check_file *f, const struct conf *n, const char *name,
    struct shards *s)
{
	int fd = f->sink->near(f->sink->beside_ctx, 0, name);

	if (fd < 0) {
		s->missing++;
		s->first = s->first == NULL ? n : s->first;
		return;
	}
	s->there++;
	close(fd);
	shard(f, n, name);
}

/* A name that was not seen yet; NULL: it was, or is none. */
static const char *
new_name(struct shards *s, const struct conf *n)
{
	const char *name;

	if (n->kind != CONF_STRING || n->len == 0 || n->len > LIMIT_NAME ||
	    map_get_n(&s->seen, n->text, n->len) != SIZE_MAX ||
	    (name = arena_strdup(&s->arena, n->text, n->len)) == NULL ||
	    map_put(&s->seen, name, 1) != 1)
		return NULL;
	return name;
}

void
check_config_shards(const struct check_file *f, const struct conf_doc *d)
{
	const struct conf *map = conf_get(d->root, "weight_map");
	struct shards s = {0};

	if (f->sink->near == NULL || f->member != NULL || f->depth != 0 ||
	    d->yaml || !conf_is_object(map) ||
	    !text_ends_with(check_name_of(f), ".safetensors.index.json"))
		return;
	arena_init(&s.arena, LIMIT_INSPECT_NAMES);
	map_init(&s.seen, &s.arena);
	for (const struct conf *n = map->child;
	     n != NULL && s.there + s.missing < SHARDS; n = n->next) {
		const char *name = new_name(&s, n);

		if (name != NULL)
			look_for(f, n, name, &s);
	}
	/* with none of them the index is of files that nobody fetched */
	if (s.there != 0 && s.missing != 0)
		check_short(f, FINDING_MODEL_WEIGHTS, s.first->off,
		    "%zu of %zu files that the index names are not there, "
		    "'%.*s' first",
		    s.missing, s.there + s.missing,
		    (int)MIN(s.first->len, (size_t)200), s.first->text);
	arena_release(&s.arena);
}
