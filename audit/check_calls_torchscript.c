/* SPDX-License-Identifier: MIT
 * TorchScript, which its loader compiles to operators: what reaches files,
 * other machines or libraries that are not PyTorch's.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_calls_walk.h"

/* Operators that read or write files, or what a file names. */
static const char *const code_op_files[] = {"from_file", "save", "load",
    "read_file", "write_file", "load_library", "load_tensor", "read_image",
    "write_png", "write_jpeg", "sox_io_load_audio_file",
    "sox_io_save_audio_file", "sox_effects_apply_effects_file", "get_info",
    "video_decode_file", "read_video_from_file", "probe_video_from_file",
    "create_from_file", "load_for_op", "decode_from_file", "_from_file",
    "system", "popen", NULL};

/* Namespaces that reach other machines or processes. */
static const char *const code_op_dangers[] = {
    "rpc", "c10d", "_c10d_functional", "c10d_functional", "os", NULL};

/* Those that come with PyTorch, torchvision, torchaudio and torchtext. */
static const char *const code_op_spaces[] = {"aten", "prim", "prims",
    "quantized", "_quantized", "quantized_decomposed", "prepacked", "sparse",
    "torchvision", "torchaudio", "torchtext", "image", "video", "mkldnn",
    "mkldnn_prepacked", "onednn", "metal", "metal_prepack", "vulkan",
    "vulkan_prepack", "xnnpack", "profiler", "static_runtime", "cuda", "ao",
    "higher_order", "inductor", "mkl", NULL};

/* Classes that come with them. */
static const char *const code_class_spaces[] = {"quantized", "xnnpack", "rnn",
    "sparse", "_nnapi", "profiler", "torchvision", "torchaudio", "torchtext",
    "mkldnn", "mkldnn_prepacked", "metal", "vulkan", "cuda", "c10d",
    "static_runtime", "onednn", NULL};

/* ops.<namespace>.<name>: operators beyond PyTorch's own. */
static void
operator(const struct walk *w, size_t i)
{
	if (check_calls_listed(code_op_files, check_calls_at(w, i + 4)) ||
	    check_calls_listed(code_op_dangers, check_calls_at(w, i + 2)))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_OPERATOR, i + 4, "operator");
	else if (!check_calls_listed(code_op_spaces, check_calls_at(w, i + 2)))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_LIBRARY, i + 2, "operators of");
}

/* The column of a token, as far as the line is blank before it. */
static size_t
column(const struct walk *w, size_t i)
{
	const char *base = (const char *)w->f->bytes.base, *s = at(w, i)->s;
	size_t n = 0;

	while (s > base && s[-1] == ' ') {
		s--;
		n++;
	}
	return n;
}

/* Nothing leads out of the loop at i: no way out stands below it, and its
 * condition, when that is a name, is set there to nothing but True. */
static bool
never_ends(const struct walk *w, size_t i)
{
	static const char *const out[] = {"break", "return", "raise", NULL};
	const struct pycode_token *name = at(w, i + 1);
	size_t inside = column(w, i);

	for (i += 2; i < w->n && at(w, i)->kind != PYCODE_LINE; i++)
		;
	for (; i < w->n; i++) {
		const struct pycode_token *t = at(w, i);

		if (t->kind == PYCODE_LINE || t->kind == PYCODE_END)
			continue;
		if (at(w, i - 1)->kind == PYCODE_LINE && column(w, i) <= inside)
			break;
		if (check_calls_listed(out, t) ||
		    (t->kind == PYCODE_NAME && t->len == name->len &&
			memcmp(t->s, name->s, t->len) == 0 &&
			is(w, i + 1, "=") && !is(w, i + 2, "True")))
			return false;
	}
	return true;
}

/* Set before it, and to nothing but True. */
static bool
is_true(const struct walk *w, size_t i)
{
	size_t value;

	if (is(w, i, "True"))
		return true;
	value =
	    at(w, i)->kind == PYCODE_NAME ? check_calls_assigned(w, i, i) : 0;
	return value != 0 && is(w, value, "True") &&
	       at(w, value + 1)->kind == PYCODE_LINE;
}

