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
printf 'torch==2.3.0 --index-url https://download.pytorch.org/whl/cu121\n' | file requirements.txt
quiet "the index of PyTorch, behind"
printf 'torch==2.3.0 --index-url https://download.pytorch.org.example.org/whl\n' | file requirements.txt
hostile DEPEND_SOURCE "another index, behind"
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
tokenizer Regex '\\\\bnot\\\\s' ''
medium TOKENIZER_WORDS "a word by a regular expression"
tokenizer Regex '(?i:\\u0027s|\\u0027re)|[^\\\\r\\\\n\\\\p{L}]|[abc]' ' '
quiet "a regular expression without words"
for one in '"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(never)"}, "behavior": "Removed"}' \
	'"decoder": {"type": "Strip", "content": "1", "start": 9, "stop": 0}' \
	'"added_tokens": [{"id": 5, "content": "not", "special": true}]' \
	'"post_processor": {"special_tokens": {"x": {"id": "x", "ids": [5], "tokens": ["always"]}}}'; do
	printf '{%s}' "$one" | file tokenizer.json
	medium TOKENIZER_WORDS "$one"
done
for one in '"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(never)"}, "behavior": "Isolated"}' \
	'"decoder": {"type": "Strip", "content": " ", "start": 1, "stop": 0}' \
	'"added_tokens": [{"id": 5, "content": "not", "special": false}, {"id": 6, "content": "eng_Latn", "special": true}, {"id": 7, "content": "pad", "special": true}]' \
	'"post_processor": {"special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [5], "tokens": ["[CLS]"]}}}'; do
	printf '{%s}' "$one" | file tokenizer.json
	quiet "$one"
done
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

# --- of the machine that a container runs on
compose() { # compose LINE: of a service
	printf 'services:\n  a:\n    image: x\n    %s\n' "$1" | file compose.yml
}
for one in 'volumes: ["/:/host"]' 'volumes: ["/etc:/e:rw"]' 'volumes: ["~/.ssh:/s"]' 'volumes: [{type: bind, source: /root, target: /r}]'; do
	compose "$one"
	hostile CONFIG_HOST "$one"
done
for one in 'privileged: true' 'volumes: ["/var/run/docker.sock:/var/run/docker.sock"]'; do
	compose "$one"
	medium CONFIG_PRIVILEGED "$one"
done
for one in 'volumes: ["./models:/models", "data:/data", "/mnt/models:/m:ro", "~/.cache/huggingface:/c"]' 'volumes: ["/:/rootfs:ro", "/proc:/p:ro"]' 'privileged: false' 'volumes: [{type: bind, source: /, target: /r, read_only: true}]'; do
	compose "$one"
	quiet "$one"
done
printf 'kind: Pod\nspec:\n  volumes:\n  - name: h\n    hostPath: {path: /}\n' | file pod.yaml
hostile CONFIG_HOST "hostPath of the root"
printf 'kind: Pod\nspec:\n  volumes:\n  - name: h\n    hostPath: {path: /mnt/models}\n' | file pod.yaml
quiet "hostPath of models"
printf 'name: p\ndocker_env:\n  image: x\n  volumes: ["/:/host:rw"]\n' | file MLproject
hostile CONFIG_HOST "a volume of MLflow"

# --- what is put or fetched elsewhere
printf 'outs:\n- md5: aa\n  path: ../../.ssh/authorized_keys\n' | file data.dvc
hostile CONFIG_PATH "an output of DVC"
printf 'outs:\n- md5: aa\n  size: 3\n  path: data.csv\n' | file data.dvc
quiet "an output of DVC beside it"
printf 'm:\n  type: pickle.PickleDataset\n  filepath: http://198.51.100.7/m.pkl\n' | file catalog.yml
hostile CONFIG_PATH "a pickle that Kedro fetches"
printf 'm:\n  type: pickle.PickleDataset\n  filepath: data/06_models/m.pkl\nn:\n  type: pandas.CSVDataset\n  filepath: https://example.org/a.csv\n' | file catalog.yml
quiet "sets of data of Kedro"

