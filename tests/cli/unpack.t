#!/bin/sh
# assay-unpack: every exit status, nothing outside the case, limits, failures.
. tests/cli/tap.sh
a=fixtures/archive

# --- good bundles: status 0, the same content from each container
for f in tar tar.gz tar.xz tar.bz2 tar.zst zip; do
	exits 0 "good-plain.$f" assay-unpack $a/good-plain.$f $tmp/$f
	ok "$f has the files" [ "$(cat $tmp/$f/files/model/labels.txt)" = "$(printf 'cat\ndog')" ]
	ok "$f has its container" grep -q "\"container\": \"$f\"" $tmp/$f/manifest.json
	grep -A3 '"digests"' $tmp/$f/manifest.json >$tmp/digests.$f
	ok "$f has the same digests" cmp $tmp/digests.$f $tmp/digests.tar
done
sum=$(cd $tmp/zip/files && find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | sha256sum | cut -c1-64)
ok "dirHash is that of a shell" grep -q "\"dirHash\": \"$sum\"" $tmp/zip/manifest.json
root=$(cd $tmp/zip/files && find . -type f | cut -c3- | LC_ALL=C sort | xargs -r sha256sum | cut -c1-64 |
    perl -ne 'chomp; print pack("H*", $_)' | sha256sum | cut -c1-64)
ok "omsRoot is that of a shell" grep -q "\"omsRoot\": \"$root\"" $tmp/zip/manifest.json
ok "files are 0644" [ "$(stat -c %a $tmp/zip/files/README.md)" = 644 ]
assay-unpack $a/good-plain.zip $tmp/again >/dev/null
ok "the manifest is the same again" cmp $tmp/zip/manifest.json $tmp/again/manifest.json
exits 0 "--json" assay-unpack --json $a/good-plain.tar $tmp/json
ok "--json prints the manifest" cmp $out $tmp/json/manifest.json
exits 0 "a PyTorch file stays whole" assay-unpack $a/good-torch.pt $tmp/torch
ok "it is there" cmp $a/good-torch.pt $tmp/torch/files/good-torch.pt
printf 'x' >$tmp/model.onnx
exits 0 "a plain file" assay-unpack $tmp/model.onnx $tmp/plain
ok "it is there" [ -f $tmp/plain/files/model.onnx ]
gzip -c $a/good-torch.pt >$tmp/weights.gz
exits 0 "a compressed file that is no archive" assay-unpack $tmp/weights.gz $tmp/wgz
ok "it is there" cmp $tmp/weights.gz $tmp/wgz/files/weights.gz
cp $a/good-plain.tar.gz $tmp/noname
exits 0 "an archive is known by its content" assay-unpack $tmp/noname $tmp/nn
prints "^tar.gz: 3 files"
mkdir $tmp/emptydir
exits 0 "an empty directory may become a case" assay-unpack $a/good-plain.tar $tmp/emptydir

# --- folders
mkdir -p $tmp/dir/sub $tmp/dir/none
echo a >$tmp/dir/a.txt
echo b >$tmp/dir/sub/b.txt
exits 0 "a folder" assay-unpack $tmp/dir $tmp/dircase
ok "empty folders are kept" [ -d $tmp/dircase/files/none ]
ln -s /etc/passwd $tmp/dir/link
mkfifo $tmp/dir/pipe
exits 1 "a folder with a link and a pipe" assay-unpack $tmp/dir $tmp/dircase2
prints ARCHIVE_LINK
prints ARCHIVE_DEVICE
ok "the link is not there" [ ! -e $tmp/dircase2/files/link ]
exits 4 "a case inside the bundle" assay-unpack $tmp/dir $tmp/dir/case
ok "nothing stays of it" [ ! -e $tmp/dir/case ]

# --- status 1: refused members, and nothing outside the case
mkdir $tmp/jail
for f in dotdot.tar:TRAVERSAL dotdot.zip:TRAVERSAL dotdot-inside.tar:TRAVERSAL \
    absolute.tar:TRAVERSAL drive.zip:TRAVERSAL backslash-dotdot.tar:TRAVERSAL \
    backslash.tar:NAME dot.tar:NAME empty-component.tar:NAME control.tar:NAME \
    bidi.tar:NAME utf8.tar:NAME symlink.tar:LINK symlink-then-write.tar:LINK \
    hardlink.tar:LINK hardlink-outside.tar:LINK fifo.tar:DEVICE \
    device.tar:DEVICE duplicate.tar:DUPLICATE duplicate.zip:DUPLICATE \
    file-as-folder.tar:DUPLICATE folder-as-file.tar:DUPLICATE; do
	name=${f%:*}
	mkdir -p $tmp/jail/$name/in
	exits 1 "bad-$name" assay-unpack $a/bad-$name $tmp/jail/$name/in/case
	prints "ARCHIVE_${f#*:}"
	ok "bad-$name stays in its case" [ "$(cd $tmp/jail/$name && find . -name '*evil*' ! -path './in/case/files/*')$(ls $tmp/jail/$name)$(ls $tmp/jail/$name/in)" = incase ]
	ok "bad-$name leaves no link" [ -z "$(find $tmp/jail/$name ! -type f ! -type d)" ]
	ok "bad-$name is in refused" grep -q '"refused": \[$' $tmp/jail/$name/in/case/manifest.json
