#!/bin/sh
# The table of audit/GROW.md: references grown on the first N Fashion-MNIST test
# images, their accuracy on the last 5,000.  Resumable (build/grow-table).  From
# the project's root, after make all; GROW_SIZES and GROW_CHANGES choose rows and
# columns.
set -eu
PATH="$PWD/build/release/bin:$PATH"
F=/usr/share/datasets/fashion-mnist
TRAIN=$F/train-images-idx3-ubyte.gz,$F/train-labels-idx1-ubyte.gz
TEST="$F/t10k-images-idx3-ubyte.gz $F/t10k-labels-idx1-ubyte.gz"
W=build/grow-table
mkdir -p $W
sh fixtures/idx-part.sh $TEST 5000 5000 $W/test
echo "| architecture | images | change | accuracy |"
echo "| --- | --- | --- | --- |"
for a in 'vgg 16' 'preact 8'; do
	set -- $a
	# its weights do not matter
	[ -e $W/$1/truth.json ] || assay plant -q --data $TRAIN --arch $1 --width $2 --limit 1000 --epochs 1 -o $W/$1 >/dev/null
	for n in ${GROW_SIZES:-250 500 1000 2000 5000}; do
		sh fixtures/idx-part.sh $TEST 0 $n $W/data
		for c in ${GROW_CHANGES:-none shift flip cutout mixup shift,cutout shift,mixup}; do
			assay grow -q $W/$1/model.onnx --data $W/data-images.idx,$W/data-labels.idx \
				-n 1 --augment $c -o $W/$1-$n-$c >/dev/null
			acc=$(assay eval -q $W/$1-$n-$c/reference-1.safetensors --data $W/test-images.idx,$W/test-labels.idx |
				sed -n 's/^accuracy *\([0-9.]*\).*/\1/p')
			echo "| $1 --width $2 | $n | $c | $acc |"
		done
	done
done
