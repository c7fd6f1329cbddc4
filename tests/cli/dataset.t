#!/bin/sh
# assay-load --data and the tools that use it: image folders, CIFAR,
# WebDataset, preprocessing, names of classes, poisoned images.
. tests/cli/tap.sh
d=fixtures/imagedir c=fixtures/cifar w=fixtures/webdataset
load() { assay-load --data "$@" -o $tmp/out; }
has() { ok "has $1" grep -aq -e "$1" $tmp/out; }

# --- folders
exits 0 "images of different sizes" load $d/good-sizes --preprocess resize=8,crop=6x7
says "images made 6x7 by resize=8,crop=6x7"
says "1 files in class folders are no images"
has '\[3,6,7,3\]'
exits 3 "nobody says how they become alike" load $d/good-sizes
says "b/1.ppm: 21x8 pixels, the first image has 9x14: say how .* --preprocess"
exits 2 "the model takes something else" load $d/good-sizes --takes 6x6x3 --preprocess resize=6
says "a/1.ppm: an image of 6x9 pixels after resize and crop is not the 6x6"
exits 2 "the model takes something else, nothing is said" load $d/good-grey --takes 8x8x1
says "3x4 pixels is not the 8x8 that the model takes: say how it becomes that with --preprocess"
exits 0 "--preprocess from a file" sh -c "printf '{\"resize\": \"exact\", \"height\": 5, \"width\": 4, \"filter\": \"bicubic\"}' >$tmp/p.json; assay-load --data $d/good-sizes --preprocess $tmp/p.json -o $tmp/out"
has '\[3,5,4,3\]'
exits 0 "transformers' centre" load $d/good-sizes --preprocess resize=8,crop=7x7,centre=transformers
says "images made 7x7 by resize=8,crop=7x7,centre=transformers"
cp $tmp/out $tmp/theirs
exits 0 "torchvision's" load $d/good-sizes --preprocess resize=8,crop=7x7
ok "is the same where one pixel is left out" sh -c "tail -c 441 $tmp/out >$tmp/a; tail -c 441 $tmp/theirs | cmp - $tmp/a"
exits 0 "three pixels" load $d/good-sizes --preprocess resize=8,crop=5x5
tail -c 225 $tmp/out >$tmp/a
exits 0 "three pixels, transformers" load $d/good-sizes --preprocess resize=8,crop=5x5,centre=transformers
ok "are others" sh -c "! tail -c 225 $tmp/out | cmp -s - $tmp/a"
for p in centre=left resize=0 resize=9000 filter=cubic crop=1x order=grb mean=1:2:x std= what=1 resize; do
	exits 4 "--preprocess $p" load $d/good-grey --preprocess $p
	says "preprocessing"
done
exits 2 "a file that is none" load $d/good-grey --preprocess $d/good-grey/notes.txt
exits 0 "test/ before train/" load $d/good-parts
says "test/ is what was read"
has '\[2,2,2,1\]'
exits 0 "the other by its path" load $d/good-parts/train
has '\[4,2,2,1\]'
exits 0 "numbers as names" load $d/good-numbers
says "10 comes after 9"
exits 0 "GTSRB's table" load $d/good-gtsrb
says "classes by GT-final_test.csv"
exits 0 "Tiny ImageNet" load $d/good-tiny
says "val/ is what was read"
ok "sorted names" grep -aq 'n01.*n02' $tmp/out
says "classes are numbered by name; wnids.txt has another order (--classes)"
exits 0 "the order of wnids.txt" load $d/good-tiny --classes $d/good-tiny/wnids.txt
says "classes in the order of --classes"
ok "is that" grep -aq 'n02.*n01' $tmp/out
exits 2 "a table that leads out" load $d/bad-table
says "GT-x.csv: .*beneath the folder"
exits 2 "a table of missing files" load $d/bad-missing
says "none.ppm"

