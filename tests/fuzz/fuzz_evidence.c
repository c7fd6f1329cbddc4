/* SPDX-License-Identifier: MIT
 * A case's document is refused, or, where it is a scan, its classes are in
 * range, its counts are counts of each other, and its diagram is DOT in which
 * no name of a class has left its quotes.
 */
#include "tests/fuzz/fuzz.h"

#include "report/diagram.h"
#include "report/members.h"

#include <math.h>

static void
check_flips(const struct evidence *v, const struct evidence_flips *f)
{
	PROPERTY(f->source >= -1 && f->source < (int64_t)v->classes);
	PROPERTY(f->n >= 0 && f->flipped >= 0 && f->flipped <= f->n);
	PROPERTY(f->shared >= 0 && f->different >= 0 && f->unshared >= 0);
	PROPERTY(f->shared + f->different + f->unshared <= f->flipped);
}

static void
check_class(const struct evidence *v, const struct evidence_class *c)
{
	PROPERTY(c->target < v->classes);
	PROPERTY(isnan(c->radius) || c->radius >= 0.0);
	check_flips(v, &c->flips);
	for (size_t i = 0; i < c->nsource; i++)
		check_flips(v, &c->by_source[i]);
}

/* Line by line: an even number of quotes that no backslash is before. */
static void
check_dot(const struct buf *b)
{
	bool within = false;

	for (size_t i = 0; i < b->len; i++) {
		uint8_t c = b->ptr[i];

		PROPERTY(c >= 0x20 || c == '\n' || c == '\t');
		if (within && c == '\\')
			i++;
		else if (c == '"')
			within = !within;
		PROPERTY(c != '\n' || !within);
	}
	PROPERTY(!within);
}

static void
check(struct evidence *v)
{
	struct diagram d;
	struct buf b = {0};
	struct err e = {0};

	PROPERTY(v->classes >= 2);
	for (size_t i = 0; i < v->ntarget; i++) {
		PROPERTY(v->target[i].target < v->classes);
		PROPERTY(v->target[i].source < (int64_t)v->classes);
		check_flips(v, &v->target[i].flips);
	}
	for (size_t g = 0; g < v->ngeometry; g++)
		for (size_t i = 0; i < v->geometry[g].n; i++)
			check_class(v, &v->geometry[g].row[i]);
	if (diagram_init(&d, v, &e) != 0)
		return;
	for (size_t i = 0; i < d.nedge; i++)
		PROPERTY(
		    d.edge[i].from < v->classes && d.edge[i].to < v->classes);
	diagram_dot(&d, &b);
	check_dot(&b);
	buf_free(&b);
	diagram_release(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct evidence v;
	struct err e = {0};
	json_t *j;

	if (json_read_strict(data, len, &j, &e) != 0)
		return 0;
	if (members_check(j, &e) == 0 && evidence_read(&v, j, &e) == 0) {
		check(&v);
		evidence_release(&v);
	} else {
		PROPERTY(e.code != 0 && e.msg[0] != '\0');
	}
	json_decref(j);
	return 0;
}
