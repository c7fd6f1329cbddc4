#!/bin/sh
# assay-unpack: every exit status, nothing outside the case, limits, failures.
. tests/cli/tap.sh
a=fixtures/archive

# --- good bundles: status 0, the same content from each container
for f in tar tar.gz tar.xz tar.bz2 tar.zst tar.lz4 tar.lzma zip 7z; do
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
ln -s dir $tmp/dir-link
exits 0 "a folder that a link names" assay-unpack $tmp/dir-link $tmp/linkcase
ok "its digest is that of the folder" [ "$(grep -A4 '"inputs"' $tmp/linkcase/manifest.json | grep sha256)" = \
    "$(grep -A4 '"inputs"' $tmp/dircase/manifest.json | grep sha256)" ]
ln -s /etc/passwd $tmp/dir/link
mkfifo $tmp/dir/pipe
exits 1 "a folder with a link and a pipe" assay-unpack $tmp/dir $tmp/dircase2
prints ARCHIVE_LINK
prints ARCHIVE_DEVICE
ok "the link is not there" [ ! -e $tmp/dircase2/files/link ]
exits 4 "a case inside the bundle" assay-unpack $tmp/dir $tmp/dir/case
ok "nothing stays of it" [ ! -e $tmp/dir/case ]

# --- archives in archives
has() { ok "$1 has $2" [ "$(cat "$tmp/$1/files/$2")" = "$3" ]; }
lacks() { ok "$1 lacks $2" [ ! -e "$tmp/$1/files/$2" ]; }
exits 0 "good-packed.7z" assay-unpack $a/good-packed.7z $tmp/packed
grep -A3 '"digests"' $tmp/packed/manifest.json >$tmp/digests.packed
ok "it has the same digests" cmp $tmp/digests.packed $tmp/digests.tar
exits 0 "good-nested.tar" assay-unpack $a/good-nested.tar $tmp/nested
has nested m.mar.unpacked/model.bin weights
has nested a/inner.tar.gz.unpacked/inner.txt inner
ok "the archives stay" [ -f $tmp/nested/files/m.mar ]
ok "nested has notes.gz.unpacked" [ -s $tmp/nested/files/notes.gz.unpacked/notes ]
lacks nested weights.pt.unpacked
ok "the manifest has all" [ "$(grep -c '"path"' $tmp/nested/manifest.json)" -eq 8 ]
exits 0 "a name that is taken" assay-unpack $a/good-nested-clash.tar $tmp/clash
has clash x.zip.unpacked_/a 1
has clash X.zip.Unpacked/a 2
mkdir $tmp/nestdir && cp $a/good-plain.7z $tmp/nestdir/x.7z
exits 0 "an archive in a folder" assay-unpack $tmp/nestdir $tmp/nestdircase
has nestdircase x.7z.unpacked/README.md '# a model'
exits 2 "--max-depth 0" assay-unpack --max-depth 0 $a/good-nested.tar $tmp/depth0
lacks depth0 m.mar.unpacked
prints 'ARCHIVE_LIMIT  m.mar: .*deeper than the limit'
exits 0 "--max-depth 3" assay-unpack --max-depth 3 $a/bad-nested-deep.tar $tmp/depth3
has depth3 a.tar.gz.unpacked/deep.zip.unpacked/deeper.zip.unpacked/x x
exits 2 "bad-nested-deep.tar" assay-unpack $a/bad-nested-deep.tar $tmp/deep2
prints 'ARCHIVE_LIMIT  a.tar.gz.unpacked/deep.zip.unpacked/deeper.zip: '
has deep2 a.tar.gz.unpacked/deep.zip.unpacked/deep.txt deep
exits 1 "bad-nested-dotdot.tar" assay-unpack $a/bad-nested-dotdot.tar $tmp/ndd
prints 'ARCHIVE_TRAVERSAL  a.zip.unpacked/../evil: '
has ndd b.zip.unpacked/ok ok
exits 2 "bad-nested-cut.tar" assay-unpack $a/bad-nested-cut.tar $tmp/ncut
prints 'ARCHIVE_TRUNCATED  a.tar.gz.unpacked: '
has ncut b.zip.unpacked/ok ok
exits 2 "--max-member" assay-unpack --max-member 500 $a/good-plain.tar $tmp/maxm
lacks maxm model/weights.bin
exits 2 "--max-name" assay-unpack --max-name 12 $a/good-plain.tar $tmp/maxn
lacks maxn model/weights.bin
has maxn README.md '# a model'
# twenty megabytes of zeros in each of many archives: small, until unpacked
perl -e 'print "\0" x (80 << 20)' >$tmp/zeros
gzip -9 <$tmp/zeros >$tmp/z.gz
(cd $tmp && tar -czf in.tar.gz zeros && for i in 1 2 3; do cp in.tar.gz in$i.tar.gz; done && tar -cf zoo.tar in?.tar.gz && rm zeros)
exits 2 "a bomb in an archive" assay-unpack $tmp/zoo.tar $tmp/zoo
prints "expands more than 200 times"
ok "it leaves nothing" [ "$(du -sm $tmp/zoo/files | cut -f1)" -lt 2 ]

