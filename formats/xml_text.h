/* SPDX-License-Identifier: MIT
 * Tags, declarations and text of XML, strictly in order and never expanded: no
 * entity is replaced, nothing is fetched.  XML 1.0, fifth edition.
 */
#ifndef FORMATS_XML_TEXT_H
#define FORMATS_XML_TEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/rd.h"

enum xml_kind {
	XML_END,
	XML_OPEN,    /* <name: attributes follow, then XML_TAG_END */
	XML_ATTR,    /* name="value" */
	XML_TAG_END, /* > or, with empty, /> */
	XML_CLOSE,   /* </name> */
	XML_TEXT,    /* also CDATA */
	XML_DOCTYPE, /* <!DOCTYPE name, the external id in value */
	XML_ENTITY,  /* <!ENTITY name "value">, or an external id in value */
	XML_PI,      /* <?name value?> */
};

struct xml_token {
	enum xml_kind kind;
	struct slice name, value;
	uint64_t off;
	bool external;  /* SYSTEM or PUBLIC */
	bool named;     /* PUBLIC */
	bool parameter; /* <!ENTITY % name */
	bool empty;
	bool cdata; /* text without references */
};

struct xml_text {
	struct rd r;
	bool in_tag;    /* between XML_OPEN and XML_TAG_END */
	bool in_subset; /* between [ and ] of a DOCTYPE */
	size_t depth;   /* elements that are open */
};

void xml_text_init(struct xml_text *, struct rd);
/* ERR_FORMAT or ERR_TRUNCATED where it is not well-formed. */
int xml_text_next(struct xml_text *, struct xml_token *, struct err *) MUST_USE;

/* UTF-16, with or without a mark, as ASCII in *out (other characters are
 * '?'); false when it is not UTF-16 or the arena is full. */
bool xml_text_narrow(struct rd, struct arena *, struct rd *out) MUST_USE;

bool xml_text_is(struct slice, const char *);

#endif
