# SPDX-License-Identifier: MIT
"""For tests/bench.py: loading, saving and unpacking beside their peers, in turns.

    BENCH=load make bench                        500 MB, 2 GB and 1 GB files, made in build/bench while it runs
    BENCH=load BENCH_LOAD_MB=50 make bench       all of them a tenth of that

Assay's time is that of the whole process, output included; a peer's only that of the call, in a process that has
imported its packages and read the file before.  Both work in memory where there is a /dev/shm.  Peak memory is
ru_maxrss, which counts the mapped file.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
MB = int(os.environ.get("BENCH_LOAD_MB", 500))
SIDE, INPUT, CLASSES = 2560, 3072, 10


# --- ONNX files by hand: the writers of protobuf keep all of it in memory ------

def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def number(field, v):
    return varint(field << 3) + varint(v)


def message(field, body):
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


def head(name, rows, columns):
    return number(1, rows) + number(1, columns) + number(2, 1) + message(8, name)


def pairs(**keys):
    return b"".join(message(13, message(1, k) + message(2, str(v))) for k, v in keys.items())


def node(op, ins, out, *attrs):
    return message(1, b"".join(message(1, i) for i in ins) + message(2, out) + message(4, op)
                   + b"".join(message(5, message(1, k) + number(3, v) + number(20, 2)) for k, v in attrs))


def value(field, name, *dims):
    shape = b"".join(message(1, message(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return message(field, message(1, name) + message(2, message(1, number(1, 1) + message(2, shape))))


def write_onnx(path, size, external=False):
    """A perceptron with about `size` bytes of weights."""
    layers = max(1, size // (4 * SIDE * SIDE))
    tensors = [("w_in", SIDE, INPUT), ("w_out", CLASSES, SIDE)] + [(f"w{i}", SIDE, SIDE) for i in range(layers)]
    nodes = node("Flatten", ["x"], "f") + node("Gemm", ["f", "w_in"], "h0", ("transB", 1))
    for i in range(layers):
        nodes += node("Gemm", [f"h{i}", f"w{i}"], f"g{i}", ("transB", 1)) + node("Relu", [f"g{i}"], f"h{i + 1}")
    nodes += node("Gemm", [f"h{layers}", "w_out"], "y", ("transB", 1))
    ends = value(11, "x", "N", 3, 32, 32) + value(12, "y", "N", CLASSES)
    block = os.urandom(1 << 16).replace(b"\x7f", b"\x3f").replace(b"\xff", b"\xbf")  # no NaN
    heads, at = [], 0
    for name, rows, columns in tensors:
        n = 4 * rows * columns
        if external:
            heads.append(head(name, rows, columns) + pairs(location=os.path.basename(path) + ".data", offset=at, length=n) + number(14, 1))
            at += n
        else:
            heads.append(head(name, rows, columns) + varint(9 << 3 | 2) + varint(n))
    lengths = [len(h) + (0 if external else 4 * r * c) for h, (_, r, c) in zip(heads, tensors)]
    graph = len(nodes) + len(ends) + sum(1 + len(varint(n)) + n for n in lengths)

    def fill(f, n):
        for _ in range(n // len(block)):
            f.write(block)
        f.write(block[:n % len(block)])
    with open(path, "wb") as f:
        f.write(number(1, 8) + message(8, number(2, 13)) + varint(7 << 3 | 2) + varint(graph) + nodes + ends)
        for h, n, (_, r, c) in zip(heads, lengths, tensors):
            f.write(varint(5 << 3 | 2) + varint(n) + h)
            if not external:
                fill(f, 4 * r * c)
    if external:
        with open(path + ".data", "wb") as f:
            fill(f, at)
    return os.path.getsize(path) + at


def write_pt(path, _):
    """torchvision's wide_resnet101_2, half a gigabyte, as a state dict."""
    subprocess.run([PYTHON, "-c", "import sys, torch, torchvision\n"
                    "torch.save(torchvision.models.wide_resnet101_2().state_dict(), sys.argv[1])", path], check=True)
    return os.path.getsize(path)


# --- taking turns ------------------------------------------------------------

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
CALL = {"onnx.load": "import onnx\ncall = onnx.load\n", "torch.load": "import torch\ncall = torch.load\n"}
PEER = """import resource, sys, time
%scall(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    t = time.perf_counter()
    x = call(sys.argv[1])
    print(time.perf_counter() - t, flush=True)
    del x
"""


def run(command):
    """Seconds and KiB at most; CalledProcessError with what it said."""
    with tempfile.TemporaryFile() as err:
        t = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            err.seek(0)
            raise subprocess.CalledProcessError(child.returncode, command, stderr=err.read().decode().strip())
        return time.perf_counter() - t, usage.ru_maxrss


def race(ours, peer):
    """Median seconds of both, of the ratio of each turn, and peak KiB of ours."""
    times, others, peak = [], [], 0
    for i in range(ROUNDS + 1):
        t, kib = ours()
        other = peer()
        if i > 0:  # the first round warms up
            times.append(t)
            others.append(other)
        peak = max(peak, kib)
    return statistics.median(times), statistics.median(others), statistics.median(b / a for a, b in zip(times, others)), peak


