/* SPDX-License-Identifier: MIT
 * Classes of packages that are neither the standard library, nor in wide use, nor
 * here: the package of whoever trained the model, or a small library's.  That
 * its objects are made, and take attributes, is object.__new__() and an update of
 * their dictionary, unless the class says otherwise (Lib/pickle.py, load_build);
 * and whoever wants to run something has to name it, which is found by itself.
 * What classes of packages in wide use do with a state is known: those that only
 * take attributes are in check_pickle_allow.def, and no others are harmless.
 */
#include "audit/check_config_part.h"
#include "audit/check_pickle_judge.h"
#include "base/text.h"

/* In wide use too: beside those that no bundle has as its own. */
static const char *const known[] = {"Cython", "alembic", "astropy", "bokeh",
    "bs4", "celery", "cython", "dbt", "deap", "distributed", "django",
    "docutils", "eventlet", "fire", "flask", "fs", "gensim", "gevent",
    "greenlet", "gunicorn", "h5py", "hypothesis", "ipykernel", "ipywidgets",
    "jedi", "jsonschema", "jupyter", "kombu", "lib2to3", "llvmlite", "lxml",
    "mako", "marshmallow", "mypy", "netCDF4", "networkx", "nose", "notebook",
    "numexpr", "optuna", "parso", "pbr", "peewee", "pluggy", "plotly", "ply",
    "prefect", "psutil", "psycopg2", "py", "pydantic", "pygments", "pymongo",
    "pymysql", "pyparsing", "pyramid", "pytest", "pythran", "pywt", "redis",
    "regex", "rich", "ruamel", "seaborn", "smart_open", "snowballstemmer",
    "sphinx", "sqlalchemy", "sympy", "tables", "tblib", "tensorboard", "thinc",
    "toolz", "tornado", "traitlets", "twisted", "typer", "uvicorn",
    "virtualenv", "werkzeug", "xarray", "zarr", "zict"};

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

bool
check_pickle_foreign(const struct check_pickle_fact *t)
{
	size_t first = t->name.len > 1 && t->name.ptr[0] == '_';
	bool is_class = t->name.len != 0 && t->name.ptr[first] >= 'A' &&
			t->name.ptr[first] <= 'Z';

	return t->danger == NULL && !t->hooked && !t->reduced &&
	       check_pickle_is_word(t->name, '_') && (is_class || !t->called) &&
	       !(t->name.len > 1 && memcmp(t->name.ptr, "__", 2) == 0) &&
	       is_foreign(t->module);
}
