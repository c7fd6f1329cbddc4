/* SPDX-License-Identifier: MIT
 * Modules of Python, and what code of a model may ask of them.
 */
#include "audit/check_calls_walk.h"

/* What a program may ask and what it may do to its own files: to delete them
 * too, which shutil.rmtree() does as well. */
static const char *const code_os[] = {"path", "environ", "getenv", "sep",
    "listdir", "getcwd", "getcwdb", "makedirs", "mkdir", "walk", "fwalk",
    "scandir", "cpu_count", "linesep", "PathLike", "fspath", "name", "pathsep",
    "extsep", "altsep", "curdir", "pardir", "stat", "lstat", "fstat",
    "stat_result", "devnull", "getpid", "getppid", "sched_getaffinity",
    "sched_setaffinity", "access", "R_OK", "F_OK", "W_OK", "X_OK",
    "get_terminal_size", "terminal_size", "fsencode", "fsdecode", "remove",
    "unlink", "rename", "renames", "replace", "rmdir", "removedirs", "chdir",
    "close", "fdopen", "fsync", "sync", "uname", "urandom", "strerror",
    "SEEK_SET", "SEEK_CUR", "SEEK_END", "error", "getuid", "geteuid", "getgid",
    "getegid", "getlogin", "isatty", "times", "utime", "truncate", "ftruncate",
    "nice", "get_exec_path", "getloadavg", "sysconf", "statvfs", "umask",
    "readlink", "DirEntry", "supports_bytes_environ", "pipe", "read",
    "add_dll_directory", "O_RDONLY", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL",
    "O_TRUNC", "O_APPEND", "O_BINARY", "O_NONBLOCK", "EX_OK", NULL};
static const char *const code_os_unusual[] = {"chmod", "lchmod", "fchmod",
    "chown", "lchown", "link", "symlink", "kill", "killpg", "fork", "wait",
    "waitpid", "WNOHANG", "WIFEXITED", "WEXITSTATUS", "WIFSIGNALED", "WTERMSIG",
    "_exit", "abort", "setsid", "setpgrp", "setpgid", "getpgid", "getpgrp",
    "getsid", "dup", "dup2", "open", "write", "lseek", "mkfifo", "putenv",
    "unsetenv", "set_inheritable", "openpty", "ttyname", "set_blocking",
    "register_at_fork", "posix_fadvise", "posix_fallocate", "sendfile", NULL};
static const char *const code_os_functions[] = {
    "system", "popen", "startfile", NULL};
static const char *const code_pickle[] = {"dump", "dumps", "HIGHEST_PROTOCOL",
    "DEFAULT_PROTOCOL", "PickleError", "PicklingError", "UnpicklingError",
    NULL};
static const char *const code_urllib[] = {"parse", NULL};
static const char *const code_importlib[] = {
    "metadata", "util", "resources", "find_spec", "version", NULL};
/* Only that it is imported is usual: every call is looked at. */
static const char *const code_process[] = {"PIPE", "STDOUT", "DEVNULL",
    "CalledProcessError", "TimeoutExpired", "SubprocessError",
    "CompletedProcess", "list2cmdline", "STARTUPINFO", "STARTF_USESHOWWINDOW",
    "SW_HIDE", "CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP",
    "CREATE_NEW_CONSOLE", NULL};
static const char *const code_process_functions[] = {"run", "call",
    "check_call", "check_output", "Popen", "getoutput", "getstatusoutput",
    NULL};
static const char *const code_shutil[] = {"copy", "copy2", "copyfile",
    "copytree", "rmtree", "disk_usage", "get_terminal_size", "which", NULL};

/* Names of this machine, and a socket that is bound to a free port. */
static const char *const code_socket[] = {"gethostname", "getfqdn", "socket",
    "AF_INET", "AF_INET6", "SOCK_STREAM", "SOCK_DGRAM", "SOL_SOCKET",
    "SO_REUSEADDR", "SO_REUSEPORT", "timeout", "error", "gaierror", "has_ipv6",
    NULL};

