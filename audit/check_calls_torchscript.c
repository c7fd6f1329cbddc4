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

void
check_calls_torchscript(const struct walk *w, size_t i)
{
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
