#!/bin/sh
# assay-purify: only weights change, every exit status, the same bytes from any
# number of threads.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
o="-q --rounds 2 --lr 1e-3 --batch 32 --data $audit"
size() { wc -c <"$1"; }

exits 0 'a backdoored model, one thread' assay-purify $o "$suspect" -o "$tmp/1.onnx" --document "$tmp/1.json" --threads 1
prints '1.onnx: 2 rounds on 130 images, held-out accuracy'
exits 0 'two threads' assay-purify $o "$suspect" -o "$tmp/2.onnx" --document "$tmp/2.json" --threads 2
ok 'the same model' cmp "$tmp/1.onnx" "$tmp/2.onnx"
for i in 1 2; do without_run "$tmp/$i.json" | grep -v '"name": "[12].onnx"' >"$tmp/$i"; done
ok 'the same document but for run and the name' cmp "$tmp/1" "$tmp/2"
exits 0 'another seed' assay-purify $o --seed 1 "$suspect" -o "$tmp/3.onnx"
ok 'another model' sh -c "! cmp -s '$tmp/1.onnx' '$tmp/3.onnx'"

ok 'the same size as the original' [ "$(size "$tmp/1.onnx")" = "$(size "$suspect")" ]
cmp -l "$suspect" "$tmp/1.onnx" >"$tmp/differ"
ok 'it differs' [ -s "$tmp/differ" ]
# the neutral forms have equal headers: all but the weights is the same
assay-load "$suspect" -o "$tmp/a" && assay-load "$tmp/1.onnx" -o "$tmp/b"
head=$(($(od -An -tu8 -N8 "$tmp/a") + 8))
head -c $head "$tmp/a" >"$tmp/ah" && head -c $head "$tmp/b" >"$tmp/bh"
ok 'graph, names and shapes are the same' cmp "$tmp/ah" "$tmp/bh"
ok 'no more bytes differ than the weights have' [ "$(wc -l <"$tmp/differ")" -le $(($(size "$tmp/a") - head)) ]
ok 'weights back, original back' sh -c "assay-save '$tmp/1.onnx' '$tmp/a' -o '$tmp/back' && cmp '$tmp/back' '$suspect'"
sha=$(sha256sum <"$tmp/1.onnx" | cut -d' ' -f1)
ok 'the document has its digest' grep -q "\"sha256\": \"$sha\"" "$tmp/1.json"
ok 'two rounds' [ "$(grep -c '"round":' "$tmp/1.json")" -eq 2 ]
exits 0 'no rounds' assay-purify $o --rounds 0 "$suspect" -o "$tmp/same.onnx"
ok 'are the original' cmp "$tmp/same.onnx" "$suspect"
exits 0 'time for one round, of one' assay-purify $o --rounds 1 --max-time .000001 "$suspect" -o "$tmp/m.onnx" --document "$tmp/m.json"
ok 'it was all' grep -q '"end": "all rounds"' "$tmp/m.json"

