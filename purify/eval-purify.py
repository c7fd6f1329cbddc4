#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What purification did to the models of the zoo, as Markdown.

    eval-purify.py OUT [each]   reads OUT/<method>/<model>-<seed>/{eval,purify}.json (purify/zoo-purify.sh)

Accuracy, attack success and recovered accuracy are means over models and seeds of what was measured on the test
images; DER = (max(0, fall of ASR) - max(0, fall of ACC) + 1) / 2 of each run, then averaged.  "sd" is the mean
over models of the standard deviation over seeds.  Victims whose attack succeeds in less than .8 of the images before
are counted apart.  "each": a row for each run as well.  Status 0; 2 when something cannot be read.
"""
import json
import os
import re
import statistics
import sys


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def rate(doc, key):
    v = doc.get(key)
    return float(v["rate"]) if isinstance(v, dict) else None


WEAK = 0.8


class Run:
    def __init__(self, method, folder, name):
        doc, made = read(os.path.join(folder, "eval.json")), read(os.path.join(folder, "purify.json"))
        before = doc["baseline"]
        self.method = method
        self.model, self.seed = name.rsplit("-", 1)
        self.attack = re.match(r"[a-z]+\d*-(.*)-(vgg|preact)-\d+$", self.model).group(1)
        self.acc, self.acc0 = rate(doc, "accuracy"), rate(before, "accuracy")
        self.asr, self.asr0 = rate(doc, "asr"), rate(before, "asr")
        if self.asr0 is not None and self.asr0 < WEAK:
            self.attack += " (weak)"
        self.racc = rate(doc, "recovered_accuracy")
        self.der = float(doc["der"]) if doc.get("der") is not None else None
        self.seconds = float(made["run"]["seconds"])
        self.rounds = len(made["rounds"])


def runs(out):
    found = []
    for method in sorted(os.listdir(out)):
        top = os.path.join(out, method)
        for name in sorted(os.listdir(top)) if os.path.isdir(top) else []:
            folder = os.path.join(top, name)
            if os.path.exists(os.path.join(folder, "eval.json")):
                found.append(Run(method, folder, name))
    return found


def spread(some, key):
    by = {}
    for r in some:
        by.setdefault(r.model, []).append(getattr(r, key))
    many = [statistics.stdev(v) for v in by.values() if len(v) > 1]
    return " (sd %.3f)" % statistics.mean(many) if many else ""


def mean(some, key):
    return statistics.mean(getattr(r, key) for r in some)


def victims(some):
    print("| method | attack | models x seeds | ACC before | ACC | ASR before | ASR | R-ACC | DER | worst DER | ASR <= .02 | s a round |")
    print("| --- " * 12 + "|")
    for method in sorted({r.method for r in some}):
        own = [r for r in some if r.method == method]
        for attack in ["all"] + sorted({r.attack for r in own}):
            v = [r for r in own if r.attack == attack or (attack == "all" and r.asr0 >= WEAK)]
            if not v:
                continue
            cell = "| %s | %s | %d x %d |" % (method, "**all**" if attack == "all" else attack, len({r.model for r in v}), len({r.seed for r in v}))
            cell += " %.3f | %.3f%s |" % (mean(v, "acc0"), mean(v, "acc"), spread(v, "acc"))
            cell += " %.3f | %.3f%s | %.3f |" % (mean(v, "asr0"), mean(v, "asr"), spread(v, "asr"), mean(v, "racc"))
            cell += " **%.4f**%s | %.4f |" % (mean(v, "der"), spread(v, "der"), min(r.der for r in v))
            cell += " %d of %d | %.1f |" % (sum(r.asr <= 0.02 for r in v), len(v), mean(v, "seconds") / max(1, mean(v, "rounds")))
            print(cell)


def each(some):
    print("| method | model | seed | ACC before | ACC | ASR before | ASR | R-ACC | DER |")
    print("| --- " * 9 + "|")
    for r in some:
        print("| %s | %s | %s | %.4f | %.4f | %.4f | %.4f | %.4f | %.4f |" % (r.method, r.model, r.seed, r.acc0, r.acc, r.asr0, r.asr, r.racc, r.der))
    print()


def clean(some):
    print("| method | clean models x seeds | ACC before | ACC | largest fall |")
    print("| --- " * 5 + "|")
    for method in sorted({r.method for r in some}):
        v = [r for r in some if r.method == method]
        print("| %s | %d x %d | %.4f | %.4f%s | %.4f |" % (method, len({r.model for r in v}), len({r.seed for r in v}),
              mean(v, "acc0"), mean(v, "acc"), spread(v, "acc"), max(r.acc0 - r.acc for r in v)))


def main(argv):
    if len(argv) not in (2, 3) or argv[2:] not in ([], ["each"]):
        sys.exit(__doc__)
    try:
        found = runs(argv[1])
    except (OSError, ValueError, KeyError, AttributeError) as e:
        print("eval-purify: %s" % e, file=sys.stderr)
        return 2
    bad, good = [r for r in found if r.asr is not None], [r for r in found if r.asr is None]
    if bad and argv[2:]:
        each(bad)
    if bad:
        victims(bad)
    if good:
        print()
        clean(good)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
