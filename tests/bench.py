#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time the engine, PyTorch and onnxruntime-node in turns; medians over the rounds, as Markdown.

    make bench                                  everything; hours
    BENCH="preact vit" BENCH_CASES="logits sau" BENCH_ROUNDS=3 BENCH_BATCH=64 BENCH_THREADS=2 make bench
    UPDATE=1 make bench                         rewrites the tables of engine/SPEED.md
    npm install --prefix build/peers --ignore-scripts onnxruntime-node     for that column

Work items: peak preact vgg cnn resnet50 mobilenet vit growth load (tests/bench_load.py)
inspect (tests/bench_inspect.py); cases: logits gradient train sau.
BENCH_SAU has the numbers of images of a SAU step.  Where a pass takes minutes: BENCH_WARM=0 counts the first two
as well, BENCH_LAYOUTS=channels_last leaves out PyTorch's other layout; each turn is told as it ends.  engine/SPEED.md says what is compared.  This process
imports no PyTorch: every competitor is a child of its own (tests/bench.c, bench_torch.py, peer.js), so
that memory can be told apart.
"""
import datetime
import os
import platform
import statistics
import subprocess
import sys

import bench_load

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # Debian's own has the packages
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
THREADS = [int(t) for t in os.environ.get("BENCH_THREADS", "1 2").split()]
WARM = int(os.environ.get("BENCH_WARM", 2))  # passes that warm up
LAYOUTS = os.environ.get("BENCH_LAYOUTS", "NCHW channels_last").split()
PASSES = {"logits": 1, "gradient": 2, "train": 3}  # in forward passes
TITLE = {"logits": "logits", "gradient": "image gradient", "train": "training step", "sau": "SAU step"}
ALL, EVAL = ("logits", "gradient", "train", "sau"), ("logits", "gradient")
# name: (net of tests/nets.py, its name in the tables, images, images of SAU steps, cases)
ITEMS = {
    "preact": ("preactresnet18", "PreAct-ResNet18, 32x32", 256, (32, 256), ALL),
    "vgg": ("vgg19_bn, 32 pixels", "VGG19-BN, 32x32", 256, (32,), ALL),
    "cnn": ("cnn", "small CNN, 28x28", 256, (256,), ALL),
    "resnet50": ("resnet50", "ResNet-50, 224x224", 16, (), EVAL),
    "mobilenet": ("mobilenet_v2", "MobileNetV2, 224x224", 16, (), EVAL),
    "vit": ("vit_b_16, 224 pixels", "ViT-B/16, 224x224", 16, (), EVAL),
}
MARK = "<!-- below: UPDATE=1 make bench -->\n"


# --- taking turns ------------------------------------------------------------

class Refused(Exception):
    pass


def run(command):
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if r.returncode != 0:
        raise Refused((r.stderr.strip().splitlines() or ["no message"])[-1])
    return r.stdout


class Competitor:
    """A child that does one pass for each line it is sent."""
    def __init__(self, command, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                   OMP_WAIT_POLICY="passive",  # whose turn it is not must not spin; as the tools do
                   NODE_PATH=os.path.abspath(PEERS))
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        self.times, self.cpu, self.says, self.memory = [], [], "", 0
        first = self.child.stdout.readline().split()
        if not first or first[0] != "ready":
            self.fail()
        self.macs = int(first[1]) if len(first) > 1 else 0

    def fail(self):
        _, err = self.child.communicate()
        raise Refused((err.strip().splitlines() or [f"status {self.child.returncode}"])[-1])

    def processor(self):
        """Seconds so far, of all threads: what a busy machine changes least."""
        with open(f"/proc/{self.child.pid}/stat") as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def turn(self):
        before = self.processor()
        self.child.stdin.write("\n")
        self.child.stdin.flush()
        words = self.child.stdout.readline().split()
        if not words:
            self.fail()
        self.times.append(float(words[0]))
        self.cpu.append(self.processor() - before)
        self.says = self.says or "".join(words[1:])  # of the first pass: later ones start from weights that drifted apart

    def close(self):
        out, _ = self.child.communicate()
        self.memory = int(out.split()[-1]) / 1024

    def median(self):
        return statistics.median(self.times[WARM:] or self.times)


def compete(commands, threads, rounds):
    """{name: Competitor}, or why it could not compete.  Of two layouts that differ much, the slower one stops early."""
    out = {}
    for name, command in commands.items():
        try:
            out[name] = Competitor(command, threads)
        except Refused as e:
            out[name] = str(e)
            if name == "Assay":
                return out
    racing = {k: c for k, c in out.items() if isinstance(c, Competitor)}
    for i in range(rounds + WARM):
        for k, c in racing.items():
            c.turn()
            if c.times[-1] > 1e4:
                say((k, f"pass {i + 1}:", f"{c.times[-1] / 1e3:.1f} s, {c.cpu[-1]:.1f} s of processor time", c.says))
        for k in list(racing) if i == 1 else []:
            rival = racing.get(k.replace("channels_last", "NCHW") if k.endswith("channels_last") else k.replace("NCHW", "channels_last"))
            if WARM and rival and racing[k].times[1] > 1.2 * rival.times[1]:
                racing.pop(k).close()
    for c in racing.values():
        c.close()
    return out


def prepare(build_dir, name, n, *more):
    folder = os.path.join(build_dir, "..", "bench")
    os.makedirs(folder, exist_ok=True)
    run([PYTHON, "-B", f"{HERE}/bench_torch.py", "export", name, str(n), folder, *map(str, more)])
    return folder


def load(build_dir, folder, *files):
    for f in files:
        run([f"{build_dir}/bin/assay-load", f"{folder}/{f}.onnx", "-o", f"{folder}/{f}.neutral"])


def commands(build_dir, folder, case, n, threads):
    kept = case in ("train", "sau")
    out = {"Assay": [f"{build_dir}/tests/bench", case, f"{folder}/{'kept' if kept else 'eval'}.neutral", f"{folder}/data", str(n)]}
    if case == "sau":
        out["Assay"].append(f"{folder}/suspect.neutral")
    for layout in LAYOUTS if HAVE["PyTorch"] else ():
        for kind in ("authors ", "best ") if case == "sau" else ("",):
            out[f"PyTorch {kind}{layout}"] = [PYTHON, "-B", f"{HERE}/bench_torch.py", "time", case, kind + layout, str(threads), folder]
    if case == "logits" and HAVE["onnxruntime-node"]:
        with open(f"{folder}/shape") as f:
            out["ONNX Runtime"] = ["node", f"{HERE}/peer.js", f"{folder}/eval.onnx", f"{folder}/x", f.read(), str(threads)]
    return out


# --- the tables --------------------------------------------------------------

HEAD = ("net", "case", "images", "threads", "Assay, ms an image", "GFLOP/s", "of the sgemm peak", "PyTorch, ms an image",
        "PyTorch / Assay", "ONNX Runtime / Assay", "Assay, MiB", "PyTorch, MiB")
SAU_HEAD = ("net", "images", "threads", "Assay, ms an image", "authors' way, ms an image", "authors' / Assay", "best PyTorch, ms an image",
            "best PyTorch / Assay", "shared: Assay, authors', best", "Assay, MiB", "authors', best, MiB")


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
                     + ["| " + " | ".join(str(v).replace("|", "/") for v in r) + " |" for r in rows]) + "\n"


def say(row):
    print("bench:", *row, file=sys.stderr, flush=True)
    return row


def fastest(c, start):
    layouts = [(v.median(), k, v) for k, v in c.items() if k.startswith(start) and isinstance(v, Competitor)]
    return min(layouts, key=lambda v: v[0])[1:] if layouts else ("", None)


def step_row(title, case, n, threads, c, peak):
    us = c["Assay"]
    if not isinstance(us, Competitor):
        return (title, TITLE[case], n, threads, "refused: " + us) + ("",) * 7
    ms = us.median() / n
    speed = 2e-6 * us.macs * PASSES[case] / ms
    which, torch = fastest(c, "PyTorch")
    runtime = c.get("ONNX Runtime")
    ratio = f"{runtime.median() / n / ms:.2f}" if isinstance(runtime, Competitor) else "failed: " + runtime if runtime else ""
    row = (title, TITLE[case], n, threads, f"{ms:.4g}", f"{speed:.1f}", f"{100 * speed / peak:.0f} %" if peak else "")
    if torch is None:
        return row + ("", "", ratio, f"{us.memory:.0f}", "")
    return row + (f"{torch.median() / n:.4g} ({which.split()[-1]})", f"{torch.median() / n / ms:.2f}", ratio, f"{us.memory:.0f}", f"{torch.memory:.0f}")


def sau_row(title, n, threads, c):
    us = c["Assay"]
    if not isinstance(us, Competitor):
        return (title, n, threads, "refused: " + us) + ("",) * 7
    ms = us.median() / n
    row = (title, n, threads, f"{ms:.4g}")
    authors, best = fastest(c, "PyTorch authors")[1], fastest(c, "PyTorch best")[1]
    if authors is None or best is None:
        return row + ("", "", "", "", us.says, f"{us.memory:.0f}", "")
    for v in (authors, best):
        row += (f"{v.median() / n:.4g}", f"{v.median() / n / ms:.2f}")
    return row + (f"{us.says}, {authors.says}, {best.says}", f"{us.memory:.0f}", f"{authors.memory:.0f}, {best.memory:.0f}")


def item(build_dir, key, peak, steps, saus):
    name, title, n, few, cases = ITEMS[key]
    wanted = os.environ.get("BENCH_CASES", " ".join(ALL)).split()
    n = int(os.environ.get("BENCH_BATCH", n))
    few = [min(int(v), n) for v in os.environ.get("BENCH_SAU", " ".join(map(str, few))).split()]
    for case, images in ((c, v) for c in cases if c in wanted for v in (few if c == "sau" else (n,))):
        try:
            folder = prepare(build_dir, name, images)
            load(build_dir, folder, *(("kept", "suspect") if case == "sau" else ("kept",) if case == "train" else ("eval",)))
        except Refused as e:
            row = (title, images, "", f"refused: {e}") + ("",) * 7 if case == "sau" else (title, TITLE[case], images, "", f"refused: {e}") + ("",) * 7
            (saus if case == "sau" else steps).append(say(row))
            continue
        for threads in THREADS:
            c = compete(commands(build_dir, folder, case, images, threads), threads, min(ROUNDS, 3) if case == "sau" else ROUNDS)
            if case == "sau":
                saus.append(say(sau_row(title, images, threads, c)))
            else:
                steps.append(say(step_row(title, case, images, threads, c, peak.get(threads))))


GROWTH = [("batch", n, n, 32, 64, 0) for n in (1, 4, 16, 64, 256)] + [("pixels", p, 16, p, 64, 0) for p in (16, 32, 64, 128)] \
    + [("channels", w, 16, 32, w, 0) for w in (16, 32, 64, 128)] + [("threads", t, 64, 32, 64, t) for t in (1, 2, 4)]


def growth(build_dir):
    """PreAct-ResNet18 with one thing changed at a time; the engine alone."""
    rows = []
    for what, value, n, pixels, width, threads in GROWTH:
        if threads > os.cpu_count():
            continue
        row = (what, value)
        folder = prepare(build_dir, "preactresnet18", n, pixels, width)
        load(build_dir, folder, "eval")
        for case in EVAL:
            c = Competitor([f"{build_dir}/tests/bench", case, f"{folder}/eval.neutral", f"{folder}/data", str(n)], threads or max(THREADS))
            for _ in range(ROUNDS + WARM):
                c.turn()
            c.close()
            row += (f"{c.median() / n:.4g}", f"{2e-6 * c.macs * PASSES[case] * n / c.median():.1f}", f"{c.memory:.0f}")
        rows.append(say(row))
    return table(("changed", "to", "logits, ms an image", "GFLOP/s", "MiB", "image gradient, ms an image", "GFLOP/s", "MiB"), rows)


def measure_peak(build_dir):
    out = {}
    for threads in THREADS:
        c = Competitor([f"{build_dir}/tests/bench", "peak"], threads)
        for _ in range(2 + 9):
            c.turn()
        c.close()
        out[threads] = c.median()
    return out


def about(build_dir, peak):
    with open("/proc/cpuinfo") as f:
        cpu = next((l.split(":")[1].strip() for l in f if l.startswith("model name")), platform.machine())
    peers = ", ".join(f"{k} {v}" if v else f"{k} not installed, skipped" for k, v in HAVE.items())
    part = " ".join(f'{k}="{v}"' for k, v in sorted(os.environ.items()) if k.startswith("BENCH"))
    return ((f"`{part} make bench`; " if part else "") + f"{datetime.date.today()}; {cpu}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start; {platform.platform()}; "
            f"{peers}; median of {ROUNDS} rounds (SAU: {min(ROUNDS, 3)}) after {WARM} that warm up.\n"
            + "".join(f"sgemm peak, {t} thread{'s' * (t > 1)}: {v:.1f} GFLOP/s.\n" for t, v in peak.items()))


def peers(build_dir):
    global PEERS, HAVE
    PEERS = os.path.join(build_dir, "..", "peers", "node_modules")
    tries = {"PyTorch": [PYTHON, "-c", "import torch, torchvision, onnx; print(torch.__version__)"],
             "onnxruntime-node": ["node", "-p", f"require('{os.path.abspath(PEERS)}/onnxruntime-node/package.json').version"]}
    HAVE = {}
    for name, command in tries.items():
        try:
            HAVE[name] = run(command).strip()
        except (Refused, OSError):
            HAVE[name] = ""


def main(build_dir):
    peers(build_dir)
    if not HAVE["PyTorch"]:
        print("bench: skipped, no python3-torch, which also exports the models")
        return
    chosen = os.environ.get("BENCH", " ".join(ITEMS) + " growth load").split()
    peak = measure_peak(build_dir) if chosen != ["load"] else {}
    text, steps, saus = about(build_dir, peak), [], []
    for key in (k for k in ITEMS if k in chosen):
        item(build_dir, key, peak, steps, saus)
    for title, head, rows in (("Passes", HEAD, steps), ("One step of SAU", SAU_HEAD, saus)):
        if rows:
            text += f"\n## {title}\n\n{table(head, rows)}"
    if "growth" in chosen:
        text += f"\n## How cost grows\n\nPreAct-ResNet18; where nothing else is said, 32x32 pixels, 16 images, 64 channels at first, "
        text += f"{max(THREADS)} threads.\n\n" + growth(build_dir)
    if "load" in chosen:
        text += "\n## Loading\n\n" + table(bench_load.HEAD, bench_load.rows(build_dir, say))
    print(text, end="")
    if "UPDATE" in os.environ:
        path = os.path.join(HERE, "..", "engine", "SPEED.md")
        with open(path) as f:
            head = f.read().split(MARK)[0]
        with open(path, "w") as f:
            f.write(head + MARK + "\n" + text)


if __name__ == "__main__":
    main(sys.argv[1])
