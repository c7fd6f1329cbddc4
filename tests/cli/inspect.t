#!/bin/sh
# assay-inspect: every exit status, what is found, where the document goes.
. tests/cli/tap.sh
f=fixtures/identify

exits 0 "harmless files" assay-inspect $f/good.safetensors $f/good.txt $f/good.json
prints "^safetensors .*good.safetensors"
exits 3 "no model, nothing known" assay-inspect $f/unknown.bin
prints "note .*FILE_UNKNOWN"
exits 1 "a folder with everything" assay-inspect $f
for id in FILE_EXECUTABLE FILE_PICKLE FORMAT_POLYGLOT NAME_MISMATCH FILE_UNKNOWN; do
	prints $id
done
for one in good-torch.pt good-p0.pkl bad-name.txt bad-object.npy; do
	exits 0 "$one, a harmless pickle" assay-inspect $f/$one
	prints "note .*FILE_PICKLE"
done
for one in good-elf.so good.exe good.dylib; do
	exits 1 "$one" assay-inspect $f/$one
	prints "high .*FILE_EXECUTABLE"
done
for one in good-script.sh good.py; do
	exits 0 "$one" assay-inspect $f/$one
	prints "low .*FILE_SOURCE"
done
exits 1 "safetensors with a zip behind" assay-inspect $f/bad-polyglot.safetensors
prints "safetensors and zip"
exits 3 "a name of another format" assay-inspect --json fixtures/image/bad-magic.png
prints NAME_MISMATCH

# --- the document
assay-inspect --json $f >$tmp/one.json 2>/dev/null
assay-inspect --json $f >$tmp/two.json 2>/dev/null
ok "the document is the same twice" cmp $tmp/one.json $tmp/two.json
ok "it has its schema" grep -q '"schema": "assay-inspect/1"' $tmp/one.json
exits 1 "-o" assay-inspect -o $tmp/three.json $f
ok "-o writes the same" cmp $tmp/one.json $tmp/three.json
exits 1 "-o -" assay-inspect -o - $f
ok "-o - prints it" cmp $tmp/one.json $out
assay-unpack fixtures/archive/good-plain.zip $tmp/case >/dev/null
exits 0 "a case" assay-inspect $tmp/case
ok "the case has its document" grep -q '"role": "manifest"' $tmp/case/inspect.json
ok "paths are those of the manifest" grep -q '"path": "model/labels.txt"' $tmp/case/inspect.json
sum=$(sha256sum <$tmp/case/manifest.json | cut -c1-64)
ok "it names the manifest" grep -q "$sum" $tmp/case/inspect.json
ok "nothing else is left" [ "$(ls $tmp/case | tr '\n' ' ')" = "files inspect.json manifest.json " ]
# what only looks like a case has its files to show, and others to hide
cp -r $tmp/case $tmp/dressed
cp fixtures/identify/good-elf.so $tmp/dressed/plugin.so
rm $tmp/dressed/inspect.json
exits 1 "a folder that looks like a case" assay-inspect $tmp/dressed
says "not taken for a case: 'plugin.so' is no part of one"
prints "FILE_EXECUTABLE"
ok "  nothing is written into it" [ ! -e $tmp/dressed/inspect.json ]
exits 0 "one whose document is asked for" assay-inspect $tmp/dressed -o $tmp/dressed/inspect.json
says "'plugin.so' is no part of a case, and is not looked at"
ok "  is a case" grep -q '"role": "manifest"' $tmp/dressed/inspect.json
rm $tmp/dressed/plugin.so $tmp/dressed/inspect.json
ln -s /dev/full $tmp/dressed/inspect.json
exits 2 "a document that leads to a device" assay-inspect $tmp/dressed
says "inspect.json: a link to something that is no file"
exits 0 "-L" assay-inspect -L
prints "polyglot"
prints "safetensors"

# --- a path that would disturb a terminal
mkdir $tmp/odd
printf 'x' >"$tmp/odd/$(printf 'a\033[2Jb')"
exits 0 "an odd name" assay-inspect $tmp/odd
prints 'a\\x1b\[2Jb'

