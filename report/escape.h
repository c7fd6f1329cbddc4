/* SPDX-License-Identifier: MIT
 * Text from a bundle on its way into a document: one function per context.
 * Each makes hidden characters (controls, bidirectional overrides, bytes
 * that are not UTF-8) visible as \xNN or \u{N} first, as base/text.h does
 * for terminals.
 */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/buf.h"

/* For HTML text and for attribute values in double quotes. */
void escape_html(struct buf *, const char *s);

/*
 * For a double-quoted DOT string that Graphviz reads as an escString (label,
 * tooltip): quotes, backslashes (\N, \G, ...) and entities are made inert.
 * At most `max` columns of a terminal, then an ellipsis; 0: no limit.
 */
void escape_dot(struct buf *, const char *s, size_t max);

/* For running text and table cells of Markdown: nothing of it is markup, a
 * link, a mention or a line break. */
void escape_markdown(struct buf *, const char *s);

#endif