# what a run will take is said before; the trial leaves no trace
l=${o#-q }
exits 0 'said before' assay-purify $l --checkpoint "$tmp/e.state" "$suspect" -o "$tmp/e.onnx" --document "$tmp/e.json"
ok 'how long, and how much memory' grep -q '^assay-purify: estimate: at most [0-9.]* s, 2 rounds of [0-9.]* s (5 batches of [0-9.]* s), then the checks; [1-9][0-9]* MiB' "$err"
ok 'the same model' cmp "$tmp/1.onnx" "$tmp/e.onnx"
without_run "$tmp/e.json" | grep -v '"name": "e.onnx"' >"$tmp/e"
ok 'the same document' cmp "$tmp/1" "$tmp/e"
exits 0 'without' assay-purify $o --checkpoint "$tmp/q.state" "$suspect" -o "$tmp/q.onnx"
ok 'nothing is said' [ ! -s "$err" ]
ok 'the same state' cmp "$tmp/e.state" "$tmp/q.state"
exits 0 'less time than that' assay-purify $l --rounds 50 --max-time .000001 --checkpoint "$tmp/l.state" "$suspect" -o "$tmp/l.onnx"
ok 'how many rounds' grep -q '^assay-purify: estimate: --max-time 1e-06: 1 of these rounds' "$err"
exits 0 'gone on with' assay-purify $l --rounds 50 --max-time .000001 --checkpoint "$tmp/l.state" "$suspect" -o "$tmp/l.onnx"
ok 'what is left' grep -q 'estimate: at most .*, 49 rounds of' "$err"
exits 0 'two rounds' assay-purify $o --rounds 50 --max-time .000001 --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m.onnx"
exits 0 'quietly' assay-purify $o --rounds 50 --max-time .000001 --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m.onnx"
ok 'the same' cmp "$tmp/l.onnx" "$tmp/m.onnx"
rm "$tmp/m.state"
exits 0 'no rounds' assay-purify $l --rounds 0 "$suspect" -o "$tmp/same.onnx"
ok 'no estimate' sh -c "! grep -q estimate '$err'"
fails 2 'no memory' 'there are [0-9]* MiB of memory .*images do not fit' assay-purify $l --max-memory 1 --data "$models/two-images.idx,$models/two-labels.idx" "$suspect" -o "$tmp/x.onnx"
exits 0 'memory for one thread' assay-purify $l --max-memory 30 --threads 2 "$suspect" -o "$tmp/e.onnx"
ok 'the same model' cmp "$tmp/1.onnx" "$tmp/e.onnx"

# twenty rounds: attack success falls, accuracy stays
exits 0 'twenty rounds' assay-purify $o --rounds 20 "$suspect" -o "$tmp/20.onnx" --json
ok 'printed document' grep -q '"schema": "assay-purify/1"' "$out"
ok 'has what its method takes, and no more' sh -c "grep -q '\"beta_share\"' '$out' && ! grep -qE '\"(lambda_guide|confirm|rho|prune)\"' '$out'"
exits 0 'measured' assay-eval "$tmp/20.onnx" --data "$audit" --trigger "$trigger" --max-asr .8
prints '^accuracy  *0\.[89]'

# guided by a scan's targets, ended and gone on with
sum=$(sha256sum <"$suspect" | cut -d' ' -f1)
printf '%s' '{"schema":"assay-scan/1","tool":{"name":"assay-scan","version":"0"},
 "inputs":[{"role":"model","name":"model.onnx","sha256":"'"$sum"'","size":1}],"targets":[
 {"class":0,"geometry":"patch"},{"class":1,"geometry":"pair","source":2}],
 "geometries":[{"name":"patch","per_class":[{"class":0,"ease":{"suspect":-2.0,"references":[-4.0,-4.2]}}]},
  {"name":"linf","per_class":[{"class":0,"ease":{"suspect":2.0,"references":[1.0]}}]}],
 "pairs":[{"class":1,"source":2,"ease":{"suspect":-3.0,"references":[-4.0]}}]}' >"$tmp/scan.json"