# --- status 2
mkdir $tmp/link
cp $f/good.txt $tmp/link
ln -s good.txt $tmp/link/l
ln -s nowhere $tmp/link/m
exits 2 "a link to nothing" assay-inspect $tmp/link
prints "not followed"
mkdir -p $tmp/tree/z $tmp/tree/z.d
cp $f/good.txt $tmp/tree/b
cp $f/good.json $tmp/tree/z/a
cp $f/good.txt $tmp/tree/z.d/c
sum=$(cd $tmp/tree && find . -type f | sed 's,^./,,' | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-64)
assay-inspect --json $tmp/tree $f/good.txt >$out 2>/dev/null
ok "a folder's digest is in-toto's dirHash" grep -q "\"sha256\": \"$sum\"" $out
truncate -s 9G $tmp/tree/z/big
exits 2 "a file too large for it" assay-inspect --json $tmp/tree
prints "FILE_UNREADABLE"
prints '"path": "z.d/c"'
prints '"inputs": \[\]'
exits 2 "no such file" assay-inspect $tmp/nope
says "cannot open"
exits 2 "a document that cannot be written" assay-inspect -o /dev/full $f/good.txt
says "cannot write"
exits 1 "a finding wins over that" assay-inspect -o /dev/full $f/good.exe
assay-inspect $f/good.txt >/dev/full 2>$err
ok "standard output full: status 2" [ $? -eq 2 ]
exits 0 "a descriptor by its name" sh -c "assay-inspect -o /dev/fd/3 $f/good.txt 3>$tmp/third"
ok "  has the document" grep -q '"schema": "assay-inspect/1"' $tmp/third
exits 0 "standard output by its name" sh -c "assay-inspect -o /dev/stdout $f/good.txt >$tmp/first"
ok "  has the document and nothing else" jq -e .files $tmp/first
mkdir -p $tmp/place/sub && cp $f/good.txt $tmp/place
for o in $tmp/place/doc.json $tmp/place/sub/doc.json; do
	exits 4 "a document among what is inspected" assay-inspect $tmp/place -o $o
	says "doc.json: lies within what is to be inspected, which is not written to"
done
exits 4 "  there" sh -c "cd $tmp/place && assay-inspect . -o doc.json"
exits 0 "  beside it" sh -c "cd $tmp/place && assay-inspect . -o ../doc.json"
exits 0 "  beside a file" assay-inspect $tmp/place/good.txt -o $tmp/place/doc.json
exits 2 "a place that is not there" assay-inspect -o $tmp/no/such $f/good.txt
says "cannot create"

# --- model files: their own rules, and weights that are numbers
for s in fixtures/onnx/good-*.onnx; do
	case $s in
	*unsorted*) # which our own loader reads, and onnx.checker refuses
		exits 2 "$s" assay-inspect $s
		prints ONNX_BROKEN
		;;
	*) exits 0 "$s" assay-inspect $s ;;
	esac
done
for s in fixtures/onnx/bad-cycle.onnx fixtures/onnx/bad-short-raw.onnx \
    fixtures/onnx/bad-truncated.onnx fixtures/onnx/bad-no-graph.onnx; do
	exits 1 "$s" assay-inspect $s
	prints "MODEL_INVALID"
done
exits 0 "valid, but not for us" assay-inspect fixtures/onnx/unsupported-uint32.onnx
prints "MODEL_UNSUPPORTED"
# a hand-made neutral model: 4 weights, one of them NaN (7fc00000)
printf '%s' '{"__metadata__":{"assay.model":"{\"schema\":\"assay-model/1\",\"input\":{\"name\":\"x\",\"shape\":[-1,1,1,2]},\"output\":\"y\",\"classes\":2,\"source\":{\"format\":\"\",\"producer\":\"\",\"note\":\"\"},\"nodes\":[{\"op\":\"Flatten\",\"name\":\"f\",\"inputs\":[\"x\"],\"outputs\":[\"f\"],\"attrs\":{}},{\"op\":\"Gemm\",\"name\":\"g\",\"inputs\":[\"f\",\"w\"],\"outputs\":[\"y\"],\"attrs\":{}}]}"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}' >$tmp/head
n=$(wc -c <$tmp/head)
{ printf "$(printf '\\%03o\\%03o\\000\\000\\000\\000\\000\\000' $((n % 256)) $((n / 256)))"; cat $tmp/head; printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; } >$tmp/zero.safetensors
exits 0 "weights that are numbers" assay-inspect $tmp/zero.safetensors
{ head -c $((n + 8)) $tmp/zero.safetensors; printf '\0\0\300\177\0\0\0\0\0\0\0\0\0\0\0\0'; } >$tmp/nan.safetensors
exits 1 "a weight that is none" assay-inspect $tmp/nan.safetensors
prints "TENSOR_NONFINITE"
prints "1 of its 4 numbers (1 NaN), tensor w"

# --- status 3 and 4
mkdir $tmp/hollow
exits 3 "an empty folder" assay-inspect $tmp/hollow
says "nothing to inspect"
exits 4 "no operand" assay-inspect
exits 4 "an unknown option" assay-inspect --nope x
exits 0 "--version" assay-inspect --version
done_testing
