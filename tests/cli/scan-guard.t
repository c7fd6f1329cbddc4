#!/bin/sh
# assay-scan: what must not lead to a wrong verdict in silence: references that
# are the model itself, one another, or of other classes; a model that cannot be
# searched; and what was kept of other models.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
valid() { PATH=/usr/bin:/bin python3 -m jsonschema -i "$1" "$root/audit/scan.schema.json"; }
edit() { /usr/bin/python3 "$here/neutral-edit.py" "$@"; }
scan() { assay-scan -q --budget quick --seeds 1 --data "$audit" "$@"; }
for m in suspect reference clean; do
	eval "assay-load \"\$$m\" -o $tmp/$m.st"
done

# the model itself, in another file of another format
fails 4 'the same numbers in another file' 'suspect.st: .*itself' assay-scan -q --data "$audit" "$suspect" -r "$tmp/suspect.st"
cp "$reference" "$tmp/copy.onnx"
fails 4 'a reference twice' 'copy.onnx: the same model as .*reference' assay-scan -q --budget quick --data "$audit" "$clean" -r "$reference" -r "$tmp/copy.onnx"
fails 4 'the same numbers twice' 'reference.st: the same model as' assay-scan -q --budget quick --data "$audit" "$clean" -r "$reference" -r "$tmp/reference.st"
exits 0 'an earlier version may be the same in another format' scan "$clean" --previous "$tmp/clean.st"

# other orders of classes
edit "$tmp/reference.st" "$tmp/swapped.st" swap 0 1
exits 2 'a reference with two classes exchanged' scan "$clean" -r "$tmp/swapped.st"
says 'swapped.st: takes most images of class 0 for another one'
prints '^verdict: inconclusive'
ok 'a harder search would not help' [ -z "$(grep harder "$out")" ]
exits 2 'nor is that evidence' scan "$suspect" -r "$tmp/swapped.st"
edit "$tmp/suspect.st" "$tmp/named.st" names T-shirt Dress Sandal Bag
edit "$tmp/reference.st" "$tmp/renamed.st" names T-shirt Dress Bag Sandal
fails 2 'a reference that says so' "class 2 of the reference is 'Bag', which is class 3" assay-scan -q --data "$audit" "$tmp/named.st" -r "$tmp/renamed.st"
printf '%s\n' T-shirt Dress Sandal Bag >"$tmp/names"
exits 1 'the user knows better' scan "$tmp/named.st" -r "$tmp/renamed.st" --classes "$tmp/names"

# a reference that never says a class, into which the others are easily pushed
edit "$tmp/reference.st" "$tmp/never.st" never 1
exits 2 'a reference that does not know a class' scan "$clean" -r "$tmp/never.st"
prints '^a class is far easier .*these get no image of it right'
ok 'a harder search would not help either' [ -z "$(grep harder "$out")" ]
exits 1 'another class is evidence all the same' scan "$suspect" -r "$tmp/never.st"

# a model that says the same of every image, images of one class
edit "$tmp/clean.st" "$tmp/constant.st" zero
exits 2 'always the same' scan --no-grow "$tmp/constant.st"
says 'constant.st gets images of one class alone right'
printf '%0120d' 0 | sed 's/0/\\000/g' >"$tmp/zeros"
printf "$(cat "$tmp/zeros")" | labels "$tmp/flat" 120
tail -c +17 "$models/audit-images.idx" | head -c 94080 | images "$tmp/flat" 120 28
exits 2 'images of one class' assay-scan -q --no-grow --data "$tmp/flat-images.idx,$tmp/flat-labels.idx" "$clean"
says 'flat.*the images to optimise on are of one class'

