#!/bin/sh
# assay-inspect on files that no loader takes, or none can afford, as far as no other
# script has them: templates that do not compile, models of XGBoost whose members are of
# another kind, names that promise a format, texts in another encoding, archives
# without what makes them models, sizes beyond any memory.
. tests/cli/tap.sh
. tests/cli/inspect.sh

broken() { # broken ID WHAT: for a person, and not a pass
	run assay-inspect "$tmp/b"
	ok "$2 is $1" sh -c "grep -qE '^ +medium +$1' $out"
	[ "${3:-}" = absent ] || prints INCOMPLETE
}

passes() { # passes WHAT: with status 0, and nothing that a person has to see
	exits 0 "$1" assay-inspect "$tmp/b"
	ok "$1 is quiet" sh -c "! grep -qE '^ +(medium|high|critical)' $out"
}

# --- templates
for good in 'plain {{ x }}' '{% if x %}a{% elif y %}b{% else %}c{% endif %}' '{% for m in messages %}{% if m %}{{ m }}{% endif %}{% else %}none{% endfor %}' \
	'{% set x = 1 %}{% set y %}text{% endset %}' '{% set x = dict(a=1) %}{{ x }}' '{% set ns.x = {"a": 1} %}' '{% macro m(x) %}{{ x }}{% endmacro %}{{ m(1) }}' \
	'{% generation %}{{ x }}{% endgeneration %}' '{% raw %}{% if %}{% endraw %}' '{# {% if #}{{ x|trim }}' '{%- for a in b -%}{%- break -%}{%- endfor -%}' \
	'{% filter upper %}x{% endfilter %}' '{{ x.0 }}'; do
	echo "$good" | file chat_template.jinja
	passes "$good"
done
for bad in '{% if x %}a' '{% endfor %}' '{% for a in b %}{% endif %}' '{% for a in b %}{% if a %}{% endfor %}{% endif %}' '{% else %}' '{% macro m() %}{% else %}{% endmacro %}' \
	'{{ x | }}' '{{ }}' '{{ x. }}' '{% set x %}' '{% %}' 'prose, {% if %} and prose' '{% if x %}{% endif %}{% else %}'; do
	echo "$bad" | file chat_template.jinja
	broken CONFIG_INVALID "$bad"
done
prints "a Jinja template that does not compile"
# of another language's statements nobody knows what belongs to what
for good in '{% unless a %}b{% else %}c{% endunless %}' '{% trans "Hello" %}' '{{ . }}'; do
	echo "$good" | file page.j2
	run assay-inspect "$tmp/b"
	ok "$good is no broken template" sh -c "[ $rc -le 1 ] && ! grep -q CONFIG_INVALID $out"
done
# what a text says of templates is no template
echo 'Begin with {% if x %} and end it.' | file notes.txt
quiet "a text about templates"

# --- XGBoost
xgb() { # xgb VERSION LEARNER
	printf '{"version": %s, "learner": %s}\n' "$1" "$2" | file model.json
}
booster='"learner_model_param": {"num_feature": "2"}, "gradient_booster"'
xgb '[1, 7, 4]' "{$booster: {\"name\": \"gblinear\", \"model\": {\"weights\": [1]}}}"
quiet "a linear model"
xgb '[1, 7, 4]' "{$booster: {\"name\": \"gbtree\", \"gbtree_model_param\": {}}}"
quiet "a configuration without a model"
xgb '"1.0"' '"xgboost"'
quiet "a program's own settings"
xgb '[1, 2]' '"adam"'
quiet "and others"
xgb 1 '{"gradient_booster": "lightgbm", "n_estimators": 100}'
quiet "settings of boosters"
for bad in "[1]|{$booster: null}" "[1]|{$booster: \"x\"}" "\"1\"|{$booster: {}}" "[1]|{$booster: {\"model\": null}}" "[1]|{$booster: {\"name\": 1}}" \
	"[1]|{$booster: {\"model\": {\"trees\": \"x\"}}}" "[1]|{\"learner_model_param\": [], \"gradient_booster\": {}}" "[1]|{$booster: {\"name\": \"dart\", \"gbtree\": 1}}"; do
	xgb "${bad%%|*}" "${bad#*|}"
	broken CONFIG_INVALID "$bad"
