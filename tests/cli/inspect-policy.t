#!/bin/sh
# What surrounds findings: policies, the taxonomy, SARIF, --explain, and the
# summary of many files.
. tests/cli/tap.sh
export SOURCE_DATE_EPOCH=1795824000 # 2026-11-28
f=fixtures/identify
policy() { printf '{"schema": "assay-policy/1"%s}' "$1" >$tmp/policy.json; }
# Debian's python3 has the validator
valid() { PATH=/usr/bin:/bin python3 -W ignore -m jsonschema -i "$1" "$2"; }
jq_() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }
# a program, and a text, which is analysed
dir=$tmp/dir
elf=$dir/program
mkdir $dir
cp $f/good-elf.so $elf
cp $f/good.txt $dir

# --- severities and waivers
exits 1 "a program" assay-inspect $dir
prints '2 files, 1 finding: 1 high$'
policy ', "waive": [{"id": "FILE_EXECUTABLE", "reason": "our own runtime", "expires": "2026-11-28"}]'
exits 0 "waived, on its last day" assay-inspect --policy $tmp/policy.json $dir
prints 'waived    FILE_EXECUTABLE .*\[high, waived until 2026-11-28: our own runtime\]'
prints '1 finding: 1 waived$'
ok "nothing else is said" [ ! -s $err ]
exits 1 "the day after" env SOURCE_DATE_EPOCH=1795910400 assay-inspect --policy $tmp/policy.json $dir
says 'waive of FILE_EXECUTABLE expired on 2026-11-28 and was not applied'
exits 0 "assay inspect passes options on" assay inspect --policy=$tmp/policy.json $dir
exits 4 "a clock that is none" env SOURCE_DATE_EPOCH=soon assay-inspect --policy $tmp/policy.json $dir
exits 0 "the document" assay-inspect --json --policy $tmp/policy.json $dir
cp $out $tmp/doc.json
sum=$(sha256sum <$tmp/policy.json | cut -c1-64)
ok "has the policy's digest" [ "$(jq_ $tmp/doc.json 'd["policy"]["sha256"]')" = $sum ]
ok "and names it as an input" [ "$(jq_ $tmp/doc.json '[i["sha256"] for i in d["inputs"] if i["role"] == "policy"][0]')" = $sum ]
ok "and the day" [ "$(jq_ $tmp/doc.json 'd["policy"]["date"]')" = 2026-11-28 ]
ok "the finding stays, with its severity" [ "$(jq_ $tmp/doc.json '[x["severity"] for x in d["findings"]]')" = "['high']" ]
ok "the file is not clean but waived" [ "$(jq_ $tmp/doc.json '[x["verdict"] for x in d["files"] if x["path"] == "program"][0]')" = waived ]
policy ', "waive": [{"id": "FILE_EXECUTABLE", "reason": "x", "expires": "2027-01-01", "path": "other"}]'
exits 1 "waived elsewhere" assay-inspect --policy $tmp/policy.json $dir
says 'waive of FILE_EXECUTABLE fits no finding'
policy ', "waive": [{"id": "FILE_EXECUTABLE", "reason": "x", "expires": "2027-01-01", "sha256": "'$(sha256sum <$elf | cut -c1-64)'"}]'
exits 0 "waived by digest" assay-inspect --policy $tmp/policy.json $dir
printf x >>$elf
exits 1 "not with another byte" assay-inspect --policy $tmp/policy.json $dir
policy ', "change": [{"id": "FILE_EXECUTABLE", "severity": "low", "reason": "read by us"}]'
exits 0 "lowered" assay-inspect --policy $tmp/policy.json $dir
prints 'low       FILE_EXECUTABLE .*\[was high: read by us\]'
policy ', "change": [{"id": "FILE_UNKNOWN", "severity": "high", "reason": "no unknown files"}]'
exits 1 "raised" assay-inspect --policy $tmp/policy.json $f/unknown.bin
prints 'high      FILE_UNKNOWN .*\[was note: no unknown files\]'
policy ', "fail-at": "critical"'
exits 0 "fail-at above" assay-inspect --policy $tmp/policy.json $dir
policy ', "fail-at": "note"'
exits 1 "fail-at below" assay-inspect --policy $tmp/policy.json $f/unknown.bin

