/* SPDX-License-Identifier: MIT
 * YAML as JSON: only objects, arrays and strings come out, no deeper and no
 * more than the limits, and twice the same.
 */
#include "tests/fuzz/fuzz.h"

#include "base/limits.h"
#include "formats/yaml_text.h"

static size_t
count(const json_t *j, size_t depth)
{
	const char *key;
	json_t *v;
	size_t i, n = 1;

	PROPERTY(depth <= LIMIT_CONFIG_DEPTH);
	PROPERTY(json_is_object(j) || json_is_array(j) || json_is_string(j));
	json_array_foreach(j, i, v) n += count(v, depth + 1);
	json_object_foreach((json_t *)(uintptr_t)j, key, v)
	{
		n += count(v, depth + 1);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *a, *b;
	struct err e = {0};

	if (yaml_text_read(rd_mem(data, len), &a, &e) != 0) {
		PROPERTY(a == NULL && e.msg[0] != '\0');
		return 0;
	}
	PROPERTY(count(a, 0) <= LIMIT_CONFIG_VALUES);
	PROPERTY(yaml_text_read(rd_mem(data, len), &b, &e) == 0);
	PROPERTY(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	return 0;
}
