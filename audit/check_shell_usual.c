/* SPDX-License-Identifier: MIT */
#include "audit/check_shell_usual.h"

bool
check_shell_usual_installer(const char *s, size_t len)
{
	static const char *const of[] = {"https://astral.sh/uv/",
	    "https://install.python-poetry.org", "https://sh.rustup.rs",
	    "https://get.docker.com", "https://bootstrap.pypa.io/",
	    "https://deb.nodesource.com/setup_",
	    "https://ollama.com/install.sh", "https://pyenv.run",
	    "https://pixi.sh/install.sh",
	    "https://raw.githubusercontent.com/homebrew/install/",
	    "https://raw.githubusercontent.com/nvm-sh/nvm/",
	    "https://raw.githubusercontent.com/python-poetry/",
	    "https://codecov.io/bash", "https://sdk.cloud.google.com",
	    "https://raw.githubusercontent.com/pyenv/pyenv-installer/",
	    "https://raw.githubusercontent.com/helm/helm/",
	    "https://bun.sh/install", "https://get.sdkman.io",
	    "https://packagecloud.io/install/repositories/github/git-lfs/"};

	for (size_t i = 0; i < len; i++) /* no other host, no way up */
		if (strchr("@%$#?{\\", s[i]) != NULL ||
		    (s[i] == '.' && i + 1 < len && s[i + 1] == '.'))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		size_t n = strlen(of[i]);
		char last = of[i][n - 1];

		if (len >= n && memcmp(s, of[i], n) == 0 &&
		    (len == n || s[n] == '/' || last == '/' || last == '_'))
			return true;
	}
	return false;
}

bool
check_shell_usual_option(const char *s, size_t len)
{
	static const char *const of[] = {"-", "--proto", "=https", "--tlsv1.2",
	    "--tlsv1.3", "--fail", "--silent", "--show-error", "--location",
	    "--quiet"};

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (len == strlen(of[i]) && memcmp(s, of[i], len) == 0)
			return true;
	for (size_t i = 1; i < len; i++)
		if (strchr("fslqo-", s[i]) == NULL)
			return false;
	return len > 1 && s[0] == '-' && s[1] != '-';
}