# --- images
for f in good-image good-image-sha512 good-image-saved; do
	exits 0 "$f.tar" assay-unpack $a/$f.tar $tmp/$f
	has $f image/etc/os new
	has $f image/keep.txt keep
	has $f image/opt/dir/c.txt c
	for n in opt/old.txt opt/dir/a.txt opt/dir/b.txt srv lib; do lacks $f image/$n; done
	prints 'ARCHIVE_HIDDEN  image/etc/os: '
	prints 'ARCHIVE_IMAGE_LINK  image/lib: '
	ok "no whiteout is there" [ -z "$(find $tmp/$f/files -name '.wh*')" ]
done
exits 0 "a KitOps ModelKit" assay-unpack $a/good-modelkit.tar $tmp/kit
has kit image/model.onnx onnx
exits 0 "a CNCF ModelPack" assay-unpack $a/good-modelpack.tar $tmp/pack
has pack image/model/weights.bin weights
has pack image/README.md '# pack'
for f in image-digest:DIGEST image-sha512:DIGEST image-size:DIGEST image-saved:DIGEST image-dotdot:TRAVERSAL \
    image-raw-name:TRAVERSAL; do
	exits 1 "bad-${f%:*}.tar" assay-unpack $a/bad-${f%:*}.tar $tmp/${f%:*}
	prints "ARCHIVE_${f#*:}"
done
prints 'ARCHIVE_TRAVERSAL  image/../../evil: '
lacks image-digest image/opt/dir/c.txt
for f in missing json; do
	exits 2 "bad-image-$f.tar" assay-unpack $a/bad-image-$f.tar $tmp/image-$f
	prints ARCHIVE_TRUNCATED
done
exits 2 "an image and --max-depth 0" assay-unpack --max-depth 0 $a/good-modelkit.tar $tmp/kit0
lacks kit0 image

# --- the cache of the Hugging Face hub
sum() { sha256sum $1 | cut -c1-64; }
hub=$tmp/hub/models--o--n
mkdir -p $hub/blobs $hub/refs $hub/snapshots/r1/sub
echo weights >$hub/blobs/w && h=$(sum $hub/blobs/w) && mv $hub/blobs/w $hub/blobs/$h
g=$(printf '%040d' 7) && echo readme >$hub/blobs/$g
ln -s ../../blobs/$g $hub/snapshots/r1/README.md
ln -s ../../../blobs/$h $hub/snapshots/r1/sub/model.bin
exits 0 "a cache" assay-unpack $tmp/hub $tmp/cache
has cache models--o--n/snapshots/r1/sub/model.bin weights
exits 0 "a repository of it" assay-unpack $hub $tmp/repo
has repo snapshots/r1/sub/model.bin weights
exits 0 "one snapshot" assay-unpack $hub/snapshots/r1 $tmp/snap
has snap sub/model.bin weights
has snap README.md readme
ok "no link is made" [ -z "$(find $tmp/snap -type l)" ]
ln -s /etc/passwd $hub/snapshots/r1/absolute
ln -s ../../refs/main $hub/snapshots/r1/elsewhere
ln -s ../../blobs/../blobs/$g $hub/snapshots/r1/longer
ln -s sub/../../../blobs/$g $hub/snapshots/r1/roundabout
ln -s ../../blobs/none $hub/snapshots/r1/dangling
echo main >$hub/refs/main
ln -s snapshots/r1/README.md $hub/top
exits 1 "other links" assay-unpack $hub $tmp/links
for f in snapshots/r1/absolute snapshots/r1/elsewhere snapshots/r1/longer snapshots/r1/roundabout snapshots/r1/dangling top; do
	prints "ARCHIVE_LINK  $f: "
	lacks links $f
