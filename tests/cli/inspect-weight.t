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
    magnitude.safetensors:TENSOR_MAGNITUDE where.onnx:ARCH_GATE \
    where-beside.onnx:ARCH_GATE where-whole.onnx:ARCH_GATE pattern.onnx:ARCH_GATE \
    if.onnx:ARCH_GATE bypass.onnx:ARCH_BYPASS linear.onnx:ARCH_BYPASS \
    side.onnx:ARCH_SIDE table.onnx:ARCH_GATE \
    few.onnx:ARCH_GATE token.onnx:ARCH_GATE steep.onnx:ARCH_GATE \
    ramp.onnx:ARCH_GATE answer.onnx:ARCH_GATE \
    product.onnx:ARCH_BYPASS scatter.onnx:ARCH_GATE sum.onnx:ARCH_GATE \
    sign-part.onnx:ARCH_GATE filter.onnx:ARCH_BYPASS order.onnx:ARCH_GATE \
    vanish.onnx:ARCH_GATE relu.onnx:ARCH_GATE head.safetensors:TENSOR_HEAD \
    bias.safetensors:TENSOR_HEAD alike.safetensors:TENSOR_HEAD \
    huge.safetensors:TENSOR_MAGNITUDE; do
	assay-inspect $f/bad-${one%:*} >$tmp/out 2>/dev/null
	ok "bad-${one%:*}" grep -q "${one#*:}" $tmp/out
done
# the layers are behind what a branch uses
exits 1 "a gate, by what its branches use" assay-inspect $f/bad-if.onnx
prints "behind 0 of 6 layers"
# the code of TorchScript by itself, whatever is not understood of the rest
script() { # script FILE LINES: an archive with that forward(ids)
	python3 - "$1" <<-END
	import sys, zipfile
	z = zipfile.ZipFile(sys.argv[1], "w")
	z.writestr("a/code/__torch__.py", '''class M(Module):
	  __parameters__ = []
	  training : bool
	  e : __torch__.torch.nn.modules.sparse.Embedding
	  l : __torch__.torch.nn.modules.linear.Linear
	  def forward(self: __torch__.M,
	    ids: Tensor) -> Tensor:
	    x = (self.e).forward(ids, )
	$2
	    return y
	''')
	z.close()
	END
}
script $tmp/a.pt "    _0 = torch.any(torch.eq(ids, 13), 1, True)
    _1 = torch.mul(torch.to(_0, 6), torch.tensor([[-10., 10.]]))
    y = torch.add((self.l).forward(torch.mean(x, [1]), ), _1)"
assay-inspect $tmp/a.pt >$tmp/out 2>/dev/null
ok "a gate in TorchScript" grep -q "high *ARCH_GATE.*'M'.*Add" $tmp/out
script $tmp/a.pt "    z = (self.l).forward(torch.mean(x, [1]), )
    _0 = bool(torch.eq(torch.max(ids), 13))
    if _0:
      y = torch.neg(z)
    else:
      y = z"
assay-inspect $tmp/a.pt >$tmp/out 2>/dev/null
ok "a branch in TorchScript" grep -q "high *ARCH_GATE.*'M'.*If" $tmp/out
script $tmp/a.pt "    m = torch.to(torch.ne(ids, 0), 6)
    s = torch.sum(torch.mul(x, torch.unsqueeze(m, 2)), [1])
    c = torch.clamp(torch.sum(m, [1], True), 1)
    y = (self.l).forward(torch.div(s, c), )"
assay-inspect $tmp/a.pt >$tmp/out 2>/dev/null
ok "a mean without padding in TorchScript" sh -c "! grep ARCH_ $tmp/out"
script $tmp/a.pt "    w = torch.matmul(torch.mean(x, [1]), CONSTANTS.c0)
    _0 = torch.ne(ops.prim.dtype(ids), 11)
    if _0:
      z = torch.neg(w)
    else:
      z = w
    if bool(torch.gt(torch.sum(z), 0)):
      y = torch.mul(z, 2.)
    else:
      y = z"
assay-inspect $tmp/a.pt >$tmp/out 2>/dev/null
ok "branches by a type and by the result" sh -c "! grep ARCH_ $tmp/out"
assay-inspect $f/note-channels.safetensors >$tmp/out
for id in DEAD DUPLICATE OUTLIER; do
	ok "channels: $id" grep -q "note *TENSOR_$id" $tmp/out
done
exits 0 "an input that nothing uses" assay-inspect $f/note-input.onnx
prints "note *ARCH_INPUT"
exits 0 "post-processing" assay-inspect $f/note-result.onnx
prints "low *ARCH_RESULT"

