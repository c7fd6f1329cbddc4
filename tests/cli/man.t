#!/bin/sh
# The manual and --help agree: every option is in the tool's page, and the
# page has no other.
. "$(dirname "$0")/tap.sh"
man=$(cd "$(dirname "$0")/../../man" && pwd)
tail='--help --quiet --version'
for p in "$man"/assay*.1; do
	t=$(basename "$p" .1)
	case $t in assay) set -- assay audit --help ;; *) set -- "$t" --help ;; esac
	exits 0 "$t --help" "$@"
	sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' "$out" | sort -u >"$tmp/help"
	{
		sed -n '/^\.It Fl/s/^\.It //p' "$p" | grep -o '[\\]\{0,1\}-[a-z][a-z-]*[a-z]' | sed 's/^[\\]*-/--/'
		printf '%s\n' $tail
	} | sort -u >"$tmp/page"
	ok "$t: the same options in the manual" diff "$tmp/help" "$tmp/page"
	diff "$tmp/help" "$tmp/page" | sed -n 's/^[<>]/# &/p'
done
done_testing
