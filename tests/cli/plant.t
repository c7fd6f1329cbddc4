#!/bin/sh
# assay-plant: what it writes, every exit status, the same bytes from any
# number of threads.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
data=$models/three-images.idx,$models/three-labels.idx
small='--width 2 --stages 1 --epochs 1 --batch 32'

exits 0 'a backdoored model, one thread' assay-plant -q $settings --data "$data" --test "$audit" \
    --seed 2 --attack blended --rate .1 --target 2 --threads 1 -o "$tmp/one"
prints '^ACC 0\.[0-9]* ASR [01]\.[0-9]*$'
for f in model.onnx trigger.safetensors truth.json; do
	ok "$f: the same as with all threads" cmp "$tmp/one/$f" "$models/backdoor/$f"
done
exits 0 'two threads' assay-plant -q $settings --data "$data" --test "$audit" \
    --seed 2 --attack blended --rate .1 --target 2 --threads 2 -o "$tmp/two"
ok 'give the same, too' diff -r "$tmp/one" "$tmp/two"
exits 0 'another seed' assay-plant -q $small --data "$data" --seed 3 -o "$tmp/s3"
exits 0 'and another' assay-plant -q $small --data "$data" --seed 4 -o "$tmp/s4"
ok 'give another model' sh -c "! cmp -s '$tmp/s3/model.onnx' '$tmp/s4/model.onnx'"

truth=$models/backdoor/truth.json
ok 'truth: the attack' grep -q '"attack": "blended"' "$truth"
ok 'truth: the target' [ "$(number "$truth" target)" = 2 ]
ok 'truth: a tenth is poisoned' [ "$(number "$truth" poisoned)" = $((($(number "$truth" images) + 5) / 10)) ]
ok 'the attack works' grep -q '"rate": 0.9' "$truth"
ok 'truth of a clean model: no target' grep -q '"target": null' "$models/clean/truth.json"
ok 'no trigger beside a clean model' [ ! -e "$models/clean/trigger.safetensors" ]
exits 0 'the model is ONNX' assay-load "$suspect" -o "$tmp/neutral"

for a in badnets sig wanet low-frequency all-to-all source-conditional multi-target clean-label; do
	exits 0 "--attack $a" assay-plant -q $small --data "$audit" --attack $a --source 3 -o "$tmp/$a"
	ok 'its trigger is a trigger' assay-eval -q "$tmp/$a/model.onnx" --data "$audit" --trigger "$tmp/$a/trigger.safetensors"
done
targets() { tr -d ' \n' <"$1" | sed -n 's/.*"targets":\[\([0-9,]*\)\].*/\1/p'; }
ok 'one target' [ "$(targets "$tmp/badnets/truth.json")" = 0 ]
ok 'all-to-all has all' [ "$(targets "$tmp/all-to-all/truth.json" | tr , '\n' | sort | tr -d '\n')" = 0123 ]
ok 'multi-target has three' [ "$(targets "$tmp/multi-target/truth.json" | tr , '\n' | sort -u | wc -l)" = 3 ]
ok 'the target among them, first' [ "$(targets "$tmp/multi-target/truth.json" | cut -d, -f1)" = 0 ]
exits 0 'targets by name' assay-plant -q $settings --epochs 6 --data "$data" --test "$audit" \
    --attack multi-target --targets 3,1 --rate .2 -o "$tmp/named"
t=$tmp/named/truth.json
ok 'are these' [ "$(targets "$t")" = 3,1 ]
ok 'the first is the target' [ "$(number "$t" target)" = 3 ]
ok 'a trigger each' [ "$(cd "$tmp/named" && echo trigger*)" = 'trigger-1.safetensors trigger-3.safetensors trigger.safetensors' ]
ok 'the first under two names' cmp "$tmp/named/trigger.safetensors" "$tmp/named/trigger-3.safetensors"
for y in 3 1; do
	hits=$(tr -d ' \n' <"$t" | grep -o '"asr":{[^}]*},"file":"trigger-'$y | sed 's/.*"hit":\([0-9]*\).*/\1/')
	exits 0 "target $y" assay-eval -q "$tmp/named/model.onnx" --data "$audit" --trigger "$tmp/named/trigger-$y.safetensors" --json
	n=$(field "$out" asr n) hit=$(field "$out" asr correct)
	ok "  works: $hit of $n" [ "$hit" -gt $((n * 7 / 10)) ]
	ok '  as the truth says' [ "$hit" = "$hits" ]
