/* SPDX-License-Identifier: MIT */
#include "formats/imagedir.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/tree.h"
#include "formats/imagetable.h"

#include <strings.h>
#include <unistd.h>

#define TABLE_FILE ((uint64_t)256 << 20)

/* Parts of a data set, the preferred first: unseen images tell most. */
static const char *const parts[] = {
    "test", "testing", "val", "valid", "validation", "train", "training"};

struct walking {
	struct listing *list;
	int32_t label;
	size_t passed; /* files that are no images */
	size_t deeper; /* images in folders inside of class folders */
};

struct names {
	const char **at;
	size_t n;
};

static size_t
part_of(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(parts) && strcasecmp(parts[i], name) != 0)
		i++;
	return i;
}

/* --- class folders ------------------------------------------------------- */

/* Dot-files, and what macOS adds to archives: nobody means them as data. */
static bool
hidden(const char *path)
{
	static const char mac[] = "__MACOSX";

	return path[0] == '.' || strstr(path, "/.") != NULL ||
	       (strncmp(path, mac, strlen(mac)) == 0 &&
		   (path[strlen(mac)] == '/' || path[strlen(mac)] == '\0'));
}

static int
each(void *ctx, const struct tree_entry *entry, struct err *e)
{
	struct walking *w = ctx;
	const char *slash = strchr(entry->path, '/');
	bool folder = S_ISDIR(entry->st.st_mode);

	if (hidden(entry->path) || (slash == NULL && !folder))
		return 0;
	if (slash != NULL && folder)
		return 0; /* its images are of the class, as in torchvision */
	if (slash != NULL && !S_ISREG(entry->st.st_mode)) {
		err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "not a regular file (links are not followed)");
		return err_in(e, entry->path);
	}
	if (folder)
		return listing_class(
		    w->list, entry->path, strlen(entry->path), &w->label, e);
	if (image_named(entry->path)) {
		/* Tiny ImageNet has "images" in each class */
		w->deeper += strchr(slash + 1, '/') != NULL &&
			     strncasecmp(slash, "/images/", 8) != 0;
		return listing_image(w->list, entry->path, w->label, e);
	}
	w->passed++;
	return 0;
}

/* The only folder is no class when it is called as what all images lie in. */
static int
check_alone(const struct listing *l, struct err *e)
{
	static const char *const heaps[] = {
	    "images", "image", "imgs", "img", "data", "pictures", "jpegimages"};
	const char *name;
	bool heap;

	if (l->classes.len != sizeof(name))
		return 0;
	memcpy(&name, l->classes.ptr, sizeof(name));
	heap = part_of(name) < ARRAY_LEN(parts);
	for (size_t i = 0; i < ARRAY_LEN(heaps); i++)
		heap = heap || strcasecmp(heaps[i], name) == 0;
	if (!heap)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
	    "all images lie in '%.60s', which is the name of no class, and no "
	    "table that is known here says what they show",
	    name);
}

static int
read_classes(int root, const struct fit_shape *fit, struct listing *l,
    struct dataset *d, struct err *e)
{
	struct walking w = {.list = l};
	int rc = tree_walk(root, &l->arena, each, &w, e);

	if (rc == 0 && l->classes.len == 0)
		rc = err_set(
		    e, ERR_UNSUPPORTED, ERR_NOWHERE, "no class folders in it");
	else if (rc == 0 && l->images.len == 0)
		rc = err_set(e, ERR_UNSUPPORTED, ERR_NOWHERE,
		    "no images in its class folders");
	if (rc == 0 && (rc = check_alone(l, e)) == 0)
		rc = listing_read(l, root, fit, d, e);
	if (rc == 0 && w.passed != 0)
		dataset_say(d,
		    "%zu files in class folders are no images: "
		    "passed over",
		    w.passed);
	if (rc == 0 && w.deeper != 0)
		dataset_say(d,
		    "%zu images lie in folders inside of class folders: "
		    "the class is that of the outer one",
		    w.deeper);
	return rc;
}

