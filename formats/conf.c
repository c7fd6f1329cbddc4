/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "formats/conf.h"

#include "base/text.h"

#include <strings.h>

void
conf_release(struct conf_doc *d)
{
	arena_release(&d->arena);
	*d = (struct conf_doc){.root = NULL};
}

struct conf *
conf_add(struct conf_doc *d, struct conf *up, enum conf_kind kind)
{
	struct conf *n = arena_alloc(&d->arena, 1, sizeof(*n));
	struct conf **last = up != NULL ? &up->last : &d->last;
	struct conf **first = up != NULL ? &up->child : &d->root;

	if (n == NULL)
		return NULL;
	n->kind = kind;
	n->up = up;
	if (*last != NULL)
		(*last)->next = n;
	else
		*first = n;
	*last = n;
	d->documents += up == NULL ? 1 : 0;
	return n;
}

const struct conf *
conf_next(const struct conf *n)
{
	if (n->child != NULL)
		return n->child;
	while (n != NULL && n->next == NULL)
		n = n->up;
	return n != NULL ? n->next : NULL;
}

const struct conf *
conf_value(const struct conf *n)
{
	/* an anchor is on a node, never on an alias: one step is enough */
	return n != NULL && n->kind == CONF_ALIAS ? n->target : n;
}

const struct conf *
conf_get(const struct conf *object, const char *key)
{
	const struct conf *found = NULL;

	object = conf_value(object);
	if (object == NULL || object->kind != CONF_OBJECT)
		return NULL;
	for (const struct conf *n = object->child; n != NULL; n = n->next)
		if (conf_key_is(n, key))
			found = n;
	return conf_value(found);
}

static bool
same(const char *s, size_t len, const char *word)
{
	return s != NULL && strlen(word) == len && memcmp(s, word, len) == 0;
}

bool
conf_key_is(const struct conf *n, const char *key)
{
	return same(n->key, n->key_len, key);
}

bool
conf_text_is(const struct conf *n, const char *text)
{
	n = conf_value(n);
	return conf_is_string(n) && same(n->text, n->len, text);
}

bool
conf_ends_with(const struct conf *n, const char *tail)
{
	size_t len = strlen(tail);

	n = conf_value(n);
	return conf_is_string(n) && n->len >= len &&
	       memcmp(n->text + n->len - len, tail, len) == 0;
}

bool
conf_begins_with(const struct conf *n, const char *head)
{
	n = conf_value(n);
	return conf_is_string(n) && text_begins_with(n->text, n->len, head);
}

bool
conf_is_object(const struct conf *n)
{
	n = conf_value(n);
	return n != NULL && n->kind == CONF_OBJECT;
}

bool
conf_is_array(const struct conf *n)
{
	n = conf_value(n);
	return n != NULL && n->kind == CONF_ARRAY;
}

bool
conf_is_string(const struct conf *n)
{
	n = conf_value(n);
	return n != NULL && n->kind == CONF_STRING;
}

bool
conf_true(const struct conf *n)
{
	static const char *const no[] = {
	    "false", "null", "0", "no", "off", "none", "~", "0.0", ""};

	n = conf_value(n);
	if (n == NULL)
		return false;
	if (n->kind == CONF_OBJECT || n->kind == CONF_ARRAY)
		return n->child != NULL;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (strlen(no[i]) == n->len &&
		    (n->len == 0 || strncasecmp(n->text, no[i], n->len) == 0))
			return false;
	return true;
}

bool
conf_has(const struct conf *n, const char *word)
{
	const char *at;

	n = conf_value(n);
	if (n == NULL || n->text == NULL || n->len == 0)
		return false;
	/* most have not even its first letter */
	at = memchr(n->text, word[0], n->len);
	return at != NULL && memmem(at, n->len - (size_t)(at - n->text), word,
				 strlen(word)) != NULL;
}
