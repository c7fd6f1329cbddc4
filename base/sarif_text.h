/* SPDX-License-Identifier: MIT
 * Hostile text in a SARIF log: messages in which "](" would make a link
 * (SARIF 2.1.0, 3.11.6) and "{0}" a placeholder (3.11.5), and paths as URIs.
 */
#ifndef BASE_SARIF_TEXT_H
#define BASE_SARIF_TEXT_H

#include "base/buf.h"

#include <jansson.h>

/* Append text as part of a message. */
void sarif_text_add(struct buf *, const char *s);
/* {"text": s} as a message; a new reference. */
json_t *sarif_text_message(const char *s);
/* A path as a URI reference; "file:///..." when it is absolute. */
void sarif_text_uri(const char *path, struct buf *out);

#endif
