#!/bin/sh
# zoo-purify.sh ZOO SCANS OUT METHODS SEEDS NAME...: purifies the models of the
# zoo (fixtures/zoo.sh) whose names begin with one of the names, by each of the
# methods ("guided sau ..."), with each of the seeds ("0 1 2"), and measures the
# result on the 10,000 test images; OUT/<method>/<name>-<seed>/eval.json.
# SCANS/<name>/scan.json (audit/zoo-scan.sh) guides; a victim that its scan did
# not flag is left out for `guided` and listed by purify/eval-purify.py.
# The images are the first 1,200 of the training set, 2 % of it: no victim has
# seen them, the references have.  Clean models are purified by the guide of a
# flagged class all the same: CLEAN=<scan.json>; OPTIONS=--confirm leaves alone
# what is not found again.
# OPTIONS adds options of assay-purify, for all methods.  Resumable.
# From the project's root, after make all.
set -eu
PATH="$PWD/build/release/bin:$PATH"
F=/usr/share/datasets/fashion-mnist
zoo=$1 scans=$2 out=$3 methods=$4 seeds=$5
shift 5
mkdir -p "$out"
[ -e "$out/reserved-labels.idx" ] ||
	sh fixtures/idx-part.sh $F/train-images-idx3-ubyte.gz $F/train-labels-idx1-ubyte.gz 0 1200 "$out/reserved"
TEST=$F/t10k-images-idx3-ubyte.gz,$F/t10k-labels-idx1-ubyte.gz

one() { # METHOD SEED DIR
	name=${3##*/} to=$out/$1/${3##*/}-$2
	[ ! -e "$to/eval.json" ] || return 0
	guide=
	if [ "$1" = guided ]; then
		guide=${CLEAN:-$scans/$name/scan.json}
		grep -q '"geometry"' "$guide" 2>/dev/null && grep -q '"verdict": "evidence"' "$guide" || return 0
	fi
	mkdir -p "$to"
	assay purify -q "$3/model.onnx" --data "$out/reserved-images.idx,$out/reserved-labels.idx" --method "$1" \
	    ${guide:+--guide "$guide"} --seed "$2" --no-reactivation ${OPTIONS:-} -o "$to/model.onnx" --document "$to/purify.json" >/dev/null
	if [ -e "$3/trigger.safetensors" ]; then
		assay eval -q "$to/model.onnx" --data "$TEST" --trigger "$3/trigger.safetensors" \
		    --baseline "$3/model.onnx" --json >"$to/eval.tmp"
	else
		assay eval -q "$to/model.onnx" --data "$TEST" --baseline "$3/model.onnx" --json >"$to/eval.tmp"
	fi
	mv "$to/eval.tmp" "$to/eval.json"
	rm "$to/model.onnx"
}
for name; do
	for dir in "$zoo/$name"*; do
		[ -e "$dir/truth.json" ] || continue
		for seed in $seeds; do
			for method in $methods; do one "$method" "$seed" "$dir"; done
		done
	done
done
