/* SPDX-License-Identifier: MIT
 * Classes of packages that are neither the standard library, nor in wide use, nor
 * here: the package of whoever trained the model, or a small library's.  That
 * its objects are made, and take attributes, is object.__new__() and an update of
 * their dictionary, unless the class says otherwise (Lib/pickle.py, load_build);
 * and whoever wants to run something has to name it, which is found by itself.
 * What classes of packages in wide use do with a state is known: those that only
 * take attributes are in check_pickle_allow.def, and no others are harmless.
 */
#define _GNU_SOURCE /* memmem */
#include "audit/check_config_part.h"
#include "audit/check_pickle_judge.h"
#include "base/text.h"

/* In wide use too: beside those that no bundle has as its own. */
static const char *const known[] = {"Cython", "alembic", "astropy", "bokeh",
    "bs4", "celery", "cython", "dbt", "deap", "distributed", "django",
    "docutils", "eventlet", "fire", "flask", "fs", "gensim", "gevent",
    "greenlet", "gunicorn", "h5py", "hypothesis", "imblearn", "ipykernel",
    "ipywidgets", "jedi", "jsonschema", "jupyter", "kombu", "lib2to3",
    "llvmlite", "lxml", "mako", "marshmallow", "multiprocess", "mypy",
    "netCDF4", "networkx", "nose", "notebook", "numexpr", "optuna", "parso",
    "pathos", "patsy", "pbr", "peewee", "plotly", "pluggy", "ply", "polars",
    "prefect", "psutil", "psycopg2", "py", "pydantic", "pygments", "pymongo",
    "pymysql", "pyparsing", "pyramid", "pytest", "pythran", "pywt", "redis",
    "regex", "rich", "rpy2", "ruamel", "seaborn", "skorch", "smart_open",
    "snowballstemmer", "sphinx", "sqlalchemy", "sympy", "tables", "tblib",
    "tensorboard", "thinc", "toolz", "tornado", "traitlets", "twisted", "typer",
    "uvicorn", "virtualenv", "werkzeug", "xarray", "zarr", "zict"};

/* Installed in many places for what their functions do, which includes to run code,
 * programs and requests (six.exec_, click.launch, plumbum.local): their objects
 * are foreign, what is called of them or handed on to be is not. */
static const char *const tools[] = {"AppKit", "Cryptodome", "Foundation",
    "MySQLdb", "OpenSSL", "PyQt5", "PyQt6", "PySide2", "PySide6", "Pyro4",
    "Pyro5", "adal", "adlfs", "affine", "aiofiles", "aiosignal", "alabaster",
    "ansible", "antlr4", "appdirs", "apt", "apt_inst", "apt_pkg", "aptsources",
    "argcomplete", "asciitree", "astunparse", "async_timeout", "asyncssh",
    "attr", "attrs", "av", "avro", "azure", "babel", "backcall", "bcrypt",
    "beniget", "blinker", "blosc", "borg", "botocore", "bottleneck", "bpython",
    "breezy", "brotli", "bzrlib", "cairo", "certifi", "cffi", "cftime",
    "chardet", "charset_normalizer", "click", "click_plugins", "cligj", "cmaes",
    "codetiming", "colorama", "colorlog", "comtypes", "conda", "configobj",
    "contourpy", "coverage", "cppyy", "crcmod", "cryptography", "cups",
    "cupshelpers", "cvxopt", "cycler", "dateutil", "dbus", "debugpy",
    "decorator", "defusedxml", "diskcache", "distlib", "distro", "dns",
    "dotenv", "dropbox", "dulwich", "duplicity", "easydict", "emcee",
    "entrypoints", "erfa", "et_xmlfile", "execnet", "executing", "fastcore",
    "fasteners", "fastjsonschema", "filelock", "flatbuffers", "fontTools",
    "frozenlist", "fsspec", "functorch", "fuse", "fusepy", "future", "gast",
    "gcsfs", "gi", "git", "gradio", "h5netcdf", "hatch", "heapdict", "hglib",
    "hickle", "html5lib", "httplib2", "hvac", "idna", "imageio", "imagesize",
    "impacket", "iniconfig", "ipdb", "isodate", "isympy", "jdcal", "jmespath",
    "jnius", "jpype", "jsonlines", "julia", "jupyter_core", "jwt", "kafka",
    "kaggle", "keyboard", "keyring", "kiwisolver", "kubernetes", "launchpadlib",
    "lazr", "ldap", "ldap3", "libarchive", "libfuturize", "libpasteurize",
    "line_profiler", "locket", "loguru", "loky", "lz4", "mamba", "markupsafe",
    "matlab", "memory_profiler", "mercurial", "monotonic", "more_itertools",
    "mpl_toolkits", "mpmath", "msal", "msal_extensions", "msgpack", "msrest",
    "msrestazure", "multidict", "nacl", "napalm", "nbconvert", "nbformat",
    "netmiko", "nibabel", "nisext", "nornir", "nox", "numcodecs", "oauthlib",
    "objc", "oct2py", "odf", "olefile", "omp", "openpyxl", "packaging",
    "papermill", "parallel_ssh", "parsl", "partd", "past", "pebble", "perf",
    "pexpect", "pika", "pipenv", "pipx", "platformdirs", "playwright",
    "plumbum", "poetry", "pomegranate", "portalocker", "pssh", "ptpython",
    "ptyprocess", "pudb", "pvectorc", "pwn", "pwnlib", "py7zr", "pyautogui",
    "pycuda", "pydevd", "pydevd_plugins", "pyflakes", "pyftpdlib", "pygit2",
    "pygtkcompat", "pyinstrument", "pylab", "pynput", "pyodbc", "pyopencl",
    "pyrsistent", "pythoncom", "pytz", "pywinauto", "pyximport", "rasterio",
    "requests_oauthlib", "roman", "rpdb", "rpy2", "rpyc", "s3fs", "s3transfer",
    "salt", "scapy", "scp", "scrapy", "selenium", "sentencepiece",
    "setproctitle", "simplejson", "sitecustomize", "six", "smbc", "smbprotocol",
    "snuggs", "softwareproperties", "sortedcontainers", "soupsieve", "sparse",
    "sshtunnel", "stack_data", "stone", "streamlit", "strictyaml", "supervisor",
    "tabulate", "telnetlib3", "tenacity", "texttable", "threadpoolctl",
    "tifffile", "tlz", "toml", "torchgen", "tox", "twine", "typing_extensions",
    "uamqp", "ufoLib2", "unidecode", "usercustomize", "uvloop", "validate",
    "wadllib", "watchdog", "wcwidth", "webencodings", "win32api", "win32com",
    "win32file", "win32gui", "win32process", "wmi", "wrapt", "wx", "xmltodict",
    "xonsh", "xxlimited", "yarl", "yq", "zfpy", "zipp", "zstandard"};

