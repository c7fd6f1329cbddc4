#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast assay-inspect goes through pickles that are dense with opcodes.

    tests/bench_inspect.py BINDIR

Writes lists of numbers and short strings, times the tool on each (processor
seconds of one process, less those on an empty pickle; with hashing), and beside it
those scanners in Python that are installed.
"""
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile


def samples(rng):
    yield "integers", [rng.randrange(-5, 70000) for _ in range(12000000)]
    yield "floats", [rng.random() for _ in range(5000000)]
    yield "strings", ["s%d" % i for i in range(2500000)]
    yield "records", [{"a": i, "b": i * .5, "c": (i, None, True)} for i in range(600000)]


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def scanners(bindir):
    yield "assay-inspect", [os.path.join(bindir, "assay-inspect")]
    for module, command in (("picklescan", ["-m", "picklescan.cli", "-p"]), ("modelscan", ["-m", "modelscan.cli", "-p"]),
                            ("fickling", ["-m", "fickling", "-s"])):
        if subprocess.run([sys.executable, "-c", "import " + module], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            yield module, [sys.executable] + command


def main():
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        empty = os.path.join(folder, "empty.pkl")
        with open(empty, "wb") as f:
            pickle.dump(None, f, 4)
        tools = list(scanners(sys.argv[1]))
        start = {name: min(seconds(c + [empty]) for _ in range(3)) for name, c in tools}
        print("%-10s %8s  %s" % ("", "MB", "  ".join("%18s" % name for name, _ in tools)))
        for what, value in samples(rng):
            path = os.path.join(folder, what + ".pkl")
            with open(path, "wb") as f:
                pickle.dump(value, f, 4)
            del value
            mb = os.path.getsize(path) / 1e6
            rates = []
            for name, c in tools:
                s = min(seconds(c + [path]) for _ in range(3)) - start[name]
                rates.append("%13.0f MB/s" % (mb / max(s, 1e-3)))
            print("%-10s %8.1f  %s" % (what, mb, "  ".join("%18s" % r for r in rates)))
            os.remove(path)


main()