printf '{"fileFormatVersion": "1.0.0", "itemInfoEntries": {"A": {"path": "../../x"}}, "rootModelIdentifier": "A"}' | file Manifest.json
hostile CONFIG_PATH "an item of a package of Core ML"
printf '{"fileFormatVersion": "1.0.0", "itemInfoEntries": {"A": {"path": "com.apple.CoreML/model.mlmodel"}}, "rootModelIdentifier": "A"}' | file Manifest.json
quiet "an item in it"
printf '\0\005\026\007\0\002\0\0Mac OS X' | file ._config.json
run assay-inspect "$tmp/b"
ok "what macOS keeps beside a file" sh -c "! grep -q CONFIG_INVALID $out"

# --- terminals
printf 'cat\n\033[8mcurl x\033[0m\ndog\n' | file labels.txt
medium TEXT_INVISIBLE "text that a terminal hides"
printf '\033[31mred\033[0m\033]0;title\007\n' | file train.log
quiet "colours of a log"
printf 'cat\n\033]0;x\007\033[8mcurl x\033[0m\n' | file labels.txt
run assay-inspect "$tmp/b"
prints 'medium *TEXT_INVISIBLE'

# --- layers of images
python3 - "$tmp" <<-'END'
	import hashlib, io, os, sys, tarfile
	def tar(*members):
	    out = io.BytesIO()
	    with tarfile.open(fileobj=out, mode="w") as t:
	        for name, kind, data, link in members:
	            m = tarfile.TarInfo(name)
	            m.type, m.size, m.linkname = kind, len(data), link
	            t.addfile(m, io.BytesIO(data))
	    return out.getvalue()
	elf = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\x3e\0\1\0\0\0" + bytes(100)
	layer = tar(("etc/mtab", tarfile.SYMTYPE, b"", "/proc/mounts"), ("usr/bin/x", tarfile.REGTYPE, elf, ""))
	out = tar(("etc/up", tarfile.SYMTYPE, b"", "../../../x"), ("usr/bin/x", tarfile.REGTYPE, elf, ""))
	kit = tar(("m/link", tarfile.SYMTYPE, b"", "/etc/passwd"), ("m/x.bin", tarfile.REGTYPE, elf, ""))
	for where, inner, name in (("image-k", kit, "1" * 64), ("image-l", layer, hashlib.sha256(layer).hexdigest()), ("image-m", layer, "models"), ("image-n", out, "0" * 64)):
	    os.makedirs(sys.argv[1] + "/" + where)
	    with open(sys.argv[1] + "/" + where + "/image.tar", "wb") as f:
	        f.write(tar((name + "/layer.tar", tarfile.REGTYPE, inner, "")))
END
for one in l:quiet k:FILE_EXECUTABLE k:ARCHIVE_LINK m:FILE_EXECUTABLE m:ARCHIVE_LINK n:ARCHIVE_LINK; do
	rm -rf "$tmp/b"
	cp -r "$tmp/image-${one%:*}" "$tmp/b"
	if [ "${one#*:}" = quiet ]; then quiet "a layer of an image"; else hostile "${one#*:}" "$one"; fi
done

# --- functions that MkDocs takes
printf 'x: !!python/name:material.extensions.emoji.twemoji\n' | file mkdocs.yml
quiet "an emoji of MkDocs"
printf 'x: !!python/name:os.system\n' | file mkdocs.yml
exits 1 "another function" assay-inspect "$tmp/b"
prints 'critical *YAML_TAG'

# --- a command that a variable holds
run_list() { # run_list LIST
	printf 'import subprocess, sys\ncmd = %s\nsubprocess.check_call(cmd)\n' "$1" | file launch.py
}
run_list '[sys.executable, "-m", "torch.distributed.run", f"--nnodes={n}", "train.py"] + sys.argv[1:]'
quiet "a launcher"
run_list '["./weights.bin", "x"]'
hostile SOURCE_STARTS "a program of the bundle"
run_list '[sys.executable, "-c", "import os; os.system(1)"]'
hostile SOURCE_STARTS "code in a list"
printf 'import subprocess, sys\ncmd = [sys.executable, "a.py"]\ncmd = ["./weights.bin"]\nsubprocess.check_call(cmd)\n' | file launch.py
hostile SOURCE_STARTS "a variable with two values"
for one in 'cmd.insert(0, "./weights.bin")' 'cmd[0] = "./weights.bin"' 'cmd, x = ["./weights.bin"], 0' '(cmd, x) = ["./weights.bin"], 0'; do
	printf 'import subprocess, sys\ncmd = [sys.executable, "a.py"]\n%s\nsubprocess.check_call(cmd)\n' "$one" | file launch.py
	hostile SOURCE_STARTS "$one"
done
done_testing
