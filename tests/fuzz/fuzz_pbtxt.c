/* SPDX-License-Identifier: MIT
 * Text protocol buffers: every field is an array of strings and messages, no
 * deeper and no more than the limits, and offsets of errors lie in the input.
 */
#include "tests/fuzz/fuzz.h"

#include "base/limits.h"
#include "formats/pbtxt.h"

static size_t
count(const json_t *message, size_t depth)
{
	const char *key;
	json_t *list, *v;
	size_t i, n = 0;

	PROPERTY(json_is_object(message) && depth <= LIMIT_CONFIG_DEPTH);
	json_object_foreach((json_t *)(uintptr_t)message, key, list)
	{
		PROPERTY(json_is_array(list) && key[0] != '\0');
		json_array_foreach(list, i, v)
		{
			n++;
			if (!json_is_string(v))
				n += count(v, depth + 1);
		}
		PROPERTY((pbtxt_last(message, key) != NULL) ==
			 (json_array_size(list) != 0));
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = {0};
	json_t *j;

	if (pbtxt_read(rd_mem(data, len), &j, &e) != 0) {
		PROPERTY(j == NULL && e.msg[0] != '\0' && e.off <= len);
		return 0;
	}
	PROPERTY(count(j, 0) <= LIMIT_CONFIG_VALUES);
	json_decref(j);
	return 0;
}