done
printf '{L\0\0\0\0\0\0\0\7version[l\0\0\0\1]L\0\0\0\0\0\0\0\7learner{L\0\0\0\0\0\0\0\23learner_model_param{}}}' | file model.ubj
quiet "UBJSON with the version first"
prints "^xgboost"

# --- names
echo words | file saved_model.pb
broken NAME_MISMATCH "words named .pb"
printf '\n\3abc\22\4\x01\xff\xfe\0' | file input_0.pb
run assay-inspect "$tmp/b"
ok "other protocol buffers may be named .pb" sh -c "[ $rc -eq 3 ] && ! grep -q NAME_MISMATCH $out"
printf 'node {\n  name: "x"\n  op: "Placeholder"\n  attr { key: "dtype" value { type: DT_FLOAT } }\n}\n' | file graph.pb
passes "a graph that write_graph() wrote as text"
printf '{i\3abci\5}' | file data.ubj
run assay-inspect "$tmp/b"
ok "other UBJSON" sh -c "[ $rc -eq 3 ] && ! grep -q NAME_MISMATCH $out"
echo words | file model.ubj
broken NAME_MISMATCH "words named .ubj"
echo words | file weights.pdparams
broken NAME_MISMATCH "words named .pdparams"

# --- encodings of XML
pmml() { # pmml HEAD TEXT, of printf
	# shellcheck disable=SC2059 # with escapes
	printf "$1<PMML version=\"4.4\"><Header description=\"$2\"/></PMML>\n" | file model.pmml
}
pmml '<?xml version="1.0"?>' '\303\251'
quiet "UTF-8"
pmml '<?xml version="1.0" encoding="ISO-8859-1"?>' '\351'
quiet "Latin-1 that says so"
pmml '<?xml version="1.0"?>' '\351'
broken CONFIG_INVALID "Latin-1 that does not"
for head in '<?xml version="1.0" encoding="utf-8"?>' "<?xml version='1.0' encoding='UTF-8'?>" '<?xml version="1.0" encoding = "utf8"?>' '<?xml version="1.0"?><!-- encoding -->'; do
	pmml "$head" '\351'
	broken CONFIG_INVALID "Latin-1 after $head"
done

# --- archives
archive() { # archive NAME MEMBER: a zip, or a tar
	rm -rf "$tmp/b" "$tmp/in"
	mkdir -p "$tmp/b" "$tmp/in/$(dirname "$2")"
	echo '{}' >"$tmp/in/$2"
	case $1 in
	*.nemo) tar -C "$tmp/in" -cf "$tmp/b/$1" . ;;
	*) python3 -m zipfile -c "$tmp/b/$1" "$tmp/in/"* ;;
	esac
}
for name in x.mar x.nemo x.skops; do
	archive $name other.json
	broken MODEL_ABSENT "$name without its description" absent
done
archive x.mar MAR-INF/MANIFEST.json
passes "x.mar with one"
archive x.nemo model_config.yaml
passes "x.nemo with one"

# a program of ExecuTorch with its version alone, and one that is only its mark
printf '\20\0\0\0ET12\6\0\10\0\4\0\0\0\10\0\0\0\0\0\0\0' | file a.pte
run assay-inspect "$tmp/b"
ok "a program's tables" sh -c "[ $rc -eq 3 ] && ! grep -q MODEL_ABSENT $out"
printf 'JUNKET12notflatbufferatall' | file a.pte
broken MODEL_ABSENT "a program without tables"

