/* SPDX-License-Identifier: MIT
 * Words of Jinja templates, NULL at the end of each list.  Sources: Jinja
 * 3.1's defaults.py, filters.py, tests.py and sandbox.py; transformers'
 * chat_template_utils.py for what chat templates are given; Python's str, list
 * and dict for methods.
 */
#ifndef AUDIT_CHECK_JINJA_WORDS_H
#define AUDIT_CHECK_JINJA_WORDS_H

#include "base/base.h"

/* Attributes that lead out of values (sandbox.py's UNSAFE_*_ATTRIBUTES). */
static const char *const jinja_inner[] = {"mro", "gi_frame", "gi_code",
    "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "ag_code", "ag_frame",
    "ag_await", "f_back", "f_globals", "f_locals", "f_builtins", "f_code",
    "func_globals", "func_code", "func_closure", "im_func", "im_self",
    "im_class", "tb_frame", "tb_next", "co_code", "co_consts", "format_map",
    NULL};

/* Methods of str, list, dict, set, loop and dates that change nothing else. */
static const char *const jinja_methods[] = {"strip", "lstrip", "rstrip",
    "split", "rsplit", "splitlines", "partition", "rpartition", "startswith",
    "endswith", "lower", "upper", "title", "capitalize", "casefold", "swapcase",
    "replace", "find", "rfind", "index", "rindex", "count", "join", "format",
    "center", "ljust", "rjust", "zfill", "expandtabs", "isdigit", "isalpha",
    "isalnum", "isnumeric", "isdecimal", "isspace", "isupper", "islower",
    "istitle", "isidentifier", "isascii", "isprintable", "removeprefix",
    "removesuffix", "translate", "encode", "items", "keys", "values", "get",
    "append", "extend", "insert", "pop", "remove", "reverse", "sort", "copy",
    "clear", "update", "setdefault", "popitem", "add", "discard", "union",
    "cycle", "changed", "strftime", "isoformat", "model_dump",
    "model_dump_json", "dict", "json", "is_integer", "bit_length", NULL};

/* Functions and methods that templates reach for once they are out. */
static const char *const jinja_danger[] = {"popen", "system", "exec", "eval",
    "execfile", "compile", "open", "read", "write", "spawn", "check_output",
    "check_call", "getoutput", "getstatusoutput", "import_module",
    "load_module", "exec_module", "loads", "run", "Popen", "connect", "urlopen",
    "run_path", "run_module", "getattr", "setattr", "globals", "locals", "vars",
    "import_string", "url_for", "get_flashed_messages", "lipsum", "input",
    "breakpoint", "unlink", "rmtree", NULL};

/* Objects of web frameworks, and Jinja's own with Python functions in reach;
 * chat templates are given none of them. */
static const char *const jinja_objects[] = {"request", "session", "self",
    "config", "application", "lipsum", "cycler", "url_for",
    "get_flashed_messages", "current_app", "settings", "handler", NULL};

static const char *const jinja_functions[] = {"raise_exception", "strftime_now",
    "namespace", "range", "dict", "caller", "loop", "super", "joiner", "now",
    "_", "gettext", "ngettext", "bos_token", NULL};

static const char *const jinja_filters[] = {"abs", "batch", "capitalize",
    "center", "count", "d", "default", "dictsort", "e", "escape",
    "filesizeformat", "first", "float", "forceescape", "format", "groupby",
    "indent", "int", "items", "join", "last", "length", "list", "lower", "map",
    "max", "min", "pprint", "random", "reject", "rejectattr", "replace",
    "reverse", "round", "safe", "select", "selectattr", "slice", "sort",
    "string", "striptags", "sum", "title", "tojson", "trim", "truncate",
    "unique", "upper", "urlencode", "urlize", "wordcount", "wordwrap",
    "xmlattr", "fromjson", "from_json", "to_json", "strip", "to_yaml", "split",
    "startswith", "endswith", NULL};

/* Filters whose first argument names an attribute or another filter. */
static const char *const jinja_by_name[] = {
    "map", "select", "reject", "selectattr", "rejectattr", "groupby", NULL};

static const char *const jinja_statements[] = {"if", "elif", "else", "endif",
    "for", "endfor", "set", "endset", "macro", "endmacro", "call", "endcall",
    "filter", "endfilter", "with", "endwith", "block", "endblock", "raw",
    "endraw", "break", "continue", "generation", "endgeneration", "autoescape",
    "endautoescape", "do", "trans", "endtrans", "pluralize", NULL};

/* They read other files. */
static const char *const jinja_reads[] = {
    "include", "import", "from", "extends", NULL};

static const char *const jinja_keywords[] = {"if", "else", "elif", "for", "in",
    "not", "and", "or", "is", "set", "recursive", "true", "false", "none",
    "True", "False", "None", "macro", "call", "filter", "with", "block",
    "include", "import", "from", "extends", "as", "ignore", "missing",
    "context", "without", "do", "scoped", "required", NULL};

#endif
