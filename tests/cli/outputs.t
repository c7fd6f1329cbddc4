#!/bin/sh
# The other forms of a report: well-formed, agreeing with the statement, and
# inert whatever the names in the bundle are.  Third parties' schemas are
# used where ASSAY_SCHEMAS says where they are.
. tests/cli/tap.sh
valid() { # valid SCHEMA FILE
	if [ -n "${ASSAY_SCHEMAS:-}" ]; then
		ok "$1" env PATH=/usr/bin:/bin python3 -W ignore tests/schema.py "$ASSAY_SCHEMAS" "$1" "$2"
	else
		ok "$1 # SKIP no ASSAY_SCHEMAS" true
	fi
}
export SOURCE_DATE_EPOCH=1767323045

# a bundle that failed, and was not seen to its end: both are said
sh tests/case.sh backdoored $tmp/part
sed -i 's/"complete":true/"complete":false/' $tmp/part/inspect.json
exits 1 "failed, and incomplete" assay-report $tmp/part
ok "SARIF says so" jq -e '.runs[0].invocations[0] | (.executionSuccessful | not) and (.toolExecutionNotifications[0].descriptor.id == "INCOMPLETE")' $tmp/part/report/report.sarif
rm -r $tmp/part

for kind in clean backdoored inconclusive purified; do
	case=$tmp/$kind
	sh tests/case.sh $kind $case
	run assay-report $case
	r=$case/report
	for f in bom.cdx.json junit.xml report.md report.sarif report.txt; do
		ok "$kind: $f" [ -s $r/$f ]
		ok "its digest is in the statement" sh -c \
		    "grep -q \$(sha256sum <$r/$f | cut -d' ' -f1) $r/statement.json"
	done
	ok "$kind: junit.xml counts its cases" python3 - $r <<-'P'
		import json, sys, xml.etree.ElementTree as E
		r = sys.argv[1]
		suite = E.parse(r + "/junit.xml").getroot()[0]
		p = json.load(open(r + "/statement.json"))["predicate"]
		count = lambda tag: sum(1 for c in suite if c.find(tag) is not None)
		assert int(suite.get("tests")) == len(suite)
		for tag, name in ("failure", "failures"), ("error", "errors"), ("skipped", "skipped"):
		    assert int(suite.get(name)) == count(tag), tag
		grave = [f for f in p["findings"] if f["severity"] in ("high", "critical")]
		failed = [c for c in p["checks"] if c["status"] == "FAILED"]
		assert count("failure") == len(grave) + len(failed)
		assert len(suite) == len(p["checks"]) + len(grave) + len(p["scope"]["notTested"])
	P
	ok "$kind: bom.cdx.json has the files and the checks" python3 - $r <<-'P'
		import json, sys
		r = sys.argv[1]
		b = json.load(open(r + "/bom.cdx.json"))
		p = json.load(open(r + "/statement.json"))["predicate"]
		c = b["metadata"]["component"]
		assert [f["name"] for f in c["components"]] == [f["name"] for f in p["manifest"]["resources"]]
		d = b["declarations"]
		refs = {x["bom-ref"] for x in d["claims"]} | {x["bom-ref"] for x in d["assessors"]}
		reqs = {x["bom-ref"] for s in b["definitions"]["standards"] for x in s["requirements"]}
		for m in d["attestations"][0]["map"]:
		    assert m["requirement"] in reqs
		    assert set(m.get("claims", []) + m.get("counterClaims", [])) <= refs
		    assert ("claims" in m) == (m["conformance"]["score"] == 1)
		assert len(d["claims"]) == len(p["checks"])
	P
	valid cyclonedx/bom-1.6.schema.json $r/bom.cdx.json
	ok "$kind: report.sarif has the findings, and the flips of each target" python3 - $r <<-'P'
		import json, sys
		r = sys.argv[1]
		run = json.load(open(r + "/report.sarif"))["runs"][0]
		p = json.load(open(r + "/statement.json"))["predicate"]
		assert [x["ruleId"] for x in run["results"]] == [f["id"] for f in p["findings"]]
		assert len(run["artifacts"]) == len(p["manifest"]["resources"])
		checks = {c["id"]: c for c in p["checks"]}
		for x, f in zip(run["results"], p["findings"]):
		    assert ("graphs" in x) == ("target" in f), f
		    if "target" not in f:
		        continue
		    g = x["graphs"][0]
		    want = checks["flip-radius/" + f["geometry"]]["evidence"]["perClass"][f["target"]]["perSource"]
		    assert [e["properties"]["flips"] for e in g["edges"]] == [w["flips"] for w in want]
		    ids = {n["id"] for n in g["nodes"]}
		    assert all(e["targetNodeId"] == str(f["target"]) and e["sourceNodeId"] in ids for e in g["edges"])
	P
	valid sarif/sarif-schema-2.1.0.json $r/report.sarif
	v=$(sed -n 's/.*"verdict":"\([A-Z]*\)".*/\1/p' $r/statement.json | head -1)
	ok "$kind: report.txt says $v" grep -q "^verdict *$v\$" $r/report.txt
	ok "$kind: report.md says $v" grep -q "Model audit: $v\$" $r/report.md
	ok "$kind: assay-report --force gives the same bytes" sh -c \
	    "cp -r $r $tmp/again.$kind; assay-report --force $case; diff -r $r $tmp/again.$kind"
