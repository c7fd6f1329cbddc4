# SPDX-License-Identifier: MIT
"""What tests/bench.py has PyTorch do.

    bench_torch.py export NET N FOLDER [PIXELS WIDTH]
    bench_torch.py time CASE VARIANT THREADS FOLDER

"time" speaks as tests/bench.c does: "ready"; for each line on standard input the milliseconds of one
pass; at the end "memory KIB".
"""
import copy
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
import nets


def export(name, n, folder, pixels=0, width=0):
    """eval.onnx, kept.onnx (batch-norms apart), suspect.onnx (kept, weights nearby), and images both ways."""
    _, channels, side = nets.NETS[name]
    side = pixels or side
    net = nets.build((lambda: nets.PreActResNet18(width)) if width else name)
    x = torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(3))
    suspect = nearby(net)
    small = side <= 32 and n > 1 and not width
    if small:
        settle(net, x)
        settle(suspect, x)
    with torch.no_grad():  # labels that the suspect gets right
        y = suspect(x).argmax(1).numpy().astype(np.int32)
    torch.save((net, suspect), f"{folder}/nets.pt")
    nets.export(net, f"{folder}/eval.onnx", x)
    with open(f"{folder}/data", "wb") as f:
        f.write(np.ascontiguousarray(x.numpy().transpose(0, 2, 3, 1)).tobytes() + y.tobytes())
    x.numpy().tofile(f"{folder}/x")
    with open(f"{folder}/shape", "w") as f:
        f.write(",".join(map(str, x.shape)))
    if small:
        nets.export(net, f"{folder}/kept.onnx", x, keep=True)
        nets.export(suspect, f"{folder}/suspect.onnx", x, keep=True)