# --- OpenVINO
ir() { # ir OFFSET SIZE [TYPE SHAPE]: of a constant, beside 1,000 bytes
	printf '<?xml version="1.0"?>\n<net name="m" version="11"><layers><layer id="0" name="c" type="Const" version="opset1"><data element_type="%s" shape="%s" offset="%s" size="%s"/><output><port id="0"><dim>250</dim></port></output></layer></layers><edges/></net>\n' \
		"${3-u8}" "${4-$2}" "$1" "$2" | file model.xml
	head -c 1000 /dev/zero >"$tmp/b/model.bin"
}
for good in '0 1000' '500 500' '1000 0' '0 1000 f32 10,25' '0 2 u4 3' '4 4 f32 1' '0 9 string 7'; do
	# shellcheck disable=SC2086 # two words
	ir $good
	quiet "a constant of $good"
done
for bad in '500 501' '1001 0' '18446744073709551615 2' 'x 1' '0 1000 f32 10,24' '0 4 f32 2' '0 8 i64 18446744073709551615,2'; do
	# shellcheck disable=SC2086
	ir $bad
	broken MODEL_WEIGHTS "a constant of $bad"
done
ir 0 2000
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2000\n' >"$tmp/b/model.bin"
run assay-inspect "$tmp/b"
ok "a constant of a file that nobody fetched" sh -c "[ $rc -le 3 ] && grep -q 'pointer of git-lfs' $out && ! grep -q MODEL_WEIGHTS $out"
rm "$tmp/b/model.bin"
quiet "a constant of a file that is not there"
joined() { # joined EDGES: two layers
	printf '<?xml version="1.0"?>\n<net name="m" version="11"><layers><layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,4" element_type="f32"/><output><port id="0"/></output></layer><layer id="1" name="y" type="Result" version="opset1"><input><port id="0"/></input></layer></layers><edges>%s</edges></net>\n' "$1" | file model.xml
}
joined '<edge from-layer="0" from-port="0" to-layer="1" to-port="0"/>'
quiet "layers with an edge"
joined '<edge to-port="0" to-layer="1" from-port="0" from-layer="0"/>'
quiet "an edge whose attributes stand in another order"
joined ''
hostile MODEL_INVALID "layers without one"

# --- PaddlePaddle
params() { # params SED: one tensor of 3 floats, with bytes exchanged
	python3 - "$1" <<'EOF' | file m.pdiparams
import struct, sys
desc = b'\x08\x05\x10\x03'
parts = {'version': struct.pack('<I', 0), 'levels': struct.pack('<Q', 0), 'inner': struct.pack('<I', 0), 'len': struct.pack('<i', len(desc)), 'desc': desc, 'data': bytes(12)}
change = {'version': {'version': b'\3\0\0\0'}, 'inner': {'inner': b'\3\0\0\0'}, 'cut': {'data': bytes(11)}, 'tail': {'data': bytes(13)}, 'type': {'desc': b'\x08\x58\x10\x03'},
          'dims': {'desc': b'\x08\x05\x10\x04'}, 'len': {'len': b'\xff\xff\xff\x7f'}, 'two': {}, 'none': {}}[sys.argv[1]]
one = b''.join(change.get(k, v) for k, v in parts.items())
sys.stdout.buffer.write(one * (2 if sys.argv[1] == 'two' else 1))
EOF
}
for good in none two; do
	params $good
	quiet "parameters of PaddlePaddle: $good"
done
for bad in version inner cut tail type dims len; do
	params $bad
	hostile MODEL_INVALID "parameters of PaddlePaddle: $bad"
done

# --- images
png() { # png WIDTH HEIGHT DEPTH COLOUR: one without pixels
	python3 - "$@" <<'EOF' | file a.png
import struct, sys, zlib
def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
w, h, depth, colour = map(int, sys.argv[1:])
sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, colour, 0, 0, 0)) +
                        chunk(b'IDAT', zlib.compress(b'\0\0')) + chunk(b'IEND', b''))