# three images of a class: one of them, that is counted alone, would be all that
# a stamp takes from it, and a third of each landing and probe
/usr/bin/python3 - "${audit%,*}" "${audit#*,}" "$tmp/scarce" <<-'P'
	import struct, sys
	x, y = (open(f, 'rb').read() for f in sys.argv[1:3])
	y, left = y[8:], 3
	keep = []
	for i, c in enumerate(y):
	    left -= c == 1
	    if c != 1 or left >= 0:
	        keep.append(i)
	open(sys.argv[3] + '-images.idx', 'wb').write(struct.pack('>4I', 0x803, len(keep), 28, 28) + b''.join(x[16 + 784 * i:][:784] for i in keep))
	open(sys.argv[3] + '-labels.idx', 'wb').write(struct.pack('>2I', 0x801, len(keep)) + bytes(y[i] for i in keep))
P
exits 0 'three images of a class' assay-scan -q --budget quick --seeds 1 --data "$tmp/scarce-images.idx,$tmp/scarce-labels.idx" "$clean" -r "$reference" --json
ok 'are too few for stamps' /usr/bin/python3 - "$out" <<-'P'
	import json, sys
	stamp = {}
	for p in json.load(open(sys.argv[1]))["pairs"]:
	    stamp.setdefault(p["source"], set()).add(p["stamp"]["z"] is None)
	assert stamp.pop(1) == {True}
	assert stamp == {0: {False}, 2: {False}, 3: {False}}
P
cp "$out" "$tmp/scarce.json"
ok 'few images as the schema says' valid "$tmp/scarce.json"

# what few images show of a class is not evidence
head -c $((16 + 784 * 56)) "$models/audit-images.idx" | tail -c +17 | images "$tmp/some" 56 28
head -c $((8 + 56)) "$models/audit-labels.idx" | tail -c +9 | labels "$tmp/some" 56
exits 2 'a backdoored model on 56 images' assay-scan -q --budget quick --seeds 1 --data "$tmp/some-images.idx,$tmp/some-labels.idx" "$suspect" -r "$reference"
prints '^a class is far easier .*too few images to be evidence'

# each image twice says no more than once
for p in images labels; do
	h=$([ $p = images ] && echo 16 || echo 8)
	{ head -c $h "$models/audit-$p.idx"; tail -c +$((h + 1)) "$models/audit-$p.idx"; tail -c +$((h + 1)) "$models/audit-$p.idx"; } >"$tmp/twice-$p.idx"
	printf "\\$(printf %03o $((288 / 256)))\\$(printf %03o $((288 % 256)))" | dd of="$tmp/twice-$p.idx" bs=1 seek=6 conv=notrunc 2>"$tmp/dd"
done
exits 0 'once' scan "$clean" -r "$reference" -o "$tmp/once"
exits 0 'twice' assay-scan -q --budget quick --seeds 1 --data "$tmp/twice-images.idx,$tmp/twice-labels.idx" "$clean" -r "$reference" -o "$tmp/twice"
ok 'the same radii, landings, probes and pairs' /usr/bin/python3 - "$tmp/once/scan.json" "$tmp/twice/scan.json" <<-'P'
	import json, sys
	once, twice = (json.load(open(f)) for f in sys.argv[1:])
	assert once["images"]["fit"] + once["images"]["test"] == 144
	for k in "geometries", "landing", "probes", "pairs", "map", "score":
	    assert once[k] == twice[k], k
P

# the gradient is not finite where a pixel is 0
edit "$tmp/clean.st" "$tmp/root.st" root
exits 2 'nothing found by a blind search' scan "$tmp/root.st" -r "$reference" --json
ok 'is not no evidence' grep -q '"why": "the gradients of a model' "$out"
ok 'the cells say so' grep -q '"blind": true' "$out"
ok 'no number is nonsense' [ -z "$(grep -E '[0-9]e[+-]?[0-9]{2}|[^0-9a-z]nan' "$out" | grep -E '"(z|residual)"')" ]
cp "$out" "$tmp/root.json"
ok 'as the schema says' valid "$tmp/root.json"
edit "$tmp/reference.st" "$tmp/rooted.st" root
exits 2 'a reference that cannot be searched' scan "$clean" -r "$tmp/rooted.st" --cache "$tmp/rooted"
exits 2 'nor from what was kept of it' scan "$clean" -r "$tmp/rooted.st" --cache "$tmp/rooted"
prints '^the gradients of a model'

