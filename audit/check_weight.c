/* SPDX-License-Identifier: MIT
 * Weights that are no weights: programs, archives, pickles, scripts and text
 * in the low bits of numbers or in place of them; and channels that no
 * training leaves (check_weight_channel.h).  audit/INSPECT.md says what can
 * be seen this way, what cannot, and how often it is wrong.
 */
#include "audit/check_weight_channel.h"
#include "audit/check_weight_compare.h"
#include "audit/check_weight_finite.h"
#include "audit/check_weight_magic.h"
#include "audit/check_weight_stat.h"
#include "audit/check_weight_twin.h"
#include "base/limits.h"
#include "engine/vector.h"

#define START 128 /* bytes of a cut that say whether it begins as something */

struct look {
	const struct check_file *f;
	const struct check_weight_list *l;
	struct check_weight_magic magic;
	size_t reads; /* of places that looked like a beginning */
	/* of the tensor that is being looked at */
	const struct tensor *t;
	size_t at;
	bool payload, text, header; /* said already */
	uint64_t structured, first_structured;
	uint64_t alien, first_alien;
	double worst;
	struct check_weight_block block;
	uint8_t out[4 * (CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD) + 64];
	uint8_t turned[CHECK_WEIGHT_BLOCK + CHECK_WEIGHT_AHEAD + 64];
	uint8_t deep[CHECK_WEIGHT_MAGIC_DEEP];
};

static const char *
cut_name(const struct look *k, const struct check_weight_cut *c, char buf[80])
{
	if (c->bits == 8 * dtype_width(k->t->dtype))
		snprintf(buf, 80, "bytes");
	else
		snprintf(buf, 80, "low %u bits%s%s%s", c->bits,
		    c->high && c->bits % 8 != 0 ? ", high first" : "",
		    c->turned ? ", turned" : "",
		    c->shift != 0 ? " that the numbers' origin has" : "");
	return buf;
}

/* What a payload is that goes on in the tensors of at least that rank. */
static const char *
tell(
    struct look *k, const struct check_weight_cut *c, uint64_t bit, size_t rank)
{
	const char *what;
	bool deep;
	size_t n;

	n = check_weight_cut_read(
	    k->l, k->at, rank, c, bit, k->deep, CHECK_WEIGHT_MAGIC_PEEK);
	if (!check_weight_magic_maybe(k->deep, n))
		return NULL;
	n = check_weight_cut_read(
	    k->l, k->at, rank, c, bit, k->deep, 4 * CHECK_WEIGHT_MAGIC_PEEK);
	if (!check_weight_magic_maybe(k->deep, n))
		return NULL;
	n = check_weight_cut_read(
	    k->l, k->at, rank, c, bit, k->deep, CHECK_WEIGHT_MAGIC_HEAD);
	what = check_weight_magic_tell(k->deep, n, false, &deep);
	if (what != NULL || !deep)
		return what;
	n = check_weight_cut_read(
	    k->l, k->at, rank, c, bit, k->deep, CHECK_WEIGHT_MAGIC_DEEP);
	return check_weight_magic_tell(k->deep, n, true, &deep);
}

/* What begins at a bit of the cut, if anything; said once a tensor. */
static void
begins(struct look *k, const struct check_weight_cut *c, uint64_t bit)
{
	char name[80];
	const char *what;
	bool within;

	if (k->payload || k->reads++ >= LIMIT_WEIGHT_READS)
		return;
	/* on in all tensors, or in those with weights but no biases */
	within = (bit + 8 * CHECK_WEIGHT_MAGIC_DEEP) / c->bits <
		 k->t->size / dtype_width(k->t->dtype);
	if ((what = tell(k, c, bit, 0)) == NULL &&
	    (within || (what = tell(k, c, bit, 2)) == NULL))
		return;
	k->payload = true;
	check_find_tensor(k->f, FINDING_TENSOR_PAYLOAD, k->t->name,
	    "%s in the %s from element %" PRIu64 " on", what,
	    cut_name(k, c, name), bit / c->bits);
}

/*
 * Each character of a run is printable by chance with 1.4 bits, but only those
 * of different numbers count: 48 of them are 66 bits.  Integers times a scale
 * have few numbers and low bytes that depend on each other; numbers that were
 * floats all their life hardly repeat.
 */