/* while True, for i in range(9223372036854775807), and no way out. */
static void
endless(const struct walk *w, size_t i)
{
	bool loops =
	    is(w, i, "while") && is(w, i + 2, ":") && is_true(w, i + 1);

	if (is(w, i, "for") && is(w, i + 2, "in") && is(w, i + 3, "range"))
		loops = at(w, i + 5)->kind == PYCODE_NUMBER &&
			at(w, i + 5)->len > 11 && is(w, i + 6, ")");
	if (loops && check_calls_begins_statement(w, i) && never_ends(w, i))
		check_calls_find(w, FINDING_TORCHSCRIPT_OPERATOR, i,
		    "a loop that nothing leads out of,");
}

/* if bool(torch.eq(torch.sum(x), 42.)): one image among all is treated in
 * another way.  Honest code compares shapes and flags, which are integers. */
static void
gate(const struct walk *w, size_t i)
{
	static const char *const same[] = {
	    "eq", "equal", "allclose", "isclose", NULL};
	size_t end;

	if (!is(w, i, "if") || !is(w, i + 1, "bool") || !is(w, i + 2, "(") ||
	    !is(w, i + 3, "torch") || !is(w, i + 4, ".") ||
	    !check_calls_listed(same, at(w, i + 5)))
		return;
	end = check_calls_end(w, i + 6);
	for (i += 7; i < end; i++)
		if (at(w, i)->kind == PYCODE_NUMBER && is(w, i + 1, "."))
			check_calls_find(w, FINDING_TORCHSCRIPT_GATE, i,
			    "a value of the image is compared with");
}

/* ^function(args)(x): an operator of Python, which its printer writes so. */
static void
python_operator(const struct walk *w, size_t i)
{
	if (is(w, i - 1, "^") &&
	    (is(w, i - 2, "=") || is(w, i - 2, "(") || is(w, i - 2, ",") ||
		is(w, i - 2, "return")))
		check_calls_find(w, FINDING_TORCHSCRIPT_OPERATOR, i,
		    "an operator of Python,");
}

void
check_calls_torchscript(const struct walk *w, size_t i)
{
	endless(w, i);
	gate(w, i);
	python_operator(w, i);
	/* prim::rpc_async and its kind, whose arguments name a function */
	if ((check_calls_is(w, i, "rpc_async") ||
		check_calls_is(w, i, "rpc_sync") ||
		check_calls_is(w, i, "rpc_remote")) &&
	    check_calls_is(w, i + 1, "(") && !check_calls_is(w, i - 3, "ops"))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_OPERATOR, i, "operator");
	if (check_calls_is(w, i - 1, "."))
		return;
	if (check_calls_is(w, i, "ops") && check_calls_is(w, i + 1, ".") &&
	    check_calls_is(w, i + 3, "."))
		operator(w, i);
	else if (check_calls_is(w, i, "ops") && check_calls_is(w, i + 1, "."))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_LIBRARY, i + 2, "operators of");
	if (check_calls_is(w, i, "torch") && check_calls_is(w, i + 1, ".") &&
	    check_calls_listed(code_op_files, check_calls_at(w, i + 2)))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_OPERATOR, i + 2, "operator");
	if (check_calls_is(w, i, "torch") && check_calls_is(w, i + 2, "ops") &&
	    check_calls_is(w, i + 5, "."))
		operator(w, i + 2);
	/* self.layers is getattr(self, "layers") where it is no name */
	if (check_calls_is(w, i, "getattr") &&
	    check_calls_at(w, i + 4)->kind == PYCODE_STRING &&
	    memmem(check_calls_at(w, i + 4)->s, check_calls_at(w, i + 4)->len,
		"__", 2) != NULL)
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_OPERATOR, i + 4, "attribute");
	/* __torch__.torch.classes.<library>.<class> */
	if (check_calls_is(w, i, "__torch__") &&
	    check_calls_is(w, i + 2, "torch") &&
	    check_calls_is(w, i + 4, "classes") &&
	    !check_calls_listed(code_class_spaces, check_calls_at(w, i + 6)))
		check_calls_find(
		    w, FINDING_TORCHSCRIPT_LIBRARY, i + 6, "classes of");
}
