/* SPDX-License-Identifier: MIT
 * A Keras file is refused, or the model holds the invariants; written back
 * with its own weights nothing changes.  Besides whole files, a configuration
 * alone is read: the input after "{" as the model_config of no weights.
 */
#include "tests/fuzz/fuzz.h"

#include "base/json.h"
#include "formats/format.h"
#include "formats/keras_config.h"

static void
config(const uint8_t *data, size_t len)
{
	struct keras_layer *root;
	struct arena a;
	struct err e = {0};
	json_t *j = NULL;

	if (json_read(data, len, &j, &e) != 0)
		return;
	arena_init(&a, (size_t)1 << 28);
	if (keras_config_parse(j, len % 2 != 0 ? 2 : 3, &a, &root, &e) == 0) {
		PROPERTY(root->model);
		PROPERTY(root->output.child < root->nchild);
	} else {
		PROPERTY(e.msg[0] != '\0');
	}
	arena_release(&a);
	json_decref(j);
}

static void
whole(const struct format *f, const uint8_t *data, size_t len)
{
	struct source s;
	struct model m;
	struct err e = {0};

	source_mem(&s, data, len);
	if (f->load(&s, &m, &e) == 0) {
		PROPERTY(model_check(&m, &e) == 0);
		PROPERTY(f->patch(&s, &m, &e) == 0);
		PROPERTY(!s.file[0].writable); /* nothing to write */
		model_release(&m);
	} else {
		PROPERTY(e.msg[0] != '\0');
	}
	source_release(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] == '{')
		config(data, len);
	whole(&format_keras, data, len);
	whole(&format_keras_h5, data, len);
	return 0;
}
