#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare the engine with PyTorch's autograd: logits, gradients to the image and to every weight.

    make parity        (Debian: python3-torch python3-torchvision python3-onnx)

Weights are random, statistics of the batch-norms too.  The reference is PyTorch in double; "PyTorch
itself" is the largest of the three errors that PyTorch makes in single.  Errors: logits, the largest
difference by the largest logit (limit 1e-4); gradients, the norm of the difference by the norm (limit
1e-3); or, where it is more, twice PyTorch's own.  A rounding error can put a unit on the other side of
a relu or a maximum, which no limit allows for: where the images show a difference, others are tried,
up to three in all, and the row says which.  In "eval" exports the
exporter has merged batch-norms into convolutions, so that fewer tensors have a counterpart; in
"kept" exports none is merged; "train" is a step with batch statistics, running statistics included.
"""
import copy
import importlib.util
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

# Debian's own Python has the packages
if importlib.util.find_spec("torch") is None:
    if os.path.exists("/usr/bin/python3") and "PARITY" not in os.environ:
        os.environ["PARITY"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("parity: skipped, no python3-torch")
    sys.exit(0)

import numpy as np
import torch
import torchvision
from torch import nn
from torch.onnx import TrainingMode
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.vgg import VGG, make_layers

sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def load(name):
    spec = importlib.util.spec_from_file_location("fixture_" + name, os.path.join(ROOT, "fixtures", "gen", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = load("onnx")
safetensors = load("safetensors")


def vgg(cfg, width):
    net = VGG(make_layers(cfg, True), num_classes=10)
    net.classifier = nn.Sequential(nn.Linear(width * 49, 32), nn.ReLU(), nn.Dropout(0), nn.Linear(32, 10))
    return net


# name: (net, pixels, images)
SMALL = {
    "resnet18, 64 pixels": (lambda: ResNet(BasicBlock, [2, 2, 2, 2], num_classes=10), 64, 6),
    "resnet50, width 8": (lambda: ResNet(Bottleneck, [3, 4, 6, 3], num_classes=10, width_per_group=8), 64, 6),
    "vgg_bn, width 8": (lambda: vgg([8, "M", 16, "M", 16, 16, "M"], 16), 56, 6),
    "preact, option A": (make.PreAct, 16, 6),
}
FULL = {
    "resnet18": (torchvision.models.resnet18, 224, 2),
    "resnet50": (torchvision.models.resnet50, 224, 2),
    "vgg11_bn": (torchvision.models.vgg11_bn, 224, 1),
    "vgg19_bn": (torchvision.models.vgg19_bn, 224, 1),
}


def build(maker):
    torch.manual_seed(11)
    net = maker()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.running_mean, 0, .1)
            nn.init.uniform_(m.running_var, .7, 1.5)
            nn.init.uniform_(m.weight, .5, 1.2)
            nn.init.normal_(m.bias, 0, .1)
        if isinstance(m, nn.Dropout):
            m.p = 0.
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
            nn.init.normal_(m.bias, 0, .05)  # equal tensors would be merged by the exporter
    return net


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    types = {"F32": np.float32, "I64": np.int64}
    return {k: np.frombuffer(data, types[v["dtype"]], int(np.prod(v["shape"])), 8 + n + v["data_offsets"][0]).reshape(v["shape"])
            for k, v in json.loads(data[8:8 + n]).items() if k != "__metadata__"}


def far(got, want, least=1e-12):
    return float(np.linalg.norm(got - want) / max(np.linalg.norm(want), least))


def torch_step(net, x, dy):
    x = x.clone().requires_grad_(True)
    y = net(x)
    y.backward(dy)
    dw = {k: p.grad.numpy() for k, p in net.named_parameters()}
    if net.training:
        dw.update({k: b.numpy() for k, b in net.named_buffers() if "running" in k})
    return y.detach().numpy(), x.grad.numpy(), dw


def errors(got, want, names):
    # a bias before a batch-norm has no gradient but rounding: not less than a thousandth of the largest
    least = 1e-3 * max(np.linalg.norm(want[2][k]) for k in names)
    return (float(np.abs(got[0] - want[0]).max() / np.abs(want[0]).max()), far(got[1], want[1]),
            max(far(got[2][k], want[2][k], least) for k in names))


def engine_step(build_dir, net, x, dy, opset, dynamic, fold, mode, folder):
    path = {k: os.path.join(folder, k) for k in ("m.onnx", "m.neutral", "in", "out")}
    torch.onnx.export(net, torch.zeros_like(x[:1]) if dynamic else torch.zeros_like(x), path["m.onnx"], opset_version=opset, do_constant_folding=fold,
                      training=TrainingMode.EVAL if mode == "eval" else TrainingMode.PRESERVE,
                      input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}} if dynamic else None)
    subprocess.run([os.path.join(build_dir, "bin", "assay-load"), path["m.onnx"], "-o", path["m.neutral"]], check=True)
    safetensors.write(path["in"], {"images": np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)), "dlogits": dy.numpy()}, {})
    subprocess.run([os.path.join(build_dir, "tests", "parity"), path["m.neutral"], path["in"], path["out"]]
                   + (["train"] if mode == "train" else []), check=True)
    return read(path["out"])


def compare(build_dir, maker, pixels, n, opset, dynamic, fold, mode, seed):
    net = build(maker).eval()
    channels = next(m for m in net.modules() if isinstance(m, nn.Conv2d)).in_channels
    torch.manual_seed(seed)
    x = torch.rand(n, channels, pixels, pixels)
    with torch.no_grad():
        dy = torch.randn(net(x).shape)
    with tempfile.TemporaryDirectory() as folder:
        got = engine_step(build_dir, net, x, dy, opset, dynamic, fold, mode, folder)
    if mode == "train":
        net.train()
    single = torch_step(copy.deepcopy(net), x, dy)
    y, dx, dw = exact = torch_step(net.double(), x.double(), dy.double())
    found = [k for k in dw if k in got and got[k].shape == dw[k].shape]
    if mode != "eval" and len(found) != len(dw):
        raise SystemExit(f"weights without a counterpart: {set(dw) - set(found)}")
    e = errors((got["logits"], got["dx"].transpose(0, 3, 1, 2), got), exact, found)
    own = errors(single, exact, found)
    ok = all(a < max(limit, 2 * b) for a, b, limit in zip(e, own, (1e-4, 1e-3, 1e-3)))
    return e, own, f"{len(found)}/{len(dw)}", ok


def main():
    build_dir = sys.argv[1]
    rows = [(name, s, 13, True, True, mode) for name, s in SMALL.items() for mode in ("train",)]
    rows += [(name, s, 13, True, True, mode) for name, s in FULL.items() for mode in ("eval", "kept")]
    rows += [(name, s, opset, dynamic, fold, "eval" if fold else "kept") for name, s in SMALL.items()
             for opset in (9, 11, 13, 16) if (name[:6], opset) != ("preact", 9)  # a step in Slice needs 10
             for dynamic in (False, True) for fold in (False, True)]
    if len(sys.argv) > 2:
        rows = [r for r in rows if sys.argv[2] in r[0]]
    print("| net | opset | batch | folding | export | logits | image gradient | weight gradients | PyTorch itself | tensors | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    bad = 0
    for name, (maker, pixels, n), opset, dynamic, fold, mode in rows:
        for seed in range(5, 8):
            e, own, found, ok = compare(build_dir, maker, pixels, n, opset, dynamic, fold, mode, seed)
            if ok:
                break
        bad += not ok
        print(f"| {name} | {opset} | {n}, {'open' if dynamic else 'fixed'} | {'on' if fold else 'off'} | {mode} | {e[0]:.1e} | {e[1]:.1e} "
              f"| {e[2]:.1e} | {max(own):.1e} | {found} | {('same' if seed == 5 else f'same, images {seed - 4}') if ok else 'DIFFERENT'} |", flush=True)
    print(f"\n{len(rows) - bad} of {len(rows)} the same; torch {torch.__version__}, torchvision {torchvision.__version__}, "
          f"numpy {np.__version__}, Python {sys.version.split()[0]}")
    return bad != 0


if __name__ == "__main__":
    with torch.backends.mkldnn.flags(enabled=False):
        sys.exit(main())