/* --- a table of images --------------------------------------------------- */

static int
map_file(int root, const char *name, struct file_map *m, struct err *e)
{
	int fd = tree_open(root, name, e), rc;

	if (fd < 0)
		return fd;
	rc = file_map_fd(fd, name, TABLE_FILE, m, e);
	close(fd);
	return rc;
}

/* Which part a table is of, by its name ("Test.csv"); those of one part come
 * in the order of names, and what describes classes ("Meta.csv") not at all. */
static size_t
table_rank(const char *name)
{
	size_t n = strlen(name) - MIN(strlen(name), 4);

	if (n == 4 && strncasecmp(name, "meta", n) == 0)
		return SIZE_MAX;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strlen(parts[i]) == n &&
		    strncasecmp(parts[i], name, n) == 0)
			return i;
	return ARRAY_LEN(parts);
}

/* The table among the files of a folder, mapped, or NULL. */
static const char *
find_table(int root, const struct names *names, struct file_map *m)
{
	const char *best = NULL;
	size_t rank = SIZE_MAX;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->at[i];
		struct file_map own;
		struct err e;

		if ((!text_ends_with(name, ".csv") &&
			!text_ends_with(name, ".jsonl") &&
			!text_ends_with(name, ".txt")) ||
		    table_rank(name) >= rank ||
		    map_file(root, name, &own, &e) != 0)
			continue;
		if (!imagetable_probe(name, rd_mem(own.ptr, own.len))) {
			file_unmap(&own);
			continue;
		}
		if (best != NULL)
			file_unmap(m);
		*m = own;
		best = name;
		rank = table_rank(name);
	}
	return best;
}

/* Where the files of the table are: beside it, or in a folder of images. */
static const char *
table_folder(int root, const char *name, struct rd r)
{
	static const char *const folder[] = {"", "images/", "Images/"};
	char first[LIMIT_MEMBER_NAME], path[LIMIT_MEMBER_NAME + 16];

	if (!imagetable_first(name, r, first, sizeof(first)))
		return "";
	for (size_t i = 0; i < ARRAY_LEN(folder); i++) {
		struct err e;
		int fd;

		snprintf(path, sizeof(path), "%s%s", folder[i], first);
		if ((fd = tree_open(root, path, &e)) >= 0) {
			close(fd);
			return folder[i];
		}
	}
	return "";
}

static int
read_table(int root, const char *name, struct rd r, const struct fit_shape *fit,
    struct listing *l, struct dataset *d, struct err *e)
{
	const char *folder = table_folder(root, name, r);
	int rc = imagetable_read(name, r, folder, l, e);

	if (rc == 0 && l->images.len == 0)
		rc = err_set(
		    e, ERR_UNSUPPORTED, ERR_NOWHERE, "no images in the table");
	if (rc != 0)
		return err_in(e, name);
	if ((rc = listing_read(l, root, fit, d, e)) == 0)
		dataset_say(d, "classes by %.60s", name);
	return rc;
}

/* --- parts --------------------------------------------------------------- */

/* Class folders or a table; "images" alone is a folder without labels. */
static bool
has_labels(int root, struct arena *a)
{
	struct names names = {0};
	struct file_map m;
	struct err e;
	bool found;

	if (tree_list(root, a, &names.at, &names.n, &e) != 0)
		return false;
	if ((found = find_table(root, &names, &m) != NULL))
		file_unmap(&m);
	for (size_t i = 0; i < names.n && !found; i++) {
		const char *name = names.at[i];
		int fd = hidden(name) || strcasecmp(name, "images") == 0
			     ? -1
			     : tree_folder(root, name, &e);

		if ((found = fd >= 0))
			close(fd);
	}
	return found;
}

/*
 * The part to be read when all folders are parts of a data set: its
 * descriptor, and its name; -1: they are not.
 */
