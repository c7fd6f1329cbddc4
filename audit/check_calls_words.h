/* SPDX-License-Identifier: MIT
 * Modules, names and operators for check_calls.c; NULL ends each list.
 */
#ifndef AUDIT_CHECK_CALLS_WORDS_H
#define AUDIT_CHECK_CALLS_WORDS_H

#include "base/base.h"

/* A module of which code of a model may use this and nothing else; allowed
 * NULL: nothing. */
struct code_module {
	const char *name;
	const char *const *allowed;
	bool usual; /* honest code does it too: not worth stopping for */
};

static const char *const code_os[] = {"path", "environ", "getenv", "sep",
    "listdir", "getcwd", "makedirs", "mkdir", "walk", "scandir", "cpu_count",
    "linesep", "PathLike", "fspath", "name", "pathsep", "extsep", "curdir",
    "pardir", "stat", "devnull", "getpid", "sched_getaffinity", "access",
    "R_OK", "F_OK", "W_OK", "get_terminal_size", "fsencode", "fsdecode", NULL};
static const char *const code_pickle[] = {"dump", "dumps", "HIGHEST_PROTOCOL",
    "DEFAULT_PROTOCOL", "PickleError", "PicklingError", "UnpicklingError",
    NULL};
static const char *const code_urllib[] = {"parse", NULL};
static const char *const code_importlib[] = {
    "metadata", "util", "resources", "find_spec", "version", NULL};
/* Only that it is imported is usual: every call is looked at. */
static const char *const code_process[] = {
    "PIPE", "STDOUT", "DEVNULL", "CalledProcessError", "TimeoutExpired", NULL};
static const char *const code_shutil[] = {"copy", "copy2", "copyfile",
    "copytree", "rmtree", "disk_usage", "get_terminal_size", "which", NULL};

/* Names of this machine, and a socket that is bound to a free port. */
static const char *const code_socket[] = {"gethostname", "getfqdn", "socket",
    "AF_INET", "AF_INET6", "SOCK_STREAM", "SOCK_DGRAM", "SOL_SOCKET",
    "SO_REUSEADDR", "timeout", "error", "gaierror", NULL};

static const struct code_module code_modules[] = {{"os", code_os, false},
    {"posix", NULL, false}, {"nt", NULL, false}, {"pickle", code_pickle, true},
    {"_pickle", code_pickle, true}, {"urllib", code_urllib, true},
    {"importlib", code_importlib, true}, {"shutil", code_shutil, true},
    {"subprocess", code_process, false}, {"socket", code_socket, false},
    {"ctypes", NULL, false}, {"cffi", NULL, false}, {"pty", NULL, false},
    {"marshal", NULL, false}, {"dill", NULL, true}, {"cloudpickle", NULL, true},
    {"requests", NULL, true}, {"httpx", NULL, true}, {"aiohttp", NULL, true},
    {"urllib2", NULL, true}, {"urllib3", NULL, true}, {"http", NULL, true},
    {"ftplib", NULL, false}, {"smtplib", NULL, false},
    {"telnetlib", NULL, false}, {"paramiko", NULL, false},
    {"fabric", NULL, false}, {"pexpect", NULL, false},
    {"webbrowser", NULL, true}, {"xmlrpc", NULL, false},
    {"socketserver", NULL, false}, {"asyncore", NULL, false},
    {"code", NULL, true}, {"codeop", NULL, true}, {"runpy", NULL, false},
    {"builtins", NULL, false}, {"__builtin__", NULL, false},
    {"commands", NULL, false}, {"winreg", NULL, false},
    {"keyring", NULL, false}, {"pynput", NULL, false}, {"pip", NULL, false},
    {"ensurepip", NULL, false}, {"shelve", NULL, true}, {"pkgutil", NULL, true},
    {"imp", NULL, true}, {"zipimport", NULL, true},
    {"gc", (const char *const[]){"collect", "disable", "enable", NULL}, true}};

/* Named at all, and not as an attribute or argument. */
static const char *const code_builtins[] = {
    "eval", "exec", "execfile", "__builtins__", "__loader__", NULL};
/* The same, in honest code too; when called. */
static const char *const code_usual[] = {
    "compile", "breakpoint", "globals", "__import__", NULL};

/* Wherever they are named. */
static const char *const code_inner[] = {"__globals__", "__subclasses__",
    "__builtins__", "f_globals", "gi_frame", "func_globals", NULL};
static const char *const code_inner_usual[] = {"__code__", "__bases__",
    "__mro__", "__reduce__", "__reduce_ex__", "__closure__", "unsafe_load",
    "UnsafeLoader", NULL};

static const char *const code_strings[] = {"/etc/passwd", "/etc/shadow",
    "/etc/cron", ".ssh/", ".bashrc", ".bash_profile", ".zshrc", ".aws/",
    "/dev/tcp/", "bash -i", "nc -e", "curl http", "wget http", "__subclasses__",
    "__globals__", "__builtins__", "169.254.169.254", "powershell"};

/* --- TorchScript --------------------------------------------------------- */

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

#endif
