#!/bin/sh
# Keras models through assay-load and assay-save.
root=$(cd "$(dirname "$0")/../.." && pwd)
fix=$root/fixtures/keras
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
n=0
ok() { # ok TEXT STATUS
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
status() { # status WANT TEXT command...: its exit status, output in out, err
	want=$1 text=$2
	shift 2
	"$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ] || sed 's/^/# /' err
	[ "$got" -eq "$want" ]
	ok "$text" $?
}

rc=0
for f in "$fix"/good-*; do
	assay-load "$f" -o m && assay-save "$f" m -o same && cmp "$f" same || rc=1
done
ok "every good fixture loads; its own weights give it back byte for byte" $rc
rc=0
for f in "$fix"/bad-*; do
	assay-load "$f" -o bad.neutral 2>err
	[ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e bad.neutral ] || {
		rc=1; echo "# $f"; }
done
ok "every bad fixture: status 2, one line, no output" $rc
rc=0
for f in "$fix"/unsupported-*; do
	assay-load "$f" -o bad.neutral 2>err
	[ $? -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e bad.neutral ] || {
		rc=1; echo "# $f"; }
done
ok "every unsupported fixture: status 3, one line, no output" $rc
assay-load "$fix/unsupported-lambda.keras" 2>err
grep -q "layer 'flatten' is of the class 'Lambda'" err
ok "code in a layer is refused by the layer's name" $?

# the last byte of a neutral file is in a weight: change it
poke() {
	size=$(wc -c <"$1")
	head -c $((size - 1)) "$1" >"$2"
	printf '\101' >>"$2"
}
for f in "$fix/good-nested-2.h5" "$fix/good-nested-3.keras"; do
	assay-load "$f" -o m
	poke m changed
	status 0 "a changed weight in ${f##*/}" assay-save "$f" changed -o new
	[ "$(wc -c <new)" -eq "$(wc -c <"$f")" ]
	ok "the same size" $?
	assay-load new -o back && cmp -s back changed
	ok "and reads back as what was saved" $?
	echo "# $(cmp -l "$f" new | wc -l) bytes differ"
done
cmp -l "$fix/good-nested-3.keras" new | wc -l | awk '{ exit !($1 > 1 && $1 <= 9) }'
ok "in an archive, the byte and its two checksums" $?
if command -v unzip >/dev/null; then
	unzip -tqq new >/dev/null
	ok "which unzip finds right" $?
fi
f=$fix/good-sequential-chunks.h5
assay-load "$f" -o m
poke m changed
status 0 "a changed weight in filtered chunks" assay-save "$f" changed -o new
assay-load new -o back && cmp -s back changed
ok "reads back as what was saved" $?
f=$fix/good-deflated.keras
assay-load "$f" -o m
poke m changed
status 0 "a changed weight in a compressed member" assay-save "$f" changed -o new
assay-load new -o back && cmp -s back changed
ok "reads back as what was saved, too" $?
f=$fix/good-binary-new.h5
assay-load "$f" -o m
poke m changed
status 3 "chunks that no old B-tree lists" assay-save "$f" changed -o x
grep -q "is not in the file as such" err && [ ! -e x ]
ok "says so" $?

# a folder
f=$root/fixtures/keras-folder
status 0 "an unpacked archive" assay-load "$f" -o m
assay-load "$fix/good-grey.keras" -o n && python3 "$root/tests/cli/same-model.py" m n
ok "is the same model" $?
poke m changed
status 0 "a changed weight in a folder" assay-save "$f" changed -o folder
cmp -s "$f/config.json" folder/config.json && cmp -s "$f/metadata.json" folder/metadata.json &&
    ! cmp -s "$f/model.weights.h5" folder/model.weights.h5
ok "goes into the weights, the other files are copied" $?
assay-load folder -o back && cmp -s back changed
ok "and reads back as what was saved" $?
status 0 "the weights of the folder, as a file" assay-load "$f/model.weights.h5" -o m2
cmp -s m m2
ok "are read with what lies beside them" $?
cp "$f/model.weights.h5" alone.h5
status 3 "weights alone" assay-load alone.h5 -o x

# pixels
assay-load --mean .5 --std .25 "$fix/good-functional.keras" -o p &&
    assay-save "$fix/good-functional.keras" p -o same && cmp -s same "$fix/good-functional.keras"
ok "preprocessing of the user's stays out of the original" $?
echo "1..$n"
