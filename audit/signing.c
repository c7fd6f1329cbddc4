/* SPDX-License-Identifier: MIT */
#include "audit/signing.h"

bool
signing_now(const struct signing *s)
{
	return s->key != NULL || s->command != NULL;
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

void
signing_print(const struct signing *s, const char *dir, const char *bundle)
{
	if (s->pae != NULL)
		printf("sign            %s, then: assay-report %s/report "
		       "--attach-signature SIGNATURE\n",
		    s->pae, dir);
	else if (!signing_now(s))
		printf("verify          not signed: no --key was given\n");
	if (s->query != NULL)
		printf("timestamp       ask for %s, then: assay-report "
		       "%s/report --attach-timestamp ANSWER\n",
		    s->query, dir);
	if (!signing_now(s) && s->pae == NULL)
		return;
	printf("verify          assay-verify %s/report %s%s --bundle %s\n", dir,
	    s->certificate != NULL ? "--ca AUTHORITIES --identity NAME"
				   : "--key YOUR-PUBLIC-KEY",
	    s->query != NULL ? " --tsa-ca AUTHORITIES-OF-TIME" : "", bundle);
}
