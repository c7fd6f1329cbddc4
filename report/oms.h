/* SPDX-License-Identifier: MIT
 * OpenSSF model signing v1.0 (model-signing-spec): a statement of nothing but
 * the files of a bundle, which that project's tools can check by themselves;
 * and the same of a supplier, checked.
 *
 * What was compared with what: the fields, their names and their values are
 * those of the specification's JSON schemas and of model_signing 1.1.1
 * (src/model_signing/_signing/signing.py, manifest.py); both were read, the
 * package itself has not been run here.  The subject's digest is SHA-256 over
 * the resources' raw digests in the order in which they are listed, as its
 * verifier computes it.  We list by code point of the whole name
 * (specification 5.2.1); its signer sorts by the parts of the path
 * ("a/b" before "a.txt"), so that the same files can have another subject
 * digest there; either is accepted by either verifier.  The key's hint is the
 * SHA-256 of its PEM text, which its verifier demands.  Its command leaves out
 * .git, .gitignore, .gitattributes and .github at the top of a model unless it
 * is told not to: a bundle that has them needs --no-ignore-git-paths there.
 */
#ifndef REPORT_OMS_H
#define REPORT_OMS_H

#include "report/keys.h"
#include "report/subject.h"

/* The statement, to be signed as a DSSE payload. */
int oms_statement(const struct subject *, const char *name, struct buf *out,
    struct err *) MUST_USE;

/*
 * Is this text (a model.sig, the file `name` among `files`) a signature by the
 * key of every other file beside and beneath it, each as it is there?  Of all
 * files of the bundle none may be left out, but for .gitattributes and the
 * like at the top where the signer says so.  ERR_FORMAT: no, and the first
 * file or field that is to blame; ERR_UNSUPPORTED: signed in a way that cannot
 * be checked here (shards, hashes other than SHA-256).
 */
int oms_verify(const void *text, size_t len, const struct keys *,
    const struct subject *files, const char *name, struct err *) MUST_USE;
/* The same of what is signed alone, whoever signed it. */
int oms_check(const void *statement, size_t len, const struct subject *files,
    const char *name, struct err *) MUST_USE;

#endif