EOF
}
for good in '1 1 8 0' '1 1 16 6' '1 1 4 3' '60000 60000 8 2'; do
	# shellcheck disable=SC2086 # four words
	png $good
	quiet "a picture of $good"
done
for bad in '0 1 8 0' '1 1 5 2' '1 1 4 2' '1 1 16 3' '1 1 8 5' '1 1 0 0' '2147483647 2147483647 8 0' '1 4294967295 8 0'; do
	# shellcheck disable=SC2086
	png $bad
	broken FILE_CUT "a picture of $bad"
done
python3 - <<'EOF' | file a.png
import struct, sys, zlib
def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' + chunk(b'CgBI', b'P\0 \6') + chunk(b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 6, 0, 0, 0)) + chunk(b'IEND', b''))
EOF
passes "a picture as Xcode packs it"
printf '\377\330\377\367\0\13\10\0\1\0\1\1\1\21\0\377\332\0\10\1\1\0\0\77\0\22\377\331' | file a.jpg
passes "JPEG-LS"
printf '\377\330\377\332\0\10\1\1\0\0\77\0\22\377\331' | file a.jpg
broken FILE_CUT "a scan without a frame"

# --- streams, and what names promise
printf 'P*M\30\3\0\0\0abc\050\265\057\375\004\130\061\000\000\167\157\162\144\163\012\011\231\212\076' | file words.txt.zst
quiet "a frame that is passed over"
printf '<!DOCTYPE html>\n<html><body>404</body></html>\n' | file flax_model.msgpack
broken NAME_MISMATCH "a page named .msgpack"

# --- an index and its files
index() { # index FILE...: those that are there
	printf '{"metadata": {}, "weight_map": {"a": "m-a.safetensors", "b": "m-b.safetensors"}}\n' | file model.safetensors.index.json
	for part; do
		printf '\65\0\0\0\0\0\0\0{"%s":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}\1' "$part" >"$tmp/b/m-$part.safetensors"
	done
}
index
passes "an index alone"
index a b
passes "an index and all of its files"
index a
broken MODEL_WEIGHTS "an index and half of its files"
prints "1 of 2 files that the index names are not there, 'm-b.safetensors' first"
ok "and nothing else" [ "$(grep -cE '^ +(medium|high|critical)' "$out")" -eq 1 ]

# --- TensorFlow Lite and PyTorch
python3 - "$here/../../fixtures/tfliteops/good-cost-fill.tflite" <<'EOF' | file m.tflite
import struct, sys
b = bytearray(open(sys.argv[1], 'rb').read())
root = struct.unpack_from('<I', b)[0]
table = root - struct.unpack_from('<i', b, root)[0]
struct.pack_into('<I', b, root + struct.unpack_from('<H', b, table + 4)[0], 7)
sys.stdout.buffer.write(b)
EOF
broken TFLITE_BROKEN "a schema of version 7"
torch() { # torch MEMBER...: an archive with these beside its pickle
	rm -rf "$tmp/b" "$tmp/in"
	mkdir -p "$tmp/b" "$tmp/in/archive"
	printf '\200\2}q\0.' >"$tmp/in/archive/data.pkl"
	for m; do echo 3 >"$tmp/in/archive/$m"; done
	(cd "$tmp/in" && python3 -m zipfile -c "$tmp/b/m.pt" archive)
}
torch version
run assay-inspect "$tmp/b"
ok "an archive with its version" sh -c "[ $rc -eq 0 ] && ! grep -q MODEL_ABSENT $out"
torch
broken MODEL_ABSENT "an archive without one" absent
mv "$tmp/b/m.pt" "$tmp/b/data.zip"
passes "an archive that is not named so"

python3 - <<'EOF' | file old.pth
import pickle, sys
for v in (119547037146038801333356, 1002, {'little_endian': True}, {}, []):
    sys.stdout.buffer.write(pickle.dumps(v, 2))