/* What is a function of Python everywhere, and makes no code of text: print()
 * is changed where several processes would print, str() is imported for two
 * versions of Python. */
static const char *const code_builtin_names[] = {"print", "open", "range",
    "str", "int", "float", "bool", "list", "dict", "tuple", "set", "bytes",
    "chr", "ord", "map", "zip", "filter", "input", "super", "object", "next",
    "round", "pow", "super", "min", "max", "sum", "len", "abs", "any", "all",
    "isinstance", "issubclass", "type", "hex", "oct", "repr", "sorted",
    "profile", "unicode", "basestring", "long", "xrange", "complex",
    "Exception", "__IPYTHON__", "reduce", "WindowsError", NULL};

/* Writes what others may load: no fault of who writes. */
static const char *const code_marshal[] = {"dump", "dumps", "version", NULL};

static const struct code_module code_modules[] = {
    {"os", code_os, .unusual = code_os_unusual, .functions = code_os_functions},
    {"posix", .allowed = NULL}, {"nt", .allowed = NULL},
    {"pickle", code_pickle, .usual = true},
    {"_pickle", code_pickle, .usual = true},
    {"urllib", code_urllib, .usual = true},
    {"importlib", code_importlib, .usual = true},
    {"shutil", code_shutil, .usual = true},
    {"subprocess", code_process, .functions = code_process_functions},
    {"socket", .allowed = code_socket}, {"ctypes", NULL, .machine = true},
    {"cffi", NULL, .machine = true}, {"pty", .allowed = NULL},
    {"marshal", .allowed = code_marshal}, {"dill", NULL, .usual = true},
    {"cloudpickle", NULL, .usual = true}, {"requests", NULL, .usual = true},
    {"httpx", NULL, .usual = true}, {"aiohttp", NULL, .usual = true},
    {"urllib2", NULL, .usual = true}, {"urllib3", NULL, .usual = true},
    {"http", NULL, .usual = true}, {"ftplib", .allowed = NULL},
    {"smtplib", NULL, .usual = true}, {"telnetlib", .allowed = NULL},
    {"paramiko", .allowed = NULL}, {"fabric", .allowed = NULL},
    {"pexpect", .allowed = NULL}, {"webbrowser", NULL, .usual = true},
    {"xmlrpc", .allowed = NULL}, {"socketserver", .allowed = NULL},
    {"asyncore", .allowed = NULL}, {"code", NULL, .usual = true},
    {"codeop", NULL, .usual = true}, {"runpy", .allowed = NULL},
    {"builtins", .allowed = code_builtin_names},
    {"__builtin__", .allowed = code_builtin_names},
    {"commands", .allowed = NULL}, {"winreg", .allowed = NULL},
    {"keyring", .allowed = NULL}, {"pynput", .allowed = NULL},
    {"pip", .allowed = NULL}, {"ensurepip", .allowed = NULL},
    {"shelve", NULL, .usual = true}, {"pkgutil", NULL, .usual = true},
    {"imp", NULL, .usual = true}, {"zipimport", NULL, .usual = true},
    {"gc", (const char *const[]){"collect", "disable", "enable", NULL},
	.usual = true}};

enum finding_id
check_calls_module_weigh(const struct walk *w, const struct code_module *m)
{
	return m->usual || (m->machine && !w->machine) ? FINDING_CODE_UNUSUAL
						       : FINDING_CODE_DANGEROUS;
}

const struct code_module *
check_calls_module(const struct pycode_token *t)
{
	for (size_t i = 0; i < ARRAY_LEN(code_modules); i++)
		if (pycode_is(t, code_modules[i].name))
			return &code_modules[i];
	return NULL;
}

const struct code_module *
check_calls_module_at(size_t index)
{
	return &code_modules[index];
}

size_t
check_calls_module_index(const struct code_module *m)
{
	return (size_t)(m - code_modules);
}
