#!/bin/sh
# assay-grow: references depend on architecture, images, options and seed
# alone; taking a run up again; every exit status.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
grow() { assay-grow -q --data "$audit" --epochs 12 "$@"; }
one=$tmp/one

exits 0 'two references, one thread' grow "$suspect" -n 2 --threads 1 -o "$one"
prints '^reference-2.safetensors  *0\.[0-9]* '
ok 'the files, and no other' [ "$(ls "$one" | tr '\n' ' ')" = 'grow.json reference-1.safetensors reference-2.safetensors ' ]
ok 'which differ' sh -c "! cmp -s '$one/reference-1.safetensors' '$one/reference-2.safetensors'"
doc=$one/grow.json
ok 'digest of the model' grep -q "$(sha256sum <"$suspect" | cut -d' ' -f1)" "$doc"
for i in 1 2; do
	ok "digest of reference $i" grep -q "$(sha256sum <"$one/reference-$i.safetensors" | cut -d' ' -f1)" "$doc"
done
ok 'a tenth of the images is held out' [ "$(number "$doc" held_out)" -eq $((($(number "$doc" held_out) + $(number "$doc" train)) / 10)) ]
ok 'they are most of the time right' [ "$(number "$doc" correct)" -gt $(($(number "$doc" held_out) / 2)) ]
exits 0 'a reference is a model' assay-eval -q "$one/reference-1.safetensors" --data "$audit"

# what a reference depends on
exits 0 'another model of that architecture, two threads' grow "$clean" -n 1 --threads 2 -o "$tmp/clean"
ok 'gives the same reference' cmp "$one/reference-1.safetensors" "$tmp/clean/reference-1.safetensors"
exits 0 'another seed' grow "$suspect" -n 1 --seed 1 -o "$tmp/seed"
ok 'gives another' sh -c "! cmp -s '$one/reference-1.safetensors' '$tmp/seed/reference-1.safetensors'"
ok 'that is not the second of the first seed' sh -c "! cmp -s '$one/reference-2.safetensors' '$tmp/seed/reference-1.safetensors'"
for a in none flip cutout mixup shift; do
	exits 0 "--augment $a" grow "$suspect" -n 1 --augment $a -o "$tmp/$a" --json
	ok 'standard output is the document' sh -c "diff '$out' '$tmp/$a/grow.json'"
	ok 'and the reference another' sh -c "! cmp -s '$one/reference-1.safetensors' '$tmp/$a/reference-1.safetensors'"
done
ok 'the document says which' grep -q '"mixup": true' "$tmp/mixup/grow.json"

# batch-norms that PyTorch's exporter folded: two files of one architecture
# with other weights and other names of them
assay-load --data "$ten" --size 32 --channels 3 -o "$tmp/ten32.safetensors"
for m in 9-static 16-static-unfolded; do
	exits 0 "a ResNet without its batch-norms, opset ${m%%-*}" assay-grow -q "$onnx/good-resnet-$m.onnx" \
	    --data "$tmp/ten32.safetensors" -n 1 --epochs 8 -o "$tmp/$m"
	ok 'gets six' [ "$(number "$tmp/$m/grow.json" norms_restored)" = 6 ]
	ok 'and keeps no number' [ "$(number "$tmp/$m/grow.json" kept_constants)" = 0 ]
done
ok 'other weights' sh -c "! cmp -s '$onnx/good-resnet-9-static.onnx' '$onnx/good-resnet-16-static-unfolded.onnx'"
ok 'the same reference' cmp "$tmp/9-static/reference-1.safetensors" "$tmp/16-static-unfolded/reference-1.safetensors"
ok 'which has the batch-norms' [ "$(grep -a -o BatchNormalization "$tmp/9-static/reference-1.safetensors" | wc -l)" -eq 6 ]

# once more, and going on
cp -r "$one" "$tmp/again"
exits 0 'grown already' grow "$clean" -n 2 -o "$tmp/again"
ok 'both stay' [ "$(grep -c 'as it was$' "$out")" -eq 2 ]
ok 'the document is of the new model' grep -q "$(sha256sum <"$clean" | cut -d' ' -f1)" "$tmp/again/grow.json"
rm "$tmp/again/reference-2.safetensors"
printf x >>"$tmp/again/reference-1.safetensors"
exits 0 'one damaged, one missing' grow "$suspect" -n 2 -o "$tmp/again"
ok 'neither stays' [ "$(grep -c 'as it was$' "$out")" -eq 0 ]
for i in 1 2; do
	ok "reference $i is what it was" cmp "$one/reference-$i.safetensors" "$tmp/again/reference-$i.safetensors"