static bool
independent(const struct look *k, const struct check_weight_cut *c,
    uint64_t first, size_t run)
{
	bool wide = k->t->dtype == DTYPE_F32 || k->t->dtype == DTYPE_F64;
	size_t n = MIN(8 * run / c->bits, MAX((size_t)160, 512 / c->bits));
	size_t d;

	if (!wide && run < 160)
		return false;
	d = check_weight_stat_distinct(k->t, first, n);
	if (!wide)
		return 100 * d >= 62 * n;
	return d * c->bits >= 48 * 8 && 100 * d >= (c->bits < 16 ? 90 : 50) * n;
}

static void
text(struct look *k, const struct check_weight_cut *c, const uint8_t *p,
    size_t n, uint64_t bit)
{
	char name[80];
	uint64_t first;
	size_t at, run;

	/* bytes that are stored as bytes may be text, and some are */
	if (k->text || k->t->dtype > DTYPE_BF16 ||
	    (at = check_weight_stat_text(p, n, 64, &run)) == n)
		return;
	first = (bit + 8 * at) / c->bits;
	if (!independent(k, c, first, run))
		return;
	k->text = true;
	check_find_tensor(k->f, FINDING_TENSOR_TEXT, k->t->name,
	    "in the %s from element %" PRIu64 " on: '%.40s'",
	    cut_name(k, c, name), first, (const char *)p + at);
}

/* A stream of n bytes that begins at that bit of the cut. */
static void
search(struct look *k, const struct check_weight_cut *c, const uint8_t *p,
    size_t n, uint64_t bit)
{
	size_t i = 0;

	while ((i = check_weight_magic_next(&k->magic, p, i, n)) < n) {
		begins(k, c, bit + 8 * (uint64_t)i);
		i++;
	}
	text(k, c, p, n, bit);
}

/* The same, begun at another bit of the first byte. */
VECTOR static void
turn(const uint8_t *in, size_t n, unsigned by, bool high, uint8_t *out)
{
	if (high)
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)(in[i] << by | in[i + 1] >> (8 - by));
	else
		for (size_t i = 0; i < n; i++)
			out[i] = (uint8_t)(in[i] >> by | in[i + 1] << (8 - by));
}

static void
search_turned(struct look *k, const struct check_weight_cut *c, size_t n,
    unsigned by, uint64_t bit)
{
	if (n < 2)
		return;
	turn(k->out, n - 1, by, c->high, k->turned);
	search(k, c, k->turned, n - 1, bit + by);
}

/* The greatest common divisor with 8: bits that places are apart. */
static unsigned
step(unsigned bits)
{
	return bits & (~bits + 1);
}

/*
 * A stream that whoever reads it knows by its beginning: four capital letters, no less
 * than three different ones, and in 32 bits a length that the tensor has room for and
 * that is no more than 2^20.  Noise begins so with probability 5e-8, in one
 * of the 20 cuts of a tensor with 1e-6.
 */
static void
headed(struct look *k, const struct check_weight_cut *c, size_t n)
{
	uint64_t room = k->t->size / dtype_width(k->t->dtype) * c->bits / 8;
	uint32_t little = 0, big = 0;
	char name[80];

	if (n < 64 || k->header || k->t->dtype > DTYPE_BF16 ||
	    check_weight_stat_capitals(k->out, 4) < 3)
		return;
	for (size_t i = 0; i < 4; i++) {
		little |= (uint32_t)k->out[4 + i] << (8 * i);
		big = big << 8 | k->out[4 + i];
	}
	room = MIN(room, 1 << 20);
	if ((little < 32 || little > room) && (big < 32 || big > room))
		return;
	k->header = true;
	check_find_tensor(k->f, FINDING_TENSOR_LOWBITS, k->t->name,
	    "the %s begin with '%.4s' and a length that fits",
	    cut_name(k, c, name), (const char *)k->out);
}

static void
look_cut(struct look *k, const struct check_weight_cut *c, uint64_t first)
{
	size_t n = check_weight_cut_take(&k->block, c->bits, c->high, k->out);

	search(k, c, k->out, n, first * c->bits);
	if (first == 0 && c->bits <= 8)
		headed(k, c, n);
	/* a payload may begin at any element; of more bits than one, where
	 * that is dear, at any of the first block */
	if (c->bits < 8 && (first == 0 || c->bits == 1))
		for (unsigned by = 1; by < 8; by++)
			if (by % step(c->bits) == 0)
				search_turned(k, c, n, by, first * c->bits);
}

static void
look_raw(struct look *k, uint64_t first)
{
	size_t width = dtype_width(k->t->dtype);
	struct check_weight_cut raw = {.bits = 8 * (unsigned)width};
	uint64_t n =
	    MIN((uint64_t)ARRAY_LEN(k->block.v), k->t->size / width - first);

	search(k, &raw, k->t->data + first * width, (size_t)n * width,
	    first * raw.bits);
}

