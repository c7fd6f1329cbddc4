/* SPDX-License-Identifier: MIT
 * Names of what the bundle itself brings: "_target_: net.models.Classifier",
 * where net/models.py lies beside the configuration or in a folder above it.
 * Who instantiates that runs the file, and the file is looked at as what it is:
 * source.  So the name says no more than that the source is used.
 *
 * Python takes the first module of a name that it finds, which need not be the
 * bundle's: names that the standard library or a package in wide use has as well
 * stay what they are.  And what the file only imported is somebody else's: the
 * class or function has to be made there.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"

#include <unistd.h>

#define PATH_MAX_HERE 1024
/* Folders above the configuration that are tried, and files for all names of
 * one configuration. */
#define FOLDERS 8
#define TRIES   20000

/* sys.stdlib_module_names of Python 3.8 to 3.13 that are words of everyday, and
 * packages that whoever loads a model may have. */
static const char *const taken[] = {"abc", "aifc", "antigravity", "argparse",
    "array", "ast", "asynchat", "asyncio", "asyncore", "atexit", "audioop",
    "base64", "bdb", "binascii", "binhex", "bisect", "builtins", "bz2",
    "cProfile", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code",
    "codecs", "codeop", "collections", "colorsys", "compileall", "concurrent",
    "configparser", "contextlib", "contextvars", "copy", "copyreg", "crypt",
    "csv", "ctypes", "curses", "dataclasses", "datetime", "dbm", "decimal",
    "difflib", "dis", "distutils", "doctest", "dummy_threading", "email",
    "encodings", "ensurepip", "enum", "errno", "faulthandler", "fcntl",
    "filecmp", "fileinput", "fnmatch", "formatter", "fractions", "ftplib",
    "functools", "gc", "genericpath", "getopt", "getpass", "gettext", "glob",
    "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http",
    "idlelib", "imaplib", "imghdr", "imp", "importlib", "inspect", "io",
    "ipaddress", "itertools", "json", "keyword", "lib2to3", "linecache",
    "locale", "logging", "lzma", "mailbox", "mailcap", "marshal", "math",
    "mimetypes", "mmap", "modulefinder", "msilib", "msvcrt", "multiprocessing",
    "netrc", "nis", "nntplib", "nt", "ntpath", "nturl2path", "numbers",
    "opcode", "operator", "optparse", "os", "ossaudiodev", "parser", "pathlib",
    "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform", "plistlib",
    "poplib", "posix", "posixpath", "pprint", "profile", "pstats", "pty", "pwd",
    "py_compile", "pyclbr", "pydoc", "pydoc_data", "pyexpat", "queue", "quopri",
    "random", "re", "readline", "reprlib", "resource", "rlcompleter", "runpy",
    "sched", "secrets", "select", "selectors", "shelve", "shlex", "shutil",
    "signal", "site", "smtpd", "smtplib", "sndhdr", "socket", "socketserver",
    "spwd", "sqlite3", "sre_compile", "sre_constants", "sre_parse", "ssl",
    "stat", "statistics", "string", "stringprep", "struct", "subprocess",
    "sunau", "symbol", "symtable", "sys", "sysconfig", "syslog", "tabnanny",
    "tarfile", "telnetlib", "tempfile", "termios", "textwrap", "this",
    "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib",
    "trace", "traceback", "tracemalloc", "tty", "turtle", "turtledemo", "types",
    "typing", "unicodedata", "unittest", "urllib", "uu", "uuid", "venv",
    "warnings", "wave", "weakref", "webbrowser", "winreg", "winsound",
    "wsgiref", "xdrlib", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport",
    "zlib", "zoneinfo",
    /* packages */
    "IPython", "PIL", "accelerate", "aiohttp", "albumentations", "apex",
    "bitsandbytes", "boto3", "catboost", "cffi", "cloudpickle", "cv2", "dask",
    "datasets", "deepspeed", "detectron2", "diffusers", "dill", "fabric",
    "fairseq", "fastai", "flax", "fsspec", "gdown", "git", "google",
    "huggingface_hub", "hydra", "hyperpyyaml", "invoke", "jax", "jinja2",
    "joblib", "jsonargparse", "jsonpickle", "keras", "langchain", "lightgbm",
    "lightning", "matplotlib", "mlflow", "monai", "mxnet", "nemo", "nltk",
    "numba", "numpy", "omegaconf", "onnx", "onnxruntime", "paddle", "pandas",
    "paramiko", "peft", "pexpect", "pip", "pkg_resources", "pyarrow", "pyspark",
    "pytorch_lightning", "ray", "requests", "scipy", "setuptools", "sh",
    "skimage", "sklearn", "skops", "sklearn_pandas", "speechbrain",
    "statsmodels", "tensorflow", "timm", "torch", "torchaudio", "torchmetrics",
    "torchtune", "torchvision", "tqdm", "transformers", "triton", "ultralytics",
    "urllib3", "wandb", "wget", "wheel", "xgboost", "yaml", "zmq"};

/* --- the source ---------------------------------------------------------- */

static bool
is_letter(uint8_t c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_' || c >= 0x80;
}

/* The word stands there, and ends there. */
static bool
word_at(struct slice s, size_t at, struct slice word)
{
	return s.len - at >= word.len &&
	       memcmp(s.ptr + at, word.ptr, word.len) == 0 &&
	       (s.len - at == word.len || !is_letter(s.ptr[at + word.len]));
}