def row(what, size, ours, peer):
    try:
        t, other, ratio, peak = race(ours, peer)
    except subprocess.CalledProcessError as e:
        return (what, f"{size / 1e6:.0f}", "refused: " + e.stderr, "", "", "", "")
    return (what, f"{size / 1e6:.0f}", f"{t:.2f}", f"{other:.2f}", f"{ratio:.2f}", f"{peak / 1024:.0f}", f"{peak / 1024 - size / 2 ** 20:.0f}")


def load_rows(bin_dir, folder, what, name, size, call):
    """With the neutral model written, and, since the peer writes nothing, with all of it but that."""
    yield load_row(bin_dir, folder, f"{what}: assay-load, {call}", name, size, call, f"{folder}/neutral")
    yield load_row(bin_dir, folder, f"{what}, nothing written: assay-load -o /dev/null, {call}", name, size, call, "/dev/null")


def load_row(bin_dir, folder, what, name, size, call, output):
    child = subprocess.Popen([PYTHON, "-c", PEER % CALL[call], f"{folder}/{name}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    child.stdout.readline()

    def peer():
        child.stdin.write("\n")
        child.stdin.flush()
        return float(child.stdout.readline())
    out = row(what, size, lambda: run([f"{bin_dir}/assay-load", f"{folder}/{name}", "-o", output]), peer)
    child.communicate()
    return out


def peak_row(bin_dir, folder, what, name, size):
    try:
        t, kib = run([f"{bin_dir}/assay-load", f"{folder}/{name}", "-o", f"{folder}/neutral"])
    except subprocess.CalledProcessError as e:
        return (what, f"{size / 1e6:.0f}", "refused: " + e.stderr, "", "", "", "")
    return (what, f"{size / 1e6:.0f}", f"{t:.2f}", "", "", f"{kib / 1024:.0f}", f"{kib / 1024 - size / 2 ** 20:.0f}")


def bundle_row(bin_dir, folder, name, size):
    """Unpack, digest and load beside tar x and sha256sum."""
    subprocess.run(["tar", "-C", folder, "-cf", f"{folder}/bundle.tar", name], check=True)

    def ours():
        shutil.rmtree(f"{folder}/case", ignore_errors=True)
        a, kib = run([f"{bin_dir}/assay-unpack", "-q", f"{folder}/bundle.tar", f"{folder}/case"])
        b, more = run([f"{bin_dir}/assay-load", f"{folder}/case/files/{name}", "-o", f"{folder}/neutral"])
        return a + b, max(kib, more)

    def peer():
        shutil.rmtree(f"{folder}/x", ignore_errors=True)
        os.mkdir(f"{folder}/x")
        return run(["tar", "-C", f"{folder}/x", "-xf", f"{folder}/bundle.tar"])[0] + run(["sha256sum", f"{folder}/x/{name}"])[0]
    return row("bundle: assay-unpack and assay-load, tar x and sha256sum", size, ours, peer)


def save_row(bin_dir, folder, name, size):
    run([f"{bin_dir}/assay-load", f"{folder}/{name}", "-o", f"{folder}/neutral"])
    return row("save: assay-save of unchanged weights, cp", size,
               lambda: run([f"{bin_dir}/assay-save", f"{folder}/{name}", f"{folder}/neutral", "-o", f"{folder}/saved"]),
               lambda: run(["cp", f"{folder}/{name}", f"{folder}/copied"])[0])


HEAD = ("what", "MB", "Assay, s", "peer, s", "peer / Assay", "Assay, peak MiB", "less the file, MiB")


def rows(build_dir, say):
    bin_dir = os.path.join(build_dir, "bin")
    big = MB * 1000000
    top = "/dev/shm" if os.path.isdir("/dev/shm") else os.path.join(build_dir, "..")
    out = []
    with tempfile.TemporaryDirectory(dir=top, prefix="assay-bench-") as folder:
        size = write_onnx(f"{folder}/m.onnx", big)
        out += [say(r) for r in load_rows(bin_dir, folder, "ONNX", "m.onnx", size, "onnx.load")]
        out.append(say(save_row(bin_dir, folder, "m.onnx", size)))
        os.unlink(f"{folder}/m.onnx")
        size = write_pt(f"{folder}/m.pt", big)
        out += [say(r) for r in load_rows(bin_dir, folder, "PyTorch state dict", "m.pt", size, "torch.load")]
        os.unlink(f"{folder}/m.pt")
    for what, external in (("ONNX, weights inside", False), ("ONNX, external data", True)):
        with tempfile.TemporaryDirectory(dir=top, prefix="assay-bench-") as folder:
            size = write_onnx(f"{folder}/m.onnx", 4 * big if external else 4 * big - big // 10, external)
            out.append(say(peak_row(bin_dir, folder, what, "m.onnx", size)))
    with tempfile.TemporaryDirectory(dir=top, prefix="assay-bench-") as folder:
        size = write_onnx(f"{folder}/m.onnx", 2 * big)
        out.append(say(bundle_row(bin_dir, folder, "m.onnx", size)))
    return out
