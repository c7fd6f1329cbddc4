#!/bin/sh
# The table of purify/README.md: SAU on victims planted here, with 2,500
# reserved images (never seen in training), measured on the 10,000 test images.
# Resumable: what build/zoo and build/sau-table hold already is not made again.
# Usage: purify/table.sh (from the project's root, after make all)
set -eu
PATH="$PWD/build/release/bin:$PATH"
F=/usr/share/datasets/fashion-mnist
TRAIN=$F/train-images-idx3-ubyte.gz,$F/train-labels-idx1-ubyte.gz
TEST=$F/t10k-images-idx3-ubyte.gz,$F/t10k-labels-idx1-ubyte.gz
W=build/sau-table
mkdir -p build/zoo $W
sh fixtures/idx-part.sh $F/train-images-idx3-ubyte.gz $F/train-labels-idx1-ubyte.gz 57500 2500 $W/reserved
DATA=$W/reserved-images.idx,$W/reserved-labels.idx

plant() { # NAME options
	name=$1
	shift
	[ -e "build/zoo/$name/truth.json" ] ||
		assay plant -q --data $TRAIN --test $TEST -o "build/zoo/$name" "$@" >/dev/null
}
plant badnets-vgg-1 --attack badnets --seed 11 --first 3000 --limit 20000 --epochs 5 --target 2
plant blended-vgg-1 --attack blended --seed 21 --first 3000 --limit 20000 --epochs 5 --target 3
plant wanet-vgg-1 --attack wanet --seed 31 --first 3000 --limit 20000 --epochs 8 --target 3
plant badnets-preact-1 --arch preact --attack badnets --seed 51 --first 3000 --limit 16000 --epochs 4 --target 4

num() { # FILE KEY: the rate under KEY of the document's top level
	perl -MJSON::PP -e 'local $/; open F, "<", shift; my $j = decode_json(<F>);
		for my $k (split /\./, shift) { $j = $j->{$k} } printf "%.4f", $j' "$1" "$2"
}
row() { # VICTIM LABEL options
	v=$1 label=$2
	shift 2
	tag="$v-$(echo "$label" | tr -c 'a-z0-9\n' '-')"
	if [ ! -e "$W/$tag.json" ]; then
		assay purify -q "build/zoo/$v/model.onnx" --data $DATA -o "$W/$tag.onnx" "$@" >/dev/null
		assay eval -q "$W/$tag.onnx" --data $TEST --trigger "build/zoo/$v/trigger.safetensors" \
		    --baseline "build/zoo/$v/model.onnx" --json >"$W/$tag.tmp"
		mv "$W/$tag.tmp" "$W/$tag.json"
	fi
	j=$W/$tag.json
	echo "| $v | $label | $(num $j baseline.accuracy.rate) / $(num $j baseline.asr.rate) / $(num $j baseline.recovered_accuracy.rate) | $(num $j accuracy.rate) / $(num $j asr.rate) / $(num $j recovered_accuracy.rate) | $(num $j der) |"
}
echo "| victim | SAU settings | before: ACC / ASR / R-ACC | after | DER |"
echo "| --- | --- | --- | --- | --- |"
for v in badnets-vgg-1 blended-vgg-1 wanet-vgg-1 badnets-preact-1; do
	row $v "batch 64, lr 1e-3, 20 rounds" --batch 64 --lr 1e-3 --rounds 20
done
for v in badnets-vgg-1 blended-vgg-1 wanet-vgg-1; do
	row $v "authors: batch 256, lr 1e-4, 100 rounds"
done
