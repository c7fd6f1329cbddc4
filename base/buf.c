/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>

static void
reserve(struct buf *b, size_t more)
{
	size_t want, cap = b->cap != 0 ? b->cap : 256;

	if (ckd_add(&want, b->len, more))
		BUG("buffer overflow");
	while (cap < want)
		if (ckd_mul(&cap, cap, 2U))
			BUG("buffer overflow");
	if (cap == b->cap)
		return;
	if ((b->ptr = realloc(b->ptr, cap)) == NULL)
		BUG("out of memory");
	b->cap = cap;
}

void
buf_free(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){0};
}

void
buf_append(struct buf *b, const void *p, size_t len)
{
	if (len == 0)
		return;
	reserve(b, len);
	memcpy(b->ptr + b->len, p, len);
	b->len += len;
}

void
buf_zeros(struct buf *b, size_t len)
{
	if (len == 0)
		return;
	reserve(b, len);
	memset(b->ptr + b->len, 0, len);
	b->len += len;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("bad format");
	reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

static void
put_le(struct buf *b, uint64_t v, size_t size)
{
	uint8_t raw[8];

	for (size_t i = 0; i < size; i++, v >>= 8)
		raw[i] = (uint8_t)v;
	buf_append(b, raw, size);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void
buf_u16le(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void
buf_u32le(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void
buf_u64le(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void
buf_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_u8(b, (uint8_t)(v | 0x80));
	buf_u8(b, (uint8_t)v);
}

void
buf_align(struct buf *b, size_t align)
{
	while (b->len % align != 0)
		buf_u8(b, 0);
}

const char *
buf_str(struct buf *b)
{
	reserve(b, 1);
	b->ptr[b->len] = '\0';
	return (const char *)b->ptr;
}