/* Bits of an element that a cut may have. */
static unsigned
most_bits(enum dtype d)
{
	switch (dtype_width(d)) {
	case 1:
		return 4;
	case 2:
		return 8;
	default:
		return 24;
	}
}

static const unsigned usual_bits[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 24};

static void
look_cuts(struct look *k, uint64_t first, unsigned shift)
{
	enum dtype d = k->t->dtype;

	/* integers of more than a byte are indices, not weights */
	if (d > DTYPE_BF16 && d != DTYPE_I8 && d != DTYPE_U8)
		return;
	for (size_t i = 0; i < ARRAY_LEN(usual_bits); i++) {
		unsigned bits = usual_bits[i];
		struct check_weight_cut c = {.bits = bits, .shift = shift};

		if (bits > most_bits(d) || (shift != 0 && bits > 8))
			break;
		look_cut(k, &c, first);
		c.high = true;
		if (bits != 8)
			look_cut(k, &c, first);
	}
}

/* look_cuts() looks for it, in the whole tensor; of one bit, and of a byte that is not
 * turned, both orders are the same. */
static bool
is_usual(const struct check_weight_cut *c)
{
	bool same = c->bits == 1 || (c->bits == 8 && c->high);

	for (size_t i = 0; i < ARRAY_LEN(usual_bits) && !same; i++)
		same = !c->turned && usual_bits[i] == c->bits;
	return same;
}

/*
 * From its first element on, any number of bits in any order: tools that unpack bits
 * highest first and put them in lowest first are as common as those that do not.
 * Elsewhere in a tensor only the usual ones are looked for (look_cuts).
 */
static void
look_start(struct look *k, unsigned shift)
{
	enum dtype d = k->t->dtype;
	uint8_t start[START];

	if (d > DTYPE_BF16 && d != DTYPE_I8 && d != DTYPE_U8)
		return;
	for (unsigned i = 0; i < 4 * most_bits(d); i++) {
		struct check_weight_cut c = {.shift = shift,
		    .bits = i / 4 + 1,
		    .high = (i & 1) != 0,
		    .turned = (i & 2) != 0};
		size_t n;

		if (is_usual(&c) && shift == 0)
			continue;
		n = check_weight_cut_read(
		    k->l, k->at, 0, &c, 0, start, sizeof(start));
		if (check_weight_magic_next(&k->magic, start, 0, n) == 0 &&
		    check_weight_magic_maybe(start, n))
			begins(k, &c, 0);
		text(k, &c, start, n, 0);
	}
}

static void
measure(struct look *k, uint64_t first, unsigned shift)
{
	double limit = check_weight_stat_limit(k->t->dtype), x;

	if (check_weight_stat_block(k->t->dtype, &k->block) <= limit)
		return;
	x = check_weight_stat_rest(k->t, first, shift);
	if (x <= limit)
		return;
	if (k->structured++ == 0)
		k->first_structured = first;
	k->worst = MAX(k->worst, x);
}

static void
look_at(struct look *k, size_t rank, uint64_t first, unsigned shift)
{
	check_weight_cut_load(k->l, k->at, rank, first, shift, &k->block);
	look_cuts(k, first, shift);
}

static void
look_block(struct look *k, uint64_t first, unsigned shift)
{
	uint64_t total = k->t->size / dtype_width(k->t->dtype), alien;

	look_at(k, 0, first, 0);
	look_raw(k, first);
	measure(k, first, 0);
	alien = check_weight_stat_alien(k->t, first, k->block.n);
	if (alien >= 16 && 10 * alien >= k->block.n) {
		if (k->alien == 0)
			k->first_alien = first;
		k->alien += alien;
	}
	if (check_weight_stat_octaves(k->t, first, k->block.n)) {
		if (k->alien == 0)
			k->first_alien = first;
		k->alien += k->block.n;
	}
	/* a payload that goes on in weights, but not in biases */
	if (total - first < CHECK_WEIGHT_AHEAD && k->t->rank > 1)
		look_at(k, 2, first, 0);
	if (shift != 0) {
		look_at(k, 0, first, shift);
		measure(k, first, shift);
	}
}

