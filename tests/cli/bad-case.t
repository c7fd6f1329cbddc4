#!/bin/sh
# Cases in which something is missing, contradicts itself or is far too large:
# handled, or refused with one line that names the document and the place.
. tests/cli/tap.sh
export LC_ALL=C
case=$tmp/case
fresh() { rm -rf $case; sh tests/case.sh $1 $case; }
edit() { # edit DOCUMENT: python on standard input, d is the document
	cat >$tmp/edit.py
	python3 - $case/$1 $tmp/edit.py <<-'P'
	import json, sys
	path, code = sys.argv[1:]
	scope = {"d": json.load(open(path))}
	exec(open(code).read(), scope)
	json.dump(scope["d"], open(path, "w"))
	P
}
refused() { # refused WHAT WORDS
	exits 2 "$1" assay-report $case
	says "$2"
	ok "  in one line, and there is no report" [ "$(wc -l <$err)" -eq 1 -a ! -e $case/report ]
}
odd() { # odd KIND DOCUMENT WHAT WORDS STATEMENT
	fresh $1
	echo "$5" | edit $2
	refused "$3" "^assay-report: .*$2: .*$4"
}

# --- what the verdict goes by
for doc in manifest inspect; do
	odd clean $doc.json "$doc: findings that are no list" "'findings' is not an array" 'd["findings"] = {}'
	odd clean $doc.json "$doc: no findings at all" "'findings' is not an array" 'del d["findings"]'
	odd clean $doc.json "$doc: a finding that is none" "findings.1: 'id' is missing" 'd["findings"] = [{"id": "X", "severity": "note", "path": "p"}, "x"]'
	odd clean $doc.json "$doc: one without a severity" "findings.0: 'severity' is missing" 'd["findings"] = [{"id": "X", "path": "p"}]'
	odd clean $doc.json "$doc: neither complete nor not" "'complete' is neither true nor false" 'd["complete"] = "true"'
	odd clean $doc.json "$doc: no list of files" "'files' is" 'd["files"] = None'
done
odd clean inspect.json "a file that was not inspected" "complete, but 'labels.txt' was not inspected" 'd["files"] = [f for f in d["files"] if f["path"] != "labels.txt"]'
odd clean inspect.json "a policy that is none" "'policy.entries' is not an array" 'd["policy"] = {"entries": 3}'
for r in "[]" "{\"checks\": [3]}" "{\"accuracy\": \"0.9\"}" "{\"references\": \"3\"}" "{\"signatures\": {}}"; do
	odd clean inspect.json "requirements that are none, $r" "policy: '.*require.* is not" "d[\"policy\"] = {\"require\": $r}"