done
rm $hub/top $hub/snapshots/r1/[aeldr]* && echo more >>$hub/blobs/$h
exits 1 "a blob that is not its name" assay-unpack $hub/snapshots/r1 $tmp/blob
prints 'ARCHIVE_DIGEST  sub/model.bin: '

# --- links of an archive to its own files are copied
exits 0 "good-linked.tar" assay-unpack $a/good-linked.tar $tmp/linked
prints 'ARCHIVE_LINK_INSIDE  d/c: .*a copy of a in its place'
prints 'ARCHIVE_LINK_INSIDE  none: .*no file of the archive'
prints 'ARCHIVE_LINK_INSIDE  chain: .*a copy of d/c in its place'
prints 'ARCHIVE_LINK_INSIDE  b: .*a copy of a in its place' # a hard link
ok "and nothing else is said" [ "$(grep -c ARCHIVE_ $out)" = 4 ]
has linked chain "$(cat $tmp/linked/files/a)"
has linked b "$(cat $tmp/linked/files/a)"
has linked d/c "$(cat $tmp/linked/files/a)"
has linked models--o--n/snapshots/r1/sub/w weights
has linked models--o--n/snapshots/r1/r readme
lacks linked none
ok "no link is made" [ -z "$(find $tmp/linked -type l -o -links +1 -type f)" ]
exits 0 "good-unpadded.tar" assay-unpack $a/good-unpadded.tar $tmp/unpadded
ok "its last file is whole" [ "$(wc -c <$tmp/unpadded/files/b)" = 700 ]
for n in 2235 2237; do
	{ cat $a/good-unpadded.tar && echo; } | head -c $n >$tmp/short.tar
	exits 2 "its first $n bytes" assay-unpack $tmp/short.tar $tmp/short$n
	prints ARCHIVE_TRUNCATED
done

# --- a file that was compressed alone
mkdir $tmp/alone && echo weights | gzip -n >$tmp/alone/m.onnx.gz && echo more | xz >$tmp/alone/t.xz
exits 0 "a file by gzip" assay-unpack $tmp/alone/m.onnx.gz $tmp/gz1
has gz1 m.onnx.gz.unpacked/m.onnx weights
gzip -n <$tmp/alone/m.onnx.gz >$tmp/alone/twice.gz && echo words | gzip -n >$tmp/alone/noname
exits 0 "such files in a folder" assay-unpack $tmp/alone $tmp/gz2
has gz2 m.onnx.gz.unpacked/m.onnx weights
has gz2 t.xz.unpacked/t more
lacks gz2 twice.gz.unpacked
lacks gz2 noname.unpacked
head -c 20 $tmp/alone/m.onnx.gz >$tmp/cut.gz
exits 2 "one that is cut" assay-unpack $tmp/cut.gz $tmp/gz3
prints ARCHIVE_TRUNCATED

# --- status 1: refused members, and nothing outside the case
mkdir $tmp/jail
for f in dotdot.tar:TRAVERSAL dotdot.zip:TRAVERSAL dotdot-inside.tar:TRAVERSAL \
    absolute.tar:TRAVERSAL drive.zip:TRAVERSAL backslash-dotdot.tar:TRAVERSAL \
    backslash.tar:NAME dot.tar:NAME empty-component.tar:NAME control.tar:NAME \
    bidi.tar:NAME utf8.tar:NAME symlink.tar:LINK symlink-then-write.tar:LINK \
    hardlink-outside.tar:LINK link-through.tar:LINK link-up.tar:LINK fifo.tar:DEVICE \
    dotdot.7z:TRAVERSAL device.tar:DEVICE duplicate.tar:DUPLICATE duplicate.zip:DUPLICATE \
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
for f in form wide; do
	exits 0 "bad-case-$f.tar" assay-unpack $a/bad-case-$f.tar $tmp/case-$f
	prints ARCHIVE_CASE
done
exits 0 "bad-setuid.tar" assay-unpack $a/bad-setuid.tar $tmp/c3
prints ARCHIVE_MODE
ok "set-user-ID is gone" [ "$(stat -c %a $tmp/c3/files/tool)" = 644 ]

# --- status 2: damage and limits
for f in truncated.tar truncated.tar.gz truncated.tar.xz truncated.zip crc.zip \
    truncated.7z crc.7z encrypted.7z \
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
