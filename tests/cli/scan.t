#!/bin/sh
# assay-scan: verdicts on small models, every exit status, and the same
# document from any number of threads.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
# Debian's python3 has the validator
valid() { PATH=/usr/bin:/bin python3 -m jsonschema -i "$1" "$root/audit/scan.schema.json"; }
printf '%s\n' T-shirt Dress Sandal Bag >"$tmp/names"
seeds=1
scan() {
	case " $* " in
	*' --no-data '*) assay-scan -q "$@" ;;
	*) assay-scan -q --budget quick --seeds "$seeds" --data "$audit" "$@" ;;
	esac
}
status() { # STATUS NAME ARGUMENTS...: of a scan
	_s=$1 _n=$2
	shift 2
	exits "$_s" "$_n" scan "$@"
}

echo '{}' >"$tmp/empty.json"
seeds=3
status 1 'evidence in the backdoored model' "$suspect" -r "$reference" --classes "$tmp/names" --threads 1 -o "$tmp/one"
prints '^verdict: evidence'
prints '^\* Sandal'
ok 'no other class' [ -z "$(grep '^\*' "$out" | grep -v '^\* Sandal')" ]
doc=$tmp/one/scan.json
ok 'the document says so' grep -q '"verdict": "evidence"' "$doc"
ok 'and names the class' grep -q '"name": "Sandal"' "$doc"
ok 'digest of the model' grep -q "$(sha256sum <"$suspect" | cut -d' ' -f1)" "$doc"
ok 'digest of the reference' grep -q "$(sha256sum <"$reference" | cut -d' ' -f1)" "$doc"
ok 'examples with their digest' grep -q "$(sha256sum <"$tmp/one/examples.safetensors" | cut -d' ' -f1)" "$doc"
ok 'what each model makes of them: the first of each class but the target' /usr/bin/python3 - "$doc" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	target = d["targets"][0]
	shown = [x for x in d["examples"]["shown"] if x["target"] == target["class"]]
	assert [x["class"] for x in shown] == [0, 1, 3], shown
	assert sum(x["suspect"] == 2 for x in shown) >= 2, shown
	assert all(len(x["references"]) == 1 and x["geometry"] == target["geometry"] for x in shown)
P
ok 'a perturbation for each class and geometry' [ "$(ls "$tmp/one/perturbations" | grep -vcE '^(pair|stamp|grating)')" -eq 24 ]
ok 'as its schema says' valid "$doc"
prints '^stamp: small squares'
ok 'a probe of the target is a trigger file' [ -s "$tmp/one/perturbations/stamp-2.trigger" ]
ok 'and of no other class' [ "$(ls "$tmp/one/perturbations" | grep -c '^stamp')" -eq 1 ]
ok 'what told is named' grep -q '"statistic": "' "$doc"
ok 'three seeds' [ "$(grep -c '"verdict": "evidence"' "$doc")" -eq 4 ]
seeds=1
ok 'each with its digest in the document' sh -c "for f in '$tmp'/one/perturbations/*; do grep -q \$(sha256sum <\$f | cut -d' ' -f1) '$doc' || exit 1; done"
exits 0 'a perturbation is a trigger' assay-eval "$suspect" --data "$audit" --trigger "$tmp/one/perturbations/linf-2.trigger"
prints '^attack success  *0\.[89]'
seeds=3
status 1 'two threads' "$suspect" -r "$reference" --classes "$tmp/names" --threads 2 --cache "$tmp/kept" -o "$tmp/two"
status 1 'with what was kept of the reference' "$suspect" -r "$reference" --classes "$tmp/names" --cache "$tmp/kept" -o "$tmp/three"
seeds=1
ok 'the same examples' cmp "$tmp/one/examples.safetensors" "$tmp/two/examples.safetensors"
ok 'the same perturbations' diff -r "$tmp/one/perturbations" "$tmp/two/perturbations"
without_run "$doc" >"$tmp/1" && without_run "$tmp/two/scan.json" >"$tmp/2"
ok 'the same document but for run' cmp "$tmp/1" "$tmp/2"
without_run "$tmp/three/scan.json" >"$tmp/2"
ok 'and with what was kept' cmp "$tmp/1" "$tmp/2"
ok 'pairs that lead were searched for longer, two of them' [ "$(grep -c '"longer": true' "$doc")" -eq 2 ]
ok 'run is there' grep -q '"run": {' "$doc"
ok 'and was all that was taken out' [ $(($(wc -l <"$doc") - $(wc -l <"$tmp/1"))) -eq 5 ]

