#!/bin/sh
# assay-inspect on pickles: what is hostile is flagged, what honest libraries
# write is not, what is broken is not called clean.
. tests/cli/tap.sh
f=fixtures/inspect

for one in $f/bad-*; do
	exits 1 "${one##*/}" assay-inspect "$one"
done
for one in $f/good-*; do
	exits 0 "${one##*/}" assay-inspect "$one"
done
for one in $f/malformed-*; do
	assay-inspect "$one" >$out 2>$err
	rc=$?
	ok "${one##*/} is not clean: status $rc" [ $rc -ne 0 ]
done

# what is said of it
exits 1 "a call" assay-inspect $f/bad-named.bin
prints "critical .*PICKLE_CALL_DANGEROUS"
prints "os.system"
exits 1 "an unknown class" assay-inspect $f/bad-call-of-result.pkl
prints "high .*PICKLE_CALL_UNKNOWN"
exits 1 "functions as code" assay-inspect $f/bad-dill.pkl
prints "PICKLE_CODE"
exits 1 "frames" assay-inspect $f/bad-frame-short.pkl
prints "PICKLE_DIVERGENT"
exits 1 "a pickle in a pickle" assay-inspect --json $f/bad-nested-base64.pkl
prints '"member": "base64@'
exits 1 "a pickle behind an array" assay-inspect --json $f/bad-behind-array.joblib
prints '"offset"'

# any name, and none that it was given
cp $f/bad-named.bin $tmp/README
exits 1 "another name" assay-inspect $tmp/README
cp $f/good-values-4.pkl $tmp/values.txt
exits 0 "an honest one under another name" assay-inspect $tmp/values.txt
prints "FILE_PICKLE"
done_testing