done

edit() { # edit DOCUMENT: python on standard input, d is the document
	cat >$tmp/edit.py
	python3 - $1 $tmp/edit.py <<-'P'
	import json, sys
	path, code = sys.argv[1:]
	scope = {"d": json.load(open(path))}
	exec(open(code).read(), scope)
	json.dump(scope["d"], open(path, "w"))
	P
}

# --- targets of one source class each
case=$tmp/pair
sh tests/case.sh backdoored $case
edit $case/scan.json <<'P'
file = next(r["perturbation"] for g in d["geometries"] if g["name"] == "linf" for r in g["per_class"] if "perturbation" in r)
flips = {"n": 40, "shared": 1, "different": 2, "unshared": 28}
d["pairs"] = [{"source": s, "class": 7, "flips": dict(flips, flipped=38 - s), "perturbation": file} for s in (3, 5)]
d["targets"] = [{"class": 7, "source": s, "name": "Sneaker", "geometry": "pair", "p": 1e-9} for s in (3, 5)]
for x in d["examples"]["shown"]:
    x["geometry"] = "pair"
P
exits 1 "pair: a report" assay-report $case
r=$case/report
ok "pair: the statement has the source class and its flips" python3 - $r <<'P'
import json, sys
p = json.load(open(sys.argv[1] + "/statement.json"))["predicate"]
f = [f for f in p["findings"] if f["id"] == "BEHAVIOUR_TARGET"]
assert [x["sourceClass"] for x in f] == [3, 5], f
assert all("images of class %d to class 7" % x["sourceClass"] in x["detail"] for x in f), f
t = next(c for c in p["checks"] if c["id"] == "behaviour")["evidence"]["targets"]
assert [(x["flips"]["source"], x["flips"]["flips"], x["flips"]["n"]) for x in t] == [(3, 35, 40), (5, 33, 40)], t
P
ok "pair: report.sarif has one edge for each" python3 - $r <<'P'
import json, sys
x = [x for x in json.load(open(sys.argv[1] + "/report.sarif"))["runs"][0]["results"] if "graphs" in x]
e = [x["graphs"][0]["edges"] for x in x]
assert [[(x["sourceNodeId"], x["targetNodeId"], x["properties"]["flips"]) for x in e] for e in e] == [[("3", "7", 35)], [("5", "7", 33)]], e
assert len({json.dumps(x["partialFingerprints"]) for x in x}) == 2
P
example() { # example SOURCE WORDS: what follows the heading of a source
	python3 - $r/report.html "$1" "$2" <<-'P'
	import re, sys
	page, source, words = sys.argv[1:]
	part = open(page).read().split("<h3>From %s to Sneaker (class 7)</h3>" % source)[1]
	rows = re.findall('alt="before".*?</tr>', re.split("<h3>|</section>", part)[0])
	assert len(rows) == 1 and 'alt="after"' in rows[0], rows
	assert re.findall("<td>([^<]*)</td>", rows[0])[-3:] == words.split(", "), rows
	P
}
ok "pair: a source, its own example" example "Dress (class 3)" "Dress (class 3), Sneaker (class 7), 2 of 2 keep it"
ok "pair: another, another" example "Sandal (class 5)" "Sandal (class 5), Sneaker (class 7), 1 of 2 keep it"
ok "pair: the diagram has their arrows and no other" [ "$(grep -c -e '-> c7' $r/flips.dot)" -eq 2 ]
valid sarif/sarif-schema-2.1.0.json $r/report.sarif
valid cyclonedx/bom-1.6.schema.json $r/bom.cdx.json
sed 's/"sourceClass":3/"sourceClass":4/' $r/statement.json >$tmp/moved.json
exits 1 "pair: another source is another finding" assay-report --diff $r $tmp/moved.json
prints "1 new, 1 fixed"

