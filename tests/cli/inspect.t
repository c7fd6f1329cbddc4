#!/bin/sh
# assay-inspect: every exit status, what is found, where the document goes.
. tests/cli/tap.sh
f=fixtures/identify

exits 0 "harmless files" assay-inspect $f/good.safetensors $f/good.txt $f/good.json
prints "^safetensors .*good.safetensors"
exits 0 "no model, nothing known" assay-inspect $f/unknown.bin
prints "note .*FILE_UNKNOWN"
exits 1 "a folder with everything" assay-inspect $f
for id in FILE_EXECUTABLE FILE_PICKLE FORMAT_POLYGLOT NAME_MISMATCH FILE_UNKNOWN; do
	prints $id
done
for one in good-torch.pt:PICKLE good-p0.pkl:PICKLE bad-name.txt:PICKLE \
    bad-object.npy:PICKLE good-elf.so:EXECUTABLE good.exe:EXECUTABLE \
    good-script.sh:EXECUTABLE good.py:EXECUTABLE good.dylib:EXECUTABLE; do
	exits 1 "${one%:*}" assay-inspect $f/${one%:*}
	prints "FILE_${one#*:}"
done
exits 1 "safetensors with a zip behind" assay-inspect $f/bad-polyglot.safetensors
prints "safetensors and zip"
exits 0 "a name of another format" assay-inspect --json fixtures/image/bad-magic.png
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
exits 2 "a link" assay-inspect $tmp/link
prints "not followed"
exits 2 "no such file" assay-inspect $tmp/nope
says "cannot open"
exits 2 "a document that cannot be written" assay-inspect -o /dev/full $f/good.txt
says "cannot write"
exits 1 "a finding wins over that" assay-inspect -o /dev/full $f/good.exe
assay-inspect $f/good.txt >/dev/full 2>$err
ok "standard output full: status 2" [ $? -eq 2 ]
exits 2 "a place that is not there" assay-inspect -o $tmp/no/such $f/good.txt
says "cannot create"

# --- status 3 and 4
mkdir $tmp/hollow
exits 3 "an empty folder" assay-inspect $tmp/hollow
says "nothing to inspect"
exits 4 "no operand" assay-inspect
exits 4 "an unknown option" assay-inspect --nope x
exits 0 "--version" assay-inspect --version
done_testing