# two suspects whose files number the classes of one data set otherwise
scan() { assay-scan -q --budget quick --seeds 1 --data "$tmp/data.st" "$@"; }
exits 0 'images with names' assay-load -q --data "$audit" --classes "$tmp/names" -o "$tmp/data.st"
edit "$tmp/clean.st" "$tmp/other.st" swap 0 1
edit "$tmp/other.st" "$tmp/other.st" names Dress T-shirt Sandal Bag
exits 1 'one order' scan "$tmp/named.st" -r "$reference" --cache "$tmp/kept" -o "$tmp/1"
exits 2 'the other one' scan "$tmp/other.st" -r "$reference" --cache "$tmp/kept" -o "$tmp/2"
exits 2 'the other one without a cache' scan "$tmp/other.st" -r "$reference" -o "$tmp/3"
without_run "$tmp/2/scan.json" >"$tmp/a"
without_run "$tmp/3/scan.json" >"$tmp/b"
ok 'what was kept with the first order is not used' cmp "$tmp/a" "$tmp/b"
exits 0 'a reference grown with one order' assay-grow -q "$tmp/named.st" --data "$tmp/data.st" -n 1 --epochs 12 -o "$tmp/grown"
fails 4 'is none for the other' "'images' differs" assay-grow -q "$tmp/other.st" --data "$tmp/data.st" -n 1 --epochs 12 -o "$tmp/grown"

cp -r "$tmp/kept" "$tmp/kept.few"

# a cache that cannot be written costs time, and hides nothing
for f in $(ls "$tmp/kept"); do
	rm "$tmp/kept/$f" && mkdir -p "$tmp/kept/$f/x"
done
exits 1 'a cache that cannot be written' scan "$tmp/named.st" -r "$reference" --cache "$tmp/kept"
says 'nothing is kept of reference 1'
prints '^verdict: evidence'
fails 4 'a seed that no document holds' 'seed wants' assay-scan -q --data "$audit" "$clean" -r "$reference" --seed 18446744073709551615

# many classes: a document that does not grow with the pairs of these
mkdir "$tmp/many"
/usr/bin/python3 "$here/many-classes.py" "$tmp/many"
run assay-scan -q --budget quick --seeds 1 --data "$tmp/many/images.idx,$tmp/many/labels.idx" "$tmp/many/suspect.st" -r "$tmp/many/reference.st" --cache "$tmp/many/kept" --json
ok "a hundred classes: status 0 or 2, got $rc" [ $rc -eq 0 -o $rc -eq 2 ]
cp "$out" "$tmp/many.json"
ok 'sources that had images, and what was left out' /usr/bin/python3 - "$tmp/many.json" <<-'Q'
	import json, sys
	text = open(sys.argv[1]).read()
	d = json.loads(text)
	cells = [c for g in d["geometries"] for c in g["per_class"]]
	assert sum(c["ease"]["suspect"] is not None for c in cells) == 6 * 48
	assert all(s["n"] > 0 for c in cells for s in c["by_source"])
	assert all(sum(s["n"] for s in c["by_source"]) == c["flips"]["n"] for c in cells)
	assert len(text) < 5000000, len(text)
	assert len(d["pairs"]) == 200
	assert any("all classes but 48" in t for t in d["not_tested"])
	assert any("but 2 from each class" in t for t in d["not_tested"])
	# each p of a pair is of 200 tests, a quarter of the level is theirs
	p = [(x["p"], x["p_adjusted"]) for x in d["pairs"] if x["p_adjusted"] < 1]
	assert all(abs(a * 800 - b) < 1e-6 * b for a, b in p)
