#!/bin/sh
# ONNX with external data: read, written back, refused.
. "$(dirname "$0")/tap.sh"
fix=$(cd "$(dirname "$0")/../../fixtures/onnx-external" && pwd)
cd "$tmp" || exit 1
mkdir m
cp "$fix"/*.onnx "$fix"/weights.data m
# the weights of the neutral model, all of them: its last 504 bytes
weights() { tail -c 504 "$1" >"$2"; }

exits 0 "weights inside" assay-load m/good-inline.onnx -o inline
weights inline inline.w
for f in sidecar no-length dot checksum unknown-key; do
	exits 0 "good-$f" assay-load "m/good-$f.onnx" -o "$f"
	weights "$f" w
	ok "the same weights" cmp w inline.w
done
ok "the note tells where they are" grep -q "weights in 'weights.data'" sidecar
ok "and an unknown key" grep -q "unknown key 'basepath'" unknown-key

# back: both files, and only what was changed
size=$(wc -c <sidecar)
{ head -c $((size - 1)) sidecar; printf '\070'; } >changed
exits 0 "unchanged" assay-save m/good-sidecar.onnx sidecar -o same
ok "gives the model" cmp same/good-sidecar.onnx m/good-sidecar.onnx
ok "and its data" cmp same/weights.data m/weights.data
exits 0 "a changed weight" assay-save m/good-sidecar.onnx changed -o new
ok "leaves the model" cmp new/good-sidecar.onnx m/good-sidecar.onnx
cmp -l new/weights.data m/weights.data >bytes
ok "changes one byte of the data" [ "$(wc -l <bytes)" -eq 1 ]
assay-load new/good-sidecar.onnx -o back
ok "and reads back" cmp back changed
exits 0 "with a checksum" assay-save m/good-checksum.onnx changed -o summed
ok "which is the new one" grep -q "$(sha1sum <summed/weights.data | cut -d' ' -f1)" summed/good-checksum.onnx
exits 0 "so that it reads back" assay-load summed/good-checksum.onnx -o back
exits 4 "two files do not fit into a pipe" assay-save m/good-sidecar.onnx changed

# hostile ones
mkdir m/folder real m/many
cp m/weights.data real
ln -s "$tmp/real/weights.data" m/link
ln -s "$tmp/real" m/linked
mkfifo m/pipe
i=0
while [ $i -lt 1100 ]; do : >m/many/$i; i=$((i + 1)); done
refused() { # STATUS NAME MESSAGE
	exits "$1" "$2" assay-load "m/$2.onnx" -o none
	says "$3"
	ok "one line, no output" [ "$(wc -l <"$err")" -eq 1 -a ! -e none ]
}
refused 2 bad-parent 'etc/passwd: is no plain path within'
refused 2 bad-absolute '/etc/passwd: is no plain path within'
refused 2 bad-backslash 'is no plain path within'
refused 2 bad-dot 'is no plain path within'
refused 2 bad-empty-location 'does not say where its external data is'
refused 2 bad-no-location 'does not say where its external data is'
refused 2 bad-itself "offset 301: onnx: external data in the model file itself"
refused 2 bad-offset "tensor 'w' wants 432 bytes at 1000 of 'weights.data', which has 1076"
refused 2 bad-huge-offset 'wants 432 bytes at 9223372036854775807'
refused 2 bad-overflow "external data of offset '18446744073709551612'"
refused 2 bad-negative-offset "external data of offset '-4'"
refused 2 bad-length 'has 428 bytes of external data for 108 elements of f32'
refused 2 bad-checksum 'does not have the checksum'
refused 2 bad-short-checksum 'does not have the checksum'
refused 2 bad-key-twice "has 'offset' of its external data twice"
refused 2 bad-values-twice 'has its values twice'
refused 2 bad-not-external 'data_location is not external'
refused 2 bad-many-files 'would be file 1025 of one model'
refused 3 unsupported-missing 'nowhere.data: belongs to the model but is not there'
refused 3 unsupported-folder 'is not there'
refused 3 unsupported-link 'is not there'
refused 3 unsupported-below-link 'is not there'
refused 3 unsupported-pipe 'is not there'
rm m/pipe
if mknod m/pipe c 1 5 2>/dev/null; then
	refused 3 unsupported-pipe 'is not there'
fi
: >m/weights.data
refused 2 good-sidecar "of 'weights.data', which has 0"
done_testing
