#!/bin/sh
# TensorFlow Lite, loaded and saved; models that are only recognised.
. "$(dirname "$0")/tap.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
fix=$root/fixtures/tflite
cd "$tmp" || exit 1

for f in "$fix"/good-*.tflite; do
	exits 0 "${f##*/}" assay-load "$f" -o m
	exits 0 "and back" assay-save "$f" m -o same
	ok "the same bytes" cmp same "$f"
done
bad=0
for f in "$fix"/bad-*.tflite; do
	assay-load "$f" -o none 2>err
	[ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e none ] || {
		bad=1; echo "# $f"; }
done
ok "every damaged file: status 2, one line, no output" [ $bad -eq 0 ]
for f in "$fix"/unsupported-*.tflite; do
	assay-load "$f" -o none 2>err
	[ $? -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e none ] || {
		bad=1; echo "# $f"; }
done
ok "every unsupported file: status 3, one line, no output" [ $bad -eq 0 ]

# the last byte of a neutral file is in a weight
poke() {
	size=$(wc -c <"$1")
	{ head -c $((size - 1)) "$1"; printf '\101'; } >"$2"
}
assay-load "$fix/good-old.tflite" -o m
poke m changed
exits 0 "a changed weight" assay-save "$fix/good-old.tflite" changed -o new
cmp -l new "$fix/good-old.tflite" >bytes
ok "changes one byte" [ "$(wc -l <bytes)" -eq 1 ]
exits 0 "is read back" assay-load new -o back
ok "as it was saved" cmp back changed
exits 0 'integers load' assay-load "$fix/good-int8.tflite" -o m
says 'cannot be written back: 10 tensors are kept as integers'
ok 'the neutral model says so' grep -qa 'fixed..:.*tensors are kept as integers' m
exits 3 'purification is refused before it begins' assay-purify "$fix/good-int8.tflite" --data none -o none
says 'cannot be purified: the file cannot be written back'
poke m changed
exits 3 "not among integers" assay-save "$fix/good-int8.tflite" changed -o none
says 'kept as integers'
ok "pixels come first" grep -q 'assay.normalised' m
ok "the note says that they are dequantised" grep -q 'dequantised: 10 tensors' m

# recognised, not run
recognised() { # NAME WHAT
	exits 3 "$1" assay-load "$1" -o none
	says "$2.*: recognised, but such models cannot be run here"
	ok "one line, no output" [ "$(wc -l <"$err")" -eq 1 -a ! -e none ]
}
cp "$root/fixtures/identify/good.gguf" gguf
printf '\010\001\022\005\012\003abc' >savedmodel.pb
printf '<?xml version="1.0"?>\n<PMML version="4.4"/>\n' >pmml
printf '{"learner":{"gradient_booster":{}}}' >xgboost.json
printf '{L\000\000\000\000\000\000\000\007learner{' >xgboost.ubj
printf 'tree\nversion=v4\n' >lightgbm
recognised gguf 'GGUF model'
recognised savedmodel.pb 'TensorFlow SavedModel'
recognised pmml 'PMML model'
recognised xgboost.json 'XGBoost model'
recognised xgboost.ubj 'XGBoost model'
recognised lightgbm 'LightGBM model'
mkdir -p saved/variables
cp savedmodel.pb saved/saved_model.pb
recognised saved 'a TensorFlow SavedModel'
exits 3 "a text" assay-load "$root/README.md" -o none
says 'not a model file of a known format, but: plain text'
done_testing
