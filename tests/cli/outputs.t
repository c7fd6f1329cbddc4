#!/bin/sh
# The other forms of a report: well-formed, agreeing with the statement, and
# inert whatever the names in the bundle are.  Third parties' schemas are
# used where ASSAY_SCHEMAS says where they are.
. tests/cli/tap.sh
valid() { # valid SCHEMA FILE
	if [ -n "${ASSAY_SCHEMAS:-}" ]; then
		ok "$1" python3 tests/schema.py "$ASSAY_SCHEMAS" "$1" "$2"
	else
		ok "$1 # SKIP no ASSAY_SCHEMAS" true
	fi
}
export SOURCE_DATE_EPOCH=1767323045

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

# --- names that would like to be markup
case=$tmp/hostile
sh tests/case.sh clean $case
python3 - $case <<'P'
import json, sys
case = sys.argv[1]
d = json.load(open(case + "/inspect.json"))
evil = "<script>alert(1)</script>|`x`[a](http://b)\u202e\x1b[31m&amp;\"'\r\n# head"
d["findings"] = [{"id": "FILE_UNKNOWN", "severity": "high", "summary": "s", "path": "labels.txt", "detail": evil}]
json.dump(d, open(case + "/inspect.json", "w"))
P
run assay-report $case
r=$case/report
ok "hostile: the case failed" grep -q '"verdict":"FAILED"' $r/statement.json
for f in junit.xml report.md report.txt report.html report.sarif; do
	ok "$f has no control characters" sh -c "! LC_ALL=C grep -qP '[\\x00-\\x08\\x0b-\\x1f]' $r/$f"
	ok "$f has no bidirectional overrides" sh -c "! grep -q \"\$(printf '\\342\\200\\256')\" $r/$f"
done
for f in junit.xml report.md report.html; do
	ok "$f has no tag of theirs" sh -c "! grep -q '<script' $r/$f"
done
ok "junit.xml is well-formed" python3 -c "import xml.etree.ElementTree as E; E.parse('$r/junit.xml')"
ok "report.md has no link of theirs" sh -c "! grep -q '\\[a\\](' $r/report.md"
ok "nor a heading" sh -c "! grep -q '^# head' $r/report.md"
statements_fit
done_testing