# --- what a policy cannot do
mkdir $tmp/link
cp $f/good.txt $tmp/link
ln -s nowhere $tmp/link/l
policy ', "waive": [{"id": "FILE_UNREADABLE", "reason": "x", "expires": "2027-01-01"}], "fail-at": "critical"'
exits 2 "hide that something is incomplete" assay-inspect --policy $tmp/policy.json $tmp/link
prints 'INCOMPLETE'
for bad in fixtures/policy/bad-*.json; do
	exits 2 "be $(basename $bad)" assay-inspect --policy $bad $f/good.txt
done
says 'fixtures/policy/bad-'
exits 2 "be absent" assay-inspect --policy $tmp/nope $f/good.txt
policy ''
mkdir -p $tmp/bundle/sub
cp $tmp/policy.json $tmp/bundle/sub
exits 4 "lie within the bundle" assay-inspect --policy $tmp/bundle/sub/policy.json $tmp/bundle
says 'no say in how it is judged'
ln -s $tmp/bundle/sub/policy.json $tmp/outside.json
exits 4 "lie there behind a link" assay-inspect --policy $tmp/outside.json $tmp/bundle
exits 0 "be found there by itself" assay-inspect $tmp/bundle
ok "no policy was applied" sh -c "! assay-inspect --json $tmp/bundle | grep -q '\"policy\"'"
for p in fixtures/policy/good-*.json; do
	exits 0 "$(basename $p) is read" assay-inspect --policy $p $f/good.txt
	ok "$(basename $p) fits the schema" valid $p audit/policy.schema.json
done
for p in key schema-other waive-severity reason-missing reason-blank expires-missing expires-never sha256-upper fail-at \
    require-list require-key require-check require-check-twice require-no-checks require-format require-references require-score \
    require-accuracy require-success require-signature-key require-signature-pem require-signature-path require-signature-more; do
	ok "bad-$p does not" sh -c "! PATH=/usr/bin:/bin python3 -W ignore -m jsonschema -i fixtures/policy/bad-$p.json audit/policy.schema.json"
done

