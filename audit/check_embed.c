/* SPDX-License-Identifier: MIT
 * Programs at any place of a file that is no program: weights are a good
 * place to keep one until something takes it out and runs it (Wang et al.,
 * "EvilModel", ISCC 2021).
 *
 * What is asked of a header is what a loader insists on.  For ELF these are 98
 * bits (magic 32, class and data 14, type 14, machine 7, size of the program
 * headers 16, version or size of the header 15), for PE 90 (MZ 16, place of
 * the header 20, PE 32, machine 13, optional magic 9), for Mach-O 100: random
 * weights of 2^40 bytes have one with probability 2^-50 or less.
 *
 * And pickles that run something, in a picture, a database or a format that
 * nobody here reads: no loader of those looks for one, so somebody else will.
 */
#include "audit/check_embed.h"

#include "audit/check_embed_pickle.h"
#include "audit/check_tell.h"

static uint32_t
le(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = n; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

/* System V ABI, chapter 4; what Linux checks in fs/binfmt_elf.c.  Code for
 * graphics processors (EM_CUDA 190, EM_AMDGPU 224) comes with engines. */
static bool
is_elf(const uint8_t *p, size_t len)
{
	uint32_t (*num)(const uint8_t *, size_t), type, machine, phent, shent;
	size_t at;
	bool wide;

	if (len < 64 ||
	    memcmp(p,
		"\x7f"
		"ELF",
		4) != 0 ||
	    p[4] < 1 || p[4] > 2 || p[5] < 1 || p[5] > 2)
		return false;
	wide = p[4] == 2;
	num = p[5] == 1 ? le : rd_big;
	at = wide ? 52 : 40; /* e_ehsize */
	type = num(p + 16, 2);
	machine = num(p + 18, 2);
	phent = num(p + at + 2, 2);
	shent = num(p + at + 6, 2);
	if (type < 1 || type > 4 || machine < 2 || machine > 300 ||
	    machine == 190 || machine == 224)
		return false;
	if (phent != (wide ? 56 : 32) &&
	    !(phent == 0 && shent == (wide ? 64 : 40)))
		return false;
	return num(p + 20, 4) == 1 || num(p + at, 2) == (wide ? 64 : 52);
}

/* Microsoft's PE format: the place of the header, machine, optional magic. */
static bool
is_pe(const uint8_t *p, size_t len)
{
	static const uint16_t machines[] = {
	    0x14c, 0x8664, 0x1c0, 0x1c2, 0x1c4, 0xaa64, 0x200};
	uint32_t at, machine, magic;

	if (len < 64 || p[0] != 'M' || p[1] != 'Z')
		return false;
	at = le(p + 0x3c, 4);
	if (at < 4 || at > 4096 || len < at + 26 ||
	    memcmp(p + at, "PE\0\0", 4) != 0)
		return false;
	machine = le(p + at + 4, 2);
	magic = le(p + at + 24, 2);
	if (magic != 0x10b && magic != 0x20b && magic != 0x107)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machine == machines[i])
			return true;
	return false;
}

/* <mach-o/loader.h>, 64 bits */
static bool
is_macho(const uint8_t *p, size_t len)
{
	uint32_t cpu, type, commands, size;

	if (len < 32 || memcmp(p, "\xcf\xfa\xed\xfe", 4) != 0)
		return false;
	cpu = le(p + 4, 4);
	type = le(p + 12, 4);
	commands = le(p + 16, 4);
	size = le(p + 20, 4);
	return (cpu == 0x01000007 || cpu == 0x0100000c) && type >= 1 &&
	       type <= 12 && commands >= 1 && commands < 1000 && size < 1 << 20;
}

static const struct {
	const char *first;
	bool (*is)(const uint8_t *, size_t len);
	const char *what;
} programs[] = {
    {"\x7f"
     "EL",
	is_elf, "ELF program or library"},
    {"MZ", is_pe, "Windows program or library"},
    {"\xcf\xfa\xed", is_macho, "macOS program or library"},
};

/* Documentation shows opcodes, and pickles are read as such, those of NumPy's
 * arrays of objects too. */
static bool
may_carry(const struct check_file *f)
{
	return !check_is(f, "text") && !check_is(f, "pickle") &&
	       !check_is(f, "npy");
}

static void
look_at(struct check_tell *t, struct rd r, size_t i, uint64_t at, bool pickles)
{
	const char *name =
	    pickles ? check_embed_pickle(r.base + i, r.len - i) : NULL;

	if (name != NULL)
		check_tell_find(t, FINDING_FILE_EMBEDDED, at,
		    "pickle that imports '%s'", name);
	for (size_t k = 0; k < ARRAY_LEN(programs); k++)
		if (programs[k].is(r.base + i, r.len - i))
			check_tell_find(t, FINDING_FILE_EMBEDDED, at, "%s",
			    programs[k].what);
}

/* All at once: what a file is made of is read once. */
static void
look_for_programs(
    struct check_tell *t, struct rd r, size_t from, uint64_t at, bool pickles)
{
	struct find first = {0};
	size_t i = from;

	for (size_t k = 0; k < ARRAY_LEN(programs); k++)
		find_add(&first, (unsigned)k, programs[k].first,
		    strlen(programs[k].first));
	if (pickles)
		check_embed_pickle_add(&first, ARRAY_LEN(programs));
	for (; (i = find_next(&first, r.base, i, r.len)) < r.len; i++)
		look_at(t, r, i, at + i, pickles);
}

void
check_embed_in(const struct check_file *f, struct rd r, uint64_t at)
{
	struct check_tell t = {.f = f};

	look_for_programs(&t, r, 0, at, true);
	check_tell_rest(&t);
}

/* Programs hold programs, and members are looked at by themselves. */
static bool
is_leaf(const struct check_file *f)
{
	for (size_t i = 0; i < f->bids->n; i++) {
		const struct identify_format *b = f->bids->bid[i];

		if (f->bids->bits[i] >= IDENTIFY_STRONG &&
		    (b->kind == KIND_CODE || b->kind == KIND_ARCHIVE ||
			strcmp(b->within, "zip") == 0) &&
		    strcmp(b->name, "tflite") != 0)
			return false;
	}
	return true;
}

void
check_embed(const struct check_file *f)
{
	struct check_tell t = {.f = f};

	if (!is_leaf(f) || f->bytes.len < 16)
		return;
	/* what begins with one is one */
	look_for_programs(&t, f->bytes, 1, 0, may_carry(f));
	check_tell_rest(&t);
}