g="-q --guide $tmp/scan.json --batch 32 --keep 1 --data $audit $suspect"
exits 0 'guided' assay-purify $g --rounds 2 -o "$tmp/g1.onnx" --document "$tmp/g1.json" --checkpoint "$tmp/g1.state" --threads 1
ok 'has what its method takes' sh -c "grep -q '\"lambda_guide\"' '$tmp/g1.json' && ! grep -q '\"beta_share\"' '$tmp/g1.json'"
ok 'a guide is unlearned, unless another method is asked for' grep -q '"method": "guided"' "$tmp/g1.json"
ok 'the scan is named' grep -q '"role": "scan"' "$tmp/g1.json"
ok 'what the guide cost is said' grep -q '"loss_guide":' "$tmp/g1.json"
ok 'the scan of this model needs no word' sh -c "! grep -q 'another model' '$err'"
sed 's/"targets":/"accuracy":{"suspect":0.95},"targets":/' "$tmp/scan.json" >"$tmp/own.json"
exits 0 'images that the scan had' assay-purify $g --guide "$tmp/own.json" --rounds 1 -o "$tmp/g2.onnx"
ok 'need no word' sh -c "! grep -q 'of another kind' '$err'"
exits 0 'darker ones' assay-purify $g --guide "$tmp/own.json" --preprocess mean=.8 --rounds 1 -o "$tmp/g2.onnx"
says 'accuracy [0-9.]* % on these images, 95.0 % on those of the scan: they are of another kind'
sed "s/$sum/0000${sum#????}/" "$tmp/scan.json" >"$tmp/other.json"
exits 0 'by the scan of another model' assay-purify $g --guide "$tmp/other.json" --rounds 1 -o "$tmp/g2.onnx"
ok 'that is said' grep -q 'other.json: the scan of another model' "$err"
exits 0 'by two threads' assay-purify $g --rounds 2 -o "$tmp/g2.onnx" --threads 2
ok 'the same model' cmp "$tmp/g1.onnx" "$tmp/g2.onnx"
exits 0 'with an estimate' assay-purify ${g#-q } --rounds 2 -o "$tmp/g2.onnx" --checkpoint "$tmp/g2.state"
ok 'about' grep -q 'estimate: about .*, 2 rounds of' "$err"
ok 'the same model' cmp "$tmp/g1.onnx" "$tmp/g2.onnx"
ok 'the same state' cmp "$tmp/g1.state" "$tmp/g2.state"
exits 0 'a run that ends after its first round' assay-purify $g --rounds 2 --max-time .000001 -o "$tmp/g3.onnx" --document "$tmp/g3.json" --checkpoint "$tmp/g3.state"
ok 'says so' grep -q '"end": "time"' "$tmp/g3.json"
ok 'and is another model' sh -c "! cmp -s '$tmp/g1.onnx' '$tmp/g3.onnx'"
exits 0 'gone on with' assay-purify $g --rounds 2 -o "$tmp/g3.onnx" --checkpoint "$tmp/g3.state"
ok 'is the same model' cmp "$tmp/g1.onnx" "$tmp/g3.onnx"
ok 'the same state' cmp "$tmp/g1.state" "$tmp/g3.state"
fails 2 'with another seed' 'another run' assay-purify $g --rounds 2 --seed 5 -o "$tmp/x.onnx" --checkpoint "$tmp/g3.state"
exits 0 'with preprocessing' assay-purify $o --rounds 1 --preprocess mean=.1 "$suspect" -o "$tmp/pre.onnx" --checkpoint "$tmp/pre.state"
fails 2 'with another' 'another run' assay-purify $o --rounds 1 --preprocess mean=.2 "$suspect" -o "$tmp/pre.onnx" --checkpoint "$tmp/pre.state"
head -c 3000 "$tmp/g3.state" >"$tmp/cut.state"
fails 2 'a state cut short' 'cut.state: ' assay-purify $g --rounds 2 -o "$tmp/x.onnx" --checkpoint "$tmp/cut.state"
fails 4 'no guide' 'needs --guide' assay-purify -q --method guided --data "$audit" "$suspect" -o "$tmp/x.onnx"
sed 's/"class":0,"geometry":"patch"/"class":44,"geometry":"patch"/' "$tmp/scan.json" >"$tmp/far.json"
fails 2 'a guide of another model' 'far.json: ' assay-purify $g --guide "$tmp/far.json" -o "$tmp/x.onnx"
sed 's/"targets":/"others":/' "$tmp/scan.json" >"$tmp/none.json"
fails 4 'a guide without targets' 'no target' assay-purify $g --guide "$tmp/none.json" -o "$tmp/x.onnx"

# on request what a scan found is to be found again: nobody is as easily pushed as here
c="-q --confirm --guide $tmp/claim.json --batch 32 --keep 1 --rounds 1 --data $audit"
sed 's/-2\.0,/90.0,/; s/-3\.0,/90.0,/' "$tmp/scan.json" >"$tmp/claim.json"
for i in 1 2; do exits 0 "found again, $i threads" assay-purify $c "$clean" --threads $i -o "$tmp/c$i.onnx" --document "$tmp/c$i.json"; done
ok 'nothing' grep -q 'class 1 is left alone: what the scan found (patch) is not found again' "$err"
ok 'nothing is left' grep -q 'nothing is left to unlearn: the model stays as it is' "$err"
ok 'the document says so' sh -c "grep -q '\"end\": \"nothing to unlearn\"' '$tmp/c1.json' && grep -q '\"rounds\": \[\]' '$tmp/c1.json'"
ok 'the model is as it was' sh -c "cmp '$tmp/c1.onnx' '$clean' && cmp '$tmp/c2.onnx' '$clean'"
exits 0 'unasked' assay-purify ${c#-q --confirm } -q "$clean" -o "$tmp/c.onnx" --document "$tmp/c.json"
ok 'it is unlearned' sh -c "! cmp -s '$tmp/c.onnx' '$clean' && grep -q '\"confirm\": false' '$tmp/c.json'"
sed 's/-2\.0,/-4.0,/; s/-4\.2]/-99]/; s/-3\.0,/90.0,/' "$tmp/scan.json" >"$tmp/claim.json"
exits 0 'one of two' assay-purify $c "$clean" -o "$tmp/c.onnx" --document "$tmp/c.json"
ok 'is left alone' sh -c "grep -q 'class 1 is left alone' '$err' && ! grep -q 'class 0' '$err'"
ok 'the other one is unlearned' sh -c "grep -q '\"end\": \"all rounds\"' '$tmp/c.json' && ! cmp -s '$tmp/c.onnx' '$clean'"

# a target that is left alone stays so when a run is gone on with
printf '%s' '{"schema":"assay-scan/1","tool":{"name":"assay-scan","version":"0"},"inputs":[],"targets":[
 {"class":0,"geometry":"patch"},{"class":1,"geometry":"warp"}],
 "geometries":[{"name":"warp","per_class":[{"class":1,"ease":{"suspect":90.0,"references":[-1.0]}}]}]}' >"$tmp/claim.json"