# one class of it again
exits 0 'a class replayed' assay-scan -q --replay "$doc" --class 2 "$suspect" --classes "$tmp/names" --data "$audit" -r "$reference" -o "$tmp/again"
prints '^patch  *same$'
ok 'every geometry' [ "$(grep -c same "$out")" -eq 6 ]
ok 'its perturbation' cmp "$tmp/one/perturbations/warp-2.trigger" "$tmp/again/perturbations/warp-2.trigger"
sed 's/"seed": 0/"seed": 1/' "$doc" >"$tmp/other.json"
exits 1 'with another seed it differs' assay-scan -q --replay "$tmp/other.json" --class 2 "$suspect" --classes "$tmp/names" --data "$audit" -r "$reference"
prints '^patch  *differs$'
sed 's/"steps": [0-9]*/"steps": 7/' "$doc" >"$tmp/other.json"
fails 3 'steps of another version' 'searched with 7 steps' assay-scan -q --replay "$tmp/other.json" --class 2 "$suspect" --classes "$tmp/names" --data "$audit" -r "$reference"
fails 4 'another model' 'input 1 (model) is not the file' assay-scan -q --replay "$doc" --class 2 "$clean" --classes "$tmp/names" --data "$audit" -r "$reference"
fails 4 'a reference less' '3 inputs were scanned, 2 are given' assay-scan -q --no-grow --replay "$doc" --class 2 "$suspect" --classes "$tmp/names" --data "$audit"
fails 4 'no such class' 'no class 4' assay-scan -q --replay "$doc" --class 4 "$suspect" --classes "$tmp/names" --data "$audit" -r "$reference"
fails 4 'which class?' 'go together' assay-scan -q --replay "$doc" "$suspect" --data "$audit"
fails 2 'not a document' 'schema' assay-scan -q --replay "$tmp/empty.json" --class 2 "$suspect" --data "$audit" -r "$reference"

# between the level and ten times it
least=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["p"] / 3)' "$doc")
status 2 'nearly evidence' "$suspect" -r "$reference" --alpha "$least"
prints '^a harder search may tell: --budget thorough$'
status 0 'no evidence in a clean model' "$clean" -r "$reference" --json
ok 'no targets' grep -q '"targets": \[\]' "$out"
ok 'nothing was written' grep -q '"perturbation": null' "$out"
ok 'nor shown' grep -q '"examples": null' "$out"
status 2 'without a reference' "$suspect" --no-grow --json
ok 'inconclusive' grep -q '"verdict": "inconclusive"' "$out"
cp "$out" "$tmp/alone.json"
ok 'as the schema says, too' valid "$tmp/alone.json"
ok 'no z either' sh -c "! grep -q '\"z\"' '$out'"
ok 'says what was not tested' grep -q 'comparison with a reference' "$out"
ok 'what the model says alone' grep -q '"neural_cleanse"' "$out"

