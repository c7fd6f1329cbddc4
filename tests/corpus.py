#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Judge assay-inspect by a corpus with a manifest (fixtures/corpus/make.py):

    tests/corpus.py [--save FILE] BINDIR CORPUS...

One run of assay-inspect over each corpus.  An item is flagged when a file
of it is suspicious or malicious, clean when each is analysed and nothing is
wrong.  Prints the confusion matrix by family, with Wilson intervals, then each
miss and false alarm.  With CORPUS_STRICT=1 the status is 1 below the aims: 99 %
of the malicious flagged, no malformed or opaque item clean, at most 1 % of the
benign flagged.  A notice is noted by a finding that a person should look at.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import time

# what an item is when its files are several: the first of these
ORDER = ["malicious", "suspicious", "crashed", "incomplete", "not-analysed", "clean"]
SHORT = ["flagged", "noted", "incomplete", "unread", "clean"]


def wilson(k, n, z=1.959964):
    if n == 0:
        return 0.0, 1.0
    p = k / n
    mid = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** .5
    return max(0.0, mid - half), min(1.0, mid + half)


def rate(k, n):
    low, high = wilson(k, n)
    return "%5.1f %% [%5.1f, %5.1f]" % (100 * k / n if n else 0, 100 * low, 100 * high)


def manifest(corpus):
    with open(os.path.join(corpus, "manifest.tsv")) as f:
        head = f.readline().rstrip("\n").split("\t")
        return [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f]


def item_of(path):
    return "/".join(path.split("/")[:2])


def inspect(bindir, corpus):
    """{item: verdict}, {item: findings} and the status of one run."""
    start = time.time()
    run = subprocess.run([os.path.join(bindir, "assay-inspect"), "--json", corpus], stdout=subprocess.PIPE)
    took = time.time() - start
    doc = json.loads(run.stdout)
    verdict, found = {}, collections.defaultdict(list)
    for f in doc["files"]:
        item = item_of(f["path"])
        worst = verdict.get(item, "clean")
        mine = f["verdict"] if f["verdict"] in ORDER else "incomplete"
        verdict[item] = min(worst, mine, key=ORDER.index)
    for f in doc["findings"]:
        found[item_of(f["path"])].append(f)
    return verdict, found, run.returncode, took


def outcome(verdict):
    if verdict in ("malicious", "suspicious"):
        return "flagged"
    return {"not-analysed": "unread", "clean": "clean"}.get(verdict, "incomplete")


def table(rows, got):
    for label in ("malicious", "malformed", "opaque", "notice", "benign"):
        mine = [r for r in rows if r["label"] == label]
        if not mine:
            continue
        want = "flagged" if label == "malicious" else "flagged" if label == "benign" else "not clean"
        print("\n%-12s %6s %s  %s" % (label, "items", " ".join("%10s" % s for s in SHORT), want))
        families = sorted({r["family"] for r in mine})
        for family in families + (["all"] if len(families) > 1 else []):
            part = [r for r in mine if family in ("all", r["family"])]
            n = collections.Counter(got[r["item"]] for r in part)
            k = n["flagged"] if want == "flagged" else len(part) - n["clean"]
            print("%-12s %6d %s  %s" % (family[:18], len(part), " ".join("%10d" % n[s] for s in SHORT), rate(k, len(part))))


def wrong(row, got):
    if row["label"] == "notice":
        return got not in ("flagged", "noted")
    if row["label"] == "malicious":
        return got != "flagged"
    if row["label"] == "benign":
        return got == "flagged"
    return got == "clean"


def show(title, rows, got, found):
    print("\n%s: %d" % (title, len(rows)))
    for r in rows:
        ids = collections.Counter("%s/%s" % (f["severity"], f["id"]) for f in found[r["item"]])
        print("  %-44s %-11s %s%s" % (r["item"], got[r["item"]], r["technique"], "  [" + ", ".join(sorted(ids)) + "]" if ids else ""))


def below(rows, got):
    """What is below its aim."""
    bad = []
    n = collections.Counter(r["label"] for r in rows)
    lost = collections.Counter(r["label"] for r in rows if wrong(r, got[r["item"]]))
    if lost["malicious"] > .01 * n["malicious"]:
        bad.append("malicious items missed: %d of %d" % (lost["malicious"], n["malicious"]))
    if lost["malformed"] + lost["opaque"] > 0:
        bad.append("malformed or opaque items called clean: %d" % (lost["malformed"] + lost["opaque"]))
    if lost["benign"] > .01 * n["benign"]:
        bad.append("benign items flagged: %d of %d" % (lost["benign"], n["benign"]))
    return bad


def judge(bindir, corpus, save):
    """Print all about one corpus; True when it is below the aims."""
    rows = manifest(corpus)
    verdict, found, status, took = inspect(bindir, corpus)
    gone = [r["item"] for r in rows if r["item"] not in verdict]
    got = {r["item"]: outcome(verdict.get(r["item"], "incomplete")) for r in rows}
    for r in rows:
        if r["label"] == "notice" and got[r["item"]] != "flagged" and any(f["severity"] == "medium" for f in found[r["item"]]):
            got[r["item"]] = "noted"
    print("%s: %d items, status %d, %.1f s" % (corpus, len(rows), status, took))
    for item in gone:
        print("no verdict: " + item)
    table(rows, got)
    bad = [r for r in rows if wrong(r, got[r["item"]])]
    for label, title in (("malicious", "missed"), ("malformed", "malformed, called clean"), ("opaque", "opaque, called clean"), ("notice", "notice, nothing noted"), ("benign", "false alarms")):
        show(title, [r for r in bad if r["label"] == label], got, found)
    show("benign, not called clean", [r for r in rows if r["label"] == "benign" and got[r["item"]] in ("incomplete", "unread")], got, found)
    if save:
        for r in rows:
            save.write("%s\t%s\t%s\t%s\n" % (r["item"], r["label"], got[r["item"]], " ".join(sorted({x["id"] for x in found[r["item"]]}))))
    why = below(rows, got)
    for what in why:
        print("below the aim: " + what)
    return bool(why or gone)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("bindir")
    p.add_argument("corpus", nargs="+")
    p.add_argument("--save", type=argparse.FileType("w"), help="write item, label, outcome and finding ids here, as a table")
    a = p.parse_args()
    low = [judge(a.bindir, corpus, a.save) for corpus in a.corpus]
    return 1 if os.environ.get("CORPUS_STRICT") == "1" and any(low) else 0


if __name__ == "__main__":
    sys.exit(main())