c="${c%--rounds*} --rounds 2 --data $audit $clean"
exits 0 'one of two, both rounds' assay-purify $c -o "$tmp/c1.onnx" --checkpoint "$tmp/c1.state"
exits 0 'with an estimate' assay-purify ${c#-q } -o "$tmp/c2.onnx"
ok 'is the same model' cmp "$tmp/c1.onnx" "$tmp/c2.onnx"
exits 0 'the first' assay-purify $c --max-time .000001 -o "$tmp/c2.onnx" --checkpoint "$tmp/c2.state"
ok 'one was left alone' grep -q 'class 1 is left alone: what the scan found (warp) is not found again' "$err"
exits 0 'gone on with' assay-purify $c -o "$tmp/c2.onnx" --checkpoint "$tmp/c2.state"
ok 'is the same model' cmp "$tmp/c1.onnx" "$tmp/c2.onnx"
ok 'the same state' cmp "$tmp/c1.state" "$tmp/c2.state"

# harm, and attempts to wake what was purified
scan='{"schema":"assay-scan/1","tool":{"name":"assay-scan","version":"1"},"inputs":[]'
cell='"per_class":[{"class":2,"ease":{"suspect":-2.0,"references":[-4.0,-4.2]}}]'
echo "$scan,\"targets\":[{\"class\":2,\"geometry\":\"linf\"}],\"geometries\":[{\"name\":\"linf\",$cell},{\"name\":\"patch\",$cell}]}" >"$tmp/wake.json"
echo "$scan,\"targets\":[{\"class\":7,\"geometry\":\"linf\"}]}" >"$tmp/seven.json"
a="$o --scan $tmp/wake.json --trigger $trigger --eval-data $models/two-images.idx,$models/two-labels.idx $suspect"
for i in 1 2; do exits 0 "$i threads" assay-purify $a --threads $i -o "$tmp/w.onnx" --document "$tmp/w$i.json"; done
prints '^agreement with the original [01]\.[0-9]* on 14 clean images (held out)'
prints '^agreement with the original [01]\.[0-9]* on 584 clean images (--eval-data)'
prints '^file  blended  *2    442     0\.99[0-9] .* [01]\.[0-9]*$'
prints '^scan  patch  *2 '
prints '^scan  linf  *2 '
for i in 1 2; do without_run "$tmp/w$i.json" >"$tmp/w$i"; done
ok 'the same document' cmp "$tmp/w1" "$tmp/w2"
ok 'the same model as without' cmp "$tmp/w.onnx" "$tmp/1.onnx"
ok 'the inputs are in the document' sh -c "grep -q '\"role\": \"eval-data\"' '$tmp/w1' && grep -q '\"role\": \"trigger\"' '$tmp/w1'"
ok 'classes on both sets of images' [ "$(grep -c '"agreement": [01]' "$tmp/w1")$(grep -c '"class": 3' "$tmp/w1")" = 22 ]
ok 'three triggers' [ "$(grep -c '"perturbation_alone": {' "$tmp/w1")" = 3 ]
ok 'not from a target that is none' [ "$(grep -c '"target": 2' "$tmp/w1")" = 3 ]
# one class after the other, as folders have them: the trigger's own first
tail -c +17 "$models/two-images.idx" >"$tmp/pixels"
cat "$tmp/pixels" "$tmp/pixels" "$tmp/pixels" | images "$tmp/sorted" 1752 28
{ printf '%01100d' 0 | tr 0 '\002' && printf '%0652d' 0 | tr 0 '\000'; } | labels "$tmp/sorted" 1752
exits 0 'more images than are counted on' assay-purify $o --trigger "$trigger" --eval-data "$tmp/sorted-images.idx,$tmp/sorted-labels.idx" "$suspect" -o "$tmp/w.onnx"
prints '^file  blended  *2    3[0-9][0-9] '
exits 0 'not to be woken' assay-purify $a --no-reactivation -o "$tmp/w.onnx" --document "$tmp/w.json"
ok 'says so' sh -c "grep -q '\"reactivation\": null' '$tmp/w.json' && grep -q '\"reactivation\": false' '$tmp/w.json'"
ok 'no such lines' sh -c "! grep -q '^re-activation' '$out'"
exits 0 'nothing to wake it with' assay-purify $o "$suspect" -o "$tmp/w.onnx" --document "$tmp/w.json"
ok 'is said, too' sh -c "grep -q '\"reactivation\": null' '$tmp/w.json' && grep -q '\"reactivation\": true' '$tmp/w.json'"
fails 2 'a scan of other classes' 're-activation was not tried: .*class' assay-purify $o --scan "$tmp/seven.json" "$suspect" -o "$tmp/w.onnx" --document "$tmp/w.json"
ok 'the document says why' grep -q '"not_done": ".*class' "$tmp/w.json"
ok 'the model is there' cmp "$tmp/w.onnx" "$tmp/1.onnx"

# a question that no image is about does not keep the others from being tried
pair='{"class":1,"geometry":"pair","source":1}'
echo "$scan,\"targets\":[$pair]}" >"$tmp/idle.json"
fails 2 'no images' 're-activation was not tried: no images to push from class 1 to class 1' assay-purify $o --scan "$tmp/idle.json" "$suspect" -o "$tmp/w.onnx"
exits 0 'and a trigger' assay-purify $o --scan "$tmp/idle.json" --trigger "$trigger" "$suspect" -o "$tmp/w.onnx"
prints '^file  blended  *2 '
ok 'what is not tried is said' grep -q 're-activation: no images to push from class 1' "$err"

# where it came from
sum=$(sha256sum <"$suspect" | cut -c1-16)
exits 0 'provenance' assay-purify $o "$suspect" -o "$tmp/w.onnx" --document "$tmp/w.json" --provenance
ok 'the same file as without' sh -c "head -c $(size "$tmp/1.onnx") '$tmp/w.onnx' | cmp - '$tmp/1.onnx'"
ok 'and where it came from' sh -c "tail -c +$(($(size "$tmp/1.onnx") + 1)) '$tmp/w.onnx' | LC_ALL=C grep -aq 'assay.purified.$sum.*\"method\":\"sau\".*\"original_sha256\":\"$sum'"
exits 0 'purified twice' assay-purify $o "$tmp/w.onnx" -o "$tmp/w2.onnx" --provenance
ok 'is said twice' [ "$(grep -ao 'assay\.purified\.' "$tmp/w2.onnx" | wc -l)" -eq 2 ]
exits 0 'it can be inspected' assay-inspect "$tmp/w2.onnx"

# weights of 16 bits: trained in 32, rounded, measured as they are written
npy() { # SHAPE: header of an NPY file of bytes
	printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($1), }"
}
{ npy '40, 8, 8, 3' && head -c 7680 "$onnx/good-preact-13-dynamic.onnx"; } >"$tmp/image.npy"
{ npy '40,' && printf '\000\001\002\003%.0s' 1 2 3 4 5 6 7 8 9 10; } >"$tmp/label.npy"
h="-q --lr 1e-3 --data $tmp/image.npy,$tmp/label.npy $onnx/good-half.onnx"
exits 0 'half precision' assay-purify $h --rounds 5 -o "$tmp/half.onnx" --document "$tmp/half.json"
prints '^108 of 108 weights were rounded to the file'
ok 'the document says so' grep -q '"changed": 108' "$tmp/half.json"
ok 'the same size' [ "$(size "$tmp/half.onnx")" = "$(size "$onnx/good-half.onnx")" ]
ok 'another model, still of half precision' sh -c "! cmp -s '$tmp/half.onnx' '$onnx/good-half.onnx' &&
    assay-load '$tmp/half.onnx' -o '$tmp/half.n' && grep -aq '\"dtype\":\"F16\"' '$tmp/half.n'"
