/* SPDX-License-Identifier: MIT
 * What parsers of XML, and of PMML, refuse beyond the order of its tokens.
 */
#ifndef AUDIT_CHECK_XML_FORM_H
#define AUDIT_CHECK_XML_FORM_H

#include "formats/xml_text.h"

/*
 * Text, or an attribute's value: whether each '&' begins a reference (XML 1.0, 4.1),
 * to a character or to an entity; without a DOCTYPE (declared false) there are five.
 */
bool check_xml_references(struct slice, bool declared);

/* No control characters but tab and ends of lines (XML 1.0, 2.2). */
bool check_xml_characters(struct slice);

/* An attribute of PMML (its schema, 4.4) whose value is one of those that it may
 * have; true as well for attributes that may have any. */
bool check_xml_pmml(
    struct slice element, struct slice name, struct slice value);

#endif
