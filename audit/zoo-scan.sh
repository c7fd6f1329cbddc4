#!/bin/sh
# zoo-scan.sh ZOO OUT ARM GROUP...: scans the models of the zoo (fixtures/zoo.sh)
# whose names begin with one of the groups; OUT/ARM/<name>/scan.json.  Arms:
#   given     the three trusted references of the model's architecture
#   one       the first of these only
#   other     the three of the other architecture
#   home      references grown from 2,000 images, kept in OUT.grown-<architecture>
#   previous  the model that the versions group was fine-tuned from
# Resumable; what was measured on references is kept in OUT.cache.
# From the project's root, after make all.
set -eu
PATH="$PWD/build/release/bin:$PATH"
F=/usr/share/datasets/fashion-mnist
zoo=$1 out=$2 arm=$3
shift 3
mkdir -p "$out/$arm"
[ -e "$out/clean-labels.idx" ] ||
	sh fixtures/idx-part.sh $F/t10k-images-idx3-ubyte.gz $F/t10k-labels-idx1-ubyte.gz 0 2000 "$out/clean"
three() { for i in 1 2 3; do printf ' -r %s/ref-%s-%d/model.onnx' "$zoo" "$1" $i; done; }
for group; do
	for dir in "$zoo/$group"-*; do
		name=${dir##*/}
		[ -e "$dir/truth.json" ] && [ ! -e "$out/$arm/$name/scan.json" ] || continue
		case $name in
		*-preact-*) a=preact other=vgg ;;
		*) a=vgg other=preact ;;
		esac
		# references grow from the suspect's graph: recipes that change it
		case $name in
		*-narrow-* | *-wide-* | *-deep-*) grown=$out.grown-$a-$(echo "$name" | cut -d- -f2) ;;
		*) grown=$out.grown-$a ;;
		esac
		case $arm in
		given) with=$(three $a) ;;
		one) with="-r $zoo/ref-$a-1/model.onnx" ;;
		other) with=$(three $other) ;;
		home) with="--grow-in $grown" ;;
		previous) with="--previous $zoo/ref-$a-1/model.onnx" ;;
		esac
		assay scan -q "$dir/model.onnx" --data "$out/clean-images.idx,$out/clean-labels.idx" $with \
		    --baselines --cache "$out.cache" -o "$out/$arm/$name" >"$out/$arm/$name.txt" || [ $? -le 2 ]
		rm -rf "$out/$arm/$name/perturbations"
		echo "$name $(head -1 "$out/$arm/$name.txt")"
	done
done
