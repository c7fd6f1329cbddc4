#!/bin/sh
# assay-inspect: what hides in weights, backdoors in graphs, --reference.
. tests/cli/tap.sh
f=fixtures/weight

for one in $f/good-* $f/good.*; do
	assay-inspect $one >$tmp/out 2>/dev/null
	ok "${one##*/} is not suspected" sh -c "! grep -E '(medium|high|critical) +(TENSOR|ARCH)_' $tmp/out"
done
for one in $f/bad-elf* $f/bad-pe-* $f/bad-zip-* $f/bad-pickle-* $f/bad-script-* $f/bad-subgraph.onnx; do
	exits 1 "${one##*/}" assay-inspect $one
	prints "critical *TENSOR_PAYLOAD"
done
for one in $f/bad-text-*; do
	exits 1 "${one##*/}" assay-inspect $one
	prints "high *TENSOR_TEXT.*This is no weight"
done
for one in code-8.safetensors:TENSOR_LOWBITS noise-instead.safetensors:TENSOR_ALIEN \
    magnitude.safetensors:TENSOR_MAGNITUDE where.onnx:ARCH_GATE pattern.onnx:ARCH_GATE \
    if.onnx:ARCH_GATE bypass.onnx:ARCH_BYPASS linear.onnx:ARCH_BYPASS \
    side.onnx:ARCH_SIDE table.onnx:ARCH_GATE \
    product.onnx:ARCH_BYPASS scatter.onnx:ARCH_GATE; do
	assay-inspect $f/bad-${one%:*} >$tmp/out 2>/dev/null
	ok "bad-${one%:*}" grep -q "${one#*:}" $tmp/out
done
# the layers are behind what a branch uses
exits 1 "a gate, by what its branches use" assay-inspect $f/bad-if.onnx
prints "behind 0 of 6 layers"
assay-inspect $f/note-channels.safetensors >$tmp/out
for id in DEAD DUPLICATE OUTLIER; do
	ok "channels: $id" grep -q "note *TENSOR_$id" $tmp/out
done
exits 0 "an input that nothing uses" assay-inspect $f/note-input.onnx
prints "note *ARCH_INPUT"
exits 0 "post-processing" assay-inspect $f/note-result.onnx
prints "low *ARCH_RESULT"

# --- --reference
r="--reference $f/good-normal.safetensors"
assay-inspect $r $f/good-normal.safetensors >$tmp/out 2>/dev/null
ok "the reference itself" sh -c "! grep REFERENCE_ $tmp/out"
exits 1 "low bits only" assay-inspect $r $f/change-lowbits.safetensors
prints "high *REFERENCE_LOWBITS.*low 6 bits of [0-9]* of 4608"
for one in values:VALUES channel:CHANNEL tuned:CHANGED missing:TENSORS; do
	assay-inspect $r $f/change-${one%:*}.safetensors >$tmp/out 2>/dev/null
	ok "${one%:*}" grep -q "REFERENCE_${one#*:}" $tmp/out
done
exits 2 "nothing to compare" assay-inspect $r $f/good.gguf
prints "REFERENCE_TENSORS"
exits 3 "a reference without weights" assay-inspect --reference $f/../identify/good.txt $f/good.gguf
says "no weights"
exits 2 "no reference" assay-inspect --reference $tmp/nope $f/good.gguf
assay-inspect --json $r $f/good.gguf >$tmp/doc.json 2>/dev/null
ok "the document names it" grep -q '"role": "reference"' $tmp/doc.json
for kind in '<f4 f' '<f8 d'; do
	python3 - $kind >$tmp/a.npy <<-'END'
	import struct, sys
	h = "{'descr': '%s', 'fortran_order': False, 'shape': (32,), }" % sys.argv[1]
	h += " " * (117 - len(h)) + "\n"
	sys.stdout.buffer.write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(h)) + h.encode() +
	    struct.pack("<32" + sys.argv[2], *[1e16 if i == 3 else i / 7 for i in range(32)]))
	END
	run assay-inspect $tmp/a.npy
	case $kind in
	*f) prints "medium *TENSOR_MAGNITUDE" ;;
	*) ok "doubles may measure anything" sh -c "! grep -q MAGNITUDE $out" ;;
	esac
done
done_testing
