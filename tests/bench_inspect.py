#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast assay-inspect goes: honest files of a size, and shapes that are meant to be slow.

    tests/bench_inspect.py BINDIR [WORD...]         all rows, or those whose names have one of the words
    BENCH=inspect make bench
    BENCH_INSPECT_MB=100 BENCH=inspect make bench   large files of 100 MB in place of 1000

Processor seconds of the tool with one worker, in turns with sha256sum of the same bytes and those scanners in
Python that are installed; the least of three. Less those on an empty pickle. Memory is the most that one
process had of its own (RssAnon, seen every 10 ms), without the file that it maps.
"""
import array
import io
import json
import os
import pickle
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

MB = int(os.environ.get("BENCH_INSPECT_MB", 1000))
ROUNDS = 3


# --- honest files --------------------------------------------------------------

def floats(mb):
    """A number of MB of weights, normal; the same MB over and over in another order."""
    rng = random.Random(2)
    parts = [array.array("f", [rng.gauss(0, .02) for _ in range(250000)]).tobytes() for _ in range(4)]
    for _ in range(mb):
        cut = 4 * rng.randrange(250000)
        part = rng.choice(parts)
        yield part[cut:] + part[:cut]


def noise(mb):
    for _ in range(mb):
        yield os.urandom(1000000)


def torch_zip(f, parts, mb):
    """What torch.save writes of one tensor, less the alignment."""
    n = mb * 250000
    data = (b"\x80\x02}q\0X\6\0\0\0weightq\1ctorch._utils\n_rebuild_tensor_v2\nq\2((X\7\0\0\0storageq\3ctorch\nFloatStorage\nq\4"
            b"X\1\0\0\0000q\5X\3\0\0\0cpuq\6J" + struct.pack("<i", n) + b"tq\7QK\0J" + struct.pack("<i", n // 500) + b"M\xf4\1\x86q\x08"
            b"M\xf4\1K\1\x86q\x09\x89ccollections\nOrderedDict\nq\n)Rq\x0btq\x0cRq\rs.")
    with zipfile.ZipFile(f, "w") as z:
        z.writestr("archive/data.pkl", data)
        with z.open("archive/data/0", "w", force_zip64=True) as m:
            for part in parts(mb):
                m.write(part)
        z.writestr("archive/version", "3\n")


def safetensors(f, parts, mb):
    head = json.dumps({"w": {"dtype": "F32", "shape": [mb * 500, 500], "data_offsets": [0, mb * 1000000]}}).encode()
    f.write(struct.pack("<Q", len(head)) + head)
    for part in parts(mb):
        f.write(part)


def onnx(f, parts, mb):
    """A Gemm of one raw tensor, with 250 classes."""
    def field(n, body):
        return varint(n << 3 | 2) + varint(len(body)) + body

    def number(n, v):
        return varint(n << 3) + varint(v)

    def value(n, name, *dims):
        shape = b"".join(field(1, number(1, d)) for d in dims)
        return field(n, field(1, name) + field(2, field(1, number(1, 1) + field(2, shape))))
    node = field(1, field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"Gemm"))
    ends = value(11, b"x", 1, mb * 1000) + value(12, b"y", 1, 250)
    head = number(1, mb * 1000) + number(1, 250) + number(2, 1) + field(8, b"w") + varint(9 << 3 | 2) + varint(mb * 1000000)
    tensor = varint(5 << 3 | 2) + varint(len(head) + mb * 1000000) + head
    graph = len(node) + len(ends) + len(tensor) + mb * 1000000
    f.write(number(1, 8) + field(8, number(2, 13)) + varint(7 << 3 | 2) + varint(graph) + node + ends + tensor)
    for part in parts(mb):
        f.write(part)


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def folder(path, mb):
    """A repository: shards of weights, a tokenizer, and files of text and source."""
    os.mkdir(path)
    for i in range(4):
        with open(os.path.join(path, "model-%05d-of-00004.safetensors" % (i + 1)), "wb") as f:
            safetensors(f, floats, mb // 4)
    with open(os.path.join(path, "tokenizer.json"), "wb") as f:
        f.write(tokenizer())
    for i in range(200):
        with open(os.path.join(path, "notes%03d.md" % i), "w") as f:
            f.write("# Note %d\n\n" % i + "What was trained, and on what.\n" * 50)


def many(f, n):
    with zipfile.ZipFile(f, "w") as z:
        for i in range(n):
            z.writestr("m%06d.txt" % i, "hello %d\n" % i)


def tokenizer():
    return json.dumps({"model": {"type": "BPE", "vocab": {"tok%d" % i: i for i in range(170000)},
                                 "merges": ["to k%d" % i for i in range(500000)]}}).encode()


def honest(rng):
    yield "pickle, integers", lambda f: pickle.dump([rng.randrange(-5, 70000) for _ in range(12000000)], f, 4)
    yield "pickle, floats", lambda f: pickle.dump([rng.random() for _ in range(5000000)], f, 4)
    yield "pickle, strings", lambda f: pickle.dump(["s%d" % i for i in range(2500000)], f, 4)
    yield "pickle, records", lambda f: pickle.dump([{"a": i, "b": i * .5, "c": (i, None, True)} for i in range(600000)], f, 4)
    yield "torch zip, weights", lambda f: torch_zip(f, floats, MB)
    yield "torch zip, noise", lambda f: torch_zip(f, noise, MB)
    yield "safetensors, weights", lambda f: safetensors(f, floats, MB)
    yield "ONNX, weights", lambda f: onnx(f, floats, MB)
    yield "folder of 205 files", None
    yield "tokenizer.json", lambda f: f.write(tokenizer())
    yield "zip, 20,000 members", lambda f: many(f, 20000)


# --- shapes that are meant to be slow ------------------------------------------

def nested(n):
    inner = pickle.dumps(1, 4)
    return b"\x80\4(" + (b"C" + bytes([len(inner)]) + inner) * n + b"l."


def puts(n):
    return b"\x80\4N" + b"".join(b"r" + struct.pack("<I", i * 2654435761 & 0xffffffff) for i in range(n)) + b"."


def ends(n):
    """n end records of one directory of 60,000 entries."""
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        for i in range(60000):
            z.writestr("m%06d" % i, b"")
    return f.getvalue() + f.getvalue()[-22:] * n


def hostile(_):
    shapes = {
        "zip, 250,000 members": None,
        "300,000 pickles in one": lambda: nested(300000),
        "headers of protocol 4": lambda: b"\x80\4" * 25000000,
        "MARKs": lambda: b"\x80\4" + b"(" * 50000000 + b"N.",
        "memo numbers, any": lambda: puts(10000000),
        "zip headers": lambda: b"PK\3\4" * 25000000,
        "zip end records": lambda: b"PK\5\6" * 25000000,
        "ends of one directory": lambda: ends(50000),
        "line ends": lambda: b"\n" * 100000000,
        "MZ": lambda: b"MZ" * 50000000,
        "JSON, 2,000 deep, often": lambda: b"[" + b",".join([b"[" * 1900 + b"]" * 1900] * 2700) + b"]",
        "JSON, never closed": lambda: b"[" * 10000000,
        "YAML aliases": lambda: b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 4)) for i in range(1, 300000)),
        "XML entities": lambda: b'<!DOCTYPE l [<!ENTITY a0 "x">' + b"".join(
            b'<!ENTITY a%d "&a%d;&a%d;">' % (i, i - 1, i - 1) for i in range(1, 200000)) + b"]><l>&a199999;</l>",
    }
    for name, make in shapes.items():
        yield name, (lambda f, make=make: f.write(make())) if make else (lambda f: many(f, 250000))


# --- taking turns --------------------------------------------------------------

def own_memory(pid):
    """KiB of its own that this process or one beneath it has."""
    most = 0
    try:
        with open("/proc/%d/status" % pid) as f:
            most = max([int(line.split()[1]) for line in f if line.startswith("RssAnon")], default=0)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return max([most] + [own_memory(int(c)) for c in f.read().split()])
    except OSError:
        return most


def seconds(command):
    before, most = resource.getrusage(resource.RUSAGE_CHILDREN), 0
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        most = max(most, own_memory(child.pid))
        time.sleep(.01)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, most / 1024


def scanners(bindir):
    yield "assay-inspect", [os.path.join(bindir, "assay-inspect"), "--threads", "1", "--file-timeout", "0"]
    yield "sha256sum", ["sha256sum"]
    for module, command in (("picklescan", ["-m", "picklescan.cli", "-p"]), ("modelscan", ["-m", "modelscan.cli", "-p"]),
                            ("fickling", ["-m", "fickling", "-s"])):
        if subprocess.run([sys.executable, "-c", "import " + module], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            yield module, [sys.executable] + command


def files_of(path):
    return [os.path.join(path, n) for n in sorted(os.listdir(path))] if os.path.isdir(path) else [path]


def row(name, path, tools, start):
    mb, took, memory = sum(os.path.getsize(n) for n in files_of(path)) / 1e6, {}, 0
    for _ in range(ROUNDS):
        for tool, command in tools.items():
            s, most = seconds(command + (files_of(path) if tool == "sha256sum" else [path]))
            took[tool] = min(took.get(tool, 1e9), max(s - start[tool], 1e-3))
            memory = max(memory, most) if tool == "assay-inspect" else memory
    us = took.pop("assay-inspect")
    print("| %s | %.0f | %.2f | %.0f | %s | %.0f |" % (name, mb, us, mb / us, " | ".join("%.1f" % (us / s) for s in took.values()), memory), flush=True)


def main():
    tools = dict(scanners(sys.argv[1]))
    with tempfile.TemporaryDirectory() as top:
        path = os.path.join(top, "empty.pkl")
        with open(path, "wb") as f:
            pickle.dump(None, f, 4)
        start = {name: min(seconds(c + [path])[0] for _ in range(ROUNDS)) for name, c in tools.items()}
        print("load averages: " + " ".join("%.1f" % v for v in os.getloadavg()) + ", processors: %d\n" % os.cpu_count())
        print("| file | MB | s | MB/s | %s | MiB |" % " | ".join("times " + t for t in list(tools)[1:]))
        print("| --- " * (4 + len(tools)) + "|")
        for kind in (honest, hostile):
            for name, make in kind(random.Random(1)):
                if sys.argv[2:] and not any(w in name for w in sys.argv[2:]):
                    continue
                if make is None:
                    path = os.path.join(top, "folder")
                    folder(path, MB)
                else:
                    path = os.path.join(top, "file")
                    with open(path, "wb") as f:
                        make(f)
                row(name, path, tools, start)


main()