def settle(net, x):
    """Batch-norms get the statistics of x, logits spread over the classes: else random nets predict one class."""
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    last = [m for m in net.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        for m in norms:
            m.momentum = 1.
        net.train()(x)
        z = net.eval()(x)
        last.weight *= 2 / z.std(0, keepdim=True).T
        last.bias.copy_((last.bias - z.mean(0)) * 2 / z.std(0))
    for m in norms:
        m.momentum = .1


def nearby(net):
    torch.manual_seed(5)
    net = copy.deepcopy(net)
    with torch.no_grad():
        for p in net.parameters():
            p += .03 * p.abs().mean() * torch.randn_like(p)
    return net


def measure(case, variant, threads, folder):
    """variant: NCHW or channels_last, for sau after a word: "authors NCHW"."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    net, suspect = torch.load(f"{folder}/nets.pt")
    with open(f"{folder}/shape") as f:
        x = torch.from_numpy(np.fromfile(f"{folder}/x", np.float32).reshape([int(v) for v in f.read().split(",")]))
    if case in ("logits", "gradient"):
        net = nets.fuse(net, x[:1])
    y = torch.from_numpy(np.fromfile(f"{folder}/data", np.int32, offset=4 * x.numel()).astype(np.int64))
    if variant.endswith("channels_last"):
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        suspect = suspect.to(memory_format=torch.channels_last)
    if case != "sau":
        suspect = None
    work = make_work(case, variant.split()[0], net, suspect, x, y)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before = status("VmRSS:")
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        out = work()
        print(f"{1e3 * (time.perf_counter() - start):.4f} {out if out is not None else ''}", flush=True)
    print("memory", status("VmHWM:") - before)


def status(field):
    with open("/proc/self/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith(field))


def make_work(case, kind, net, suspect, x, y):
    def logits():
        with torch.inference_mode():
            net(x)

    def gradient():
        v = x.detach().requires_grad_(True)
        F.cross_entropy(net(v), y).backward()

    def train():
        sgd.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        sgd.step()

    if case == "train":
        net.train()
        sgd = torch.optim.SGD(net.parameters(), .001, momentum=.9)
    else:
        net.requires_grad_(case == "sau")
    if case == "sau":
        adam = torch.optim.Adam(net.parameters(), 1e-4, amsgrad=True)
        step = sau_authors if kind == "authors" else sau_best
        return lambda: step(net, suspect, x, y, adam)
    return {"logits": logits, "gradient": gradient, "train": train}[case]


def inner_loss(z, z0, y, fooled, fooled0, shared, n):
    adv = F.cross_entropy(z, y, reduction="none")[~fooled].sum() + F.cross_entropy(z0, y, reduction="none")[~fooled0].sum()
    p, q = F.softmax(z, 1).clamp(min=1e-8), F.softmax(z0, 1).clamp(min=1e-8)
    mix = .5 * (p + q)
    js = .5 * (p * p.log() + q * q.log()) - .5 * (p * mix.log() + q * mix.log())
    return -.01 * adv / 2 / n + js[~shared].sum() / n


def outer_loss(z, zp, y, clean0, pred0):
    at_risk = (pred0 != y) & (pred0 != clean0)
    loss = F.cross_entropy(z, y)
    if at_risk.any():
        p, hot = F.softmax(zp, 1), F.one_hot(pred0, zp.shape[1])
        others, own = (p * (1 - hot)).sum(1)[at_risk], (p * hot).sum(1)[at_risk]
        loss = loss - (torch.log(1e-6 + others.clamp(max=.999)).sum() + torch.log(1 + 1e-6 - own.clamp(min=.001)).sum()) / 2 / len(z)
    return loss


def sau_authors(net, suspect, x, y, adam):
    """Every inner step: clean predictions of both models again, gradients of both models' weights as well."""
    e = torch.full_like(x, .2).requires_grad_(True)
    for _ in range(5):
        clean, clean0 = net(x).argmax(1), suspect(x).argmax(1)
        z, z0 = net(x + e), suspect(x + e)
        pred, pred0 = z.argmax(1), z0.argmax(1)
        fooled, fooled0 = pred != clean, pred0 != clean0
        shared = fooled & fooled0 & (pred == pred0)
        e.grad = None
        inner_loss(z, z0, y, fooled, fooled0, shared, len(x)).backward()
        e.data = (e.data - .2 * e.grad.sign()).clamp(-.2, .2)
        if shared.all():
            break
    e = e.detach()
    z, zp = net(torch.cat([x, x + e])).split(len(x))
    clean, clean0, pred, pred0 = z.argmax(1), suspect(x).argmax(1), zp.argmax(1), suspect(x + e).argmax(1)
    adam.zero_grad()
    outer_loss(z, zp, y, clean0, pred0).backward()
    adam.step()
    return int(((pred != clean) & (pred0 != clean0) & (pred == pred0)).sum())


def sau_best(net, suspect, x, y, adam):
    """The same numbers with nothing computed that is not used."""
    suspect.requires_grad_(False)
    with torch.no_grad():
        clean0 = suspect(x).argmax(1)
    z = net(x)  # of the outer loss as well: the weights do not change in between
    clean, pred0, e = z.argmax(1), clean0.clone(), torch.full_like(x, .2)
    net.requires_grad_(False)
    left = torch.arange(len(x))  # not yet shared
    for _ in range(5):
        v = (x[left] + e[left]).requires_grad_(True)
        w, w0 = net(v), suspect(v)
        now, now0 = w.detach().argmax(1), w0.detach().argmax(1)
        fooled, fooled0 = now != clean[left], now0 != clean0[left]
        shared = fooled & fooled0 & (now == now0)
        pred0[left] = now0
        go = ~shared
        if not go.any():
            left = left[go]
            break
        inner_loss(w, w0, y[left], fooled, fooled0, shared, len(x)).backward()
        left, g = left[go], v.grad[go]
        e[left] = (e[left] - .2 * g.sign()).clamp(-.2, .2)
    if len(left):
        with torch.no_grad():
            pred0[left] = suspect(x[left] + e[left]).argmax(1)
    net.requires_grad_(True)
    zp = net(x + e)
    adam.zero_grad(set_to_none=True)
    outer_loss(z, zp, y, clean0, pred0).backward()
    adam.step()
    pred = zp.argmax(1)
    return int(((pred != clean) & (pred0 != clean0) & (pred == pred0)).sum())


if __name__ == "__main__":
    if sys.argv[1] == "export":
        export(sys.argv[2], int(sys.argv[3]), sys.argv[4], *map(int, sys.argv[5:]))
    else:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
