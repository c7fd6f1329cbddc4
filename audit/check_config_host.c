/* SPDX-License-Identifier: MIT
 * What a container is given of the machine that it runs on: Kubernetes and what is built
 * on it (KServe, Seldon, Argo), compose, MLproject, development containers.  Whoever
 * can write all of the machine's files, or talks to the daemon that starts containers,
 * is its administrator.  What is only read (exporters of a monitor) is not reported.
 */
#include "audit/check_config_part.h"

#include "base/text.h"

#include <string.h>

#define SHOWN 512
#define FEW   4

struct host {
	const struct check_file *f;
	size_t said;
};

static void
find(struct host *h, enum finding_id id, const struct conf *n, const char *what)
{
	char shown[SHOWN];

	if (h->said++ < FEW)
		check_find(h->f, id, n->off, "%s '%s'", what,
		    check_config_shown(n, shown, sizeof(shown)));
}

/* Nothing, or "/", behind the first n. */
static bool
is_path(const char *s, size_t len, const char *path)
{
	size_t n = strlen(path);

	return (len == n || (len == n + 1 && s[n] == '/')) &&
	       memcmp(s, path, n) == 0;
}

/* FINDING_COUNT: a folder of data, for all that is known. */
static enum finding_id
judge_path(const char *s, size_t len)
{
	static const char *const all[] = {"", "/etc", "/root", "/boot", "/usr",
	    "/var", "/var/lib", "/var/lib/kubelet", "/var/lib/docker",
	    "/root/.ssh", "/home", "~", "$HOME", "${HOME}", "~/.ssh",
	    "/etc/cron.d", "/etc/kubernetes", "/var/spool/cron"};
	static const char *const sockets[] = {"/var/run/docker.sock",
	    "/run/docker.sock", "/run/containerd/containerd.sock",
	    "/var/run/crio/crio.sock"};

	for (size_t i = 0; len != 0 && i < ARRAY_LEN(all); i++)
		if (is_path(s, len, all[i]))
			return FINDING_CONFIG_HOST;
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
		if (is_path(s, len, sockets[i]))
			return FINDING_CONFIG_PRIVILEGED;
	return FINDING_COUNT;
}

/* "/:/host:rw": from, to, options; the last of them may be "ro". */
static void
judge_bind(struct host *h, const struct conf *n)
{
	const char *colon = memchr(n->text, ':', n->len);
	size_t len = colon != NULL ? (size_t)(colon - n->text) : 0;
	enum finding_id id = judge_path(n->text, len);

	if (id == FINDING_COUNT || len + 1 == n->len ||
	    (n->len > 3 && memcmp(n->text + n->len - 3, ":ro", 3) == 0))
		return;
	find(h, id, n, "a mount is");
}

/* {type: bind, source: /, target: /host}; a volume by name has no "/". */
static void
judge_mount(struct host *h, const struct conf *n)
{
	const struct conf *from = conf_get(n, "source");
	enum finding_id id;

	if (!conf_is_string(from) || conf_true(conf_get(n, "read_only")))
		return;
	id = judge_path(from->text, from->len);
	if (id != FINDING_COUNT)
		find(h, id, from, "a mount is");
}

static void
judge_list(struct host *h, const struct conf *list)
{
	for (const struct conf *n = list->child; n != NULL; n = n->next) {
		const struct conf *v = conf_value(n);

		if (conf_is_string(v) && v->len != 0)
			judge_bind(h, v);
		else if (conf_is_object(v))
			judge_mount(h, v);
	}
}

static void
judge_host_path(struct host *h, const struct conf *n)
{
	const struct conf *path = conf_is_object(n) ? conf_get(n, "path") : n;
	enum finding_id id;

	if (!conf_is_string(path))
		return;
	id = judge_path(path->text, path->len);
	if (id != FINDING_COUNT)
		find(h, id, path, "hostPath is");
}

void
check_config_host(const struct check_file *f, const struct conf_doc *d)
{
	static const char *const lists[] = {"volumes", "binds", "mounts"};
	static const char *const rights[] = {
	    "privileged", "hostPID", "hostIPC"};
	struct host h = {.f = f};

	for (const struct conf *n = d->root; n != NULL; n = conf_next(n)) {
		const struct conf *v = conf_value(n);

		if (n->key == NULL)
			continue;
		if (conf_key_is(n, "hostPath"))
			judge_host_path(&h, v);
		else if (conf_is_array(v) && text_is_among(n->key, n->key_len,
						 lists, ARRAY_LEN(lists)))
			judge_list(&h, v);
		else if ((conf_text_is(v, "true") ||
			     (v->kind == CONF_WORD && conf_true(v))) &&
			 text_is_among(
			     n->key, n->key_len, rights, ARRAY_LEN(rights)))
			check_find(f, FINDING_CONFIG_PRIVILEGED, n->off, "%.*s",
			    (int)MIN(n->key_len, 40), n->key);
	}
}