exits 0 'no rounds' assay-purify $h --rounds 0 -o "$tmp/same.onnx"
ok 'are the original' cmp "$tmp/same.onnx" "$onnx/good-half.onnx"
fails 2 'weights beyond the type' 'more than f16 holds' assay-purify $h --rounds 1 --lr 100 --decay 10 --optimiser adamw --batch 12 -o "$tmp/no.onnx"

# what lies beside the output stays
echo precious >"$tmp/p.onnx.neutral"
exits 0 'beside a file OUT.neutral' assay-purify $o "$suspect" -o "$tmp/p.onnx"
ok 'it is untouched' grep -q precious "$tmp/p.onnx.neutral"
cp "$suspect" "$tmp/in.onnx"
exits 0 'over its own input' assay-purify $o "$tmp/in.onnx" -o "$tmp/in.onnx"
ok 'the same as elsewhere' cmp "$tmp/in.onnx" "$tmp/1.onnx"
for m in '--bn train' '--norm l2 --alpha 2' '--norm l1 --alpha 50' '--norm free --init zero' '--init random --lambda-adv .5' \
    '--optimiser sgd --momentum .5 --decay 1e-4' '--optimiser adamw --no-amsgrad' '--init min --steps 1'; do
	exits 0 "$m" assay-purify $o --rounds 1 $m "$suspect" -o "$tmp/m.onnx"
	ok 'another model' sh -c "! cmp -s '$tmp/m.onnx' '$suspect'"