done
ok "no absolute path was written" [ ! -e /tmp/assay-evil ]
ok "the first of two is kept" [ "$(cat $tmp/jail/duplicate.tar/in/case/files/a)" = one ]

# --- medium findings do not flag
exits 0 "bad-case.tar" assay-unpack $a/bad-case.tar $tmp/c1
prints ARCHIVE_CASE
exits 0 "bad-case-unicode.tar" assay-unpack $a/bad-case-unicode.tar $tmp/c2
prints ARCHIVE_CASE
exits 0 "bad-setuid.tar" assay-unpack $a/bad-setuid.tar $tmp/c3
prints ARCHIVE_MODE
ok "set-user-ID is gone" [ "$(stat -c %a $tmp/c3/files/tool)" = 644 ]

# --- status 2: damage and limits
for f in truncated.tar truncated.tar.gz truncated.tar.xz truncated.zip crc.zip \
    garbage.tar encrypted.zip huge-claim.tar negative-claim.tar \
    nested-gz.tar.gz long-name.tar long-component.tar deep.tar; do
	exits 2 "bad-$f" assay-unpack $a/bad-$f $tmp/i.$f
	says "not unpacked completely"
	ok "bad-$f is incomplete" grep -q '"complete": false' $tmp/i.$f/manifest.json
done
ok "half a file is gone" [ ! -e $tmp/i.truncated.tar/files/model/weights.bin ]
exits 2 "--max-entries" assay-unpack --max-entries 2 $a/good-plain.tar $tmp/m1
exits 2 "--max-bytes" assay-unpack --max-bytes 100 $a/good-plain.zip $tmp/m2
ok "what was cut is gone" [ ! -e $tmp/m2/files/model/weights.bin ]

# tar headers without a tar: header NAME SIZE
headers='sub hdr { my($n,$s)=@_; my $h=pack("a100 a8 a8 a8 a12 a12 A8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12",
  $n,"0000644","0000000","0000000",sprintf("%011o",$s),"00000000000","        ","0","","ustar","00","","","","","");
  substr($h,148,8)=sprintf("%06o\0 ",unpack("%32C*",$h)); $h }'
perl -e "$headers"' for (1..1000000) { print hdr("f$_",0) }' | gzip -1 >$tmp/million.tar.gz
start=$(date +%s)
exits 2 "a million members" assay-unpack --max-entries 20000 $tmp/million.tar.gz $tmp/million
prints "more than 20000 members"
perl -e "$headers"' print hdr("zeros",1<<30); print "\0" x 1048576 for 1..1024' | gzip -1 >$tmp/bomb.tar.gz
exits 2 "a bomb" assay-unpack $tmp/bomb.tar.gz $tmp/bomb
prints "expands more than 200 times"
ok "the bomb leaves nothing" [ -z "$(ls $tmp/bomb/files)" ]
exits 2 "a bomb with a limit of its own" assay-unpack --max-ratio 100000 --max-bytes 100000000 $tmp/bomb.tar.gz $tmp/bomb2
prints "more than 100000000 bytes"
ok "both ended soon" [ $(($(date +%s) - start)) -lt 60 ]

# --- status 2: the system says no, and nothing is left that looks whole
exits 2 "no such bundle" assay-unpack $tmp/nope $tmp/n1
says "cannot open"
ok "no case was made" [ ! -e $tmp/n1 ]
exits 2 "a case that cannot be made" assay-unpack $a/good-plain.tar /proc/assay-case
says "cannot create directory"
ok "in one line" [ "$(wc -l <$err)" -eq 1 ]
(ulimit -f 1; run assay-unpack --max-ratio 100000 $tmp/bomb.tar.gz $tmp/full; [ $rc -eq 2 ] && grep -q "cannot write: File too large" $err)
ok "a full file system: status 2 and a line" [ $? -eq 0 ]
ok "no manifest is left" [ ! -e $tmp/full/manifest.json ] 
ok "no files are left" [ ! -e $tmp/full/files ]
assay-unpack --json $a/good-plain.tar $tmp/devfull >/dev/full 2>$err
ok "standard output full: status 2" [ $? -eq 2 ]
says "cannot write"
assay-unpack --json $a/bad-dotdot.tar $tmp/devfull2 >/dev/full 2>$err
ok "a finding wins over it: status 1" [ $? -eq 1 ]

# --- status 3 and 4
exits 3 "an empty archive" assay-unpack $a/good-empty.tar $tmp/e1
says "nothing in it"
mkdir $tmp/hollow
exits 3 "an empty folder" assay-unpack $tmp/hollow $tmp/e2
exits 3 "a device as a bundle" assay-unpack /dev/null $tmp/e3
exits 4 "a case with a manifest" assay-unpack $a/good-plain.tar $tmp/zip
says "manifest already"
exits 4 "a directory that is not empty" assay-unpack $a/good-plain.tar $tmp
says "not empty"
ok "it is left alone" [ -d $tmp/zip/files ]
exits 4 "no operand" assay-unpack $a/good-plain.tar
exits 4 "an unknown option" assay-unpack --nope a b
exits 0 "--help" assay-unpack --help
done_testing