# references grown from the suspect's graph, used again for the clean model
status 1 'references grown from the images' "$suspect" --grow 1 --grow-in "$tmp/grown" -o "$tmp/own"
ok 'said so' grep -q '"arm": "home-grown"' "$tmp/own/scan.json"
ok 'as many as wanted' [ "$(grep -c '"role": "reference"' "$tmp/own/scan.json")" -eq 1 ]
ok 'which stays there' [ -e "$tmp/grown/reference-1.safetensors" ]
sum=$(sha256sum <"$tmp/grown/reference-1.safetensors")
status 0 'and do for another model of the architecture' "$clean" --grow 1 --grow-in "$tmp/grown" --json
ok 'as they were' [ "$sum" = "$(sha256sum <"$tmp/grown/reference-1.safetensors")" ]

# an earlier version: the clean model became the backdoored one
status 1 'against an earlier version' "$suspect" --previous "$clean" --before "$doc" -o "$tmp/before"
prints '^before: class 2 was a target and still is$'
ok 'its role' grep -q '"role": "previous"' "$tmp/before/scan.json"
ok 'the arm' grep -q '"arm": "previous"' "$tmp/before/scan.json"
ok 'as the schema says' valid "$tmp/before/scan.json"
ok 'exchanged flips' grep -q '"only_suspect"' "$tmp/before/scan.json"
status 0 'a clean model against another one' "$clean" --previous "$reference" --before "$doc" --json
cp "$out" "$tmp/gone.json"
ok 'what was a target is none any more' /usr/bin/python3 - "$tmp/gone.json" "$tmp/before/scan.json" <<-'P'
	import json, sys
	gone, left = (json.load(open(f)) for f in sys.argv[1:])
	assert [d["inputs"][-1]["role"] for d in (gone, left)] == ["before", "before"]
	assert [gone["before"][k] for k in ("left", "gone", "new")] == [0, 1, 0]
	assert [left["before"][k] for k in ("left", "gone")] == [1, 0]
	t = gone["before"]["targets"][0]
	assert t["class"] == 2 and not t["left"] and t["p_now"] is None
	assert t["z"]["now"] < t["z"]["before"]
	assert left["before"]["targets"][0]["left"]
P
ok 'as the schema says, gone or left' valid "$tmp/gone.json"

# what was measured on a reference is kept
status 0 'with a cache' "$clean" -r "$reference" --cache "$tmp/cache" -o "$tmp/cold"
ok 'a file' [ "$(ls "$tmp/cache" | wc -l)" -eq 1 ]
status 0 'from it' "$clean" -r "$reference" --cache "$tmp/cache" -o "$tmp/warm"
without_run "$tmp/cold/scan.json" >"$tmp/1"
without_run "$tmp/warm/scan.json" >"$tmp/2"
ok 'the same document' cmp "$tmp/1" "$tmp/2"
ok 'and the same perturbations' diff -r "$tmp/cold/perturbations" "$tmp/warm/perturbations"
sed -i 's,assay-cache/1,assay-cache/0,' "$tmp/cache/$(ls "$tmp/cache")"
status 0 'a cache of another schema' "$clean" -r "$reference" --cache "$tmp/cache" -o "$tmp/warm"
says 'the schema is not assay-cache/1: measured again'
printf '{"cells":[{}]}' >"$tmp/cache/$(ls "$tmp/cache")"
status 0 'a damaged cache' "$clean" -r "$reference" --cache "$tmp/cache" -o "$tmp/warm"
says 'measured again'
without_run "$tmp/warm/scan.json" >"$tmp/2"
ok 'changes nothing' cmp "$tmp/1" "$tmp/2"

status 2 'no images at all' "$suspect" --no-data
prints '^verdict: inconclusive'
status 2 'the same as a document' "$suspect" --no-data --json
cp "$out" "$tmp/alone.json"
ok 'the schema holds for that' valid "$tmp/alone.json"
exits 0 '--list' assay-scan --list
prints '  quick '
exits 0 '--help' assay-scan --help
exits 0 '--version' assay-scan --version