/* "class Name", "def name", "async def name" at the beginning of a line. */
static bool
makes(struct slice line, struct slice name)
{
	static const char *const word[] = {"class ", "def ", "async def "};

	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		size_t at = strlen(word[i]);

		if (!text_begins_with(
			(const char *)line.ptr, line.len, word[i]))
			continue;
		while (at < line.len && line.ptr[at] == ' ')
			at++;
		return word_at(line, at, name);
	}
	return false;
}

/* In a package: "from .net import Name", or from the package by its name, up to
 * the end of the line or the parenthesis.  Under the name that it has there. */
static bool
passes_on(struct slice s, struct slice top, struct slice name)
{
	static const char from[] = "from ";
	size_t at = sizeof(from) - 1;
	bool open = false;

	if (!text_begins_with((const char *)s.ptr, s.len, from) ||
	    (at < s.len && s.ptr[at] != '.' &&
		!(word_at(s, at, top) && s.len - at > top.len &&
		    s.ptr[at + top.len] == '.')))
		return false;
	for (; at < s.len && (open || s.ptr[at] != '\n'); at++) {
		if (s.ptr[at] == ')' || s.ptr[at] == '#' || s.ptr[at] == ';')
			break;
		open = open || s.ptr[at] == '(';
		if (!is_letter(s.ptr[at - 1]) && word_at(s, at, name))
			return memmem(s.ptr, at, " as ", 4) == NULL;
	}
	return false;
}

static bool
defines(struct slice text, struct slice top, struct slice name, bool package)
{
	while (text.len != 0) {
		const uint8_t *end = memchr(text.ptr, '\n', text.len);
		size_t n =
		    end != NULL ? (size_t)(end - text.ptr) + 1 : text.len;

		if (makes((struct slice){text.ptr, n}, name) ||
		    (package && passes_on(text, top, name)))
			return true;
		text.ptr += n;
		text.len -= n;
	}
	return false;
}

/* --- where it is --------------------------------------------------------- */

struct name {
	struct slice module; /* "net.models" */
	struct slice top;    /* "net" */
	struct slice what;   /* "Classifier" */
};

static bool
file_defines(const struct check_file *f, unsigned up, const char *path,
    const struct name *n, bool package)
{
	struct check_sink *s = f->sink;
	struct file_map m;
	struct err ignored;
	bool yes = false;
	int fd;

	if (s->tries++ >= TRIES || (fd = s->near(s->beside_ctx, up, path)) < 0)
		return false;
	if (file_map_fd(fd, path, LIMIT_INSPECT_SOURCE, &m, &ignored) == 0) {
		yes = defines(
		    (struct slice){m.ptr, m.len}, n->top, n->what, package);
		file_unmap(&m);
	}
	close(fd);
	return yes;
}

/* The module is a file or a package, in that folder or in its "src". */
static bool
folder_defines(const struct check_file *f, unsigned up, const struct name *n)
{
	static const char *const before[] = {"", "src/"};
	static const char *const behind[] = {".py", "/__init__.py"};
	char path[PATH_MAX_HERE];

	for (size_t i = 0; i < 4; i++) {
		int len = snprintf(path, sizeof(path), "%s%.*s%s",
		    before[i / 2], (int)MIN(n->module.len, sizeof(path)),
		    (const char *)n->module.ptr, behind[i % 2]);

		if (len < 0 || (size_t)len >= sizeof(path))
			return false;
		for (size_t k = strlen(before[i / 2]);
		     k < strlen(before[i / 2]) + n->module.len; k++)
			path[k] = path[k] == '.' ? '/' : path[k];
		if (file_defines(f, up, path, n, i % 2 == 1))
			return true;
	}
	return false;
}

static bool
resolves(const struct check_file *f, const struct name *n)
{
	for (unsigned up = 0; up < FOLDERS; up++)
		if (folder_defines(f, up, n))
			return true;
	return false;
}

/* Cut what is behind the last dot off. */
static bool
cut(struct slice *s, struct slice *last)
{
	size_t at = s->len;

	while (at > 0 && s->ptr[at - 1] != '.')
		at--;
	*last = (struct slice){s->ptr + at, s->len - at};
	if (at < 2 || last->len == 0)
		return false;
	s->len = at - 1;
	return true;
}

bool
check_config_taken(const char *top, size_t len)
{
	return text_is_among(top, len, taken, ARRAY_LEN(taken));
}

bool
check_config_own(const char *module, size_t len)
{
	const char *dot = len != 0 ? memchr(module, '.', len) : NULL;
	size_t top = dot != NULL ? (size_t)(dot - module) : len;

	return check_config_plain(module, len) &&
	       !text_is_among(module, top, taken, ARRAY_LEN(taken));
}

bool
check_config_brings(const struct check_file *f, const char *name, size_t len)
{
	struct slice whole = {(const uint8_t *)name, len}, method;
	struct name n = {.module = whole, .top = whole};
	const char *dot = len != 0 ? memchr(name, '.', len) : NULL;

	if (f->sink->near == NULL || dot == NULL)
		return false;
	n.top.len = (size_t)(dot - name);
	if (text_is_among(name, n.top.len, taken, ARRAY_LEN(taken)) ||
	    !check_config_plain(name, len) || !cut(&n.module, &n.what))
		return false;
	if (resolves(f, &n))
		return true;
	/* Class.from_pretrained: a method of what is made there */
	method = n.what;
	return method.ptr[0] >= 'a' && cut(&n.module, &n.what) &&
	       n.what.ptr[0] >= 'A' && n.what.ptr[0] <= 'Z' && resolves(f, &n);
}

bool
check_config_local(const struct check_file *f, const char *name, size_t len)
{
	/* of something within a file, what lies beside it is not known */
	return f->member == NULL && check_config_brings(f, name, len);
}
