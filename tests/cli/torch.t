#!/bin/sh
# assay-load and assay-save with PyTorch files and BackdoorBench records.
. "$(dirname "$0")/tap.sh"
fix=$(cd "$(dirname "$0")/../../fixtures/torch" && pwd)
cd "$tmp" || exit 1

each() { # each STATUS PATTERN...: assay-load ends so, in one line, without output
	_want=$1
	shift
	rm -f each.out
	for f in "$@"; do
		assay-load "$f" -o each.out 2>each.err
		_rc=$?
		[ $_rc -eq "$_want" ] || { echo "$f: status $_rc"; return 1; }
		[ $_rc -eq 0 ] && continue
		[ "$(wc -l <each.err)" -eq 1 ] && [ ! -e each.out ] || return 1
	done
}
same() { # unchanged weights give the original
	for f in "$@"; do
		assay-load "$f" -o same.n && assay-save "$f" same.n -o same.out &&
		    cmp "$f" same.out || return 1
	done
}
# the last byte of a neutral file is in a weight: change it
poke() {
	size=$(wc -c <"$1")
	head -c $((size - 1)) "$1" >"$2"
	printf '\101' >>"$2"
}

ok "every good file loads" each 0 "$fix"/good-*
ok "every odd one too" each 0 "$fix"/odd-*
ok "unsupported ones: status 3, one line" each 3 "$fix"/unsupported-*
for f in "$fix"/bad-*; do
	run assay-load "$f" -o bad.out
	ok "${f##*/}: refused in one line" test "$rc" -ge 2 -a "$rc" -le 3 -a \
	    "$(wc -l <"$err")" -eq 1 -a ! -e bad.out
done
ok "nothing was executed" test ! -e executed_here
ok "unchanged weights give the original, byte for byte" same "$fix"/good-* "$fix"/odd-*

exits 2 "a pickle that asks for what it never kept" assay-load "$fix/bad-memo.pt" -o x
says 'offset 64: pickle: BINGET: nothing was kept there'

f=$fix/good-row.pt
assay-load "$f" -o m
poke m changed
exits 0 "a changed weight" assay-save "$f" changed -o new.pt
ok "the same size" test "$(wc -c <new.pt)" -eq "$(wc -c <"$f")"
# a byte, and its checksum in two places
cmp -l "$f" new.pt | wc -l >count.txt
ok "at most nine bytes differ" test "$(cat count.txt)" -le 9 -a "$(cat count.txt)" -ge 2
ok "and reads back as what was saved" sh -c 'assay-load new.pt -o back && cmp back changed'
exits 0 "weights in compressed entries" sh -c 'assay-load "$1" -o d && head -c $(($(wc -c <d) - 1)) d >e &&
    printf "\101" >>e && assay-save "$1" e -o x' sh "$fix/good-row-deflated.pt"
ok "are compressed again" sh -c 'assay-load x -o d && cmp d e && [ $(wc -c <x) -lt 6000 ]'
rm x

# calls within calls, of which each is read once: seconds, not minutes
nested() {
	python3 -c '
import sys, zipfile
old, new = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED)
call, n = "torch.conv2d(", int(sys.argv[3])
for i in old.infolist():
    data = old.read(i)
    if i.filename.endswith(".py"):
        data = call * n + "x" + ", w, b, [1, 1], [1, 1], [1, 1])" * n
        data = data[:4000000]
    new.writestr(i.filename, data)
' "$fix/good-resnet-script.pt" nested.pt $1
}
for n in 80000 300000; do
	nested $n
	exits 0 "$n convolutions within one another" sh -c 'ulimit -t 10; assay-load nested.pt -o x'
	ok "say nothing" sh -c '! grep -aq "its code has convolutions" x'
done

# NVIDIA NeMo: a tar of a configuration and a state dict
mkdir nemo
cp "$fix/good-resnet.pt" nemo/model_weights.ckpt
assay-load nemo/model_weights.ckpt -o plain.n
printf 'target: nemo.collections.vision.models.Some\n' >nemo/model_config.yaml
tar -C nemo -czf m.nemo ./model_config.yaml ./model_weights.ckpt
exits 3 "a .nemo as it is" assay-load m.nemo -o x
says 'gzip stream (assay-unpack takes archives apart)'
exits 0 "unpacked" assay-unpack m.nemo nemocase
exits 0 "its folder loads" assay-load nemocase/files -o folder.n
ok "and says what it is" grep -aq "a NeMo model of the class 'nemo.collections.vision.models.Some'; architecture resnet" folder.n
ok "with the weights of the checkpoint" sh -c 'tail -c 4096 folder.n >a && tail -c 4096 plain.n >b && cmp a b'
tar -C . -czf outer.tar.gz m.nemo
exits 0 "in another archive" assay-unpack outer.tar.gz outer
exits 0 "is taken apart, too" assay-load outer/files/m.nemo.unpacked -o folder.n
printf 'target: nemo.collections.asr.Other\nlabels: [a]\n' >nemocase/files/model_config.yaml
cp "$fix/unsupported-arch.pt" nemocase/files/model_weights.ckpt
exits 3 "one of weights that are not known" assay-load nemocase/files -o x
says "a NeMo model of the class 'nemo.collections.asr.Other': weights of no architecture that is known here"

mkdir record
cp "$fix/good-attack.pt" record/attack_result.pt
exits 0 "a BackdoorBench record, as a folder" assay-load record -o r.n
assay-load record/attack_result.pt -o a.n
ok "is its attack_result.pt" same_model r.n a.n
ok "with the normalisation of its data set" grep -q 'assay.normalised' r.n
ok "and its size" grep -q 'BackdoorBench record' r.n
poke r.n r.changed
exits 0 "its weights are written back" assay-save record r.changed -o record2
ok "into a folder" test -f record2/attack_result.pt
ok "which is a record" assay-load record2 -o r2.n
ok "of the new weights" cmp r2.n r.changed
exits 0 "an architecture by name" assay-load --arch preact "$fix/good-defense.pt" -o p.n
exits 3 "that is not the file's" assay-load --arch resnet "$fix/good-defense.pt" -o x
done_testing