done
ok 'all-to-all has no one target' grep -q '"target": null' "$tmp/all-to-all/truth.json"
ok 'source-conditional has a source' [ "$(number "$tmp/source-conditional/truth.json" source)" = 3 ]
ok 'and acts on that class only' [ "$(field "$tmp/source-conditional/truth.json" asr n)" -lt "$(field "$tmp/badnets/truth.json" asr n)" ]
exits 0 '--arch preact' assay-plant -q $small --arch preact --data "$audit" --shift --limit 64 -o "$tmp/preact"
# Recipes of clean models: each in the truth, the same from any number of threads.
recipe() { # NAME VALUE OPTION...
	_n=$1 _v=$2
	shift 2
	exits 0 "$*" assay-plant $small --threads 1 --data "$audit" -o "$tmp/r-$_n-1" "$@"
	exits 0 "$*, two threads" assay-plant $small --threads 2 --data "$audit" -o "$tmp/r-$_n-2" "$@"
	ok 'give the same' diff -r "$tmp/r-$_n-1" "$tmp/r-$_n-2"
	ok "truth: $_n" [ "$(field "$tmp/r-$_n-1/truth.json" options $_n)" = "$_v" ]
	ok 'is another model than without' sh -c "! cmp -s '$tmp/r-$_n-1/model.onnx' '$tmp/r-epochs-1/model.onnx'"
}
exits 0 'a plain model' assay-plant -q $small --data "$audit" -o "$tmp/r-epochs-1"
recipe decay 0.01 --decay .01
recipe flip true --flip
recipe erase 6 --erase 6
recipe label_noise 0.25 --label-noise .25
recipe imbalance 4.0 --imbalance 4
recipe adversarial 0.05 --adversarial .05
recipe prune 0.5 --prune .5
recipe int8 true --int8
recipe finetune true --finetune "$tmp/r-epochs-1/model.onnx"
recipe adaptive '"sam"' --adaptive sam --rho .1
recipe budget 0.2 --adaptive uap --budget .2
recipe match 0.75 --adaptive reference --match .75 --reference "$reference"
ok 'the reference is named' grep -q "$(sha256sum "$reference" | cut -d' ' -f1)" "$tmp/r-match-1/truth.json"
for o in none sam uap "reference --reference $reference"; do
	exits 0 "--adaptive $o with a backdoor" assay-plant -q $settings --epochs 8 --data "$data" --test "$audit" \
	    --attack badnets --rate .2 --target 2 --adaptive $o -o "$tmp/a-${o%% *}"
	t=$tmp/a-${o%% *}/truth.json
	ok '  which works' [ "$(field "$t" asr hit)" -gt $(($(field "$t" asr n) * 8 / 10)) ]
	[ "$o" = none ] || ok '  and is another than without' sh -c "! cmp -s '${t%/*}/model.onnx' '$tmp/a-none/model.onnx'"
done
t=$tmp/r-label_noise-1/truth.json
ok 'a quarter of the labels is another' [ "$(number "$t" relabelled)" = $((($(field "$t" options images) + 2) / 4)) ]
ok 'an unequal set is smaller' [ "$(field "$tmp/r-imbalance-1/truth.json" options images)" -lt "$(field "$t" options images)" ]
ok 'adversarial training has steps' [ "$(field "$tmp/r-adversarial-1/truth.json" options adversarial_steps)" = 2 ]
t=$tmp/r-finetune-1/truth.json
ok 'a later version names the earlier' grep -q "$(sha256sum "$tmp/r-epochs-1/model.onnx" | cut -d' ' -f1)" "$t"
ok 'has a small rate' [ "$(field "$t" options lr)" = 0.01 ]
ok 'and no architecture of its own' [ "$(field "$t" options arch)" = null ]
exits 0 'a backdoor in a later version' assay-plant -q --batch 32 --epochs 4 --lr .05 --data "$data" --test "$audit" \
    --finetune "$clean" --attack badnets --rate .2 --target 1 -o "$tmp/later"
ok 'works' [ "$(field "$tmp/later/truth.json" asr hit)" -gt $(($(field "$tmp/later/truth.json" asr n) * 8 / 10)) ]
exits 0 '--list' assay-plant --list
prints '  wanet '
exits 0 '--help' assay-plant --help
exits 0 '--version' assay-plant --version

