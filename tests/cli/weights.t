#!/bin/sh
# assay-load and assay-save of files that hold nothing but weights.
fix=$(cd "$(dirname "$0")/../../fixtures" && pwd)
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 1
w=$fix/weights index=model.safetensors.index.json

# the last byte of a neutral file is in a weight: change it
poke() {
	head -c $(($(wc -c <"$1") - 1)) "$1"
	printf '\101'
}

for f in vgg-cifar vgg-bn resnet densenet-old mobilenet-v3-small inception timm-vit swin; do
	exits 0 "$f" assay-load "$w/good-$f.safetensors" -o "$f.neutral"
	exits 0 "$f, its own weights" assay-save "$w/good-$f.safetensors" "$f.neutral" -o same
	ok "$f: byte for byte the same" cmp "$w/good-$f.safetensors" same
	poke "$f.neutral" >changed
	exits 0 "$f, a changed weight" assay-save "$w/good-$f.safetensors" changed -o new
	ok "$f: one byte differs" sh -c "cmp -l $w/good-$f.safetensors new | wc -l | grep -qx ' *1'"
	exits 0 "$f, changed" assay-load new -o back
	ok "$f: reads back as what was saved" cmp changed back
done
f=swin
exits 0 "a note" assay-save "$w/good-$f.safetensors" "$f.neutral" -o noted --note 'assay.test={"a":"b"}'
ok "in the header" sh -c 'head -c 2000 noted | grep -aqF "\"assay.test\":\"{\\\"a\\\":\\\"b\\\"}\""'
exits 0 "read back" assay-load noted -o back
ok "as the same weights" cmp back "$f.neutral"
size=$(od -An -tu8 -N8 noted)
ok "tensors stay aligned" [ $((size % 8)) -eq 0 ]
was=$(od -An -tu8 -N8 "$w/good-$f.safetensors")
tail -c +$((size + 9)) noted >a && tail -c +$((was + 9)) "$w/good-$f.safetensors" >b
ok "and are the same bytes" cmp a b
exits 0 "the same key again" assay-save noted back -o twice --note assay.test=c
ok "is not written" cmp noted twice
says 'is there already'
ok "the architecture is said" grep -q 'architecture timm_vit; 1 heads, as is usual' timm-vit.neutral
ok "what the file does not tell is said" grep -q 'transform_input' inception.neutral

cat >second.py <<'END'
import json, struct, sys
data = open(sys.argv[1], 'rb').read()
n = struct.unpack('<Q', data[:8])[0]
head = json.dumps({'1.' + k if k != '__metadata__' else k: v for k, v in json.loads(data[8:8 + n]).items()}).encode()
head += b' ' * (-len(head) % 8)
sys.stdout.buffer.write(struct.pack('<Q', len(head)) + head + data[8 + n:])
END
python3 second.py "$w/good-resnet-cifar.safetensors" >second.safetensors
exits 0 "the second in a row" assay-load second.safetensors -o second
ok "what is not known of the first is said" grep -q "begin with '1.': what comes before the model is not in the file" second

# NPZ
for f in plain orders compressed; do
	exits 0 "npz, $f" assay-load "$w/good-$f.npz" -o n
	exits 0 "npz, $f: its own weights" assay-save "$w/good-$f.npz" n -o same
	ok "npz, $f: byte for byte the same" cmp "$w/good-$f.npz" same
	poke n >changed
	exits 0 "npz, $f: a changed weight" assay-save "$w/good-$f.npz" changed -o new
	exits 0 "npz, $f: with a checksum that is right" assay-load new -o back
	ok "npz, $f: reads back as what was saved" cmp changed back
done
ok "compressed arrays stay compressed" [ "$(wc -c <new)" -lt 15000 ]

# an index and its files
s=$fix/shards/good-shards
exits 0 "an index" assay-load "$s/$index" -o n
ok "the same model as one file" same_model n vgg-cifar.neutral
exits 0 "its own weights" assay-save "$s/$index" n -o shards
ok "a folder of the same files" diff -r "$s" shards
poke n >changed
exits 0 "a changed weight" assay-save "$s/$index" changed -o newer
exits 0 "the new folder" assay-load "newer/$index" -o back
ok "reads back as what was saved" cmp changed back
ok "the index is as it was" cmp "$s/$index" "newer/$index"

for f in "$w"/bad-*.safetensors "$w"/bad-*.npz "$fix"/shards/bad-*/$index; do
	run assay-load "$f" -o bad.neutral
	ok "${f#"$fix/"}: status 2 or 3, got $rc" [ "$rc" -eq 2 -o "$rc" -eq 3 ]
	ok "${f#"$fix/"}: one line, no output" sh -c "[ \$(wc -l <'$err') -eq 1 ] && [ ! -e bad.neutral ]"
done
exits 3 "two architectures" assay-load "$w/bad-both.safetensors" -o x
says 'shufflenet_v2 or vgg: say which with --arch'
exits 3 "one of them by --arch" assay-load --arch vgg "$w/bad-both.safetensors" -o x
says 'has no use for'
exits 4 "an unknown --arch" assay-load --arch nosuch "$w/good-vgg-bn.safetensors" -o x
exits 3 "another --arch" assay-load --arch resnet "$w/good-vgg-bn.safetensors" -o x
says "as resnet: there is no tensor 'conv1.weight'"
exits 0 "the right --arch" assay-load --arch vgg "$w/good-vgg-bn.safetensors" -o y
ok "nothing is left behind" [ ! -e x ]

# the same option for those that run assay-load
cat >data.py <<'END'
import struct
def npy(name, kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    head += ' ' * (-(11 + len(head)) % 64) + '\n'
    open(name, 'wb').write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data)
n = 20
npy('x.npy', '|u1', (n, 24, 24, 3), bytes((i * 2654435761 >> 13) & 255 for i in range(n * 24 * 24 * 3)))
npy('y.npy', '|u1', (n,), bytes(i % 5 for i in range(n)))
END
python3 data.py
f=$w/good-resnet-pool.safetensors
exits 0 "the usual architecture" assay-load "$f" -o usual
ok "says what else it could be" grep -aq 'no pool behind the first convolution; --arch resnet_pool has one' usual

exits 0 "assay-eval with --arch" assay-eval "$f" --arch resnet_pool --preprocess mean=.25,std=.5 --data x.npy,y.npy --json
cp "$out" said.json
ok "what was said is in the document" python3 -c 'import json
p = json.load(open("said.json"))["preprocess"]
assert p["arch"] == "resnet_pool" and p["model"]["mean"] == [0.25] and p["model"]["std"] == [0.5], p
assert "resnet_pool" in p["note"], p'
exits 0 "and that nothing was" assay-eval "$f" --data x.npy,y.npy --json
prints '"arch": null'
exits 0 "assay-purify without" assay-purify "$f" --data x.npy,y.npy --method ft --rounds 1 -o plain.safetensors
exits 0 "assay-purify with --arch" assay-purify "$f" --arch resnet_pool --data x.npy,y.npy --method ft --rounds 1 -o pure.safetensors
ok "trains another model" sh -c "! cmp -s plain.safetensors pure.safetensors"
exits 0 "which writes it back" assay-load pure.safetensors --arch resnet_pool -o pure
exits 4 "an unknown one" assay-eval "$f" --arch nosuch --data x.npy,y.npy
done_testing
