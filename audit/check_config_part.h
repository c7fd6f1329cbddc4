/* SPDX-License-Identifier: MIT
 * What configurations make their loaders do.  Each theme judges a whole tree
 * by its keys and values, whatever the file is called: a loader that is told
 * to reads a configuration of any name.
 */
#ifndef AUDIT_CHECK_CONFIG_PART_H
#define AUDIT_CHECK_CONFIG_PART_H

#include "audit/check.h"
#include "formats/conf.h"

/* Hugging Face: code of a repository, files that lie elsewhere. */
void check_config_hf(const struct check_file *, const struct conf_doc *);
/* Hydra, Lightning and others: names of what is to be called. */
void check_config_target(const struct check_file *, const struct conf_doc *);
/* LangChain: constructors and secrets. */
void check_config_langchain(const struct check_file *, const struct conf_doc *);
/* MLmodel, conda.yaml, python_env.yaml, bentofile.yaml */
void check_config_mlflow(const struct check_file *, const struct conf_doc *);
/* MAR-INF/MANIFEST.json of TorchServe */
void check_config_serve(const struct check_file *, const struct conf_doc *);
/* schema.json of skops */
void check_config_skops(const struct check_file *, const struct conf_doc *);
/* Strings that are templates, code or pickles. */
void check_config_string(const struct check_file *, const struct conf_doc *);
/* Commands, by the keys that runners have for them. */
void check_config_command(const struct check_file *, const struct conf_doc *);
/* Servers and settings of coding agents. */
void check_config_agent(const struct check_file *, const struct conf_doc *);
/* Cells of a notebook. */
void check_config_notebook(const struct check_file *, const struct conf *cells);
/* Which file of safetensors holds what, in an index. */
void check_config_shards(const struct check_file *, const struct conf_doc *);
/* What a container is given of its host. */
void check_config_host(const struct check_file *, const struct conf_doc *);
/* Nodes of trees that lead nowhere. */
void check_config_xgboost(const struct check_file *, const struct conf_doc *);
/* What a tokenizer puts in place of words. */
void check_config_tokenizer(const struct check_file *, const struct conf_doc *);
/* Words of a tokenizer that share a number, also with vocab.json beside it. */
void check_config_words(const struct check_file *, const struct conf_doc *);
/* Chunks of arrays that are elsewhere. */
void check_config_refs(const struct check_file *, const struct conf_doc *);
/* What the libraries of Hugging Face refuse. */
void check_config_shape(const struct check_file *, const struct conf_doc *);
/* Tags of YAML. */
void check_config_tag(const struct check_file *, const struct conf_doc *);

/* For them: text of a scalar, escaped for a person; "" when there is none. */
const char *check_config_shown(const struct conf *, char *out, size_t size);
/* Its name as a path leaves the folder: absolute, a drive, "..", a URL. */
bool check_config_escapes(const struct conf *);
/* A dotted name that calls what it is given: what a loader may be told to
 * make of a configuration.  See check_config_target.c. */
bool check_config_trusted(const char *name, size_t len);
/* A pickle might use it so (USE_ bits of check_pickle_allow.h), whatever the
 * arguments.  See check_config_tag.c. */
bool check_config_harmless(const char *name, size_t len, unsigned use);
/* No part of it is private, or a module that many others have imported. */
bool check_config_plain(const char *name, size_t len);
/* It names what a file of the bundle makes.  See check_config_local.c. */
bool check_config_local(
    const struct check_file *, const char *name, size_t len);
/* The same of a name within an archive, for which no file of it is looked up. */
bool check_config_brings(
    const struct check_file *, const char *name, size_t len);
/* The name of a module that a bundle may well have as its own: neither a path nor
 * one of the standard library or of a package in wide use. */
bool check_config_own(const char *module, size_t len);
/* The first part of a module's name is one of these. */
bool check_config_taken(const char *top, size_t len);
/* One requirement of a package, as pip takes it. */
void check_config_requirement(
    const struct check_file *, const char *, size_t len, uint64_t off);

#endif
