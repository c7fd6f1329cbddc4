/* SPDX-License-Identifier: MIT */
#include "audit/signing.h"

#include "base/file.h"
#include "base/text.h"

bool
signing_now(const struct signing *s)
{
	return s->key != NULL || s->command != NULL;
}

bool
signing_to_stdout(const struct signing *s)
{
	return (s->pae != NULL && file_is_stdout(s->pae)) ||
	       (s->query != NULL && file_is_stdout(s->query));
}

bool
signing_asked(const struct signing *s)
{
	return signing_now(s) || s->pae != NULL || s->public_key != NULL ||
	       s->certificate != NULL || s->query != NULL || s->model;
}

const char *
signing_name(const struct signing *s)
{
	/* a URI may hold a PIN */
	if (s->key != NULL)
		return strncmp(s->key, "pkcs11:", 7) == 0 ? "pkcs11:" : s->key;
	return s->command != NULL      ? "--sign-command"
	       : s->public_key != NULL ? s->public_key
				       : "--key";
}

void
signing_hand_on(const struct signing *s, struct command *c)
{
	command_option(c, "--key", s->key);
	command_option(c, "--passphrase-file", s->passphrase);
	command_option(c, "--sign-command", s->command);
	command_option(c, "--public-key", s->public_key);
	command_option(c, "--certificate", s->certificate);
	command_option(c, "--emit-pae", s->pae);
	command_option(c, "--timestamp-query", s->query);
	if (s->model)
		command_arg(c, "--model-signature");
}

/* As a shell reads it, and inert: a bundle is called what its sender liked. */
static void
put_path(const char *path, const char *end)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789"
				    "_./+-=:@%,";
	bool quote = strspn(path, plain) != strlen(path);
	char safe[4096];

	text_escape(path, strlen(path), safe, sizeof(safe));
	if (quote)
		putchar('\'');
	for (const char *p = safe; *p != '\0'; p++)
		printf(*p == '\'' ? "'\\''" : "%c", *p);
	printf("%s%s", end, quote ? "'" : "");
}

void
signing_print(const struct signing *s, const char *dir, const char *bundle)
{
	if (s->pae != NULL) {
		printf("sign            ");
		put_path(s->pae, "");
		printf(", then: assay-report ");
		put_path(dir, "/report");
		printf(" --attach-signature SIGNATURE\n");
	} else if (!signing_now(s)) {
		printf("verify          not signed: no --key was given\n");
	}
	if (s->query != NULL) {
		printf("timestamp       ask for ");
		put_path(s->query, "");
		printf(", then: assay-report ");
		put_path(dir, "/report");
		printf(" --attach-timestamp ANSWER\n");
	}
	if (!signing_now(s) && s->pae == NULL)
		return;
	printf("verify          assay-verify ");
	put_path(dir, "/report");
	printf(" %s%s --bundle ",
	    s->certificate != NULL ? "--ca AUTHORITIES --identity NAME"
				   : "--key YOUR-PUBLIC-KEY",
	    s->query != NULL ? " --tsa-ca AUTHORITIES-OF-TIME" : "");
	put_path(bundle, "");
	printf("\n");
}
