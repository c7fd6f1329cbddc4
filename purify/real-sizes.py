#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a round of a purification takes of models of real size: seconds and peak memory, as Markdown.

    make real-sizes                      the table of purify/README.md, some minutes
    NAMES="vit" METHODS="ft sau" make real-sizes      only what begins so, by these

Random weights (tests/nets.py), random images with the labels that the model gives them, a guide with one
target; one round.  Peak memory is that of assay-purify and of the tools that it runs, as /usr/bin/time says.
"""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests"))

WORK = "build/real-sizes"
# key: (net of tests/nets.py, title, images, a tenth of which is held out)
NETS = {
    "preact": ("preactresnet18", "PreAct-ResNet18, 32x32", 284),
    "vgg": ("vgg19_bn, 32 pixels", "VGG19-BN, 32x32", 284),
    "vit": ("vit_b_16, 224 pixels", "ViT-B/16, 224x224", 36),
}
ROWS = [(k, m, b) for k, batch, methods in (("preact", 256, ("sau", "guided", "ft")), ("vgg", 256, ("sau", "guided", "ft")),
                                            ("vit", 16, ("ft", "guided", "sau"))) for m in methods for b in (batch,)]
HEAD = ("model", "method", "images, batch", "estimate: s a round", "taken: s a round", "peak MiB")


def make(key):
    """The model and its images, once."""
    name, _, n = NETS[key]
    stem = f"{WORK}/{key}"
    if os.path.exists(f"{stem}.labels.npy"):
        return stem
    import numpy as np
    import torch
    import bench_torch
    import nets
    _, channels, side = nets.NETS[name]
    net = nets.build(name)
    x = np.random.default_rng(3).integers(0, 256, (n, side, side, channels), np.uint8)
    images = torch.from_numpy(x.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    if side <= 32:
        bench_torch.settle(net, images)
    net.eval()
    nets.export(net, f"{stem}.onnx", images, keep=True)
    with torch.no_grad():
        y = torch.cat([net(part).argmax(1) for part in images.split(32)])
    np.save(f"{stem}.images.npy", x)
    np.save(f"{stem}.labels.npy", y.numpy().astype(np.uint8 if y.max() < 256 else np.int32))
    with open(f"{stem}.scan.json", "w") as f:
        json.dump({"schema": "assay-scan/1", "tool": {"name": "assay-scan", "version": "0"}, "inputs": [],
                   "targets": [{"class": int(y[0]), "geometry": "patch"}]}, f)
    return stem


def row(binaries, key, method, batch):
    stem = make(key)
    out = f"{WORK}/{key}-{method}"
    command = ["/usr/bin/time", "-o", f"{out}.time", "-f", "%M", f"{binaries}/assay-purify", f"{stem}.onnx",
               "--data", f"{stem}.images.npy,{stem}.labels.npy", "--method", method, "--batch", str(batch), "--rounds", "1",
               "--no-reactivation", "-o", f"{out}.onnx", "--document", f"{out}.json"]
    if method == "guided":
        command += ["--guide", f"{stem}.scan.json"]
    env = dict(os.environ, PATH=f"{binaries}:{os.environ['PATH']}")
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    with open(f"{out}.log", "w") as f:
        f.write(r.stderr + r.stdout)
    if r.returncode != 0:
        return NETS[key][1], method, f"{NETS[key][2]}, {batch}", r.stderr.strip().splitlines()[-1], "", ""
    os.remove(f"{out}.onnx")
    said = re.search(r"rounds of ([0-9.]+) (s|min|h) \(\d+ batches of ([0-9.]+) (s|min|h)\)", r.stderr)
    unit = {"s": 1, "min": 60, "h": 3600}
    estimate = float(said.group(1)) * unit[said.group(2)]
    with open(f"{out}.json") as f:
        seconds = json.load(f)["run"]["seconds"] - float(said.group(3)) * unit[said.group(4)]  # less the trial
    with open(f"{out}.time") as f:
        peak = int(f.read().split()[-1]) / 1024
    return NETS[key][1], method, f"{NETS[key][2]}, {batch}", f"{estimate:.3g}", f"{seconds:.3g}", f"{peak:.0f}"


def main(build_dir):
    os.makedirs(WORK, exist_ok=True)
    binaries = os.path.abspath(f"{build_dir}/bin")
    names = os.environ.get("NAMES", "").split() or [""]
    print("| " + " | ".join(HEAD) + " |\n" + "| --- " * len(HEAD) + "|")
    methods = os.environ.get("METHODS", "sau guided ft").split()
    for key, method, batch in ROWS:
        if method in methods and any(key.startswith(n) for n in names):
            print("| " + " | ".join(row(binaries, key, method, batch)) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