# --- a policy that requires things, and waives one
case=$tmp/policy
sh tests/case.sh clean $case
edit $case/inspect.json <<'P'
why = {"reason": "<b>ours</b>", "expires": "2027-01-31"}
found = [("FILE_EXECUTABLE", "high", why), ("FILE_UNKNOWN", "medium", None), ("FILE_SOURCE", "grave", None)]
d["findings"] = [dict({"id": i, "severity": s, "summary": "s", "path": "labels.txt", "detail": "d"}, **({"waived": w} if w else {})) for i, s, w in found]
d["policy"] = {"name": "ours & theirs", "sha256": "7" * 64, "fail-at": "medium", "entries": [],
    "require": {"formats": ["safetensors"], "references": 3, "checks": ["supply-chain"]}}
P
exits 1 "policy: a report" assay-report $case
r=$case/report
unmet="model.onnx is of the format"
ok "policy: report.txt says what is not met" grep -q "^  FAILED        formats: $unmet 'onnx'\$" $r/report.txt
ok "policy: and what could not be told" grep -q '^  INCONCLUSIVE  references: 2 trusted references, 3 are required$' $r/report.txt
ok "policy: report.md does" grep -q '^| formats | &#10060; | FAILED | model\\.onnx is of' $r/report.md
ok "policy: junit.xml does" grep -q "^formats: $unmet &#39;onnx&#39;\$" $r/junit.xml
ok "policy: the page has a table of it" sh -c "grep -q 'What the policy requires</span></caption>' $r/report.html && grep -q '>$unmet &#39;onnx&#39;</td>' $r/report.html"
ok "policy: its first page has the first of it" grep -q 'Required by the policy</a>: 0 of 3 met' $r/report.html
ok "policy: the check has words" grep -q '>policy</th>.*what the policy that was given requires' $r/report.html
ok "policy: it supports controls" sh -c "grep 'GOVERN 6.1' $r/report.html | grep -q 'supports, by <a href=\"#coverage\"'"
ok "policy: junit.xml fails what the policy fails" [ "$(grep -c 'assay.finding' $r/junit.xml)" -eq 2 ]
ok "policy: a waived finding is said to be that" sh -c "grep -q '^  waived   FILE_EXECUTABLE' $r/report.txt && grep -q '^| high, waived | FILE' $r/report.md"
ok "policy: its name is text" sh -c "grep -q '^given *ours & theirs$' $r/report.txt && grep -q 'ours &amp; theirs |$' $r/report.md && grep -q 'ours &amp; theirs' $r/report.html"
edit $case/inspect.json <<'P'
d["findings"] = []
P
exits 1 "policy: nothing but the policy fails" assay-report --force $case
ok "policy: the first page blames no file" sh -c "grep '<p class=\"plain\"' $r/report.html | grep -q 'It is not what the policy requires'"
edit $case/inspect.json <<'P'
d["policy"].pop("require")
P
exits 0 "policy: one that requires nothing" assay-report --force $case
ok "policy: supports no control by that" sh -c "grep 'GOVERN 6.1' $r/report.html | grep -q 'nothing: no policy required anything'"

