#!/bin/sh
# assay-load --data: every form, every exit status.
. tests/cli/tap.sh
i=fixtures/idx n=fixtures/npy d=fixtures/imagedir
printf 'cat\ndog\nemu\n' >$tmp/names

exits 0 "IDX pair" assay-load --data $i/good-images.idx,$i/good-labels.idx -o $tmp/ref
for s in $i/good-images.idx.gz,$i/good-labels.idx.gz $n/good-pair.npz \
    $n/good-stored.npz $n/good-u1.npy,$n/good-labels.npy \
    $n/good-i8.npy,$n/good-labels-i2-big.npy \
    $i/good-images.idx,$n/good-labels.npy $tmp/ref; do
	exits 0 "$s" assay-load --data $s -o $tmp/out
	ok "the same neutral data" cmp $tmp/ref $tmp/out
done
assay-load --data $n/good-pair.npz >$tmp/stdout.data
ok "standard output" cmp $tmp/ref $tmp/stdout.data
exits 0 "images alone" assay-load --data $n/good-u1.npy -o $tmp/alone
exits 0 "--classes" assay-load --data $n/good-pair.npz --classes $tmp/names -o $tmp/named
ok "names are in it" grep -aq 'cat.*dog.*emu' $tmp/named
exits 0 "a folder" assay-load --data $d/good-grey -o $tmp/dir
ok "its classes are" grep -aq 'cat.*dog.*emu' $tmp/dir
exits 0 "PNG and JPEG together" assay-load --data $d/good-mixed -o $tmp/mixed
f=/usr/share/datasets/fashion-mnist
if [ -f $f/t10k-images-idx3-ubyte.gz ]; then
	exits 0 "Fashion-MNIST" assay-load --data $f/t10k-images-idx3-ubyte.gz,$f/t10k-labels-idx1-ubyte.gz -o $tmp/fashion
	ok "its shape" grep -aq '"shape":\[10000,28,28,1\]' $tmp/fashion
	exits 2 "numbers that differ" assay-load --data $f/t10k-images-idx3-ubyte.gz,$f/train-labels-idx1-ubyte.gz -o $tmp/none
	says "10000 images .* 60000 labels"
fi

# --- status 2: damage
exits 2 "too few labels" assay-load --data $i/good-images.idx,$i/bad-labels-four.idx -o $tmp/none
says "5 images in 'good-images.idx' but 4 labels in 'bad-labels-four.idx'"
for s in $i/bad-short.idx $i/bad-gzip-cut.idx.gz $n/bad-header-call.npy \
    $n/bad-overflow.npy $n/bad-pixel-nan.npy $n/bad-name.npz $n/bad-cut.npz; do
	exits 2 "$s" assay-load --data $s -o $tmp/none
	says "$s: "
done
printf 'one\n' >$tmp/few
exits 2 "too few names" assay-load --data $n/good-pair.npz --classes $tmp/few -o $tmp/none
says "few: 1 names for 3 classes"
exits 2 "no such file" assay-load --data $tmp/nope -o $tmp/none
exits 2 "no such labels" assay-load --data $n/good-u1.npy,$tmp/nope -o $tmp/none
exits 2 "a full file system" assay-load --data $n/good-pair.npz -o /dev/full
says "cannot write"

# --- status 3: nothing that can be used
for s in $n/unsupported-object.npy \
    $i/unsupported-float.idx $d/bad-flat $d/bad-size $d/bad-channels \
    $d/bad-text fixtures/identify/good.txt; do
	exits 3 "$s" assay-load --data $s -o $tmp/none
done
exits 3 "the culprit is named" assay-load --data $d/bad-size -o $tmp/none
says "bad-size/b/2.png: 4x3"
mkdir -p $tmp/linked/a
ln -s "$PWD/$d/good-grey/cat/0.png" $tmp/linked/a/0.png
exits 3 "a link in a folder" assay-load --data $tmp/linked -o $tmp/none
says "links are not followed"

# --- status 4
exits 4 "a folder and labels" assay-load --data $d/good-grey,$n/good-labels.npy -o $tmp/none
exits 4 "no data" assay-load
exits 4 "smaller than the images" assay-load --data $n/good-pair.npz --size 1 -o $tmp/none
says "never cut or scaled"

# --- padding and channels: 2 images of 28 x 28 become 32 x 32 x 3
{ printf '\000\000\010\003\000\000\000\002\000\000\000\034\000\000\000\034'; head -c 1568 /dev/zero | tr '\000' '\377'; } >$tmp/white.idx
printf '\000\000\010\001\000\000\000\002\000\001' >$tmp/two.idx
exits 0 "pad to 32 x 32, three channels" assay-load --data $tmp/white.idx,$tmp/two.idx --size 32 --channels 3 -o $tmp/padded
ok "the shape says so" grep -aq '\[2,32,32,3\]' $tmp/padded
ok "white pixels: 2 x 28 x 28 x 3" [ "$(tail -c 6144 $tmp/padded | tr -d '\000' | wc -c)" -eq 4704 ]
ok "a failure leaves no output" [ ! -e $tmp/none ]
ok "and no temporary file" [ -z "$(ls $tmp | grep tmp)" ]
done_testing
