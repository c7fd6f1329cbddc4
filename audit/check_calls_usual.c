/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem */
#include "audit/check_calls_usual.h"

#include "base/text.h"

bool
check_calls_own_source(const char *s, size_t len)
{
	return len > 3 && memcmp(s + len - 3, ".py", 3) == 0 && *s != '/' &&
	       *s != '~' && memmem(s, len, "..", 2) == NULL;
}

static bool
is_release(const char *s, size_t len)
{
	static const char *const branches[] = {"main", "master"};

	if (text_is_among(s, len, branches, ARRAY_LEN(branches)))
		return true;
	if (len < 2 || *s != 'v')
		return false;
	for (size_t i = 1; i < len; i++)
		if (s[i] != '.' && (s[i] < '0' || s[i] > '9'))
			return false;
	return true;
}

bool
check_calls_own_hub(const char *s, size_t len)
{
	static const char *const owners[] = {"pytorch/", "facebookresearch/",
	    "ultralytics/", "huggingface/", "NVIDIA/", "isl-org/", "intel-isl/",
	    "snakers4/"};
	const char *ref = len != 0 ? memchr(s, ':', len) : NULL;

	if (ref != NULL && !is_release(ref + 1, len - (size_t)(ref + 1 - s)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(owners); i++)
		if (len > strlen(owners[i]) &&
		    memcmp(s, owners[i], strlen(owners[i])) == 0)
			return true;
	return false;
}