static int
choose_part(
    int root, const struct names *names, struct arena *a, const char **chosen)
{
	int best = -1;
	size_t rank = ARRAY_LEN(parts);
	bool all = true;

	for (size_t i = 0; i < names->n && all; i++) {
		const char *name = names->at[i];
		struct err e;
		int fd = hidden(name) ? -1 : tree_folder(root, name, &e);

		if (fd < 0)
			continue;
		all = part_of(name) < ARRAY_LEN(parts);
		if (!all || part_of(name) >= rank || !has_labels(fd, a)) {
			close(fd);
			continue;
		}
		if (best >= 0)
			close(best);
		best = fd;
		rank = part_of(name);
		*chosen = name;
	}
	if (!all && best >= 0) {
		close(best);
		best = -1;
	}
	return best;
}

/*
 * Tiny ImageNet: torchvision and BackdoorBench number the classes by name, but
 * some loaders in the order of wnids.txt, and no model says which.
 */
static void
say_order(int root, struct dataset *d)
{
	struct file_map m;
	struct slice line;
	struct err e;
	struct rd r;
	size_t n = 0;
	bool same = true;

	if (map_file(root, "wnids.txt", &m, &e) != 0)
		return;
	r = rd_mem(m.ptr, m.len);
	while (imagetable_line(&r, &line)) {
		if (line.len == 0)
			continue;
		same = same && d->name != NULL && n < d->classes &&
		       strlen(d->name[n]) == line.len &&
		       memcmp(d->name[n], line.ptr, line.len) == 0;
		n++;
	}
	file_unmap(&m);
	if (d->name != NULL && n == d->classes && !same)
		dataset_say(d,
		    "classes are numbered by name; wnids.txt has another "
		    "order (--classes), and a model trained in that looks as "
		    "if it knew nothing");
}

/* --- the whole ----------------------------------------------------------- */

static int
read_folder(int root, const struct names *names, const struct fit_shape *fit,
    struct listing *l, struct dataset *d, struct err *e)
{
	struct file_map m;
	const char *table = find_table(root, names, &m);
	int rc;

	if (table == NULL)
		return read_classes(root, fit, l, d, e);
	rc = read_table(root, table, rd_mem(m.ptr, m.len), fit, l, d, e);
	file_unmap(&m);
	return rc;
}

/* Errors name the file within the part. */
static int
read_part(int part, const char *name, const struct fit_shape *fit,
    struct listing *l, struct dataset *d, struct err *e)
{
	struct names names = {0};
	char inside[sizeof(e->path)];
	int rc = tree_list(part, &l->arena, &names.at, &names.n, e);

	if (rc == 0 && (rc = read_folder(part, &names, fit, l, d, e)) == 0)
		dataset_say(d, "%s/ is what was read", name);
	if (rc != 0 && e->path[0] != '\0') {
		memcpy(inside, e->path, sizeof(inside));
		e->path[0] = '\0';
		if (file_join(e->path, sizeof(e->path), name, inside, e) != 0)
			return rc;
	}
	return rc;
}

/* A table of a part that comes before the one that has folders. */
static bool
has_better(int root, const struct names *names, size_t rank)
{
	struct file_map m;
	const char *table = find_table(root, names, &m);

	if (table == NULL)
		return false;
	file_unmap(&m);
	return table_rank(table) < rank;
}

int
imagedir_parse(
    int root, const struct fit_shape *fit, struct dataset *d, struct err *e)
{
	struct listing l;
	struct names names = {0};
	const char *name = NULL;
	int part, rc;

	listing_init(&l);
	if ((rc = tree_list(root, &l.arena, &names.at, &names.n, e)) == 0) {
		part = choose_part(root, &names, &l.arena, &name);
		if (part >= 0 && has_better(root, &names, part_of(name))) {
			close(part);
			part = -1;
		}
		if (part >= 0) {
			rc = read_part(part, name, fit, &l, d, e);
			close(part);
		} else {
			rc = read_folder(root, &names, fit, &l, d, e);
		}
	}
	if (rc == 0)
		say_order(root, d);
	listing_release(&l);
	return rc;
}