o="-q --budget quick --no-grow -o $tmp/x"
fails 4 'no arguments' 'are needed' assay-scan
fails 4 'no data' 'are needed' assay-scan "$suspect"
fails 4 'nothing to compare a reference on' 'without images nothing is compared' assay-scan "$suspect" --no-data -r "$reference"
fails 4 'nor an earlier version' 'without images nothing is compared' assay-scan "$suspect" --no-data --previous "$reference"
fails 4 'both data and none' 'exclude each other' assay-scan "$suspect" --data "$audit" --no-data
fails 4 'an unknown budget' "'nope'" assay-scan "$suspect" --data "$audit" --budget nope
fails 4 'a level beyond 0.09' 'alpha' assay-scan "$suspect" --data "$audit" --alpha .1
fails 4 'the reference is the model' 'model itself' assay-scan $o "$suspect" --data "$audit" -r "$suspect"
cp "$suspect" "$tmp/copy.onnx"
fails 4 'or a copy of it' 'copy.onnx: .*itself' assay-scan $o "$suspect" --data "$audit" -r "$tmp/copy.onnx"
fails 4 'no labels' 'no labels' assay-scan $o "$suspect" --data "${audit%,*}"
fails 2 'too few images' 'few-images.*too few' assay-scan $o "$models/small/model.onnx" --data "$few"
fails 3 'not a model' 'names' assay-scan $o "$tmp/names" --data "$audit"
fails 2 'a damaged model' 'bad-truncated' assay-scan $o "$onnx/bad-truncated.onnx" --data "$audit"
fails 2 'a model with a cycle' 'bad-cycle' assay-scan $o "$onnx/bad-cycle.onnx" --data "$audit"
fails 2 'a missing model' 'nowhere: cannot open' assay-scan $o "$tmp/nowhere" --data "$audit"
fails 2 'a missing scan before' 'nowhere: cannot open' assay-scan $o "$suspect" --data "$audit" --before "$tmp/nowhere"
fails 2 'a scan before that is none' 'empty.json: ' assay-scan $o "$suspect" --data "$audit" --before "$tmp/empty.json"
fails 2 'a missing reference' 'nowhere: cannot open' assay-scan $o "$suspect" --data "$audit" -r "$tmp/nowhere"
fails 2 'a reference of other classes' 'ten/model.onnx: .*10 classes, the model 4' assay-scan $o "$suspect" --data "$audit" -r "$models/ten/model.onnx"
fails 2 'a reference of another size' 'small/model.onnx: .*1 x 20 x 20' assay-scan $o "$suspect" --data "$audit" -r "$models/small/model.onnx"
fails 2 'images of another size' '1 x 20 x 20' assay-scan $o "$suspect" --data "$twenty"
fails 2 'labels outside the classes' 'label 9, the model has 4' assay-scan $o "$suspect" --data "$ten"
fails 2 'more images than labels' 'audit-images' assay-scan $o "$suspect" --data "${audit%,*},${twenty#*,}"
ok 'no folder of a failed scan' [ ! -e "$tmp/x" ]
fails 2 'a folder beneath a file' 'Not a directory' assay-scan -q --no-grow "$suspect" --data "$audit" -o "$suspect/x"
fails 2 'a file in its place' 'names: ' assay-scan -q --no-grow "$suspect" --data "$audit" -o "$tmp/names"
mkdir -p "$tmp/blocked/scan.json"
fails 2 'a document that cannot be written' 'blocked/scan.json' assay-scan -q --no-grow --budget quick "$suspect" --data "$audit" -o "$tmp/blocked"
if [ -w /dev/full ]; then
	run sh -c "assay-scan -q --budget quick --no-grow '$clean' --data '$audit' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
	run sh -c "assay-scan -q --budget quick '$suspect' -r '$reference' --data '$audit' >/dev/full"
	ok 'but evidence stays evidence' [ $rc -eq 1 ]
	says 'standard output: cannot write'
fi
ok 'nothing temporary stays' sh -c "! find '$tmp' -name '*.tmp' | grep ."
done_testing
