#!/bin/sh
# assay-save: neutral weights into the original file, every exit status.
fix=$(cd "$(dirname "$0")/../../fixtures/onnx" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
n=0
ok() {
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
status() {
	want=$1 text=$2
	shift 2
	"$@" >out 2>err
	got=$?
	[ "$got" -eq "$want" ] || sed 's/^/# /' err
	[ "$got" -eq "$want" ]
	ok "$text" $?
}
# the last byte of a neutral file is in a weight: change it
poke() {
	size=$(wc -c <"$1")
	head -c $((size - 1)) "$1" >"$2"
	printf '\101' >>"$2"
}

rc=0
for f in "$fix"/good-*.onnx; do
	assay-load "$f" -o m && assay-save "$f" m -o same && cmp "$f" same || rc=1
done
ok "unchanged weights give the original, byte for byte" $rc

f=$fix/good-resnet-9-static.onnx
assay-load "$f" -o m
poke m changed
status 0 "a changed weight" assay-save "$f" changed -o new.onnx
[ "$(wc -c <new.onnx)" -eq "$(wc -c <"$f")" ]
ok "the same size" $?
cmp -l "$f" new.onnx | wc -l | grep -q '^ *1$'
ok "one byte differs" $?
assay-load new.onnx -o back && cmp -s back changed
ok "and reads back as what was saved" $?
status 0 "to stdout" assay-save "$f" changed
cmp -s out new.onnx
ok "the same bytes on stdout" $?
assay-load --mean .5 --std .25 "$f" -o pixels
status 0 "behind preprocessing" assay-save "$f" pixels -o p.onnx
cmp -s p.onnx "$f"
ok "which stays out of the original" $?
status 0 "into a neutral model" assay-save m changed -o new.neutral
cmp -s changed new.neutral
ok "as into any other" $?

# a note: in ONNX behind what is there, in safetensors in the header
status 0 "a note" assay-save "$f" changed -o noted.onnx --note 'assay.test=a "note", ü'
head -c "$(wc -c <new.onnx)" noted.onnx | cmp -s - new.onnx
ok "nothing before it changes" $?
tail -c +$(($(wc -c <new.onnx) + 1)) noted.onnx | tr '\n' '|' | LC_ALL=C grep -aq '^r.||assay.test..a "note", ..$'
ok "an entry of metadata_props is behind it" $?
assay-load noted.onnx -o back && cmp -s back changed
ok "the weights are those" $?
status 0 "the same key again" assay-save noted.onnx changed -o twice.onnx --note assay.test=b
cmp -s twice.onnx noted.onnx && grep -q "is there already" err
ok "is not written, and that is said" $?
status 0 "another key" assay-save noted.onnx changed -o twice.onnx --note assay.more=b
[ "$(wc -c <twice.onnx)" -gt "$(wc -c <noted.onnx)" ]
ok "is" $?
for bad in assay.test '=b' 'a b=c' "$(printf '%065d' 1)=c" "k=$(printf '%04097d' 1)" "$(printf 'k=\377')"; do
	status 4 "no note" assay-save "$f" changed -o x --note "$bad"
done
status 0 "no place for one" assay-save m changed -o noted.neutral --note assay.test=b
cmp -s changed noted.neutral && grep -q "a neutral file has no place" err
ok "written without it, and that is said" $?

status 4 "another model's weights" assay-save "$fix/good-vgg-9-static.onnx" m -o x
grep -q 'do not belong together' err
ok "says so" $?
status 2 "a damaged original" assay-save "$fix/bad-truncated.onnx" m -o x
echo hello >text
status 3 "an unknown original" assay-save text m -o x
status 3 "weights that are not a neutral model" assay-save "$f" "$f" -o x
head -c 2000 m >cut
status 3 "a neutral model cut in its header" assay-save "$f" cut -o x
size=$(wc -c <m)
head -c $((size - 4)) m >cut
status 2 "a neutral model cut in its weights" assay-save "$f" cut -o x
status 4 "one operand" assay-save "$f"
status 2 "a missing file" assay-save nowhere m
[ ! -e x ] && [ -z "$(ls -- *.tmp 2>/dev/null)" ]
ok "nothing is left behind" $?
echo "1..$n"
