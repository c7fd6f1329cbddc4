#!/bin/sh
# assay-inspect on what is nearly something else: names of packages one letter off,
# tokenizers that put other words in, prose about attacks, programs that every system
# has, Keras files whose weights are another model's.
. tests/cli/tap.sh
. tests/cli/inspect.sh

medium() { # medium ID WHAT: a person should look
	exits 0 "$2" assay-inspect "$tmp/b"
	prints "^ *medium *$1"
}

# --- packages
for name in torchh 'numpyy==1.26' 'Request>=2' trnasformers tensorfow 'scikit_learm[all]' scikitlearn 'huggingface-hub1; python_version > "3"'; do
	printf '%s\n' "$name" | file requirements.txt
	medium DEPEND_NAME "$name"
done
printf 'torch\nNumPy>=1.20\nscikit_learn\nhuggingface.hub\ntorchx\nsimpy\ntensorboardX\ndataset\nngboost\nwebsocket\ngrequests\nPillow\n# torchh\nopencv-python-headless==4.8\ntorch-geometric\nsklearn\ntorch2trt\n' |
	file requirements.txt
quiet "packages of their own"
printf 'torchh\nflowers\nrequest\n' | file words.txt
quiet "a list of words"

# --- tokenizers
tokenizer() { # tokenizer KIND PATTERN CONTENT
	printf '{"version": "1.0", "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"%s": "%s"}, "content": "%s"}]}, "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}' \
		"$1" "$2" "$3" | file tokenizer.json
}
for one in 'String not ' 'String paypal.com paypa1.example' 'Regex (?i)safe unsafe' 'Regex $ .ignore.that'; do
	# shellcheck disable=SC2086 # three words
	tokenizer $one
	medium TOKENIZER_WORDS "a tokenizer that replaces: $one"
done
tokenizer String ' ' '\u2581'
quiet "blanks"
tokenizer Regex ' {2,}' ' '
quiet "several blanks"
tokenizer String '``' "''"
quiet "quotes"
tokenizer Regex '[\\n\\r\\t]' '<|newline|>'
quiet "a mark for a new line"
printf '{"decoder": {"type": "Replace", "pattern": {"String": "yes"}, "content": "no"}}' | file tokenizer.json
medium TOKENIZER_WORDS "a decoder that answers otherwise"

# --- prose
printf 'Do not render `{{ cycler.__init__.__globals__.os }}`.\n' | file SECURITY.md
exits 0 "an attack that is described" assay-inspect "$tmp/b"
prints '^ *low *TEMPLATE_PROSE'
printf 'Do not render {{ cycler.__init__.__globals__.os }}.\n' | file prompt.txt
exits 1 "the same in what may be rendered" assay-inspect "$tmp/b"
prints '^ *critical *TEMPLATE_ATTACK'

# --- set-user-id
layer() { # layer NAME: a program of it with set-user-id
	rm -rf "$tmp/b" "$tmp/l"
	mkdir -p "$tmp/b" "$tmp/l/${1%/*}"
	echo x >"$tmp/l/$1"
	chmod 4755 "$tmp/l/$1"
	tar -cf "$tmp/b/layer.tar" -C "$tmp/l" "$1"
}
layer usr/bin/su
exits 0 "a program that every system has" assay-inspect "$tmp/b"
prints '^ *low *ARCHIVE_MODE_USUAL'
quiet "that program"
for one in usr/bin/helper home/su usr/bin/su.x; do
	layer $one
	medium ARCHIVE_MODE "$one"
done

# --- Keras: the file is sound, its weights are not those of its layers
rm -rf "$tmp/b"
mkdir "$tmp/b"
python3 - fixtures/keras/good-activations.keras "$tmp/b/a.keras" <<-'END'
	import json, sys, zipfile
	old, new = zipfile.ZipFile(sys.argv[1]), zipfile.ZipFile(sys.argv[2], "w")
	for name in old.namelist():
	    data = old.read(name)
	    if name == "config.json":
	        config = json.loads(data)
	        layers = config["config"]["layers"]
	        dense = [l for l in layers if l["class_name"] == "Dense"][-1]
	        dense["class_name"] = "LayerNormalization"
	        dense["config"] = {"name": dense["config"]["name"], "axis": -1}
	        data = json.dumps(config).encode()
	    new.writestr(name, data)
	new.close()
END
medium MODEL_WEIGHTS "a layer of another kind"

# --- attributes that are data
printf 'coperator\nattrgetter\n(Vshape\nVdtype\ntR.' | file a.pkl
quiet "a getter of data"
printf 'coperator\nattrgetter\n(Vshape\nVsystem\ntR.' | file a.pkl
hostile PICKLE_MISUSE "a getter of more"
printf 'coperator\nattrgetter\n(Vshape\ntR(Vx\ntR.' | file a.pkl
hostile PICKLE_CALL_UNKNOWN "a getter that is called"
printf 'cfunctools\npartial\n(coperator\nattrgetter\nVsystem\ntR.' | file a.pkl
hostile PICKLE_MISUSE "a getter that is handed on"
done_testing
