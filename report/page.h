/* SPDX-License-Identifier: MIT
 * Writing HTML: elements whose text is escaped, tables that are accessible.
 * Tags and attributes are ours, text may be anybody's.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/buf.h"
#include "base/json.h"

/*
 * <tag>text</tag>: `tag` may carry attributes ("td class=\"num\"").  The
 * text is formatted, then escaped; any length.
 */
void page_el(struct buf *, const char *tag, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The head of a page, up to and with <body>: no script may run in it, nothing
 * is fetched.  foot: hexadecimal digits or words of ours that stand at the foot
 * of each printed page, or NULL. */
void page_begin(struct buf *, const char *title, const char *foot);

/* <section id> with a heading. */
void page_section(struct buf *, const char *id, const char *title);
void page_section_end(struct buf *);

/* A table in a box that scrolls sideways; columns end with NULL, a leading
 * '#' marks numbers.  Rows follow, then page_table_end. */
void page_table(struct buf *, const char *caption, const char *const *column);
void page_table_end(struct buf *);
/* Below a table of `shown` rows of `all`: that there are more, and in which
 * document; nothing where there are none. */
void page_rest(struct buf *, size_t shown, size_t all, const char *where);

/* <dt>name</dt><dd>text</dd>; with `code` in a monospaced face. */
void page_fact(struct buf *, bool code, const char *name, const char *text);

/* A member as a person reads it: the text, the number, or a dash. */
const char *page_value(
    const json_t *, const char *path, char *room, size_t size);

/* Cells of numbers; a dash for what is not finite, or negative. */
void page_number(struct buf *, double v, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void page_count(struct buf *, int64_t n);
extern const char page_dash[];

/* Something that is folded away on the screen, unless `open`, and never on
 * paper: what follows, up to page_fold_end(). */
void page_fold(struct buf *, bool open, const char *fmt, ...) PRINTF_LIKE(3, 4);
void page_fold_end(struct buf *);

/* The style sheet, inline. */
extern const char *const page_style[]; /* pieces; NULL ends them */

#endif