# --- the taxonomy
share=$(dirname "$(command -v assay-inspect)")/../share/assay
exits 1 "the document" assay-inspect --json $dir
cp $out $tmp/doc.json
sum=$(sha256sum <audit/taxonomy.json | cut -c1-64)
ok "it names the taxonomy" [ "$(jq_ $tmp/doc.json 'd["taxonomy"]["sha256"]')" = $sum ]
ok "rules have ids" [ "$(jq_ $tmp/doc.json '"CWE-506" in d["rules"]["FILE_EXECUTABLE"]["taxa"]')" = True ]
ok "and say what to do" [ "$(jq_ $tmp/doc.json 'len(d["rules"]["FILE_EXECUTABLE"]["fix"]) > 10')" = True ]
ok "rules only of what occurred" [ "$(jq_ $tmp/doc.json 'sorted(d["rules"]) == sorted({x["id"] for x in d["findings"]})')" = True ]
mkdir -p $tmp/alone/bin $tmp/alone/share/assay
cp "$(command -v assay-inspect)" $tmp/alone/bin
exits 1 "without it" $tmp/alone/bin/assay-inspect --json $dir
says 'without taxonomy ids'
ok "there are no ids" sh -c "! grep -q -e '\"taxa\"' -e '\"taxonomy\"' $out"
cp $share/*.json $tmp/alone/share/assay
exits 1 "beside its folder, wherever that is" $tmp/alone/bin/assay-inspect --json $dir
ok "nothing is missing" [ ! -s $err ]
prints '"CWE-506"'
sed 's/"CWE-506"/"CWE-5060"/' audit/taxonomy.json >$tmp/taxonomy.json
exits 2 "one that is wrong" assay-inspect --taxonomy $tmp/nope $dir
exits 1 "another one" assay-inspect --json --taxonomy $tmp/taxonomy.json $dir
prints '"CWE-5060"'
sed 's/"CWE-506": {/"CWE-0": {/' audit/taxonomy.json >$tmp/taxonomy.json
exits 2 "an id that is not in it" assay-inspect --taxonomy $tmp/taxonomy.json $dir
says 'CWE-506: is not in the file'

# --- SARIF
assay-inspect --sarif $f fixtures/onnx $tmp/link >$tmp/one.sarif 2>$err
assay-inspect --sarif $f fixtures/onnx $tmp/link >$tmp/two.sarif 2>$err
ok "the log is the same twice" cmp $tmp/one.sarif $tmp/two.sarif
ok "it is incomplete" [ "$(jq_ $tmp/one.sarif 'd["runs"][0]["invocations"][0]["executionSuccessful"]')" = False ]
ok "and has the exit status" [ "$(jq_ $tmp/one.sarif 'd["runs"][0]["invocations"][0]["exitCode"]')" = 1 ]
policy ', "waive": [{"id": "FILE_EXECUTABLE", "reason": "[x](y) {0}", "expires": "2027-01-01"}, {"id": "FILE_PICKLE", "reason": "z", "expires": "2020-01-01"}]'
exits 0 "-o" assay-inspect --sarif -o $tmp/three.sarif --policy $tmp/policy.json $dir
prints '1 waived'
ok "is SARIF, suppressed" [ "$(jq_ $tmp/three.sarif 'd["runs"][0]["results"][0]["suppressions"][0]["status"]')" = accepted ]
exits 4 "two forms at once" assay-inspect --json --sarif $dir
assay-unpack fixtures/archive/good-plain.zip $tmp/case >/dev/null
exits 0 "a case" assay-inspect --sarif $tmp/case
prints '"version": "2.1.0"'
ok "its document is still ours" grep -q '"schema": "assay-inspect/1"' $tmp/case/inspect.json
for s in one two three; do
	if [ -n "$ASSAY_SARIF_SCHEMA" ]; then
		ok "$s fits the schema" valid $tmp/$s.sarif "$ASSAY_SARIF_SCHEMA"
	else
		count=$((count + 1))
		echo "ok $count - $s fits the schema # SKIP ASSAY_SARIF_SCHEMA is not set"
	fi
done

# --- explanations
exits 0 "-L" assay-inspect -L
prints 'FILE_EXECUTABLE  *high'
for id in $(sed -n 's/^FINDING(\([A-Z0-9_]*\),.*/\1/p' base/finding.def); do
	exits 0 "--explain $id" assay-inspect --explain $id
	ok "$id has a text, a fix, ids" sh -c "[ \$(wc -l <$out) -gt 7 ] && grep -q '^fix: .' $out && grep -q 'CWE-\|AML' $out"
done
exits 4 "--explain of nothing" assay-inspect --explain NO_SUCH
says "no finding 'NO_SUCH'"

# --- many files
mkdir $tmp/many
i=0
while [ $i -lt 30 ]; do
	cp $f/good.txt $tmp/many/$i.txt
	cp $f/unknown.bin $tmp/many/$i.bin
	i=$((i + 1))
done
cp $elf $tmp/many/z
exits 1 "many files" assay-inspect $tmp/many
ok "the worst is first" sh -c "head -2 $out | grep -q 'high .*FILE_EXECUTABLE'"
ok "it is short" [ "$(wc -l <$out)" -le 5 ]
prints '61 files, 31 findings: 1 high, 30 note; nothing in 30 files (-v lists them)$'
prints 'note      FILE_UNKNOWN .*(30 files)'
exits 1 "-v" assay-inspect -v $tmp/many
ok "has them all" [ "$(grep -c '\.txt$' $out)" -eq 30 ]
prints '^ *fix: '
done_testing
