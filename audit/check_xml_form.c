/* SPDX-License-Identifier: MIT */
#include "audit/check_xml_form.h"

#include "base/text.h"

#include <ctype.h>

/* --- references ---------------------------------------------------------- */

static bool
is_character(const uint8_t *s, size_t len)
{
	bool hex = len != 0 && *s == 'x';

	if (len == (size_t)hex)
		return false;
	for (size_t i = hex; i < len; i++)
		if (hex ? !isxdigit(s[i]) : !isdigit(s[i]))
			return false;
	return true;
}

static bool
is_name(const uint8_t *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum(s[i]) && s[i] < 0x80 && s[i] != '_' &&
		    s[i] != ':' && s[i] != '-' && s[i] != '.')
			return false;
	return len != 0 && !isdigit(*s) && *s != '-' && *s != '.';
}

bool
check_xml_references(struct slice v, bool declared)
{
	static const char *const own[] = {"lt", "gt", "amp", "quot", "apos"};
	const uint8_t *p = v.ptr, *end = v.ptr + v.len;

	while (p < end && (p = memchr(p, '&', (size_t)(end - p))) != NULL) {
		const uint8_t *semi = memchr(p, ';', (size_t)(end - p));
		size_t n = semi != NULL ? (size_t)(semi - ++p) : 0;

		if (n == 0)
			return false;
		if (*p == '#' ? !is_character(p + 1, n - 1) : !is_name(p, n))
			return false;
		if (*p != '#' && !declared &&
		    !text_is_among((const char *)p, n, own, ARRAY_LEN(own)))
			return false;
		p = semi;
	}
	return true;
}

bool
check_xml_characters(struct slice v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] < ' ' && v.ptr[i] != '\t' && v.ptr[i] != '\n' &&
		    v.ptr[i] != '\r')
			return false;
	return true;
}

/* --- PMML ---------------------------------------------------------------- */

/* Simple types of the schema; element NULL: of whatever has the attribute. */
static const struct kind {
	const char *element, *name;
	const char *values[20];
} kinds[] = {
    {NULL, "dataType",
	{"string", "integer", "float", "double", "boolean", "date", "time",
	    "dateTime", "dateDaysSince[0]", "dateDaysSince[1960]",
	    "dateDaysSince[1970]", "dateDaysSince[1980]", "timeSeconds",
	    "dateTimeSecondsSince[0]", "dateTimeSecondsSince[1960]",
	    "dateTimeSecondsSince[1970]", "dateTimeSecondsSince[1980]"}},
    {NULL, "optype", {"categorical", "ordinal", "continuous"}},
    {NULL, "functionName",
	{"associationRules", "sequences", "classification", "regression",
	    "clustering", "timeSeries", "mixed"}},
    {"PMML", "version",
	{"1.0", "1.1", "2.0", "2.1", "3.0", "3.1", "3.2", "4.0", "4.1", "4.2",
	    "4.2.1", "4.3", "4.4", "4.4.1"}},
    {"MiningField", "usageType",
	{"active", "predicted", "target", "supplementary", "group", "order",
	    "frequencyWeight", "analysisWeight"}},
    {"SimplePredicate", "operator",
	{"equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan",
	    "greaterOrEqual", "isMissing", "isNotMissing"}},
    {"CompoundPredicate", "booleanOperator", {"or", "and", "xor", "surrogate"}},
};

bool
check_xml_pmml(struct slice element, struct slice name, struct slice value)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		size_t n = 0;

		if (!xml_text_is(name, k->name) ||
		    (k->element != NULL && !xml_text_is(element, k->element)))
			continue;
		while (n < ARRAY_LEN(k->values) && k->values[n] != NULL &&
		       !xml_text_is(value, k->values[n]))
			n++;
		return n < ARRAY_LEN(k->values) && k->values[n] != NULL;
	}
	return true;
}