done

# every method: another model of the same size, the same bytes on one thread
# and two, and without rounds the original
for m in ft ft-sam d3 anp fp i-bau nad; do
	how="$o --method $m"
	[ $m != anp ] || how="$how --lr 1 --prune .95"
	for t in 1 2; do
		[ $t = 1 ] || how=${how#-q }
		exits 0 "$m, $t threads" assay-purify $how --threads $t "$suspect" -o "$tmp/m$t.onnx" --document "$tmp/m.json"
	done
	ok 'the same model' cmp "$tmp/m1.onnx" "$tmp/m2.onnx"
	exits 0 'ended after a round' assay-purify $how --max-time .000001 --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m3.onnx"
	exits 0 'gone on with, and an estimate' assay-purify ${how#-q } --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m3.onnx"
	ok 'the same model' cmp "$tmp/m1.onnx" "$tmp/m3.onnx"
	rm -f "$tmp/m.state"
	ok 'another than the suspect' sh -c "! cmp -s '$tmp/m1.onnx' '$suspect'"
	ok 'of its size' [ "$(size "$tmp/m1.onnx")" = "$(size "$suspect")" ]
	ok 'the document names it' grep -q "\"method\": \"$m\"" "$tmp/m.json"
	exits 0 'no rounds' assay-purify $how --rounds 0 "$suspect" -o "$tmp/same.onnx"
	ok 'are the original' cmp "$tmp/same.onnx" "$suspect"
done
how="$o --method anp --optimiser adam --lr .1 --prune .95"
exits 0 'masks by Adam' assay-purify $how "$suspect" -o "$tmp/m1.onnx"
exits 0 'ended after a round' assay-purify $how --max-time .000001 --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m3.onnx"
exits 0 'gone on with' assay-purify $how --checkpoint "$tmp/m.state" "$suspect" -o "$tmp/m3.onnx"
ok 'the same model' cmp "$tmp/m1.onnx" "$tmp/m3.onnx"
exits 0 'everything pruned' assay-purify $o --method anp --prune 1 "$suspect" -o "$tmp/m.onnx" --document "$tmp/m.json"
ok 'says so' grep -q '"pruned_rate": 1.0' "$tmp/m.json"
exits 0 'nothing pruned' assay-purify $o --method anp --rho 0 --prune 0 --lr 0 "$suspect" -o "$tmp/m.onnx"
ok 'is the original' cmp "$tmp/m.onnx" "$suspect"
exits 0 'Adam where the default is another' assay-purify $o --method ft --optimiser adam "$suspect" -o "$tmp/m1.onnx" --document "$tmp/m.json"
ok 'has AMSGrad' grep -q '"amsgrad": true' "$tmp/m.json"
exits 0 'without' assay-purify $o --method ft --optimiser adam --no-amsgrad "$suspect" -o "$tmp/m2.onnx" --document "$tmp/m.json"
ok 'has not' grep -q '"amsgrad": false' "$tmp/m.json"
ok 'and is another model' sh -c "! cmp -s '$tmp/m1.onnx' '$tmp/m2.onnx'"
for m in d3 fp; do
	fails 3 "$m without a last layer that is linear" 'not that of a linear layer' assay-purify $h --method $m -o "$tmp/no.onnx"
done
exits 0 '--help' assay-purify --help
exits 0 '--version' assay-purify --version

p="$o -o $tmp/x.onnx --document $tmp/x.json"
echo '{"schema":"assay-eval/1","tool":{"name":"a","version":"1"},"inputs":[]}' >"$tmp/other.json"
fails 4 'no model' 'a model,' assay-purify $p
fails 4 'no output' 'needed' assay-purify "$suspect" --data "$audit"
for m in method norm init optimiser bn; do
	fails 4 "a wrong --$m" "$m cannot be 'nope'" assay-purify $p "$suspect" --$m nope
done
# an option that would change nothing is not swallowed
while read -r with option value methods; do
	fails 4 "$option with $with" "$option is an option of --method $methods, not of $with$" \
	    assay-purify $p "$suspect" --method $with $option ${value#-}
done <<EOF
sau --confirm - guided
ft --confirm - guided
sau --lambda-guide 4 guided
ft --lambda-clean 1 sau, guided, d3
d3 --lambda-shared 1 sau
ft --alpha .2 sau
ft --norm linf sau
ft-sam --steps 5 sau
ft --rho 2 ft-sam, anp
ft-sam --prune .1 anp, fp
EOF
fails 4 'momentum of Adam' '--momentum is an option of --optimiser sgd, not of adam' assay-purify $p "$suspect" --momentum .9
fails 4 'SGD without AMSGrad' '--no-amsgrad is an option of --optimiser adam, adamw, not of sgd' \
    assay-purify $p "$suspect" --method ft --no-amsgrad
fails 4 'a batch of none' 'batch' assay-purify $p "$suspect" --batch 0
fails 4 'a rate that is no number' 'lr' assay-purify $p "$suspect" --lr x
fails 4 'no labels' 'no labels' assay-purify $p "$suspect" --data "${audit%,*}"
fails 3 'not a model' 'other.json' assay-purify $p "$tmp/other.json"
fails 3 'not a data set' 'model.onnx' assay-purify $p "$suspect" --data "$suspect"
fails 2 'a damaged model' 'bad-truncated' assay-purify $p "$onnx/bad-truncated.onnx"
fails 2 'a missing model' 'nowhere: cannot open' assay-purify $p "$tmp/nowhere"
fails 2 'missing data' 'nowhere' assay-purify $p "$suspect" --data "$tmp/nowhere"
fails 2 'images of another size' '1 x 20 x 20' assay-purify $p "$suspect" --data "$twenty"
fails 2 'labels outside the classes' 'label 9, the model has 4' assay-purify $p "$suspect" --data "$ten"
fails 2 'a missing scan' 'nowhere: cannot open' assay-purify $p "$suspect" --scan "$tmp/nowhere"
fails 2 'a scan that is none' 'other.json: schema' assay-purify $p "$suspect" --scan "$tmp/other.json"
fails 2 'a trigger that is none' 'other.json' assay-purify $p "$suspect" --trigger "$tmp/other.json"
fails 2 'a trigger for other classes' 'maps 4 classes, the model has 10' assay-purify $p "$models/ten/model.onnx" --data "$ten" --trigger "$trigger"
fails 2 'missing images' 'nowhere' assay-purify $p "$suspect" --eval-data "$tmp/nowhere"
fails 2 'images of other classes' 'label 9, the model has 4' assay-purify $p "$suspect" --eval-data "$ten"
ok 'nothing was written' sh -c "! ls '$tmp' | grep '^x'"
fails 2 'nowhere to write' 'Not a directory\|could not be written' assay-purify $p "$suspect" -o "$suspect/x"
fails 2 'a folder for the document' 'directory' assay-purify $p "$suspect" --document "$tmp"
if [ -w /dev/full ]; then
	fails 2 'a full disk' '/dev/full: could not be written' assay-purify $p "$suspect" -o /dev/full
	fails 2 'a full disk for the document' '/dev/full: cannot write' assay-purify $p "$suspect" --document /dev/full
	run sh -c "assay-purify $p '$suspect' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
fi
ok 'nothing temporary stays' sh -c "! ls '$tmp' | grep '\\.tmp\$'"
done_testing
