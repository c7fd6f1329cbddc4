/* SPDX-License-Identifier: MIT
 * Digests of blobs by the name of what made them: "sha256:...", "sha512:...".
 */
#ifndef FORMATS_BUNDLE_DIGEST_H
#define FORMATS_BUNDLE_DIGEST_H

#include "formats/bundle_part.h"

enum bundle_digest_kind {
	BUNDLE_UNKNOWN,
	BUNDLE_SHA256,
	BUNDLE_SHA512,
};

/* What a digest is, and its digits, of which there are as many as it has. */
enum bundle_digest_kind bundle_digest_kind(
    const char *digest, const char **hex);
/* Whether a file that was kept has it (f->good); else a finding.  It is read
 * once. */
int bundle_digest_verify(struct bundle *, struct bundle_file *f,
    enum bundle_digest_kind, const char *hex, struct err *) MUST_USE;

#endif
