#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the engine with PyTorch's autograd and with onnxruntime-node on whole models.

    make conformance-models     (Debian: python3-torch python3-torchvision python3-onnx)
    MODELS="vit swin" OPSETS="13" THREADS=1 make conformance-models     a part of it
    CACHED=1 make conformance-models                           only rows that were computed before
    UPDATE=1 make conformance-models                           rewrites the table of engine/MODELS.md
    npm install --prefix build/peers --ignore-scripts onnxruntime-node     for that column

Rows that were computed before, with the same programs, are taken from build/conformance-models: an
interrupted run continues.  engine/MODELS.md says how rows are judged.
"""
import datetime
import gc
import hashlib
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile

# Debian's own Python has the packages
if importlib.util.find_spec("torch") is None:
    if os.path.exists("/usr/bin/python3") and "AGAIN" not in os.environ:
        os.environ["AGAIN"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("conformance-models: skipped, no python3-torch")
    sys.exit(0)

sys.dont_write_bytecode = True
import nets
import numpy as np
import torch

LIMITS = (1e-4, 1e-3, 1e-3)  # logits, image gradient, weight gradients
SEEDS = (5, 6, 7)
FORMAT = 2  # of the rows in the cache
MODELS = ("resnet18", "resnet50", "vgg19_bn", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "densenet121", "squeezenet1_0",
          "googlenet", "shufflenet_v2_x1_0", "convnext_tiny", "vit_b_16", "swin_t", "preactresnet18")
PIXELS = {m: 96 for m in MODELS[3:13]}  # fewer units at a kink than at 224, and time
SMALL = ("resnet18, 64 pixels", "resnet50, width 8", "vgg_bn, width 8", "preact, option A")
KEPT = ("resnet18", "resnet50", "vgg11_bn", "vgg19_bn")
UNFOLDED = ("convnext_tiny", "vit_b_16", "swin_t")  # their weights go through Gather, Reshape, Transpose
HEAD = ("net", "opset", "batch", "export", "logits", "ONNX Runtime", "image gradient", "weight gradients", "worst weight",
        "PyTorch itself", "weights", "")
MARK = "<!-- below: UPDATE=1 make conformance-models -->\n"


class Refused(Exception):
    pass


def all_rows():
    """(net, images, opset, open batch, constant folding, export)"""
    images = (lambda m: 1 if m[:3] == "vgg" else 2)
    rows = [(m, images(m), opset, dynamic, True, "eval") for m in MODELS for dynamic in (False, True) for opset in (11, 13, 16)]
    rows += [("vgg11_bn", 1, 13, True, True, "eval")] + [(m, images(m), 13, True, True, "kept") for m in KEPT]
    rows += [(m, 2, 13, dynamic, False, "kept") for m in UNFOLDED for dynamic in (False, True)]
    rows += [(m, 6, 13, True, True, "train") for m in SMALL]
    rows += [(m, 6, opset, dynamic, fold, "eval" if fold else "kept") for m in SMALL for opset in (9, 11, 13, 16)
             if (m[:6], opset) != ("preact", 9)  # a step in Slice needs 10
             for dynamic in (False, True) for fold in (False, True)]
    rows.sort(key=lambda r: (nets_order(r[0]), r[5]))  # stable: rows of one net share the reference
    words, opsets = os.environ.get("MODELS", "").split(), os.environ.get("OPSETS", "").split()
    return [r for r in rows if (not words or any(w in r[0] for w in words)) and (not opsets or str(r[2]) in opsets)]


def nets_order(name):
    return (MODELS + ("vgg11_bn",) + SMALL).index(name)


# --- the reference -----------------------------------------------------------

def image_shape(name):
    _, channels, side = nets.NETS[name]
    return channels, PIXELS.get(name, side), PIXELS.get(name, side)


def step(net, x, dy):
    x = x.clone().requires_grad_(True)
    net.zero_grad()
    y = net(x)
    y.backward(dy)
    dw = {k: p.grad for k, p in net.named_parameters() if p.grad is not None}
    if net.training:
        dw.update({k: b for k, b in net.named_buffers() if "running" in k})
    return y.detach().numpy(), x.grad.numpy(), {k: v.numpy() for k, v in dw.items()}


def far(got, want, least=1e-300):
    return float(np.linalg.norm((got - want).ravel()) / max(np.linalg.norm(want.ravel()), least))


def norms_floor(dw):
    # a bias before a batch-norm has no gradient but rounding: not less than a thousandth of the largest
    return 1e-3 * max(np.linalg.norm(v.ravel()) for v in dw.values())


def logits_error(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


class Reference:
    """PyTorch in double, and what it makes of the same in single; of one net and one draw of images."""
    cache = {}

    def __init__(self, name, n, export, seed):
        net = nets.build(name)
        torch.manual_seed(seed)
        self.x = torch.rand(n, *image_shape(name))
        with torch.no_grad():
            self.dy = torch.randn(net(self.x).shape)
        net = nets.fuse(net, self.x) if export == "eval" else net.train(export == "train")
        self.weight = {k: p.detach().clone().numpy() for k, p in net.named_parameters()}
        buffers = {k: b.clone() for k, b in net.named_buffers()}
        y, dx, dw = step(net, self.x, self.dy)
        single = y, dx, {k: v.copy() for k, v in dw.items()}
        net.load_state_dict(buffers, strict=False)  # a step in training mode moved them
        self.y, self.dx, self.dw = step(net.double(), self.x.double(), self.dy.double())
        least = norms_floor(self.dw)
        self.own = (logits_error(single[0], self.y), far(single[1], self.dx), max(far(single[2][k], v, least) for k, v in self.dw.items()))
        self.dw = {k: v.astype(np.float32) for k, v in self.dw.items()}

    @classmethod
    def get(cls, *key):
        if key not in cls.cache:
            if any(k[:3] != key[:3] for k in cls.cache):
                cls.cache.clear()
                gc.collect()
            cls.cache[key] = cls(*key)
        return cls.cache[key]


def same(a, b):
    """Equal but for the rounding of a merged batch-norm."""
    every = max(1, a.size // 64)
    limit = 1e-5 * float(np.abs(b[::every]).max())
    return np.abs(a[::every] - b[::every]).max() <= limit and np.abs(a - b).max() <= 1e-5 * float(np.abs(b).max())


def counterparts(ref, tensor):
    """PyTorch weights with a file tensor's content, as it is, transposed or once for each image of a fixed batch:
    [(name, transposed, copies)]; several where the exporter merged equal ones."""
    out = []
    for k, w in ref.weight.items():
        copies = len(ref.x) if w.size * len(ref.x) == tensor.size and w.ndim > 1 else 1
        if w.size * copies != tensor.size or k not in ref.dw:
            continue
        if same(tensor.ravel(), np.tile(w.ravel(), copies)):
            out.append((k, False, copies))
        elif w.ndim == 2 and copies == 1 and same(tensor.ravel(), w.T.ravel()):
            out.append((k, True, 1))
    return out


# --- the engine --------------------------------------------------------------

def read(path):
    data = np.memmap(path, np.uint8, "r")
    n = struct.unpack("<Q", data[:8].tobytes())[0]
    types = {"F32": np.float32, "I64": np.int64, "I32": np.int32, "BOOL": np.bool_, "F64": np.float64}
    head = json.loads(data[8:8 + n].tobytes())
    return {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]].view(types[v["dtype"]]).reshape(v["shape"])
            for k, v in head.items() if k != "__metadata__"}


def run(command, **more):
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=1800, **more)
    if r.returncode != 0:
        text = (r.stderr.strip().splitlines() or ["no message"])[-1]
        raise Refused(("crashed: " if r.returncode < 0 else "refused: ") + text)


def engine_step(build_dir, ref, folder, export):
    nets.load("safetensors").write(f"{folder}/in", {"images": np.ascontiguousarray(ref.x.numpy().transpose(0, 2, 3, 1)),
                                                    "dlogits": ref.dy.numpy()}, {})
    run([f"{build_dir}/tests/one_step", f"{folder}/m.neutral", f"{folder}/in", f"{folder}/out"] + (["train"] if export == "train" else []))
    return read(f"{folder}/out")


def runtime_logits(build_dir, ref, folder):
    """None without onnxruntime-node, text when it failed."""
    if not peer_version(build_dir):
        return None
    ref.x.numpy().tofile(f"{folder}/x")
    try:
        run(["node", f"{nets.ROOT}/tests/peer.js", f"{folder}/m.onnx", f"{folder}/x", ",".join(map(str, ref.x.shape)), "1", f"{folder}/y"],
            env=dict(os.environ, NODE_PATH=os.path.abspath(f"{build_dir}/../peers/node_modules")))
    except Refused as e:
        return str(e)
    return np.fromfile(f"{folder}/y", np.float32).reshape(ref.y.shape)


def peer_version(build_dir):
    try:
        with open(f"{build_dir}/../peers/node_modules/onnxruntime-node/package.json") as f:
            return json.load(f)["version"]
    except OSError:
        return ""


def weight_errors(ref, got, contents, export):
    """{file tensor: error}, file tensors and PyTorch weights without a counterpart."""
    error, lone, used = {}, [], set()
    least = norms_floor(ref.dw)
    for name in (k[5:] for k in got if k.startswith("grad/")):
        pairs = counterparts(ref, contents[name])
        used.update(p[0] for p in pairs)
        if not pairs:
            lone.append(name)
            continue
        want = sum((ref.dw[k].T if turned else ref.dw[k]).ravel() for k, turned, _ in pairs)
        error[name] = far(got["grad/" + name].reshape(max(p[2] for p in pairs), -1).sum(0), want, least)
    if export == "train":
        for name in (k for k in ref.dw if "running" in k):
            error[name] = far(got[name], ref.dw[name], least)
            used.add(name)
    return error, lone, sorted(set(ref.dw) - used)


def attempt(build_dir, row, folder, seed):
    name, n, _, _, _, export = row
    ref = Reference.get(name, n, export, seed)
    got = engine_step(build_dir, ref, folder, export)
    error, lone, unseen = weight_errors(ref, got, read(f"{folder}/m.neutral"), export)
    worst = max(error, key=lambda k: error[k] if error[k] == error[k] else np.inf)
    e = (logits_error(got["logits"], ref.y), far(got["dx"].transpose(0, 3, 1, 2), ref.dx), error[worst])
    strict = all(a <= limit for a, limit in zip(e, LIMITS))
    ok = all(a <= max(limit, 2 * b) for a, b, limit in zip(e, ref.own, LIMITS))
    if export != "eval" and unseen:
        raise Refused(f"weights without a counterpart in the file: {' '.join(unseen)}")
    out = {"errors": e, "own": ref.own, "worst": worst, "matched": len(error), "weights": len(error) + len(lone), "lone": lone,
           "unseen": unseen, "strict": strict, "ok": ok, "images": seed - SEEDS[0] + 1}
    peer = runtime_logits(build_dir, ref, folder) if export != "train" else None
    if isinstance(peer, np.ndarray):
        out["runtime"] = logits_error(got["logits"], peer)
        out["ok"] = ok and out["runtime"] <= LIMITS[0]
    elif peer:
        out["runtime"] = peer
    return out


def compute(build_dir, row):
    name, n, opset, dynamic, fold, export = row
    with tempfile.TemporaryDirectory(dir=f"{build_dir}/../conformance-models") as folder:
        nets.export(nets.build(name), f"{folder}/m.onnx", torch.zeros(n, *image_shape(name)), opset, dynamic, fold, export != "eval")
        try:
            run([f"{build_dir}/bin/assay-load", f"{folder}/m.onnx", "-o", f"{folder}/m.neutral"])
            tries = []
            for seed in SEEDS:
                tries.append(attempt(build_dir, row, folder, seed))
                if tries[-1]["ok"] and tries[-1]["strict"]:
                    break
            out = max(tries, key=lambda t: (t["ok"], t["strict"]))
        except Refused as e:
            out = {"refused": str(e), "ok": False}
    return out


# --- the table ---------------------------------------------------------------

def digest(build_dir):
    h = hashlib.sha256(f"{FORMAT} {torch.__version__} {peer_version(build_dir)}".encode())
    for name in ("bin/assay-load", "tests/one_step"):
        with open(os.path.join(build_dir, name), "rb") as f:
            h.update(f.read())
    return h.hexdigest()[:16]


def line(row, r):
    name, n, opset, dynamic, fold, export = row
    out = [name, opset, f"{n}, {'open' if dynamic else 'fixed'}", export + ("" if fold or export != "eval" else ", not folded")]
    if "refused" in r:
        return out + [""] * 7 + [r["refused"]]
    number = (lambda v: f"{v:.1e}" if isinstance(v, float) else str(v or ""))
    e = r["errors"]
    verdict = "DIFFERENT" if not r["ok"] else "same" if r["strict"] else "as PyTorch"
    verdict += f", images {r['images']}" if r["images"] > 1 else ""
    return out + [number(e[0]), number(r.get("runtime")), number(e[1]), number(e[2]), r["worst"], number(max(r["own"])),
                  f"{r['matched']}/{r['weights']}", verdict]


def report(rows, done, out):
    print("| " + " | ".join(HEAD) + " |\n" + "| --- " * len(HEAD) + "|", file=out)
    for row, r in zip(rows, done):
        print("| " + " | ".join(str(v).replace("|", "/") for v in line(row, r)) + " |", file=out)
    lists = {}
    for row, r in zip(rows, done):
        for title, key in (("weights of the file without a counterpart in PyTorch", "lone"),
                           ("weights of PyTorch without a counterpart in the file", "unseen")):
            if r.get(key):
                lists.setdefault((row[0], title, " ".join(f"`{k}`" for k in r[key])), []).append(f"{row[2]} {row[5]}")
    print(file=out)
    for (name, title, names), where in lists.items():
        print(f"* {name}, {title} ({', '.join(sorted(set(where)))}): {names}", file=out)
    print(f"\n{sum(r['ok'] for r in done)} of {len(rows)} rows passed, {sum(r.get('strict', False) for r in done)} of them within the limits.",
          file=out)


def update(text):
    path = os.path.join(nets.ROOT, "engine", "MODELS.md")
    with open(path) as f:
        head = f.read().split(MARK)[0]
    with open(path, "w") as f:
        f.write(head + MARK + text)


def main():
    build_dir = sys.argv[1]
    cache = os.path.join(build_dir, "..", "conformance-models")
    os.makedirs(cache, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("THREADS", os.cpu_count())))
    os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())
    key, rows, done, ran = digest(build_dir), all_rows(), [], []
    for i, row in enumerate(rows):
        path = os.path.join(cache, "-".join(str(v).replace(" ", "").replace(",", "_") for v in row) + f"-{key}.json")
        if not os.path.exists(path):
            if "CACHED" in os.environ:
                continue
            out = compute(build_dir, row)
            with open(path + ".new", "w") as f:
                json.dump(out, f)
            os.rename(path + ".new", path)
        with open(path) as f:
            done.append(json.load(f))
            ran.append(row)
        print(f"{i + 1}/{len(rows)}:", *(v for v in line(row, done[-1]) if v != ""), file=sys.stderr, flush=True)
    with open(os.path.join(cache, "table.md"), "w") as f:
        peer = f"onnxruntime-node {peer_version(build_dir)}" if peer_version(build_dir) else "onnxruntime-node not installed, column skipped"
        part = " ".join(f'{k}="{os.environ[k]}"' for k in ("MODELS", "OPSETS") if os.environ.get(k))
        print(f"\n{datetime.date.today()}; {nets.versions()}, numpy {np.__version__}, {peer}"
              + (f"; only a part of the rows: {part}" if part else "") + ".\n", file=f)
        report(ran, done, f)
        if len(ran) < len(rows):
            print(f"{len(rows) - len(ran)} rows have not been run with these programs.", file=f)
    with open(os.path.join(cache, "table.md")) as f:
        text = f.read()
    print(text, end="")
    if "UPDATE" in os.environ:
        update(text)
    return not all(r["ok"] for r in done)


if __name__ == "__main__":
    with torch.backends.mkldnn.flags(enabled=False):
        sys.exit(main())