EOF
broken PICKLE_INVALID "a file of PyTorch of protocol 1002"

# --- XML and PMML
pmml() { # pmml TYPE TEXT [HEAD]
	printf '%s<PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header/><DataDictionary><DataField name="x" optype="continuous" dataType="%s"/></DataDictionary><Extension value="a">%s</Extension></PMML>\n' \
		"${3-}" "$1" "$2" | file m.pmml
}
for good in 'double|a &amp; b &#38; &#x26; &lt;' 'dateDaysSince[1970]|<![CDATA[a & b &nbsp;]]>' 'string|a|<?xml version="1.0"?>' 'integer|a|<!-- & &x; -->'; do
	rest=${good#*|}
	pmml "${good%%|*}" "${rest%%|*}" "$(case $rest in *"|"*) echo "${rest#*|}" ;; esac)"
	quiet "$good"
done
for bad in "double|$(printf 'a\001')" 'double|<a b="1" b="2"/>' 'doubel|a' 'double|a & b' 'double|a&nbsp;' 'double|&#xzz;' 'double|a &' 'double|&;'; do
	pmml "${bad%%|*}" "${bad#*|}"
	broken CONFIG_INVALID "$bad"
done
pmml double a '
<?xml version="1.0"?>'
broken CONFIG_INVALID "a declaration behind a blank line"

# --- what Hugging Face's libraries refuse
words='"vocab": {"a": 0, "b": 1, "ab": 2}'
for good in 'config.json|{"model_type": "vit", "torch_dtype": "float16", "hidden_size": 64, "id2label": {"0": "cat"}}' 'config.json|{"model_type": "vit", "dtype": null, "hidden_size": [1, 2]}' \
	'config.json|{"hidden_size": "64", "dtype": "q4"}' "tokenizer.json|{\"model\": {\"type\": \"BPE\", $words, \"merges\": [\"a b\"]}, \"added_tokens\": [{\"id\": 3, \"content\": \"x\"}]}" \
	"tokenizer.json|{\"model\": {\"type\": \"BPE\", $words, \"merges\": [[\"a\", \"b\"]]}, \"normalizer\": {\"type\": \"NFC\"}, \"decoder\": null}" 'preprocessor_config.json|{"image_mean": [0.5, 0.5], "image_std": [0.5, 1]}' \
	'adapter_config.json|{"peft_type": "LORA", "r": 8, "lora_alpha": 16}' 'adapter_config.json|{"config": "pfeiffer"}'; do
	echo "${good#*|}" | file "${good%%|*}"
	quiet "$good"
done
for bad in 'config.json|{"model_type": "vit", "torch_dtype": "float17"}' 'config.json|{"model_type": "vit", "hidden_size": -64}' 'config.json|{"model_type": "vit", "id2label": {"zero": "cat"}}' \
	'tokenizer.json|{"model": {"type": "BPEE", "vocab": {}}}' 'tokenizer.json|{"model": {"type": "WordLevel", "vocab": {"a": -1}}}' 'tokenizer.json|{"decoder": {"type": "none"}}' \
	"tokenizer.json|{\"model\": {\"type\": \"BPE\", $words, \"merges\": [\"a c\"]}}" 'tokenizer.json|{"added_tokens": [{"id": "x"}]}' 'preprocessor_config.json|{"image_mean": [0.5, 0.5], "image_std": [0.5]}' \
	'preprocessor_config.json|{"image_std": [0.0]}' 'adapter_config.json|{"r": 8, "lora_alpha": 16}' 'm.safetensors.index.json|{"metadata": {}}'; do
	echo "${bad#*|}" | file "${bad%%|*}"
	broken CONFIG_INVALID "$bad"
done
wide='{"model_type": "vit", "architectures": ["ViTForImageClassification"], "hidden_size": 64}'
echo "$wide" | iconv -f UTF-8 -t UTF-16 | file config.json
broken CONFIG_INVALID "a configuration in UTF-16"
echo "$wide" | iconv -f UTF-8 -t UTF-16 | file labels.json
quiet "labels in UTF-16"

# --- LightGBM
trees() { # trees SED...: a model of two trees, with these changes behind its sizes
	python3 - "$@" <<'EOF' | file model.txt
import sys
change = dict(c.split('>') for c in sys.argv[1:])
body = 'num_leaves=3\nnum_cat=0\nsplit_feature=0 1\nsplit_gain=4 1\nthreshold=0.5 -0.25\ndecision_type=2 2\nleft_child=1 -1\nright_child=-3 -2\nleaf_value=0.1 -0.2 0.05\nshrinkage=0.1\n\n\n'
trees = ['Tree=%d\n%s' % (i, body) for i in range(2)]
head = 'tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=3\nobjective=regression\nfeature_names=a b c d\nfeature_infos=[0:1] [0:1] none [0:1]\n'
text = head + 'tree_sizes=%s\n\n' % ' '.join(str(len(t)) for t in trees) + ''.join(trees) + 'end of trees\n\nfeature_importances:\na=2\n'
for a, b in change.items():
    assert a in text
    text = text.replace(a, b)
sys.stdout.write(text)
EOF
}
trees
quiet "trees of LightGBM"
for bad in 'num_leaves=3>num_leaves=300' 'num_leaves=3>num_leaves=x' 'left_child=1>left_child=9' 'right_child=-3>right_child=-9' 'split_feature=0>split_feature=4' 'a b c d>a b c' 'max_feature_idx=3>max_feature_idx=-1' \
	'0.1 -0.2 0.05>0.1 -0.2' 'tree_sizes=>tree_sizes=3' 'end of trees>end' 'left_child=>no_child='; do
	trees "$bad"
	broken CONFIG_INVALID "$bad"
done
xgb '[1, 7, 4]' "{\"objective\": {\"name\": \"binary:logistic\"}, $booster: {\"name\": \"gblinear\", \"model\": {\"weights\": [1]}}}"
quiet "an objective"
for bad in "{\"objective\": {\"name\": \"binary:logistik\"}, $booster: {}}" '{"learner_model_param": {"num_feature": "-4"}, "gradient_booster": {}}'; do
	xgb '[1, 7, 4]' "$bad"
	broken CONFIG_INVALID "$bad"
done

# --- arrays of NumPy, by what sets them
array() { # array SHAPE BYTES: of 8 bytes an element, by protocols 2 and 4
	for protocol in 2 4; do
		python3 - $protocol "$1" "$2" <<'EOF'
import codecs, pickle, sys
def text(s): return b'X' + len(s).to_bytes(4, 'little') + s
protocol, shape, n = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
data = b'B' + n.to_bytes(4, 'little') + bytes(n) if protocol > 2 else b'c_codecs\nencode\n' + text(bytes(n)) + text(b'latin1') + b'\x86R'
dtype = b'cnumpy\ndtype\n' + text(b'f8') + b'\x89\x88\x87R(K\x03' + text(b'<') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb'
out = b'\x80' + bytes([protocol]) + b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\x01b\x87R(K\x01K' + bytes([shape]) + b'\x85' + dtype + b'\x89' + data + b'tb.'
sys.stdout.buffer.write(out)
EOF
	done | file a.pkl
}
array 3 24
quiet "an array"
array 3 23
broken PICKLE_INVALID "an array of another size than its shape"
ok "in both ways" [ "$(grep -c "shape has 3 elements" "$out")" -eq 2 ]

# --- R
rds() { # rds TEXT: what R's text format begins with, in gzip
	printf "$1" | gzip -n | file model.rds
}
rds 'A\n3\n262657\n197888\n5\nUTF-8\n14\n1\n5\n'
quiet "a number of R's"
for bad in 'Z\n3\n262657\n197888\n5\nUTF-8\n14\n1\n5\n' 'A\n9\n262657\n197888\n5\nUTF-8\n14\n1\n5\n'; do
	rds "$bad"
	broken NAME_MISMATCH "$bad"
done

# --- TorchScript
script() { # script WHAT: an archive with one thing changed
	python3 - "$1" <<'EOF' | file m.pt
import io, sys, zipfile
code = 'class Net(Module):\n  weight : Tensor\n  l : List[Tuple[int, __torch__.P]]\n  def forward(self: __torch__.Net,\n    x: Tensor) -> Tensor:\n    return x\n'
change = {'clas': ('class Net', 'clas Net'), 'type': (': Tensor', ': Tensorr'), 'name': ('Net', 'Other'), 'list': ('List', 'Lst')}
members = {'data.pkl': b'\x80\x02c__torch__.net\nNet\nq\x00)\x81}(X\x06\x00\x00\x00weightNub.', 'constants.pkl': b'\x80\x02).', 'version': b'3\n',
           'code/__torch__/net.py': code.replace(*change.get(sys.argv[1], ('', ''))).encode(), 'code/__torch__.py': b'op_version_set = 1\nclass P(NamedTuple):\n  x : Tensor\n'}
members.pop(sys.argv[1], None)
b = io.BytesIO()
with zipfile.ZipFile(b, 'w') as z:
    for n, data in members.items():
        z.writestr('m/' + n, data)
sys.stdout.buffer.write(b.getvalue())
EOF
}
script nothing
run assay-inspect "$tmp/b"
ok "TorchScript" sh -c "! grep -q BROKEN $out"
for bad in constants.pkl code/__torch__/net.py clas type list name; do
	script $bad
	broken TORCHSCRIPT_BROKEN "TorchScript: $bad"
done
prints "is of a class that the code has not, 'Net'"

# --- sizes
layer() { # layer CLASS CONFIG
	printf '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"module": "keras.layers", "class_name": "%s", "config": {"name": "a", %s}, "registered_name": null}]}, "keras_version": "3.8.0"}\n' \
		"$1" "$2" | file config.json
}
for good in 'Embedding|"input_dim": 250000, "output_dim": 8192' 'ZeroPadding2D|"padding": [[1000, 1000], [1000, 1000]]' 'InputLayer|"sparse": true, "batch_shape": [null, 1099511627776]'; do
	layer "${good%%|*}" "${good#*|}"
	run assay-inspect "$tmp/b"
	ok "$good" sh -c "[ $rc -eq 0 ] && ! grep -q KERAS_COST $out"
done
for bad in 'Embedding|"input_dim": 1125899906842624, "output_dim": 8' 'Embedding|"input_dim": 4194304, "output_dim": 4194304' 'Dense|"units": 99999999999999' \
	'InputLayer|"batch_shape": [null, 1048576, 1048576]' 'Conv2D|"filters": 1048576, "kernel_size": [1024, 1024]' 'UpSampling2D|"size": [1e9, 1e9]'; do
	layer "${bad%%|*}" "${bad#*|}"
	hostile KERAS_COST "$bad"
done
prints "UpSampling2D: 1.0e+18 elements or more by its size"

# --- layers of an image
printf '[{"Config": "a.json", "RepoTags": ["a:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]\n' | file manifest.json
quiet "an image"
printf '{"schemaVersion": 2, "layers": [{"digest": "sha256:00", "urls": ["https://example.org/l.tar.gz"]}]}\n' | file manifest.json
quiet "layers by address"
printf '{"layers": ["/dense", "/conv"]}\n' | file manifest.json
quiet "layers of a network"
for bad in '["../../x/evil.tar.gz"]' '["/etc/layer.tar"]' '[{"digest": "sha256:00", "urls": ["file://../../l.tar"]}]'; do
	printf '{"schemaVersion": 2, "layers": %s}\n' "$bad" | file manifest.json
	hostile CONFIG_PATH "layers of $bad"
done
done_testing