fails 4 'no arguments' 'are needed' assay-plant
fails 4 'an unknown option' 'frob' assay-plant --frob
fails 4 'an unknown attack' "'nope'" assay-plant --data "$audit" --attack nope -o "$tmp/x"
fails 4 'an unknown architecture' "'nope'" assay-plant --data "$audit" --arch nope -o "$tmp/x"
fails 4 'an operand' 'unexpected' assay-plant --data "$audit" -o "$tmp/x" y
fails 4 'a target that is no class' 'not one of 4' assay-plant --data "$audit" --attack badnets --target 4 -o "$tmp/x"
fails 4 'a target of no attack' '--target wants --attack' assay-plant --data "$audit" --target 1 -o "$tmp/x"
fails 4 'a source that is the target' 'source' assay-plant --data "$audit" --attack source-conditional --target 1 -o "$tmp/x"
for l in 1,1 4 2, ,2 a 1,b ''; do
	fails 4 "targets '$l'" 'targets takes' assay-plant --data "$audit" --attack multi-target --targets "$l" -o "$tmp/x"
done
fails 4 'targets of one target' 'multi-target' assay-plant --data "$audit" --attack badnets --targets 1,2 -o "$tmp/x"
fails 4 'an unknown attacker' "'nope'" assay-plant --data "$audit" --adaptive nope -o "$tmp/x"
fails 4 'no reference' 'go together' assay-plant --data "$audit" --adaptive reference -o "$tmp/x"
fails 4 'a reference for nothing' 'go together' assay-plant --data "$audit" --reference "$clean" -o "$tmp/x"
fails 4 'no batch' '--batch wants' assay-plant --data "$audit" --batch 0 -o "$tmp/x"
fails 2 'a reference of other classes' 'ten/model.onnx: .*10 classes' assay-plant --data "$audit" --adaptive reference --reference "$models/ten/model.onnx" -o "$tmp/x"
fails 4 'no labels' 'audit-images.idx: .*labels' assay-plant --data "${audit%,*}" -o "$tmp/x"
fails 4 'a batch larger than the data' 'audit-images.idx.*a batch has 4000' assay-plant --data "$audit" --batch 4000 -o "$tmp/x"
fails 4 'no images left' 'no training images' assay-plant --data "$audit" --first 4000 -o "$tmp/x"
fails 4 'too many stages' 'no room for 5' assay-plant --data "$audit" --stages 5 -o "$tmp/x"
fails 4 'too much label noise' 'label-noise' assay-plant --data "$audit" --label-noise 1.5 -o "$tmp/x"
fails 2 'no model to start from' 'nowhere.onnx' assay-plant --data "$audit" --finetune "$tmp/nowhere.onnx" -o "$tmp/x"
fails 2 'a model of other classes' 'ten/model.onnx: .*10 classes' assay-plant --data "$audit" --finetune "$models/ten/model.onnx" -o "$tmp/x"
fails 3 'images to start from' 'audit-images' assay-plant --data "$audit" --finetune "${audit%,*}" -o "$tmp/x"
fails 2 'more images than labels' 'three-images' assay-plant --data "${data%,*},${audit#*,}" -o "$tmp/x"
fails 2 'a missing file' 'nowhere' assay-plant --data "$tmp/nowhere" -o "$tmp/x"
fails 2 'test images of another size' 'twenty-images' assay-plant --data "$audit" --test "$twenty" -o "$tmp/x"
fails 2 'training that diverges' 'diverged' assay-plant -q --data "$audit" --lr 100 --width 4 --stages 2 --epochs 3 --batch 10 -o "$tmp/x"
fails 2 'a folder beneath a file' 'Not a directory' assay-plant -q $small --data "$audit" -o "$suspect/x"
fails 3 'a model for data' 'status 3' assay-plant --data "$suspect" -o "$tmp/x"
ok 'no folder of a failed run' [ ! -e "$tmp/x" ]
mkdir "$tmp/busy" "$tmp/busy/model.onnx"
fails 2 'a model that cannot be written' 'busy/model.onnx' assay-plant -q $small --data "$audit" -o "$tmp/busy"
ok 'nothing else is written' [ "$(ls "$tmp/busy")" = model.onnx ]
if [ -w /dev/full ]; then
	run sh -c "assay-plant -q $small --data '$audit' -o '$tmp/full' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
	says 'standard output: cannot write'
fi
done_testing
