#!/bin/sh
# assay-load: ONNX to a neutral model, every exit status.
fix=$(cd "$(dirname "$0")/../../fixtures/onnx" && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
n=0
ok() { # ok TEXT STATUS...: the last command's status is as wanted
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

status 0 "a good model" assay-load "$fix/good-resnet-9-static.onnx" -o m.neutral
grep -q '"assay.model"' m.neutral
ok "the graph is in the metadata" $?
status 0 "to stdout" assay-load "$fix/good-resnet-9-static.onnx"
cmp -s out m.neutral
ok "the same bytes on stdout" $?
status 0 "a neutral model is a model" assay-load m.neutral -o again.neutral
cmp -s m.neutral again.neutral
ok "and comes out as it went in" $?
for f in "$fix"/good-*.onnx; do
	assay-load "$f" -o good.neutral 2>>err || break
done
ok "every good fixture" $?
rc=0
for f in "$fix"/bad-*.onnx; do
	[ "${f##*/}" = bad-no-graph.onnx ] && continue
	assay-load "$f" -o bad.neutral 2>err
	[ $? -eq 2 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e bad.neutral ] || {
		rc=1; echo "# $f"; }
done
ok "every bad fixture: status 2, one line, no output" $rc
rc=0
for f in "$fix"/unsupported-*.onnx; do
	assay-load "$f" -o bad.neutral 2>err
	[ $? -eq 3 ] && [ "$(wc -l <err)" -eq 1 ] && [ ! -e bad.neutral ] || {
		rc=1; echo "# $f"; }
done
ok "every unsupported fixture: status 3, one line, no output" $rc
assay-load "$fix/bad-short-raw.onnx" 2>err
grep -q 'offset 78: onnx: tensor .w. has 3068 bytes' err
ok "the message has file, offset and tensor" $?

status 0 "mean and std" assay-load --mean .485,.456,.406 --std .229,.224,.225 \
    "$fix/good-resnet-9-static.onnx" -o n.neutral
grep -q 'assay.normalised' n.neutral
ok "leading nodes" $?
status 4 "a list of the wrong length" assay-load --mean 1,2 "$fix/good-resnet-9-static.onnx" -o x
status 4 "a zero std" assay-load --std 0 "$fix/good-resnet-9-static.onnx" -o x
status 4 "a mean that is no number" assay-load --mean a "$fix/good-resnet-9-static.onnx" -o x
status 4 "no operand" assay-load
status 4 "an unknown option" assay-load --frob x
echo hello >text
: >empty
status 3 "a text file" assay-load text
status 3 "an empty file" assay-load empty
status 3 "a directory" assay-load .
status 2 "a missing file" assay-load nowhere
status 2 "no place to write" assay-load m.neutral -o nowhere/out
if [ -w /dev/full ]; then
	status 2 "a full disk" assay-load m.neutral -o /dev/full
fi
[ -z "$(ls -- *.tmp 2>/dev/null)" ] && [ ! -e x ]
ok "nothing is left behind" $?
status 0 "--help" assay-load --help
grep -q 'require-sandbox' out
ok "the options are listed" $?
status 0 "--version" assay-load --version
echo "1..$n"
