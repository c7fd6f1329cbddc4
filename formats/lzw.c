/* SPDX-License-Identifier: MIT */
#include "formats/lzw.h"

#define CODES (1U << LZW_MOST)

struct lzw {
	struct lzw_form form;
	struct slice in;
	size_t at;     /* the byte to come */
	uint32_t held; /* bits that were read ahead */
	unsigned nheld, width;
	uint32_t next; /* the code that is made next */
	/* of each code: what is before its last byte, that byte, the first
	 * one, and how many there are */
	uint16_t before[CODES];
	uint8_t last[CODES], first[CODES];
	uint16_t len[CODES];
};

static uint32_t
clear_code(const struct lzw *z)
{
	return 1U << z->form.bits;
}

static void
clear(struct lzw *z)
{
	z->width = z->form.bits + 1;
	z->next = clear_code(z) + 2;
}

/* The next code; false: the bytes end. */
static bool
get(struct lzw *z, uint32_t *code)
{
	while (z->nheld < z->width) {
		uint32_t byte;

		if (z->at == z->in.len)
			return false;
		byte = z->in.ptr[z->at++];
		if (z->form.most)
			z->held = z->held << 8 | byte;
		else
			z->held |= byte << z->nheld;
		z->nheld += 8;
	}
	z->nheld -= z->width;
	if (z->form.most) {
		*code = z->held >> z->nheld;
		z->held &= (1U << z->nheld) - 1;
	} else {
		*code = z->held & ((1U << z->width) - 1);
		z->held >>= z->width;
	}
	return true;
}

/* The bytes of a code from `to` on, as far as there is room. */
static void
put(const struct lzw *z, uint32_t code, uint8_t *to, size_t room)
{
	for (size_t i = z->len[code]; i-- > 0; code = z->before[code])
		if (i < room)
			to[i] = z->last[code];
}

/* A new code: those of `before`, then a byte. */
static void
make(struct lzw *z, uint32_t before, uint8_t byte)
{
	if (z->next == CODES)
		return;
	z->before[z->next] = (uint16_t)before;
	z->last[z->next] = byte;
	z->first[z->next] = z->first[before];
	z->len[z->next] = (uint16_t)(z->len[before] + 1);
	z->next++;
	if (z->next + z->form.early >= 1U << z->width && z->width < LZW_MOST)
		z->width++;
}

static void
begin(struct lzw *z, struct lzw_form form, struct slice in)
{
	z->form = form;
	z->in = in;
	z->at = 0;
	z->held = z->nheld = 0;
	for (uint32_t i = 0; i < 1U << form.bits; i++) {
		z->last[i] = z->first[i] = (uint8_t)i;
		z->len[i] = 1;
		z->before[i] = 0;
	}
	clear(z);
}

bool
lzw_expand(
    struct lzw_form form, struct slice in, uint8_t *out, size_t size, size_t *n)
{
	struct lzw z;
	uint32_t code, old = CODES; /* none since the last clearing */

	begin(&z, form, in);
	*n = 0;
	while (*n < size && get(&z, &code) && code != clear_code(&z) + 1) {
		if (code == clear_code(&z)) {
			clear(&z);
			old = CODES;
			continue;
		}
		if (old == CODES
			? code > clear_code(&z)
			: code > z.next || (code == z.next && z.next == CODES))
			return false;
		if (old != CODES)
			make(&z, old,
			    code == z.next ? z.first[old] : z.first[code]);
		put(&z, code, out + *n, size - *n);
		*n += MIN(z.len[code], size - *n);
		old = code;
	}
	return true;
}