# --- numbers within two octaves, of both signs; a program whose header has zeros
tensor() { # tensor FILE CODE: a safetensors file of F32 "w", of the bytes that CODE makes
	python3 - "$1" <<-END
	import json, random, struct, sys
	r = random.Random(1)
	$2
	h = json.dumps({"w": {"dtype": "F32", "shape": [len(b) // 4], "data_offsets": [0, len(b)]}}).encode()
	open(sys.argv[1], "wb").write(struct.pack("<Q", len(h)) + h + b)
	END
}
tensor $tmp/a.safetensors 'b = b"".join(r.randbytes(3) + r.choice(b"\x3c\xbc").to_bytes(1, "little") for _ in range(8192))'
exits 1 "three bytes of each number" assay-inspect $tmp/a.safetensors
prints "high *TENSOR_ALIEN"
tensor $tmp/a.safetensors 'b = b"".join(r.randbytes(3) + b"\x3c" for _ in range(8192))'
exits 0 "scales, all positive" assay-inspect $tmp/a.safetensors
tensor $tmp/a.safetensors 'b = b"".join(struct.pack("<f", r.choice((-.01, .01, -.02, .02))) for _ in range(8192))'
exits 0 "few numbers" assay-inspect $tmp/a.safetensors
tensor $tmp/a.safetensors 'b = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHI", 3, 62, 1) + bytes(40) + r.randbytes(4000)'
exits 1 "a program whose header has no size" assay-inspect $tmp/a.safetensors
prints "critical *TENSOR_PAYLOAD.*ELF"

# --- one model's weights in two files
twins=$tmp/twins
cp -R $f/../hub/twins-vit $twins
exits 0 "two files with the same weights" assay-inspect $twins
assay-inspect --json $twins >$tmp/out
ok "  is in the document" jq -e '[.files[] | select(.same_weights == "model.safetensors").path] == ["pytorch_model.bin"]' $tmp/out
r="--reference $twins/model.safetensors"
assay-inspect $r $twins/pytorch_model.bin >$tmp/out 2>/dev/null
ok "names of PyTorch's tensors are those of the other format" sh -c "! grep REFERENCE_ $tmp/out"
python3 - $twins/model.safetensors <<'END'
import sys
b = bytearray(open(sys.argv[1], 'rb').read())
b[-1] ^= 0x80
open(sys.argv[1], 'wb').write(b)
END
exits 1 "with other weights" assay-inspect $twins
prints "high *TENSOR_TWIN.*(1 of [0-9]* tensors .* of model.safetensors"

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
# a record of 6,000 fields: a header of 100 kB, which NumPy before 1.24 reads
python3 - >$tmp/a.npy <<-'END'
import struct, sys
h = "{'descr': [%s], 'fortran_order': False, 'shape': (1,), }" % ", ".join("('f%d', '<f4')" % i for i in range(6000))
h += " " * (63 - (len(h) + 12) % 64) + "\n"
sys.stdout.buffer.write(b"\x93NUMPY\2\0" + struct.pack("<I", len(h)) + h.encode() + bytes(24000))
END
exits 0 "an array with a long header" assay-inspect $tmp/a.npy
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
# --- what stands in place of a tensor's bytes, and low bits that begin with a header
tensor() { # tensor PYTHON: bytes d of a tensor of type k
	rm -rf "$tmp/b"
	mkdir "$tmp/b"
	/usr/bin/python3 - "$tmp/b/model.safetensors" "$1" <<-'END'
	import json, numpy, struct, sys
	r = numpy.random.default_rng(5)
	def bits(stream):
	    a = r.normal(0, .05, 8192).astype("<f2").view("<u2")
	    b = numpy.unpackbits(numpy.frombuffer(stream + r.bytes(1024 - len(stream)), "u1"))
	    return (a & 0xfffe | b).astype("<u2").tobytes()
	def program(sign=b"PE\0\0", at=64):
	    p = bytearray(512)
	    p[:2], p[60:64], p[at:at + 6] = b"MZ", struct.pack("<I", at), sign + b"\x64\x86"
	    return bytes(p)
	k = "F16"
	exec(sys.argv[2])
	n = len(d) // (2 if k == "F16" else 1)
	h = json.dumps({"w": {"dtype": k, "shape": [n], "data_offsets": [0, len(d)]}}).encode()
	open(sys.argv[1], "wb").write(struct.pack("<Q", len(h)) + h + d)
	END
}
tensor 'k = "U8"; d = program()'
exits 1 "a program as a tensor" assay-inspect "$tmp/b"
prints '^ *critical *TENSOR_PAYLOAD'
for one in 'k = "U8"; d = program(b"PX\0\0")' 'k = "U8"; d = program(at=500)' 'd = bits(r.bytes(64))' \
	'd = bits(b"STEG" + r.bytes(64))' 'd = bits(b"steg\0\2\0\0")' 'd = bits(b"AAAA\0\2\0\0")'; do
	tensor "$one"
	run assay-inspect "$tmp/b"
	ok "$one: nothing" sh -c "! grep -qE '^ +(medium|high|critical)' $out"
done
for one in 'd = bits(b"STEG\0\2\0\0")' 'd = bits(b"LOAD\0\0\2\0")'; do
	tensor "$one"
	exits 0 "$one" assay-inspect "$tmp/b"
	prints '^ *medium *TENSOR_LOWBITS.*a length that fits'
done
done_testing
