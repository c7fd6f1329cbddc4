#!/bin/sh
# assay-report --diff: what is new, fixed and changed, and what got worse.
. tests/cli/tap.sh
export SOURCE_DATE_EPOCH=1767323045
for kind in clean backdoored; do
	sh tests/case.sh $kind $tmp/$kind
	assay-report $tmp/$kind >/dev/null 2>&1
done
a=$tmp/clean/report b=$tmp/backdoored/report
exits 0 "a report and itself" assay-report --diff $a $a
prints "verdict *PASSED -> PASSED"
prints "the same files"
prints "0 new, 0 fixed, 0 changed"
prints "radii *0 moved"
exits 1 "from clean to backdoored" assay-report --diff $a $b
prints "verdict *PASSED -> FAILED"
prints "other files"
prints "^  + critical BEHAVIOUR_TARGET"
exits 0 "and back: nothing got worse" assay-report --diff $b $a
prints "^  - critical BEHAVIOUR_TARGET"
exits 1 "statements by name" assay-report --diff $a/statement.json $b/statement.json
run assay-report --diff --json $a $b
ok "--json agrees with the statements" python3 - $out $a $b <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	f = lambda p: json.load(open(p + "/statement.json"))["predicate"]
	old, new = f(sys.argv[2]), f(sys.argv[3])
	key = lambda x: (x["id"], x["path"], x.get("geometry"), x.get("target"))
	was, now = {key(x) for x in old["findings"]}, {key(x) for x in new["findings"]}
	assert {key(x) for x in d["findings"]["new"]} == now - was
	assert {key(x) for x in d["findings"]["fixed"]} == was - now
	assert d["schema"] == "assay-diff/1" and d["subject"]["same"] is False
P
jq '.predicate.findings += [{id: "X", path: "p", severity: "grave"}]' $a/statement.json >$tmp/grave.json
exits 1 "a new finding of a severity that nobody knows" assay-report --diff $a $tmp/grave.json
# a severity that changes, a radius that moves
python3 - $a $tmp/other.json <<'P'
import json, sys
d = json.load(open(sys.argv[1] + "/statement.json"))
for f in d["predicate"]["findings"]:
    f["severity"] = "high"
for c in d["predicate"]["checks"]:
    if c["id"].startswith("flip-radius"):
        r = c["evidence"]["perClass"][3]["radius"]
        r["suspect"] = str(float(r["suspect"]) * 0.5)
        break
json.dump(d, open(sys.argv[2], "w"))
P
exits 1 "a finding that is graver" assay-report --diff $a $tmp/other.json
prints "1 changed"
prints "^  < note"
prints "^  > high"
prints "radii *1 moved"
prints "flip-radius/.* class 3"
exits 4 "one report" assay-report --diff $a
exits 4 "two cases" assay-report $tmp/clean $tmp/backdoored
exits 2 "no report" assay-report --diff $a $tmp/none
echo '{"predicate": 7, "subject": "x"}' >$tmp/odd.json
exits 2 "a statement that says nothing" assay-report --diff $tmp/odd.json $tmp/odd.json
says 'odd.json: not the statement of a model audit'
jq '.predicate.verdict = "FINE"' $a/statement.json >$tmp/odd.json
exits 2 "a verdict that is none" assay-report --diff $tmp/odd.json $a
# another finding of the same kind at the same place
jq '.predicate.findings += [.predicate.findings[0] + {severity: "critical", detail: "one more"}]' $a/statement.json >$tmp/more.json
exits 1 "a finding like one that is there" assay-report --diff $a $tmp/more.json
prints "1 new, 0 fixed"
exits 0 "  and back" assay-report --diff $tmp/more.json $a
prints "0 new, 1 fixed"
openssl genpkey -algorithm ed25519 -out $tmp/key
run assay-report --key $tmp/key $tmp/clean -o $tmp/signed
exits 1 "signed files by name" assay-report --diff $tmp/signed/audit.sigstore.json $b
prints "verdict *PASSED -> FAILED"
echo '{' >$tmp/bad.json
exits 2 "no JSON" assay-report --diff $a $tmp/bad.json

# --- many in one table
exits 0 "--index" assay-report --index $a $b -o $tmp/all
ok "failed first" sh -c "head -1 $out | grep -q '^FAILED'"
prints "^PASSED"
prints "2 reports"
ok "the page has both" [ "$(grep -c '<th scope="row">' $tmp/all/index.html)" -eq 2 ]
ok "and no script" sh -c "! grep -qi '<script' $tmp/all/index.html"
ok "index.json agrees" python3 - $tmp/all/index.json $a $b <<-'P'
	import json, sys
	d = {r["report"]: r for r in json.load(open(sys.argv[1]))["reports"]}
	for p in sys.argv[2:]:
	    s = json.load(open(p + "/statement.json"))["predicate"]
	    assert d[p]["verdict"] == s["verdict"]
	    for level in "critical", "high":
	        assert d[p][level] == sum(f["severity"] == level for f in s["findings"])
P
exits 2 "one that is not there" assay-report --index $a $tmp/none
prints "^1 report;"
exits 2 "a statement that says nothing" assay-report --index $tmp/odd.json
sed 's/clothes.tar.gz/<script>x<\/script>/' $a/statement.json >$tmp/evil.json
exits 0 "a hostile name" assay-report --index $tmp/evil.json -o $tmp/evil
ok "is text" sh -c "! grep -qi '<script' $tmp/evil/index.html"
# nobody has verified what is compared
jq '.subject[0].name = "\u001b[2J\u202ePASSED" | .predicate.findings += [{id: "\u001b[31mX", path: "p", severity: "\u001b[32m", detail: "d"}] |
    (.predicate.checks[] | select(.id == "behaviour").evidence.score) = "\u001b[33m"' $a/statement.json >$tmp/ansi.json
for how in "--diff $a" "--index"; do
	run assay-report $how $tmp/ansi.json
	prints '\\x1b\[2J'
	ok "$how: nothing that a terminal obeys" sh -c "! LC_ALL=C grep -qP '[\\x00-\\x09\\x0b-\\x1f\\x7f]|\\xe2\\x80\\xae' $out $err"
done
exits 4 "--index alone" assay-report --index
statements_fit
done_testing
