#!/bin/sh
# The null spreads of audit/null.def: six clean models, trained from different
# seeds on different images, scanned against each other; residuals of every
# ordered pair.  Resumable (build/zoo).  From the project's root, after make all.
set -eu
PATH="$PWD/build/release/bin:$PATH"
F=/usr/share/datasets/fashion-mnist
TRAIN=$F/train-images-idx3-ubyte.gz,$F/train-labels-idx1-ubyte.gz
TEST=$F/t10k-images-idx3-ubyte.gz,$F/t10k-labels-idx1-ubyte.gz
W=build/null-table
mkdir -p build/zoo $W
sh fixtures/idx-part.sh $F/t10k-images-idx3-ubyte.gz $F/t10k-labels-idx1-ubyte.gz 0 1500 $W/clean
refs=
for s in 1 2 3 4 5 6; do
	[ -e build/zoo/clean-vgg-$s/truth.json ] || assay plant -q --data $TRAIN --test $TEST \
		--seed $s --first $((s * 4000)) --limit 20000 --epochs 4 -o build/zoo/clean-vgg-$s >/dev/null
	[ $s -eq 1 ] || refs="$refs -r build/zoo/clean-vgg-$s/model.onnx"
done
[ -e $W/scan.json ] || assay scan -q build/zoo/clean-vgg-1/model.onnx \
	--data $W/clean-images.idx,$W/clean-labels.idx $refs -o $W >/dev/null
perl -MJSON::PP - $W/scan.json <<'P'
local $/;
open my $f, '<', shift;
my $d = decode_json(<$f>);
sub median { my @v = sort { $a <=> $b } @_; my $n = @v; $n % 2 ? $v[$n / 2] : ($v[$n / 2 - 1] + $v[$n / 2]) / 2 }
print "| geometry | pairs | root mean square | largest |\n| --- | --- | --- | --- |\n";
for my $g (@{$d->{geometries}}) {
	my @r = map { my $x = $_->{radius}; [map { log $_ } $x->{suspect}, @{$x->{references}}] } @{$g->{per_class}};
	my ($n, $sum, $top, $pairs) = (0, 0, 0, 0);
	for my $i (0 .. $#{$r[0]}) {
		for my $k (0 .. $#{$r[0]}) {
			next if $i == $k;
			my @l = map { $_->[$k] - $_->[$i] } @r;
			my $m = median(@l);
			for (@l) { $sum += ($_ - $m) ** 2; $n++; $top = $_ - $m if $_ - $m > $top }
			$pairs++;
		}
	}
	printf "| %s | %d | %.3f | %.3f |\n", $g->{name}, $pairs, sqrt($sum / $n), $top;
}
P