static bool
is_tool(struct slice module)
{
	const char *s = (const char *)module.ptr;
	const char *dot = module.len != 0 ? memchr(s, '.', module.len) : NULL;

	return text_is_among(s, dot != NULL ? (size_t)(dot - s) : module.len,
	    tools, ARRAY_LEN(tools));
}

/* Parts of words alone, of which the first is nobody's that is known. */
static bool
is_foreign(struct slice module)
{
	const char *s = (const char *)module.ptr;

	for (size_t i = 0, n; i <= module.len; i += n + 1) {
		const char *dot;

		dot =
		    i < module.len ? memchr(s + i, '.', module.len - i) : NULL;
		n = dot != NULL ? (size_t)(dot - s) - i : module.len - i;
		if (!check_pickle_is_word(
			(struct slice){module.ptr + i, n}, '_'))
			return false;
		if (i == 0 &&
		    (text_is_among(s, n, known, ARRAY_LEN(known)) ||
			check_config_taken(s, n) ||
			(*s == '_' &&
			    !(n == 8 && memcmp(s, "__main__", 8) == 0))))
			return false;
	}
	return true;
}

/* A class of which the name says that its state is a pickle, which it loads
 * (CloudpickleWrapper, of many libraries for reinforcement learning). */
static bool
is_wrapper(struct slice name)
{
	static const char *const parts[] = {"Cloudpickle", "CloudPickle",
	    "Dill", "Pickled", "PickleWrapper", "SerializationWrapper",
	    "Unpickl"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (memmem(name.ptr, name.len, parts[i], strlen(parts[i])) !=
		    NULL)
			return true;
	return false;
}

bool
check_pickle_foreign(const struct check_pickle_fact *t)
{
	size_t first = t->name.len > 1 && t->name.ptr[0] == '_';
	bool is_class = t->name.len != 0 && t->name.ptr[first] >= 'A' &&
			t->name.ptr[first] <= 'Z';

	if (is_tool(t->module) && (!is_class || !t->called || t->put))
		return false;
	return t->danger == NULL && !t->hooked && !t->reduced &&
	       !is_wrapper(t->name) && check_pickle_is_word(t->name, '_') &&
	       (is_class || !t->called) &&
	       !(t->name.len > 1 && memcmp(t->name.ptr, "__", 2) == 0) &&
	       is_foreign(t->module);
}
