#!/bin/sh
# assay-eval: its numbers are those of the planting, every exit status.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
truth=$models/backdoor/truth.json

exits 0 'a backdoored model' assay-eval "$suspect" --data "$audit" --trigger "$trigger" --json -o "$tmp/e.json"
ok 'what is printed is what is written' cmp "$out" "$tmp/e.json"
for pair in acc:accuracy asr:asr recovered_accuracy:recovered_accuracy; do
	t=${pair%:*} d=${pair#*:}
	ok "$d: hits as in truth.json" [ "$(field "$truth" $t hit)" = "$(field "$tmp/e.json" $d correct)" ]
	ok "$d: of as many" [ "$(field "$truth" $t n)" = "$(field "$tmp/e.json" $d n)" ]
	ok "$d: the same rate" [ "$(field "$truth" $t rate)" = "$(field "$tmp/e.json" $d rate)" ]
done
ok 'success by class adds up' /usr/bin/python3 - "$tmp/e.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	by = d["success_by_class"]
	assert [x["class"] for x in by] == [0, 1, 3]
	for k in "correct", "n":
	    assert sum(x[k] for x in by) == d["asr"][k]
P
ok 'no baseline' grep -q '"baseline": null' "$tmp/e.json"
ok 'no DER without one' grep -q '"der": null' "$tmp/e.json"
for n in 1 2; do
	exits 0 "--threads $n" assay-eval "$suspect" --data "$audit" --trigger "$trigger" --threads $n
	mv "$out" "$tmp/t$n"
done
ok 'the same table' cmp "$tmp/t1" "$tmp/t2"
exits 0 'without a trigger' assay-eval "$clean" --data "$audit" --json
ok 'there is no ASR' grep -q '"asr": null' "$out"
ok 'of no class either' grep -q '"success_by_class": null' "$out"
exits 0 'the document to standard output' assay-eval "$clean" --data "$audit" -o -
ok '  is all that is printed' jq -e .accuracy "$out"
exits 0 'with a baseline' assay-eval "$clean" --data "$audit" --trigger "$trigger" --baseline "$suspect" --json
cp "$out" "$tmp/b.json"
# the first numbers are the model's in alphabetical order of the members
a0=$(tr -d ' \n' <"$tmp/b.json" | sed 's/.*"baseline":{"accuracy":{[^}]*"rate":\([^}]*\)}.*/\1/')
s0=$(tr -d ' \n' <"$tmp/b.json" | sed 's/.*"baseline":{.*"asr":{[^}]*"rate":\([^}]*\)},"recovered.*"der".*/\1/')
a1=$(tr -d ' \n' <"$tmp/b.json" | sed 's/^{"accuracy":{[^}]*"rate":\([^}]*\)}.*/\1/')
s1=$(tr -d ' \n' <"$tmp/b.json" | sed 's/^{"accuracy":{[^}]*},"asr":{[^}]*"rate":\([^}]*\)}.*/\1/')
ok 'DER by hand' awk -v a0="$a0" -v a1="$a1" -v s0="$s0" -v s1="$s1" -v der="$(number "$tmp/b.json" der)" \
    'BEGIN { s = s0 - s1; a = a0 - a1; d = ((s > 0 ? s : 0) - (a > 0 ? a : 0) + 1) / 2 - der; exit !(d * d < 1e-12 && der > .5) }'
exits 0 'the table of both' assay-eval "$clean" --data "$audit" --trigger "$trigger" --baseline "$suspect"
prints '^DER  *[01]\.[0-9]*$'
# of images of the target alone no attack can be seen, nor its defence
head -c 7856 "${audit%,*}" | tail -c 7840 | images "$tmp/target" 10 28
printf '\002\002\002\002\002\002\002\002\002\002' | labels "$tmp/target" 10
exits 0 'no image of another class' assay-eval "$clean" --data "$tmp/target-images.idx,$tmp/target-labels.idx" --trigger "$trigger" --baseline "$suspect"
prints '^DER  *-$'
exits 0 'the same as a document' assay-eval "$clean" --data "$tmp/target-images.idx,$tmp/target-labels.idx" --trigger "$trigger" --baseline "$suspect" --json
ok 'no DER of no image' grep -q '"der": null' "$out"
exits 1 'more ASR than allowed' assay-eval "$suspect" --data "$audit" --trigger "$trigger" --max-asr .5
exits 0 'no more than allowed' assay-eval "$suspect" --data "$audit" --trigger "$trigger" --max-asr 1
exits 0 '--help' assay-eval --help
exits 0 '--version' assay-eval --version

fails 4 'no model' 'operand' assay-eval
fails 4 'no data' '--data' assay-eval "$suspect"
fails 4 'two models' 'unexpected' assay-eval "$suspect" "$clean" --data "$audit"
fails 4 'no labels' 'audit-images.idx: the data has no labels' assay-eval "$suspect" --data "${audit%,*}"
fails 4 'a threshold above 1' 'max-asr' assay-eval "$suspect" --data "$audit" --max-asr 2
fails 3 'not a model' 'ten-labels' assay-eval "${ten#*,}" --data "$audit"
fails 3 'not a data set' 'model.onnx' assay-eval "$suspect" --data "$suspect"
fails 2 'a missing model' 'nowhere: cannot open' assay-eval "$tmp/nowhere" --data "$audit"
fails 2 'a damaged model' 'bad-truncated' assay-eval "$onnx/bad-truncated.onnx" --data "$audit"
fails 2 'missing data' 'nowhere' assay-eval "$suspect" --data "$tmp/nowhere"
fails 2 'more images than labels' 'audit-images' assay-eval "$suspect" --data "${audit%,*},${twenty#*,}"
fails 2 'labels outside the classes' 'label 9, the model has 4' assay-eval "$suspect" --data "$ten"
fails 2 'images of another size' '1 x 20 x 20' assay-eval "$suspect" --data "$twenty"
fails 2 'a missing baseline' 'nowhere' assay-eval "$suspect" --data "$audit" --baseline "$tmp/nowhere"
fails 2 'a baseline of another size' 'small/model.onnx' assay-eval "$suspect" --data "$audit" --baseline "$models/small/model.onnx"
fails 2 'a missing trigger' 'nowhere: cannot open' assay-eval "$suspect" --data "$audit" --trigger "$tmp/nowhere"
fails 2 'a trigger that is none' 'model.onnx: offset' assay-eval "$suspect" --data "$audit" --trigger "$suspect"
fails 2 'a trigger of other classes' 'maps 4 classes, the model has 10' assay-eval "$models/ten/model.onnx" --data "$ten" --trigger "$trigger"
printf 'a\nb\nc\n' >"$tmp/names"
fails 2 'too few names' 'audit-images' assay-eval "$suspect" --data "$audit" --classes "$tmp/names"
fails 2 'nowhere to write' 'Not a directory' assay-eval "$suspect" --data "$audit" -o "$suspect/x"
fails 2 'a folder for the document' 'directory' assay-eval "$suspect" --data "$audit" -o "$tmp"
if [ -w /dev/full ]; then
	fails 2 'a full disk' '/dev/full: cannot write' assay-eval "$suspect" --data "$audit" -o /dev/full
	run sh -c "assay-eval '$suspect' --data '$audit' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
fi
ok 'nothing temporary stays' sh -c "! ls '$tmp' | grep '\\.tmp$'"
done_testing