# --- names that would like to be markup
case=$tmp/hostile
sh tests/case.sh clean $case
python3 - $case <<'P'
import json, sys
case = sys.argv[1]
d = json.load(open(case + "/inspect.json"))
evil = "<script>alert(1)</script>|`x`[a](http://b)\u202e\x1b[31m&amp;\"'\r\n# head @all #7 \ufffe\uffff\U0001ffff\ufdd0\u3164"
why = {"reason": evil, "expires": "2027-01-31"}
d["findings"] = [{"id": "FILE_UNKNOWN" + more, "severity": "high", "summary": evil, "path": "labels.txt", "member": evil, "tensor": evil,
    "confidence": evil, "detail": evil, "was": "low", "changed": why} for more in ("", evil)]
d["findings"].append(dict(d["findings"][0], severity=evil, waived=why))
d["policy"] = {"name": evil, "sha256": "7" * 64, "entries": [], "require": {"formats": ["onnx"]}}
json.dump(d, open(case + "/inspect.json", "w"))
m = json.load(open(case + "/manifest.json"))
m["inputs"][0]["name"] = evil
m["refused"] = [{"path": evil, "reason": evil}]
json.dump(m, open(case + "/manifest.json", "w"))
P
run assay-report $case
r=$case/report
ok "hostile: the case failed" grep -q '"verdict":"FAILED"' $r/statement.json
for f in junit.xml report.md report.txt report.html report.sarif; do
	ok "$f has no control characters" sh -c "! LC_ALL=C grep -qP '[\\x00-\\x08\\x0b-\\x1f]' $r/$f"
	ok "$f has no bidirectional overrides" sh -c "! grep -q \"\$(printf '\\342\\200\\256')\" $r/$f"
	ok "$f has nothing that is no character" sh -c "! grep -q \"\$(printf '\\357\\277\\276\\|\\357\\277\\277\\|\\360\\237\\277\\277\\|\\357\\267\\220\\|\\343\\205\\244')\" $r/$f"
done
ok "report.sarif has none in any string" python3 - $r/report.sarif <<'P'
import json, sys
def walk(j):
    for x in j.values() if isinstance(j, dict) else j if isinstance(j, list) else ():
        yield from walk(x)
    if isinstance(j, str):
        yield j
for s in walk(json.load(open(sys.argv[1]))):
    assert not any(ord(c) < 32 or c in "\u202e\ufffe\uffff" for c in s), s
P
valid sarif/sarif-schema-2.1.0.json $r/report.sarif
for f in junit.xml report.md report.html; do
	ok "$f has no tag of theirs" sh -c "! grep -q '<script' $r/$f"
done
ok "junit.xml is well-formed" python3 -c "import xml.etree.ElementTree as E; E.parse('$r/junit.xml')"
ok "report.md has no link of theirs" sh -c "! grep -q '\\[a\\](' $r/report.md"
ok "nor one who is called, nor a number" sh -c "! grep -q '@all\|#7\|@.all\|#.7' $r/report.md && grep -q '@&#8203;all .#&#8203;7' $r/report.md"
ok "nor a heading" sh -c "! grep -q '^# head' $r/report.md"
rm $r/statement.json # no tool has such ids
statements_fit
done_testing