static void
say(const struct look *k, unsigned shift, uint64_t rest)
{
	if (k->alien != 0)
		check_find_tensor(k->f, FINDING_TENSOR_ALIEN, k->t->name,
		    "%" PRIu64 " numbers that no weights are, from about "
		    "element %" PRIu64 " on",
		    k->alien, k->first_alien);
	if (k->structured != 0 && !k->text && !k->payload && k->alien == 0)
		check_find_tensor(k->f, FINDING_TENSOR_LOWBITS, k->t->name,
		    "%" PRIu64 " of the blocks of %d numbers, the first at "
		    "element %" PRIu64 " (%.1f, text has 15)",
		    k->structured, CHECK_WEIGHT_BLOCK, k->first_structured,
		    k->worst);
	else if (rest >= 256 && k->structured == 0 && !k->text && !k->payload)
		check_find_tensor(k->f, FINDING_TENSOR_MIXED, k->t->name,
		    "of %" PRIu64 " numbers; the low %u bits of all others "
		    "are 0",
		    rest, shift);
}

/* Bytes that begin with the headers of a program for Windows, MZ and where it says PE:
 * 80 bits at one place.  What the optional header says is the loader's to ask; whoever
 * keeps a program as a tensor may mend it. */
static void
look_program(struct look *k)
{
	static const uint16_t machines[] = {0x14c, 0x8664, 0x1c4, 0xaa64};
	const struct tensor *t = k->t;
	const uint8_t *p = t->data;
	uint32_t at, machine;

	if ((t->dtype != DTYPE_U8 && t->dtype != DTYPE_I8) || k->payload ||
	    t->stride != NULL || t->size < 96 || p[0] != 'M' || p[1] != 'Z')
		return;
	at = p[60] | (uint32_t)p[61] << 8 | (uint32_t)p[62] << 16 |
	     (uint32_t)p[63] << 24;
	if (at < 4 || at > 4096 || at + 24 > t->size ||
	    memcmp(p + at, "PE\0\0", 4) != 0)
		return;
	machine = p[at + 4] | (uint32_t)p[at + 5] << 8;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machine == machines[i])
			check_find_tensor(k->f, FINDING_TENSOR_PAYLOAD, t->name,
			    "Windows program, instead of numbers");
}

/* Bytes that are text from the first to the last, but for what fills them up:
 * a configuration, a vocabulary, source.  Judged as what it is. */
static void
look_text(const struct check_file *f, const struct tensor *t)
{
	size_t n = t->size;

	if (t->dtype <= DTYPE_BF16 || t->stride != NULL ||
	    n > LIMIT_INSPECT_SOURCE)
		return;
	while (n != 0 && t->data[n - 1] == 0)
		n--;
	for (size_t i = 0; i < n; i++)
		if ((t->data[i] < ' ' && t->data[i] != '\n' &&
			t->data[i] != '\r' && t->data[i] != '\t') ||
		    t->data[i] >= 0x7f)
			return;
	if (n >= 16 && check_spend(f, n))
		check_within(f, t->name, rd_mem(t->data, n));
}

static void
look_tensor(struct look *k, size_t at)
{
	const struct tensor *t = &k->l->tensor[at];
	uint64_t n = t->size / dtype_width(t->dtype), rest;
	unsigned shift = check_weight_stat_shift(t, &rest);

	k->t = t;
	k->at = at;
	k->payload = k->text = k->header = false;
	k->structured = k->alien = 0;
	k->worst = 0;
	for (uint64_t i = 0; i < n; i += CHECK_WEIGHT_BLOCK)
		look_block(k, i, shift);
	look_start(k, 0);
	if (shift != 0)
		look_start(k, shift);
	say(k, shift, rest);
	look_program(k);
	look_text(k->f, t);
	check_weight_finite(k->f, t);
	check_weight_channel(k->f, t);
}

static void
look_tensors(const struct check_file *f, const struct check_weight_list *l)
{
	struct arena a;
	struct look *k;

	arena_init(&a, (size_t)1 << 20);
	k = arena_alloc(&a, 1, sizeof(*k));
	if (k == NULL)
		BUG("room for one look");
	k->f = f;
	k->l = l;
	check_weight_magic_init(&k->magic);
	for (size_t i = 0; i < l->n; i++)
		look_tensor(k, i);
	if (f->sink->reference != NULL)
		check_weight_compare(f, l, f->sink->reference);
	check_weight_twin(f, l);
	if (k->reads > LIMIT_WEIGHT_READS)
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "not all of its tensors were looked at");
	arena_release(&a);
}

void
check_weight(const struct check_file *f)
{
	struct check_weight_list l;

	check_weight_list_init(&l, f->bytes);
	/* of a hundred thousand members, few have any */
	if (l.n != 0)
		look_tensors(f, &l);
	if (l.full)
		check_short(f, FINDING_FILE_LIMIT, ERR_NOWHERE,
		    "not all of its tensors were listed");
	check_weight_list_release(&l);
}
