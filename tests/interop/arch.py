# SPDX-License-Identifier: MIT
"""Weights without a graph: torchvision's models, and those of CIFAR collections, with random weights, written as
safetensors, read by assay-load and run by the engine, beside PyTorch.

    arch.py BUILD-DIR [NAME...]

Prints a table of relative differences: of the logits, and with GRADIENTS=1 (or for models named) of the gradients of
the image and of every weight.  Ends with 1 when one is not within 1e-4 (logits) or 1e-3 (gradients).
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn
from torchvision import models

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cifar_nets  # noqa: E402
import nets  # noqa: E402
import timm_nets  # noqa: E402

LOGITS, GRADIENTS = 1e-4, 1e-3
# where a relu's input or two of a pool's are equal but for rounding, gradients differ: then other images are tried
SEEDS = (1, 2, 3)
st = nets.load("safetensors")


class Resized(nn.Sequential):
    """As BackdoorBench has its vision transformers."""
    def __init__(self, net):
        super().__init__(nn.Upsample((224, 224), mode="bilinear", align_corners=False), net)


def old_densenet(state):
    import re
    return {re.sub(r"(denselayer\d+\.(?:norm|relu|conv))([12])\.", r"\1.\2.", k): v for k, v in state.items()}


def plain(name, **args):
    return lambda: getattr(models, name)(**args)


# name: net, side of the image, gradients too, change of the names
TABLE = {}
for _n in ("alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"):
    TABLE[_n] = (plain(_n, num_classes=10), 224 if _n in ("alexnet", "vgg11") else 64)
TABLE["vgg19_bn, 32"] = (plain("vgg19_bn", num_classes=10), 32, True)
TABLE["vgg16, 96"] = (plain("vgg16", num_classes=10), 96)
TABLE["alexnet, 100"] = (plain("alexnet", num_classes=10), 100, True)
for _n in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2",
           "squeezenet1_0", "squeezenet1_1", "densenet121", "densenet161", "densenet169", "densenet201", "mobilenet_v2",
           "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
           "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_s", "efficientnet_v2_m",
           "efficientnet_v2_l", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "mnasnet0_5",
           "mnasnet0_75", "mnasnet1_0", "mnasnet1_3", "regnet_y_400mf", "regnet_y_800mf", "regnet_x_400mf", "regnet_x_1_6gf",
           "regnet_x_8gf", "convnext_tiny", "convnext_small", "convnext_base"):
    TABLE[_n] = (plain(_n), 64, _n in ("resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "shufflenet_v2_x0_5",
                                       "squeezenet1_1", "densenet121", "convnext_tiny", "mnasnet0_5", "regnet_y_400mf"))
TABLE["densenet121, old names"] = (plain("densenet121"), 64, False, old_densenet)
TABLE["googlenet"] = (plain("googlenet", init_weights=False, aux_logits=True), 64, True)
TABLE["inception_v3"] = (plain("inception_v3", init_weights=False, aux_logits=True), 96, True)
for _n in ("swin_t", "swin_s", "swin_b", "vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32"):
    TABLE[_n] = (plain(_n), 224, _n in ("swin_t", "vit_b_32"))
TABLE["vit_b_16 behind a resize, 32"] = (lambda: Resized(models.vit_b_16(num_classes=10)), 32)
TABLE["vit_b_32, 96"] = (lambda: models.vit_b_32(image_size=96, num_classes=10), 96, True)
for _n, (_make, _side) in cifar_nets.NETS.items():
    TABLE[_n] = (_make, _side, _n in cifar_nets.GRADIENTS)
for _n, (_make, _side) in timm_nets.NETS.items():
    TABLE[_n] = (_make, _side, _n in timm_nets.GRADIENTS)


def far(got, want):
    top = max(float(np.abs(want).max()), 1e-12)
    return float(np.abs(got.astype(np.float64) - want).max()) / top


def run(command):
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3600)
    if r.returncode != 0:
        raise RuntimeError((r.stderr.strip().splitlines() or [f"status {r.returncode}"])[-1])


def read(path):
    import json
    import struct
    data = np.memmap(path, np.uint8, "r")
    n = struct.unpack("<Q", data[:8].tobytes())[0]
    types = {"F32": np.float32, "I64": np.int64}
    head = json.loads(data[8:8 + n].tobytes())
    return {k: np.array(data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]]).view(types[v["dtype"]]).reshape(v["shape"])
            for k, v in head.items() if k != "__metadata__"}


def gradients(net, x, dy, out, rename):
    """The largest difference, and weights of the one that the other does not have."""
    x = x.clone().requires_grad_()
    (net(x) * dy).sum().backward()
    want = rename({k: p.grad for k, p in net.named_parameters() if p.grad is not None})
    worst = far(out["dx"].transpose(0, 3, 1, 2), x.grad.numpy())
    floor = 1e-3 * max(float(g.abs().max()) for g in want.values())
    for k, g in want.items():
        g, got = g.numpy(), out.get("grad/" + k)
        if got is None:
            continue
        scale = max(float(np.abs(g).max()), floor)
        ways = [v for v in (got, got.T) if v.shape == g.shape]
        worst = max(worst, min(float(np.abs(v - g).max()) for v in ways) / scale)
    lone = sorted(set("grad/" + k for k in want) ^ set(k for k in out if k.startswith("grad/")))
    return worst, lone


def attempt(build_dir, name, folder, asked, seed):
    make, side, graded, rename = (TABLE[name] + (False, None))[:4] if len(TABLE[name]) < 4 else TABLE[name]
    rename = rename or (lambda s: s)
    torch.manual_seed(seed)
    net = make()
    nets.randomise(net)
    net.eval()
    state = rename({k: v.detach() for k, v in net.state_dict().items()})
    st.write(f"{folder}/w.safetensors", {k: v.numpy() for k, v in state.items()}, {})
    run([f"{build_dir}/bin/assay-load", f"{folder}/w.safetensors", "-o", f"{folder}/m"])
    x = torch.rand(2, 3, side, side)
    with torch.no_grad():
        y = net(x)
    dy = torch.randn_like(y) / y.shape[1]
    st.write(f"{folder}/in", {"images": np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)), "dlogits": dy.numpy()}, {})
    run([f"{build_dir}/tests/one_step", f"{folder}/m", f"{folder}/in", f"{folder}/out"])
    out = read(f"{folder}/out")
    e = far(out["logits"], y.numpy())
    if not (graded or asked):
        return e, None, []
    return (e,) + gradients(net, x, dy, out, rename)


def main():
    build_dir, names = sys.argv[1], sys.argv[2:]
    asked = bool(os.environ.get("GRADIENTS")) or bool(names)
    bad = 0
    print("| model | logits | gradients | |\n| --- | --- | --- | --- |")
    for name in names or TABLE:
        with tempfile.TemporaryDirectory() as folder:
            try:
                for seed in SEEDS:
                    e, g, lone = attempt(build_dir, name, folder, asked, seed)
                    ok = e <= LOGITS and (g is None or g <= GRADIENTS) and not lone
                    if ok or e > LOGITS or lone:
                        break
                row = [f"{e:.1e}", "" if g is None else f"{g:.1e}",
                       ("same" if ok else "DIFFERENT " + " ".join(lone[:3])) + (f", images {seed}" if seed > 1 else "")]
            except RuntimeError as x:
                ok, row = False, ["", "", f"refused: {x}"]
        bad += not ok
        print("| " + " | ".join([name] + row) + " |", flush=True)
    print(f"\n{bad} different; {nets.versions()}")
    return bad != 0


if __name__ == "__main__":
    with torch.backends.mkldnn.flags(enabled=False):
        sys.exit(main())
