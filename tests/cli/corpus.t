#!/bin/sh
# assay-inspect on the committed part of the corpus: what is malicious is
# flagged, what is malformed is not called clean, what is honest is.
. tests/cli/tap.sh
c=fixtures/corpus/selected

bin=$(dirname "$(command -v assay-inspect)")
run python3 -B tests/corpus.py --save $tmp/table "$bin" $c
ok "one run over the corpus" [ $rc -eq 0 ]
while read -r item label got ids; do
	case $label in
	malicious) ok "$item is flagged: $got" [ "$got" = flagged ] ;;
	benign) ok "$item is not: $got $ids" [ "$got" != flagged ] ;;
	*) ok "$item is not clean: $got" [ "$got" != clean ] ;;
	esac
done <$tmp/table
ok "each item has a verdict" [ "$(wc -l <$tmp/table)" -eq $(($(wc -l <$c/manifest.tsv) - 1)) ]
(cd $c && sed 1d manifest.tsv | while IFS="$(printf '\t')" read -r item family label technique source sum; do
	[ "$(find "$item" -type f | wc -l)" -ne 1 ] ||
		echo "$sum  $(find "$item" -type f)"
done) >$tmp/sums
ok "the files are those of the manifest" sh -c "cd $c && sha256sum -c --quiet $tmp/sums"
done_testing