Q
ok 'as the schema says, too' valid "$tmp/many.json"
ok 'patches of many classes take more steps, of few not, and spreads are those of the classes' /usr/bin/python3 - "$tmp/many.json" "$tmp/many/kept" "$tmp/kept.few" <<-'Q'
	import json, math, os, sys
	def classes(folder):
	    docs = [json.load(open(os.path.join(folder, f))) for f in os.listdir(folder)]
	    return [c for d in docs for c in d["cells"] if c["source"] == -1]
	many, few = classes(sys.argv[2]), classes(sys.argv[3])
	assert len(many) == 288 and len(few) >= 24
	assert all(c.get("longer", False) == (c["geometry"] == "patch") for c in many)
	assert not any("longer" in c for c in few)
	d = json.load(open(sys.argv[1]))
	for g in d["geometries"]:
	    low = [c["residual"] for c in g["per_class"] if c["residual"] is not None and c["residual"] < 0]
	    rms = math.sqrt(sum(v * v for v in low) / max(len(low), 1))
	    # what is built in (.11 to .43, of two models) counts as two classes
	    assert len(low) < 10 or d["spread"][g["name"]] > .9 * rms, g["name"]
	    assert len(low) < 10 or d["spread"][g["name"]] < max(1.5 * rms, .2), (g["name"], rms)
Q

# nothing of the only reference could be searched, so that there are no tests of
# pairs at all
/usr/bin/python3 "$here/many-classes.py" "$tmp/many" 20
edit "$tmp/many/reference.st" "$tmp/many/hard.st" hard
exits 2 'a reference that is blind everywhere' assay-scan -q --budget quick --seeds 1 --data "$tmp/many/images.idx,$tmp/many/labels.idx" "$tmp/many/suspect.st" -r "$tmp/many/hard.st" --json
ok 'no effect could have been seen' grep -q '"minimum": {}' "$out"
ok 'it says why' grep -q '"why": "the gradients of a model' "$out"

/usr/bin/python3 "$here/many-classes.py" "$tmp/many" 12000
fails 2 'too many classes for what is kept of pairs' '12000 classes are too many' assay-scan -q --data "$tmp/many/images.idx,$tmp/many/labels.idx" "$tmp/many/suspect.st" -r "$tmp/many/reference.st"

# two classes: what is easier is as much as what is harder
pick() { # NAME: classes 1 and 3 of one of the sets of images
	tail -c +9 "$models/$1-labels.idx" | od -An -v -tu1 -w1 >"$tmp/$1.labels"
	tail -c +17 "$models/$1-images.idx" | od -An -v -tu1 -w784 | paste "$tmp/$1.labels" - |
	    awk '$1 % 2 == 1 { $1 = ($1 - 1) / 2; print }' >"$tmp/$1.rows"
	LC_ALL=C awk '{ printf "%c", $1 + 0 }' "$tmp/$1.rows" | labels "$tmp/$1" "$(wc -l <"$tmp/$1.rows")"
	LC_ALL=C awk '{ for (i = 2; i <= NF; i++) printf "%c", $i + 0 }' "$tmp/$1.rows" |
	    images "$tmp/$1" "$(wc -l <"$tmp/$1.rows")" 28
	set2=$tmp/$1-images.idx,$tmp/$1-labels.idx
}
for n in audit one two three; do
	pick $n && eval "${n}2=\$set2"
done
plant() { assay-plant -q $settings --test "$audit2" "$@" >"$tmp/planting" 2>&1; }
for n in 1 2 3; do
	plant --data "$one2" --seed $n -o "$tmp/r$n"
done
plant --data "$three2" --seed 4 --attack badnets --rate .1 --target 1 -o "$tmp/bad2"
scan() { assay-scan -q --budget quick --seeds 1 --data "$audit2" "$@"; }
exits 1 'a backdoored model of two classes' scan "$tmp/bad2/model.onnx" -r "$tmp/r1/model.onnx" -r "$tmp/r2/model.onnx" -r "$tmp/r3/model.onnx"
prints '^\* 1 '
exits 2 'one reference is too few for that' scan "$tmp/bad2/model.onnx" -r "$tmp/r1/model.onnx" --json
ok 'as it says' grep -q 'fewer than three references' "$out"
ok 'so that no effect is small enough' grep -q '"minimum": {}' "$out"
cp "$out" "$tmp/two.json"
ok 'two classes as the schema says' valid "$tmp/two.json"
done_testing
