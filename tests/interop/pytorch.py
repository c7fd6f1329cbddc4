# SPDX-License-Identifier: MIT
"""PyTorch files there and back: torch saves, assay-load reads, the neutral weights are changed, assay-save writes, torch
loads again.  The outputs before and after must be those of the same network with the weights changed in Python.

    pytorch.py BUILD-DIR [NAME...]

Files are a state dict, a checkpoint (zip and stream), a whole module, TorchScript, a BackdoorBench record of v1 and v2
form; models are torchvision's resnet18, BackdoorBench's PreActResNet18, and a row of layers.  Also measured: time and
peak memory of assay-load on top of the file's size.
"""
import collections
import copy
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import torch
import torchvision
from PIL import Image
from torch import nn

# the generators' module of the same name as this script
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'fixtures', 'gen')
import pytorch

TOLERANCE = 1e-4
HEAD_ROOM = 64 << 10  # KiB that loading may take beyond the file


def PreActResNet18():
    return pytorch.PreActResNet(widths=(64, 128, 256, 512), blocks=2)


def settle(net):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, .1)
            m.running_var.uniform_(.5, 1.5)
    return net.eval()


def resnet18():
    return settle(torchvision.models.resnet18(num_classes=10))


def row():
    return settle(nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1),
                                nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)))


def record(net, memory):
    def part(n):
        data = {}
        for i in range(n):
            data[np.int64(i)] = ((Image.fromarray(np.zeros((32, 32, 3), np.uint8)), 0, 1) if memory else
                                 {"path": "./record/a/bd_test_dataset/1/%d.png" % i, "other_info": [0, 1]})
        return {"bd_data_container": {"save_folder_path": None, "data_dict": data, "save_file_format": ".png"},
                "getitem_all": True, "original_index_array": np.arange(n), "poison_indicator": np.zeros(n)}
    return {"model_name": "preactresnet18", "num_classes": 10, "model": net.state_dict(), "data_path": "./data",
            "img_size": [32, 32, 3], "clean_data": "cifar10", "bd_train": part(5000), "bd_test": part(9000)}


def weights_of(loaded):
    """The network's state from whatever was saved."""
    if isinstance(loaded, nn.Module):
        return loaded.state_dict()
    for key in ("state_dict", "model"):
        if key in loaded:
            return {k.replace("module.", ""): v for k, v in loaded[key].items()}
    return loaded


# name: network, side, what is saved, how
def table():
    r, p = resnet18(), settle(PreActResNet18())
    wrapped = collections.OrderedDict(("module." + k, v) for k, v in r.state_dict().items())
    return {
        "state dict": (r, 64, r.state_dict(), {}),
        "checkpoint": (r, 64, {"state_dict": wrapped, "epoch": 9, "optimizer": {"lr": .1}}, {}),
        "stream": (r, 64, {"state_dict": wrapped, "epoch": 9}, {"_use_new_zipfile_serialization": False}),
        "whole module": (r, 64, r, {}),
        "whole stream": (r, 64, r, {"_use_new_zipfile_serialization": False}),
        "half": (copy.deepcopy(r).half(), 64, copy.deepcopy(r).half().state_dict(), {}),
        "script": (r, 64, torch.jit.script(r), None),
        "trace": (r, 64, torch.jit.trace(r, torch.zeros(1, 3, 64, 64)), None),
        "row": (row(), 32, None, {}),
        "record": (p, 32, record(p, False), {}),
        "record in memory": (p, 32, record(p, True), {}),
    }


# --- neutral files -----------------------------------------------------------

def read(path):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    n = struct.unpack_from("<Q", data)[0]
    return data, json.loads(data[8:8 + n]), 8 + n


def tensors(data, head, start):
    for k, v in head.items():
        if k != "__metadata__" and v["dtype"] in ("F32", "F16"):
            a, b = v["data_offsets"]
            kind = np.float32 if v["dtype"] == "F32" else np.float16
            yield k, np.frombuffer(data, kind, (b - a) // kind().itemsize, start + a).reshape(v["shape"])


def change(path, out):
    """Every weight times 1.25 in the neutral file."""
    data, head, start = read(path)
    for k, v in tensors(data, head, start):
        if not k.startswith("assay."):
            v[...] = v * v.dtype.type(1.25)
    with open(out, "wb") as f:
        f.write(data)


def agrees(path, state):
    """Bit for bit: what the neutral file has are torch's numbers."""
    found = 0
    for k, v in tensors(*read(path)):
        want = state.get(k, state.get(k.replace("module.", "")))
        if want is None:
            continue
        found += 1
        if not np.array_equal(v, want.detach().numpy()):
            return "%s differs" % k
    return "" if found > 5 else "only %d weights of that name" % found


def run(args):
    done = subprocess.run(["/usr/bin/time", "-f", "%M %e", *args], capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise SystemExit("%s: %s" % (" ".join(args), done.stderr))
    kib, seconds = done.stderr.strip().split("\n")[-1].split()
    return int(kib), float(seconds)


def logits(net, state, side):
    net = copy.deepcopy(net)
    net.load_state_dict(state)
    torch.manual_seed(1)
    with torch.no_grad():
        return net.float().eval()(torch.rand(4, 3, side, side))


def one(name, net, side, what, how, bin_dir, tmp):
    path, neutral, changed, back = (os.path.join(tmp, n) for n in ("m.pt", "n", "c", "back.pt"))
    if how is None:
        torch.jit.save(what, path)
    else:
        torch.save(net if what is None else what, path, **how)
    kib, seconds = run([os.path.join(bin_dir, "assay-load"), path, "-o", neutral])
    wrong = agrees(neutral, net.state_dict())
    change(neutral, changed)
    run([os.path.join(bin_dir, "assay-save"), path, changed, "-o", back])
    if zipfile.is_zipfile(back) and zipfile.ZipFile(back).testzip() is not None:
        wrong = wrong or "testzip: " + zipfile.ZipFile(back).testzip()
    if os.path.getsize(back) != os.path.getsize(path):
        wrong = wrong or "another size"
    loaded = torch.jit.load(back) if how is None else torch.load(back)
    state = weights_of(loaded)
    want = {k: v * 1.25 if v.is_floating_point() else v for k, v in net.state_dict().items()}
    got, expected = logits(net, state, side), logits(net, want, side)
    diff = float((got - expected).abs().max() / expected.abs().max())
    over = kib - os.path.getsize(path) // 1024
    if not diff <= TOLERANCE:
        wrong = wrong or "logits differ"
    if over > HEAD_ROOM:
        wrong = wrong or "too much memory"
    print("%-18s %6.1f MB  load %5.2f s  %+6d KiB beyond the file  difference %.1e  %s"
          % (name, os.path.getsize(path) / 1e6, seconds, over, diff, wrong or "ok"), flush=True)
    return wrong == ""


def main():
    torch.manual_seed(0)
    bin_dir = os.path.join(sys.argv[1], "bin")
    good = True
    with tempfile.TemporaryDirectory() as tmp:
        for name, row_ in table().items():
            if len(sys.argv) < 3 or name in sys.argv[2:]:
                good = one(name, *row_, bin_dir, tmp) and good
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
