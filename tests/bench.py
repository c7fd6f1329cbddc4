#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time the engine, and PyTorch where it is installed, taking turns; medians over the rounds.

    make bench         (BENCH_ROUNDS=15, BENCH_IMAGES=128, BENCH_THREADS="1 2")
"""
import datetime
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import time

# Debian's own Python has the packages
if importlib.util.find_spec("torch") is None and os.path.exists("/usr/bin/python3") and "BENCH_PYTHON" not in os.environ:
    os.environ["BENCH_PYTHON"] = "1"
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
os.environ["OMP_WAIT_POLICY"] = "passive"  # whose turn it is not must not spin; as the tools do
torch = None
if importlib.util.find_spec("torch") is not None:
    import torch
    from torch import nn
    import torch.nn.functional as F

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 15))
IMAGES = int(os.environ.get("BENCH_IMAGES", 128))


def vgg():
    stages, c = [], 1
    for k in (16, 32, 64):
        stages += [nn.Conv2d(c, k, 3, padding=1, bias=False), nn.BatchNorm2d(k), nn.ReLU(), nn.MaxPool2d(2)]
        c = k
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(64 * 9, 10)), (1, 28, 28)


def preact():
    class Block(nn.Module):
        def __init__(self, cin, cout, stride):
            super().__init__()
            self.norm1, self.norm2 = nn.BatchNorm2d(cin), nn.BatchNorm2d(cout)
            self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
            self.skip = nn.Conv2d(cin, cout, 1, stride, bias=False) if stride != 1 or cin != cout else None

        def forward(self, x):
            pre = F.relu(self.norm1(x))
            return self.conv2(F.relu(self.norm2(self.conv1(pre)))) + (x if self.skip is None else self.skip(pre))

    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
                         nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)), (3, 32, 32)


class Net:
    """The cases of tests/bench.c, in its order."""
    def __init__(self, make):
        self.net, shape = make()
        self.x = torch.rand(IMAGES, *shape)
        self.y = torch.arange(IMAGES) % 10
        self.sgd = torch.optim.SGD(self.net.parameters(), .001, momentum=.9)

    def logits(self):
        with torch.no_grad():
            self.net(self.x)

    def gradient(self):
        x = self.x.clone().requires_grad_(True)
        F.cross_entropy(self.net(x), self.y).backward()

    def train(self):
        self.sgd.zero_grad()
        F.cross_entropy(self.net(self.x), self.y).backward()
        self.sgd.step()

    def times(self):
        out = []
        for case, train in ((self.logits, False), (self.gradient, False), (self.train, True)):
            self.net.train(train)
            for p in self.net.parameters():
                p.requires_grad_(train)
            start = time.perf_counter()
            case()
            out.append(1e3 * (time.perf_counter() - start))
        return out


def measure(program, threads):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads))
    child = subprocess.Popen([program, str(IMAGES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    cases, nets = [], []
    while (line := child.stdout.readline().rstrip("\n")):
        cases.append(line.split("\t"))
    if torch:
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        nets = [Net(vgg), Net(preact)]
    ours, theirs = [], []
    for _ in range(ROUNDS + 2):
        child.stdin.write("\n")
        child.stdin.flush()
        ours.append([float(v) for v in child.stdout.readline().split()])
        theirs.append([v for n in nets for v in n.times()])
    child.stdin.close()
    child.wait()
    median = (lambda rows, i: statistics.median(r[i] for r in rows[2:]))  # the first two warm up
    for i, (name, n, macs, passes) in enumerate(cases):
        ms = median(ours, i) / int(n)
        row = [name, threads, f"{ms:.4f}", f"{2e-6 * int(macs) * int(passes) / ms:.1f}"]
        if i < len(theirs[0]):
            t = median(theirs, i) / int(n)
            row += [f"{t:.4f}", f"{t / ms:.2f}"]
        elif name.endswith("plain loops"):
            row += ["", f"{ms / (median(ours, i - 1) / int(n)):.1f} (engine to loops)"]
        else:
            row += ["", ""]
        print("| " + " | ".join(str(v) for v in row) + " |", flush=True)


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((l.split(":")[1].strip() for l in f if l.startswith("model name")), platform.machine())


def main():
    print(f"{datetime.date.today()}; {cpu()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; "
          f"{platform.platform()}; PyTorch {torch.__version__ if torch else 'not installed'}; {IMAGES} images a batch, "
          f"median of {ROUNDS} rounds\n")
    print("| case | threads | ms an image | GFLOP/s | PyTorch, ms an image | times as fast as PyTorch |")
    print("| --- | --- | --- | --- | --- | --- |")
    for threads in os.environ.get("BENCH_THREADS", "1 2").split():
        measure(os.path.join(sys.argv[1], "tests", "bench"), int(threads))


main()