done
odd clean inspect.json "a severity to fail at that is none" "'policy.fail-at' is 'grave'" 'd["policy"] = {"fail-at": "grave"}'
odd clean manifest.json "what was refused is no list" "'refused' is not an array" 'd["refused"] = 7'
# --- the scan
odd clean scan.json "no verdict" "'verdict' is missing" 'del d["verdict"]'
odd clean scan.json "names for other classes" "'class_names' has 9 names for 10 classes" 'd["class_names"].pop()'
odd clean scan.json "no classes" "'classes' is 0" 'd["classes"] = 0'
odd clean scan.json "a billion classes" "'classes' is 1000000000" 'd["classes"] = 10**9'
odd clean scan.json "more flips than images" "linf, entry 0: 'flipped' is 901" 'd["geometries"][0]["per_class"][0]["flips"]["flipped"] = 901'
odd clean scan.json "parts that are more than the whole" "linf, entry 0: 'flipped' is 3, less than its parts" 'd["geometries"][0]["per_class"][0]["flips"]["flipped"] = 3; d["geometries"][0]["per_class"][0]["flips"].update(shared=2, different=1, unshared=1)'
odd clean scan.json "a count below zero" "linf, entry 0: 'n' is -5" 'd["geometries"][0]["per_class"][0]["flips"]["n"] = -5'
odd clean scan.json "a class twice" "linf, entry 1: class 0 is twice" 'd["geometries"][0]["per_class"][1]["class"] = 0'
odd clean scan.json "a geometry twice" "geometries: 'linf' is there twice" 'd["geometries"].append(d["geometries"][0])'
odd backdoored scan.json "a probability above 1" "targets, entry 0: 'p' is 7" 'd["targets"][0]["p"] = 7'
odd backdoored scan.json "a target that is no class" "targets, entry 0: 'class' is 10" 'd["targets"][0]["class"] = 10'
odd clean scan.json "a matrix with a row less" "flip_matrix: row 9, column 0" 'd["flip_matrix"]["suspect"].pop()'
odd clean scan.json "more images than there can be" "flip_matrix: n of class 3 is not a count" 'd["flip_matrix"]["n"][3] = 2**63 - 1'
odd clean scan.json "blind spots that are a number" "'blind_spots' is not an array" 'd["blind_spots"] = 3'
odd clean scan.json "a blind spot that is no text" "'blind_spots.1' is not a string" 'd["blind_spots"][1] = 3'
odd clean scan.json "something not tested that is no text" "'not_tested.0' is not a string" 'd["not_tested"] = [None]'
odd clean scan.json "inputs that are no list" "'inputs' is not an array" 'd["inputs"] = {}'
odd clean scan.json "no tool" "'tool.name' is missing" 'd["tool"] = 3'
odd purified rescan/scan.json "a second scan of other classes" "'class_names' has 10 names for 9 classes" 'd["classes"] = 9'
odd purified purify.json "measured nothing" "'before' is not an object" 'd["before"] = 3'
odd purified eval-after.json "an accuracy that is a word" "'accuracy' is not an object" 'd["accuracy"] = "high"'
# --- what is not a document
file() { # file WHAT WORDS COMMAND
	fresh clean
	(cd $case && eval "$3")
	refused "$1" "$2"
}
file "an empty document" "scan.json: json: nothing there" ': >scan.json'
file "half a document" "scan.json: .*json: " 'head -c 300 scan.json >x; mv x scan.json'
file "a folder under its name" "scan.json: not a regular file" 'rm scan.json; mkdir scan.json'
file "a device" "scan.json: not a regular file" 'rm scan.json; ln -s /dev/zero scan.json'
file "a pipe" "scan.json: not a regular file" 'rm scan.json; mkfifo scan.json'
file "a link to nothing" "inspect.json: cannot open" 'rm inspect.json; ln -s nothing inspect.json'
file "300 MB" "scan.json: .*the limit is" 'truncate -s 300M scan.json'
file "a hundred thousand brackets" "manifest.json: .*maximum parsing depth" "head -c 100000 /dev/zero | tr '\\0' '[' >manifest.json"
file "no files" "files: cannot read" 'rm -r files'
file "a list" "inspect.json: 'schema' is missing" 'echo "[]" >inspect.json'
file "purified, without a word about it" "purify.json: 'schema' is missing" 'echo "{}" >purify.json'

# --- large, and handled
fresh backdoored
edit scan.json <<'P'
long = "<\u202e\u00e4" * 2000000
d["class_names"][7] = d["targets"][0]["name"] = d["targets"][1]["name"] = long
P
exits 1 "a class name of 10 MB" assay-report $case
ok "  is cut, and that is said" grep -q "… (12000000 bytes)" $case/report/statement.json
ok "  no output is large" [ -z "$(find $case/report -size +1000k)" ]
ok "  it is still UTF-8" sh -c "cat $case/report/* | python3 -c 'import sys; sys.stdin.buffer.read().decode()'"
fresh clean
edit inspect.json <<'P'
d["findings"] = [{"id": "FILE_UNKNOWN", "severity": "note", "summary": "s", "path": "labels.txt", "detail": "%05d" % (i * 7919 % 100000)} for i in range(100000)]
P
openssl genpkey -algorithm ed25519 -out $tmp/key
openssl pkey -in $tmp/key -pubout -out $tmp/pub
exits 0 "100,000 findings" assay-report --key $tmp/key $case
ok "  all of them are signed, in order" python3 - $case/report/statement.json <<'P'
import json, sys
f = json.load(open(sys.argv[1]))["predicate"]["findings"]
assert [x["detail"] for x in f] == ["%05d" % i for i in range(100000)]
P
exits 0 "  and it verifies" assay-verify $case/report --key $tmp/pub --bundle $case/files
statements_fit
done_testing