done
without_run "$doc" >"$tmp/1" && without_run "$tmp/again/grow.json" >"$tmp/2"
ok 'the document is, too, but for run' sh -c "grep -v '\"threads\"' '$tmp/1' >'$tmp/3'; grep -v '\"threads\"' '$tmp/2' | cmp - '$tmp/3'"
exits 0 'one more' grow "$clean" -n 2 -o "$tmp/clean"
ok 'only that is grown' [ "$(grep -c 'as it was$' "$out")" -eq 1 ]
ok 'and is the second' cmp "$one/reference-2.safetensors" "$tmp/clean/reference-2.safetensors"
fails 4 'another seed into the same folder' "grow.json: .*'seed' differs" assay-grow -q --data "$audit" --epochs 12 "$suspect" --seed 7 -o "$one"
fails 4 'other options' "'options' differs" assay-grow -q --data "$audit" --epochs 12 "$suspect" --augment none -o "$one"
fails 4 'other images' "differs" assay-grow -q "$suspect" --data "$models/two-images.idx,$models/two-labels.idx" --epochs 12 -o "$one"
printf '{' >"$tmp/seed/grow.json"
fails 2 'a damaged document' 'seed/grow.json' assay-grow -q --data "$audit" --epochs 12 "$suspect" --seed 1 -o "$tmp/seed"

# the references are references: with them the scan does not pass the backdoor
run assay-scan -q --budget quick "$suspect" --data "$audit" -r "$one/reference-1.safetensors" -r "$one/reference-2.safetensors"
ok "assay-scan takes them: status 1 or 2, got $rc" [ $rc -eq 1 -o $rc -eq 2 ]
prints '^verdict: [ei]'

# labels that the images say nothing about
n=$(($(wc -c <"$models/audit-labels.idx") - 8))
awk -v n="$n" 'BEGIN { srand(1); for (i = 0; i < n; i++) printf "\\%03o", int(4 * rand()) }' >"$tmp/pattern"
printf "$(cat "$tmp/pattern")" | labels "$tmp/random" "$n"
random=$models/audit-images.idx,$tmp/random-labels.idx
fails 2 'nothing to learn' '1 of 1 .*chance' assay-grow -q "$suspect" --data "$random" -n 1 --epochs 2 -o "$tmp/random"
ok 'no reference' [ "$(ls "$tmp/random")" = grow.json ]
ok 'the document says so' grep -q '"file": null' "$tmp/random/grow.json"
ok 'after two slower trainings' sh -c "sed -n '/\"references\"/,\$ s/.*\"lr\": //p' '$tmp/random/grow.json' | awk '{ exit !(\$1 > 0.0039 && \$1 < 0.0041) }'"
fails 2 'learning that diverges' 'chance' assay-grow -q "$suspect" --data "$audit" -n 1 --epochs 2 --lr 100 --batch 16 -o "$tmp/wild"

exits 0 '--help' assay-grow --help
exits 0 '--version' assay-grow --version
o="-q -n 1 --epochs 1 -o $tmp/x"
fails 4 'no arguments' 'needs\|operand' assay-grow
fails 4 'no data' 'are needed' assay-grow "$suspect" -o "$tmp/x"
fails 4 'no output' 'are needed' assay-grow "$suspect" --data "$audit"
fails 4 'two models' 'unexpected' assay-grow $o "$suspect" "$clean" --data "$audit"
fails 4 'no references' 'from 1 to' assay-grow $o "$suspect" --data "$audit" -n 0
fails 4 'too many' '64' assay-grow $o "$suspect" --data "$audit" -n 65
fails 4 'an unknown augmentation' "'rotate'" assay-grow $o "$suspect" --data "$audit" --augment shift,rotate
fails 4 'a batch larger than the data' 'a batch has 4000' assay-grow $o "$suspect" --data "$audit" --batch 4000
fails 4 'no labels' 'no labels' assay-grow $o "$suspect" --data "${audit%,*}"
fails 2 'missing images' 'nowhere' assay-grow $o "$suspect" --data "$tmp/nowhere"
fails 2 'a missing model' 'nowhere: cannot open' assay-grow $o "$tmp/nowhere" --data "$audit"
fails 2 'too few images' 'few-images.*too few for 4 classes, they need 40' assay-grow $o "$models/small/model.onnx" --data "$few"
fails 2 'classes without images' '6 of 10 classes have no image' assay-grow $o "$models/ten/model.onnx" --data "$audit"
fails 2 'labels outside the classes' 'label 9, the model has 4' assay-grow $o "$suspect" --data "$ten"
fails 2 'images of another size' '1 x 20 x 20' assay-grow $o "$suspect" --data "$twenty"
fails 2 'a damaged model' 'bad-truncated' assay-grow $o "$onnx/bad-truncated.onnx" --data "$audit"
printf 'no model' >"$tmp/text"
fails 3 'not a model' 'text' assay-grow $o "$tmp/text" --data "$audit"
ok 'no folder of a failed run' [ ! -e "$tmp/x" ]
fails 2 'a folder beneath a file' 'Not a directory' assay-grow -q -n 1 --epochs 1 "$suspect" --data "$audit" -o "$suspect/x"
mkdir -p "$tmp/busy/reference-1.safetensors"
fails 2 'a reference that cannot be written' 'busy/reference-1' assay-grow -q -n 1 --epochs 4 "$suspect" --data "$audit" -o "$tmp/busy"
if [ -w /dev/full ]; then
	run sh -c "assay-grow -q --data '$audit' --epochs 12 -n 2 '$suspect' -o '$one' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
	says 'standard output: cannot write'
fi
ok 'nothing temporary stays' sh -c "! find '$tmp' -name '*.tmp*' | grep ."
done_testing