# --- tables of other forms, and heaps of images without one
g=$d/good-grey t=fixtures/imagetable
mkdir -p $tmp/kaggle/Test $tmp/kaggle/Train/0 $tmp/kaggle/Meta
cp $g/cat/0.png $tmp/kaggle/Test/1.png
cp $g/dog/0.png $tmp/kaggle/Train/0/1.png
cp $g/emu/0.png $tmp/kaggle/Meta/1.png
cp $t/good-path.csv $tmp/kaggle/Test.csv
printf 'Path,ClassId\nMeta/1.png,0\n' >$tmp/kaggle/Meta.csv
printf 'Path,ClassId\nTrain/0/1.png,0\n' >$tmp/kaggle/Train.csv
exits 0 "the table of the test images, and not that of the classes" load $tmp/kaggle
says "classes by Test.csv"
rm -r $tmp/kaggle/Meta $tmp/kaggle/Meta.csv
exits 0 "also before the folders of another part" load $tmp/kaggle
says "classes by Test.csv"
rm $tmp/kaggle/*.csv
exits 0 "which are read without it" load $tmp/kaggle
says "Train/ is what was read"
mkdir -p $tmp/hf/train $tmp/heap/images $tmp/tiny/n01/images $tmp/tiny/n02/images
cp $g/cat/0.png $tmp/hf/train/a.png
cp $t/good-quoted.csv $tmp/hf/train/metadata.csv
exits 0 "quoted fields, behind a byte order mark" load $tmp/hf
says "classes by metadata.csv"
has 'cat'
mkdir $tmp/hf/train/a
cp $g/cat/0.png $tmp/hf/train/a/b.png
cp $g/dog/0.png $tmp/hf/train/c.png
mv $tmp/hf/train/metadata.csv $tmp/labels.csv
cp $t/good-lines.jsonl $tmp/hf/train/metadata.jsonl
exits 0 "objects, one a line" load $tmp/hf
says "classes by metadata.jsonl"
has '\[2,3,4,1\]'
cp $t/bad-lines.jsonl $tmp/hf/train/metadata.jsonl
exits 2 "one of them without a label" load $tmp/hf
says "metadata.jsonl: offset 35: no object with file_name and label"
cp $g/cat/0.png $tmp/heap/images/a.png
exits 3 "images without a class" load $tmp/heap
says "all images lie in 'images', which is the name of no class"
cp $g/cat/0.png $tmp/tiny/n01/images/a.png
cp $g/dog/0.png $tmp/tiny/n02/images/a.png
exits 0 "a folder of images in each class" load $tmp/tiny
has 'n01.*n02'

ok "without a word" test ! -s "$err"
mkdir -p $tmp/tiny/n01/deep/er $tmp/tiny/__MACOSX/n01
cp $g/cat/0.png $tmp/tiny/n01/deep/er/b.png
cp $g/cat/0.png $tmp/tiny/__MACOSX/n01/._a.png
exits 0 "folders within, as torchvision reads them, and not those of macOS" load $tmp/tiny
has '\[3,3,4,1\]'
says "1 images lie in folders inside of class folders: the class is that of the outer one"

# --- NPZ: which members, which labels
cat >$tmp/npz.py <<'END'
import struct, sys, zipfile
def npy(kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    head += ' ' * (-(11 + len(head)) % 64) + '\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data
x = lambda v: npy('|u1', '(3, 2, 2)', bytes([v] * 12))
y = npy('<i8', '(3,)', struct.pack('<3q', 2, 0, 1))
other = npy('<i8', '(3,)', struct.pack('<3q', 5, 5, 5))
hot = lambda *rows: npy('<f4', '(3, 4)', struct.pack('<12f', *rows))
files = {
    'keras': {'x_train': x(9), 'y_train': other, 'x_test': x(7), 'y_test': y},
    'medmnist': {'train_images': x(9), 'train_labels': other, 'val_images': x(8), 'val_labels': other, 'test_images': x(7), 'test_labels': y},
    'arrays': {'arr_0': x(7), 'arr_1': y},
    'target': {'image': x(7), 'target': y},
    'floats': {'x': x(7), 'y': npy('<f4', '(3, 1)', struct.pack('<3f', 2, 0, 1))},
    'halves': {'x': npy('<f2', '(3, 2, 2)', struct.pack('<12e', *[7] * 11, 255)), 'y': y},
    'hot': {'x': x(7), 'y': hot(0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0)},
    'soft': {'x': x(7), 'y': hot(0, 0, 1, 0, .5, .5, 0, 0, 0, 1, 0, 0)},
    'two-hot': {'x': x(7), 'y': hot(0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0)},
    'mixed': {'x_test': x(7), 'y_train': y},
    'fraction': {'x': x(7), 'y': npy('<f4', '(3,)', struct.pack('<3f', 2, .5, 1))},
    'bare': {'x': x(7), 'what': y},
}
for name, members in files.items():
    with zipfile.ZipFile('%s/%s.npz' % (sys.argv[1], name), 'w') as z:
        for k, v in members.items():
            z.writestr(k + '.npy', v)
END
python3 $tmp/npz.py $tmp
exits 0 "arrays of NumPy" load $tmp/arrays.npz
tail -c 24 $tmp/out >$tmp/want
for f in keras medmnist target floats; do
	exits 0 "NPZ: $f" load $tmp/$f.npz
	ok "$f has the test images and their labels" sh -c "tail -c 24 $tmp/out | cmp - $tmp/want"
done
exits 0 "NPZ: keras" load $tmp/keras.npz
says "x_test.npy is what was read"
exits 0 "one-hot labels" load $tmp/hot.npz
ok "are the same, of four classes" sh -c "tail -c 24 $tmp/out | cmp - $tmp/want"
exits 0 "halves" load $tmp/halves.npz
exits 3 "soft labels" load $tmp/soft.npz
says "labels have one axis, or a 1 in each row; row 1 has not"
exits 3 "two classes" load $tmp/two-hot.npz
exits 2 "images of one part, labels of another" load $tmp/mixed.npz
says "images 'x_test.npy', but labels 'y_train.npy'"
exits 2 "a label that is no whole number" load $tmp/fraction.npz
says "label 1 is not a whole number"
exits 0 "no labels" load $tmp/bare.npz
says "no member is named labels, y, targets or the like: images without labels"

# --- names of --classes decide where folders have names
printf 'emu\ncat\ndog\n' >$tmp/order
assay-load --data $d/good-grey -o $tmp/plain 2>/dev/null
exits 0 "another order of the classes" load $d/good-grey --classes $tmp/order
ok "changes the labels" [ "$(tail -c 96 $tmp/out | od -An -tx1 | tr -d ' \n' | head -c 8)" != "$(tail -c 96 $tmp/plain | od -An -tx1 | tr -d ' \n' | head -c 8)" ]
printf 'emu\nCAT\nfox\n' >$tmp/some
exits 2 "only some of the names" load $d/good-grey --classes $tmp/some
says "class 'dog' is not among the names of --classes, 2 of 3 are"
printf 'x\ny\nz\n' >$tmp/other
exits 0 "none of the names" load $d/good-grey --classes $tmp/other
says "they were renamed in the order of their names"

# --- CIFAR
mkdir $tmp/bin $tmp/py
cp $c/good-10.bin $tmp/bin/test_batch.bin
seq -f 'name%g' 0 9 >$tmp/bin/batches.meta.txt
cp $c/good-10.pickle $tmp/py/test_batch
cp $c/good-names.pickle $tmp/py/batches.meta
exits 0 "CIFAR-10, binary" load $tmp/bin
says "test_batch.bin is what was read"
has 'name0.*name9'
mv $tmp/out $tmp/bin.data
exits 0 "CIFAR-10, pickles" load $tmp/py
ok "the same images and labels" sh -c "tail -c 9228 $tmp/bin.data >$tmp/x; tail -c 9228 $tmp/out | cmp - $tmp/x"
for f in bytes protocol-2 protocol-5 numbers; do
	cp $c/good-10-$f.pickle $tmp/py/test_batch
	exits 0 "a batch that Python 3 wrote: $f" load $tmp/py
	ok "the same of $f" sh -c "tail -c 9228 $tmp/out | cmp - $tmp/x"
done
mkdir -p $tmp/top/cifar-10-batches-py
cp $c/good-10.pickle $tmp/top/cifar-10-batches-py/test_batch
cp $c/good-names.pickle $tmp/top/cifar-10-batches-py/batches.meta
exits 0 "the folder that it was unpacked in" load $tmp/top
says "cifar-10-batches-py/ is what was read"
ok "the same" sh -c "tail -c 9228 $tmp/out | cmp - $tmp/x"

# --- IDX by its names
for sub in . MNIST/raw; do
	mkdir -p $tmp/idx/$sub
	printf '\0\0\010\003\0\0\0\002\0\0\0\001\0\0\0\002abcd' >$tmp/idx/$sub/train-images-idx3-ubyte
	printf '\0\0\010\001\0\0\0\002\001\0' >$tmp/idx/$sub/train-labels-idx1-ubyte
	exits 0 "training images of IDX in $sub" load $tmp/idx
	says "train-images-idx3-ubyte is what was read"
	printf '\0\0\010\003\0\0\0\001\0\0\0\001\0\0\0\002xy' | gzip >$tmp/idx/$sub/t10k-images-idx3-ubyte.gz
	printf '\0\0\010\001\0\0\0\001\003' | gzip >$tmp/idx/$sub/t10k-labels-idx1-ubyte.gz
	exits 0 "test images come first" load $tmp/idx
	says "t10k-images-idx3-ubyte.gz is what was read"
	has '\[1,1,2,1\]'
	ok "they are these" sh -c "tail -c 6 $tmp/out | od -An -c | grep -q 'x *y'"
	rm -r $tmp/idx
done
mkdir -p $tmp/idx
printf '\0\0\010\003\0\0\0\002' >$tmp/idx/t10k-images-idx3-ubyte
printf '\0' >$tmp/idx/t10k-labels-idx1-ubyte
exits 2 "a header that ends" load $tmp/idx
says "idx/t10k-images-idx3-ubyte: .*header ends early"
exits 0 "one file" load $c/good-10.bin
exits 0 "CIFAR-100" load $c/good-100.bin
has '\[2,32,32,3\]'
cp $c/good-10.pickle $tmp/data_batch_2
exits 0 "one pickle, by its name" load $tmp/data_batch_2
has '\[3,32,32,3\]'
cp $c/good-100.pickle $tmp/train
exits 0 "and one of CIFAR-100" load $tmp/train
exits 0 "one-hot labels of a pair of arrays" sh -c "cd $tmp && unzip -qo hot.npz && assay-load --data x.npy,y.npy -o $tmp/out"
cp $c/bad-label.bin $tmp/bin/test_batch.bin
exits 2 "a label too large" load $tmp/bin
says "test_batch.bin: offset 0: cifar: label 0 is 10 of 10 classes"
for f in bad-cut bad-few-labels bad-bytes bad-call unsupported-floats; do
	cp $c/$f.pickle $tmp/py/test_batch
	run load $tmp/py
	ok "$f: status 2 or 3, one line, got $rc" sh -c "[ $rc -ge 2 ] && [ $rc -le 3 ] && [ \$(wc -l <$err) -eq 1 ]"
done

# --- WebDataset
exits 0 "a shard" load $w/good-labels.tar
has '\[4,2,3,1\]'
cp $tmp/out $tmp/tar.data
exits 0 "a compressed shard" load $w/good-labels.tar.gz
ok "is the same" cmp $tmp/tar.data $tmp/out
mkdir $tmp/shards
cp $w/good-labels.tar $tmp/shards/1.tar
cp $w/good-labels.tar.gz $tmp/shards/2.tar.gz
exits 0 "names of classes" load $w/good-names.tar
has 'classes[^a-z]*ant[^a-z]*cat[^a-z]*dog'
exits 0 "numbers and names" load $w/good-both.tar
has 'classes[^a-z]*ant[^a-z]*,[^a-z]*,[^a-z]*cat[^a-z]*,[^a-z]*,[^a-z]*dog'
exits 0 "folders of classes in a shard" load $w/good-folders.tar
has 'classes[^a-z]*cat[^a-z]*dog'
says 'the folders in the shard are the classes'
echo '{}' >$tmp/shards/1_stats.json && echo PAR1 >$tmp/shards/1.parquet && echo 2 >$tmp/shards/nshards.txt
exits 0 "a folder of shards" load $tmp/shards
says "2 shards"
has '\[8,2,3,1\]'
exits 0 "without labels" load $w/good-unlabelled.tar
exits 0 "sizes" load $w/good-sizes.tar --preprocess resize=2x2
for f in some-labels names two-images no-image two-labels cls json image path cut; do
	exits 2 "bad-$f" load $w/bad-$f.tar
	ok "one line" [ "$(wc -l <$err)" -eq 1 ]
done

# --- a model and its preprocessing
m=fixtures/onnx/good-resnet-9-static.onnx
exits 0 "order, mean and std in the graph" assay-load $m --preprocess order=bgr,mean=.5:.4:.3,std=1/255,resize=40,crop=32 -o $tmp/m
ok "as nodes" grep -aq 'Gather.*Sub.*Div' $tmp/m
ok "and in words" grep -aq '"from.*the command line' $tmp/m
exits 0 "said again" assay-load $tmp/m --preprocess mean=.5:.4:.3 -o $tmp/again
ok "they are not there twice" [ "$(grep -ao '"Sub' $tmp/again | wc -l)" = "$(grep -ao '"Sub' $tmp/m | wc -l)" ]
exits 0 "others do not go before those in the graph" assay-load $tmp/m --preprocess mean=.1 -o $tmp/again
says "mean, std and order of colours are in the graph already and stay"
ok "it is the same model" cmp $tmp/m $tmp/again

# --- the tools: the audit images as class folders of PGM, plain and doubled
. tests/cli/models.sh
folders() { # DIR TIMES: one folder a class, named by its number
	mkdir -p $1/0 $1/1 $1/2 $1/3
	tail -c +9 ${audit#*,} | od -An -v -tu1 -w1 >$tmp/y
	tail -c +17 ${audit%,*} | od -An -v -tu1 -w784 | paste $tmp/y - | head -n 120 |
	    awk -v dir=$1 -v k=$2 '{
		f = sprintf("%s/%d/%04d.pgm", dir, $1, NR)
		printf "P2 %d %d 255\n", 28 * k, 28 * k >f
		for (y = 0; y < 28 * k; y++) for (x = 0; x < 28 * k; x++)
			print $(2 + int(y / k) * 28 + int(x / k)) >f
		close(f) }'
}
folders $tmp/plain.d 1
folders $tmp/twice 2
exits 0 "a folder of images" assay-eval $clean --data $tmp/plain.d
sed -n '/^accuracy/p' $out >$tmp/accuracy
exits 0 "twice as large, scaled" assay-eval $clean --data $tmp/twice --preprocess resize=28x28,filter=nearest --json -o $tmp/e.json
says "images made 28x28 by resize=28x28,filter=nearest"
assay-eval $clean --data $tmp/twice --preprocess resize=28,filter=nearest >$tmp/table 2>/dev/null
ok "the same accuracy" sh -c "grep '^accuracy' $tmp/table | cmp - $tmp/accuracy"
ok "the document says what was done" sh -c "tr -d '\n' <$tmp/e.json | grep -q '\"preprocess\": {.*\"data\": \"images made 28x28.*\"from\": \"the command line\"'"
fails 2 "twice as large, and nothing said" "1 x 56 x 56.* --preprocess" assay-eval $clean --data $tmp/twice
printf '1\n2\n3\n0\n' >$tmp/turned
exits 0 "classes in a wrong order" assay-eval $clean --data $tmp/plain.d --classes $tmp/turned
says "near chance: labels or preprocessing may be wrong"
exits 0 "a wrong mean" assay-eval $clean --data $tmp/plain.d --preprocess mean=20,std=.01
says "near chance"
exits 0 "poisoned images" assay-eval $suspect --data $tmp/plain.d --poisoned $tmp/twice --target 2 --preprocess resize=28x28,filter=nearest --json
cp $out $tmp/p.json
n=$(ls $tmp/twice/0 $tmp/twice/1 $tmp/twice/3 | grep -c pgm)
ok "those of the target do not count" [ "$(field $tmp/p.json asr n)" = $n ]
ok "most keep their class" [ "$(field $tmp/p.json recovered_accuracy correct)" -gt $((n / 2)) ]
fails 4 "a target alone" "go together" assay-eval $suspect --data $tmp/plain.d --target 2
fails 4 "a target that is none" "no class 7, the model has 4" assay-eval $suspect --data $tmp/plain.d --poisoned $tmp/plain.d --target 7
exits 0 "a purification of scaled images" assay-purify $suspect --data $tmp/twice --preprocess resize=28x28,filter=nearest --rounds 1 -o $tmp/pure.onnx --document $tmp/pure.json
ok "its document says what was done" grep -q 'images made 28x28' $tmp/pure.json
done_testing
