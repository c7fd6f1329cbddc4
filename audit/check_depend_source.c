/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memmem, memrchr, strncasecmp */
#include "audit/check_depend_source.h"

#include <strings.h>

bool
check_depend_line_has(const struct check_depend_line *l, const char *word)
{
	return l->len != 0 && memmem(l->s, l->len, word, strlen(word)) != NULL;
}

bool
check_depend_line_begins(const struct check_depend_line *l, const char *word)
{
	return l->len >= strlen(word) &&
	       strncasecmp(l->s, word, strlen(word)) == 0;
}

/* The value is one of the addresses, or below it. */
bool
check_depend_source_is_under(
    const struct check_depend_line *v, const char *const *urls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(urls[i]);

		if (v->len >= n && memcmp(v->s, urls[i], n) == 0 &&
		    (urls[i][n - 1] == '/' || v->len == n || v->s[n] == '/'))
			return true;
	}
	return false;
}

/* Hosts that the makers of PyTorch, PyG, JAX and CUDA tell people to use. */
bool
check_depend_source_usual_host(const struct check_depend_line *v)
{
	static const char *const urls[] = {"https://download.pytorch.org/",
	    "https://data.pyg.org/", "https://pypi.nvidia.com",
	    "https://pypi.ngc.nvidia.com",
	    "https://storage.googleapis.com/jax-releases/",
	    ("https://pypi"
	     ".org/simple")};

	return check_depend_source_is_under(v, urls, ARRAY_LEN(urls));
}

/* The only address in the line is one of them. */
bool
check_depend_source_usual_line(const struct check_depend_line *l)
{
	const char *at = memmem(l->s, l->len, "https://", 8);
	struct check_depend_line v;

	if (at == NULL)
		return false;
	v = (struct check_depend_line){
	    at, l->len - (size_t)(at - l->s), l->off};
	return check_depend_source_usual_host(&v) &&
	       memmem(l->s, (size_t)(at - l->s), "://", 3) == NULL &&
	       memmem(v.s + 8, v.len - 8, "://", 3) == NULL;
}

/* A revision of forty digits, or a digest, cannot change its content. */
static bool
pinned_commit(const struct check_depend_line *l)
{
	const char *at = memrchr(l->s, '@', l->len);
	size_t n = 0, left;

	if (check_depend_line_has(l, "#sha256=") ||
	    check_depend_line_has(l, "--hash=sha256:"))
		return true;
	if (at == NULL)
		return false;
	left = l->len - (size_t)(at + 1 - l->s);
	while (n < left && ((at[1 + n] >= '0' && at[1 + n] <= '9') ||
			       (at[1 + n] >= 'a' && at[1 + n] <= 'f')))
		n++;
	return n == 40 && (n == left || strchr("# ;\t", at[1 + n]) != NULL);
}

/* Accounts of those whose libraries everybody installs: a file of theirs is
 * nobody else's code, but may be another tomorrow. */
bool
check_depend_source_known(const struct check_depend_line *l)
{
	static const char *const accounts[] = {"huggingface", "openai",
	    "pytorch", "facebookresearch", "nvidia", "microsoft", "google",
	    "google-research", "tensorflow", "keras-team", "scikit-learn",
	    "ultralytics", "lightning-ai", "open-mmlab", "onnx", "dao-ailab",
	    "google-deepmind", "deepmind", "apple", "nvlabs", "compvis",
	    "mlfoundations", "salesforce", "idea-research", "modelscope",
	    "kornia", "albumentations-team", "project-monai", "wandb", "mlflow",
	    "ray-project", "vllm-project", "triton-lang", "jax-ml",
	    "state-spaces", "mosaicml", "allenai", "speechbrain", "explosion",
	    "cocodataset", "gradio-app", "dmlc", "apache", "pandas-dev",
	    "numpy", "scipy", "dask", "qubvel", "rwightman", "timdettmers"};
	static const char before[] = "https://github.com/";
	const char *p = l->len != 0
			    ? memmem(l->s, l->len, before, sizeof(before) - 1)
			    : NULL;
	size_t left;

	if (p == NULL || memmem(l->s, (size_t)(p - l->s), "://", 3) != NULL)
		return false;
	p += sizeof(before) - 1;
	left = l->len - (size_t)(p - l->s);
	for (size_t i = 0; i < ARRAY_LEN(accounts); i++) {
		size_t n = strlen(accounts[i]);

		if (left > n && strncasecmp(p, accounts[i], n) == 0 &&
		    p[n] == '/')
			return memmem(p, left, "://", 3) == NULL &&
			       memmem(p, left, "..", 2) == NULL &&
			       memchr(p, '%', left) == NULL;
	}
	return false;
}

/* A wheel of those who make PyTorch, where they tell people to take it. */
static bool
usual_wheel(const struct check_depend_line *l)
{
	static const char wheels[] =
	    "https://dl.fbaipublicfiles.com/detectron2/wheels/";
	struct check_depend_line v = *l;
	const char *at = v.len != 0 ? memmem(v.s, v.len, "https://", 8) : NULL;

	if (at == NULL || check_depend_line_has(l, ".."))
		return false;
	v.len -= (size_t)(at - v.s);
	v.s = at;
	return check_depend_source_usual_host(&v) ||
	       check_depend_line_begins(&v, wheels);
}

/* Where conda builds its packages: pip freeze says where each was then. */
static bool
of_conda(const struct check_depend_line *l)
{
	static const char *const places[] = {"/feedstock_root/", "/croot/",
	    "/tmp/build/80754af9/", "/conda-bld/", "/b/abs_", "/ci_py3",
	    "/perseverance-python-buildout/"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (check_depend_line_has(l, places[i]))
			return !check_depend_line_has(l, "..");
	return false;
}

/* A file of the machine that the list is read on; file://host/ and
 * file:////host/ are of another one. */
static bool
is_local_url(const struct check_depend_line *l)
{
	static const char file[] = "file:///";
	const char *at = l->len != 0 ? memmem(l->s, l->len, "://", 3) : NULL;
	size_t left;

	if (at == NULL || at - l->s < 4)
		return false;
	at -= 4;
	left = l->len - (size_t)(at - l->s);
	return left > sizeof(file) && memcmp(at, file, sizeof(file) - 1) == 0 &&
	       strchr("/\\", at[sizeof(file) - 1]) == NULL &&
	       memmem(at + sizeof(file), left - sizeof(file), "://", 3) == NULL;
}

/* What a package is that is fetched by its address. */
enum finding_id
check_depend_source(const struct check_depend_line *l)
{
	if (is_local_url(l))
		return of_conda(l) ? FINDING_DEPEND_UNPINNED
				   : FINDING_DEPEND_LOCAL;
	if (check_depend_source_known(l) || usual_wheel(l))
		return FINDING_DEPEND_UNPINNED;
	return pinned_commit(l) && !check_depend_line_has(l, "http://") &&
		       !check_depend_line_begins(l, "git+http:")
		   ? FINDING_DEPEND_LOCAL
		   : FINDING_DEPEND_SOURCE;
}
