/* SPDX-License-Identifier: MIT
 * What `assay audit` was told about signing, handed on to assay-report, which
 * signs: no key is ever opened here.
 */
#ifndef AUDIT_SIGNING_H
#define AUDIT_SIGNING_H

#include "audit/command.h"

#include "base/opt.h"

/* As the options of assay-report(1) of the same names; all may be NULL. */
struct signing {
	const char *key, *passphrase, *command, *public_key, *certificate;
	const char *pae, *query;
	bool model;
};

/* Entries of a table of options, to a struct signing. */
/* clang-format off */
#define SIGNING_OPTIONS(to)                                                    \
    {.name = "key", .letter = 'k', .kind = OPT_STR, .dest = &(to).key,         \
	.arg = "KEY",                                                          \
	.help = "sign the report with this: a PEM file or a pkcs11: URI"},     \
    {.name = "passphrase-file", .kind = OPT_STR, .dest = &(to).passphrase,     \
	.arg = "FILE",                                                         \
	.help = "its first line unlocks the key, or is the PIN"},              \
    {.name = "sign-command", .kind = OPT_STR, .dest = &(to).command,           \
	.arg = "COMMAND", .help = "sign by this; wants --public-key"},         \
    {.name = "public-key", .kind = OPT_STR, .dest = &(to).public_key,          \
	.arg = "FILE", .help = "of whoever signs elsewhere, PEM"},             \
    {.name = "certificate", .kind = OPT_STR, .dest = &(to).certificate,        \
	.arg = "FILE", .help = "of the key, PEM, for the report"},             \
    {.name = "emit-pae", .kind = OPT_STR, .dest = &(to).pae, .arg = "FILE",    \
	.help = "do not sign: write what is to be signed"},                    \
    {.name = "timestamp-query", .kind = OPT_STR, .dest = &(to).query,          \
	.arg = "FILE", .help = "write a request for a timestamp"},             \
    {.name = "model-signature", .kind = OPT_FLAG, .dest = &(to).model,         \
	.help = "also write model.sig, as OpenSSF model signing has it"}
/* clang-format on */

/* Something of it was given: worth trying before the work. */
bool signing_asked(const struct signing *);
/* The report will be signed when it is made. */
bool signing_now(const struct signing *);
/* Whether something of it is to go to stdout, where the summary goes. */
bool signing_to_stdout(const struct signing *);
/* What a complaint about the key names. */
const char *signing_name(const struct signing *);
/* All that was given, as options of assay-report. */
void signing_hand_on(const struct signing *, struct command *);
/* On stdout: how to verify the report in CASE, or what is still to be done. */
void signing_print(const struct signing *, const char *dir, const char *bundle);

#endif
