#!/bin/sh
# assay and assay audit: the front end, whole audits, every exit status.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
cd "$tmp" || exit 1
audit() { # STATUS NAME BUNDLE CASE ARGUMENTS...
	_s=$1 _n=$2 _b=$3 _c=$4
	shift 4
	exits "$_s" "$_n" assay audit -q "$_b" --out "$_c" --data "$audit" --budget quick "$@"
}
failing() { # STATUS NAME WORDS BUNDLE CASE ARGUMENTS...
	_s=$1 _n=$2 _w=$3 _b=$4 _c=$5
	shift 5
	fails "$_s" "$_n" "$_w" assay audit -q "$_b" --out "$_c" --data "$audit" --budget quick "$@"
}
bundle() { # NAME FILE...: a folder of files
	mkdir "$1"
	_d=$1
	shift
	cp "$@" "$_d/"
}
verdict() { grep -q "\"verdict\":\"$2\"" "$1/report/statement.json"; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key 2>/dev/null
openssl pkey -in key -pubout -out key.pub
bundle bad "$suspect" && bundle good "$clean" && echo hello >good/README.md
tar -czf bad.tar.gz bad

# --- a backdoored bundle, from archive to verified report
audit 1 'a backdoored bundle' bad.tar.gz c1 -r "$reference" --trigger "$trigger" --eval-data "$audit" --rounds 2 --key key
prints '^scan  *evidence'
prints '^target  *class 2, '
prints '^attack success  *\(0\.9\|1\.0\).* -> [01]\.[0-9]* after purification'
prints '^targets  *[0-9]* of [1-9][0-9]* left after purification, [0-9]* new'
ok 'the second scan looked for the targets of the first' grep -q '"role": "before"' c1/rescan/scan.json
ok 'harm is in the statement' grep -q '"harm":{"eval_data":{"accuracy":' c1/report/statement.json
ok 'and what became of the targets' grep -q '"rescanBefore":{"gone":' c1/report/statement.json
for w in 'The scan&#39;s targets\|The scan.s targets' 'Harm on clean images' 'The given trigger (blended) for class 2' \
	'a clean model looks like this by chance with p = [0-9.e-]*, .*the level is 0.005' 'against 1 reference model<.* on [0-9]* images<.*, budget [a-z]*' \
	'scan score; the level is 2.30' 'says how easily the backdoor comes back' 'Trained on with 5 images that carry it among [0-9]* clean ones' \
	'<th scope="row">blended (given), to class 2</th>\(<td class="num">[0-9.]* %</td>\)\{7\}</tr>'; do
	ok "the page has: $w" grep -q "$w" c1/report/report.html
done
ok 'one model was scanned' grep -q 'bad/model.onnx' c1/manifest.json
for f in manifest inspect scan purify eval-before eval-after eval-recovered rescan/scan; do
	ok "$f.json is there" [ -s "c1/$f.json" ]
done
ok 'what was recovered was tried on both models' grep -q '"recoveredAfter":{"correct":' c1/report/statement.json
ok 'the statement says FAILED' verdict c1 FAILED
ok 'and names the target' grep -q BEHAVIOUR_TARGET c1/report/statement.json
exits 0 'the report verifies' assay verify c1/report --key key.pub --bundle bad.tar.gz
ok 'the purified model has the size of the original' [ "$(wc -c <c1/purified/model.onnx)" = "$(wc -c <"$suspect")" ]

# --- the case is there already
failing 4 'a case that is there' 'c1: holds an audit already' bad.tar.gz c1
failing 4 'resumed with another bundle' 'good: .*another bundle' good c1 --resume
touch -d '2001-01-01' c1/scan.json
mv c1/eval-after.json old
audit 1 'resumed' bad.tar.gz c1 -r "$reference" --trigger "$trigger" --eval-data "$audit" --rounds 2 --key key --resume
ok 'what was there was not made again' [ c1/scan.json -ot c1/manifest.json ]
ok 'what was not was, and is the same' cmp old c1/eval-after.json
exits 0 'the new report verifies' assay verify c1/report --key key.pub --bundle bad.tar.gz

# --- without images of its own, purification is judged by what it held out
audit 1 'no --eval-data' bad.tar.gz c20 -r "$reference" --rounds 1
ok 'accuracy on images that were trained on is not reported' [ ! -e c20/eval-after.json -a ! -e c20/eval-recovered.json ]
prints '^held-out  *[01]\.[0-9]* -> [01]\.[0-9]* accuracy (n = '
ok 'the report is made' verdict c20 FAILED

# --- other verdicts
audit 0 'a clean bundle' good c2 -r "$reference"
ok 'the statement says PASSED' verdict c2 PASSED
ok 'nothing was purified' [ ! -e c2/purified ]
prints 'not signed'
cp -R c2 c21
audit 0 'an unsigned one resumed' good c21 -r "$reference" --resume
ok 'its report was made anew' [ c21/report/statement.json -nt c2/report/statement.json ]
cp -R c2 c23 && sed 's/"no-evidence"/"\\u001b[31mno"/' c2/scan.json >c23/scan.json
failing 2 'a resumed case with a verdict that is none' 'statement.json: not made' good c23 -r "$reference" --resume
ok 'no colours of it on the terminal' sh -c "grep -q '^scan  *.x1b' '$out' && ! grep -q '$(printf '\\033')' '$out' '$err'"
audit 2 'no reference' good c3 --no-grow
ok 'its page promises nothing' sh -c "grep -q 'one model by itself shows nothing for certain' c3/report/report.html && ! grep -q 'the level is' c3/report/report.html"
ok 'the statement says INCONCLUSIVE' verdict c3 INCONCLUSIVE
bundle program "$clean" && cp "$here/../../fixtures/identify/good-elf.so" program/
audit 1 'flagged wins over incomplete' program c4 --no-grow
ok 'both are in the case' sh -c "grep -q FILE_EXECUTABLE c4/inspect.json && grep -q '\"verdict\": \"inconclusive\"' c4/scan.json"
printf '{"schema": "assay-policy/1", "waive": [{"id": "FILE_EXECUTABLE", "reason": "read by us", "expires": "2100-01-01"}]}' >policy
failing 4 'a policy of the bundle itself' 'no say in how it is judged' program c22 -r "$reference" --policy program/good-elf.so
audit 1 'a program in the bundle' program c22 -r "$reference"
prints '^verdict  *FAILED'
prints '^findings  *1 high'
prints '^  *high FILE_EXECUTABLE: good-elf.so ('
ok 'fails it' verdict c22 FAILED
audit 0 'that is waived, later' program c22 -r "$reference" --policy policy --resume
ok 'does not' verdict c22 PASSED
ok 'and is in the report' grep -q 'until 2100-01-01: read by us' c22/report/report.html
audit 1 'without the policy' program c22 -r "$reference" --resume
ok 'it does again' verdict c22 FAILED
audit 1 'without purification' bad c5 -r "$reference" --no-purify
ok 'there is none' [ ! -e c5/purified ]

# --- several models, none, damaged ones
mkdir two && cp "$clean" two/a.onnx && cp "$suspect" two/b.onnx
failing 4 'two models' 'two: holds 2 models: name one with --model (a.onnx, b.onnx)' two c6
prints '^model  *-$'
audit 0 'one of them' two c7 --model a.onnx -r "$reference"
prints '^model  *a.onnx'
prints '^verdict  *PASSED'
prints '^findings  *[0-9a-z, ]*$'
prints '^not tested  *behaviour of b.onnx (another model of the bundle was scanned)'
ok 'that the other was not scanned is signed' jq -e '.predicate.scope.notTested[] | select(.check == "behaviour of b.onnx")' c7/report/statement.json
failing 4 'the other one in the case of the first' 'c7/scan.json: is of another model than c7/files/b.onnx' two c7 --model b.onnx -r "$reference" --resume
audit 0 'the first one again' two c7 --model a.onnx -r "$reference" --resume
failing 4 'none of them' "two: holds no model 'c.onnx' (but a.onnx, b.onnx)" two c8 --model c.onnx
mkdir none && echo hello >none/README.md
failing 3 'no model' 'none: holds no model' none c9
ok 'the report says so' verdict c9 INCONCLUSIVE
mkdir empty
failing 3 'an empty bundle' 'empty' empty c10
mkdir damaged && cp "$onnx/bad-cycle.onnx" damaged/model.onnx
failing 1 'a damaged model is a finding' 'c11/scan.json: not made: assay-scan ended with status 2' damaged c11
ok 'there is a report all the same' verdict c11 FAILED
tar -cf good.tar good/model.onnx && head -c 4000 good.tar >cut.tar
failing 2 'an archive cut in the model' 'cut.tar: holds no model' cut.tar c12
failing 2 'a missing bundle' 'nowhere: cannot open' nowhere c13
ok 'no case of it' [ ! -e c13 ]

# --- what else can go wrong
echo hello >nokey
failing 2 'a key that is no key' 'nokey: cannot sign' good c14 --key nokey -r "$reference"
ok 'the reason is given' grep -q '^assay-report: nokey: ' "$err"
failing 2 'a missing key' 'nowhere: cannot sign' good c14 --key nowhere -r "$reference"
ok 'nothing was begun' [ ! -e c14 ]
cp -R c2 c14 && rm -r c14/report && mkdir c14/report && echo thesis >c14/report/thesis
failing 4 'something else where the report goes' 'statement.json: not made' good c14 --resume
prints '^report  *not made'
ok 'it is still there' grep -q thesis c14/report/thesis
rm -r c14/report
audit 0 'with a key it goes on' good c14 --key key --resume
ok 'now there is a report' verdict c14 PASSED
sed 's/"version": "[0-9.]*"/"version": 1/' c14/manifest.json >manifest && cp manifest c14/manifest.json
failing 2 'a manifest that is none' 'c14/manifest.json' good c14 --resume
failing 2 'a missing reference' 'nowhere: cannot open' good c15 -r nowhere
touch $(seq -f empty%g 64)
failing 3 'as many as can be given' 'c15/scan.json: not made' good c15 $(seq -f --reference=empty%g 64)
failing 2 'a missing trigger' 'nowhere: cannot open' good c16 --no-grow --trigger nowhere
failing 2 'a trigger that is none' 'c16/eval-before.json: not made' good c16 --no-grow --trigger empty1
failing 4 'the reference is the model' 'c17/scan.json: not made' good c17 -r "$clean"
failing 2 'a case beneath a file' 'nokey/c/manifest.json: not made' good nokey/c
mkdir locked && chmod 555 locked
if ! touch locked/x 2>/dev/null; then
	failing 2 'a case in a folder that is read-only' 'locked/c/manifest.json: not made' good locked/c
fi
chmod 755 locked
if [ -w /dev/full ]; then
	run sh -c "assay audit -q good --out c18 --data '$audit' --budget quick -r '$reference' >/dev/full"
	ok 'a full standard output: status 2' [ $rc -eq 2 ]
fi
fails 4 'no data' 'needed' assay audit good --out c19
fails 4 'no bundle' 'operand' assay audit --data "$audit" --out c19
fails 4 'an unknown option' 'frob' assay audit --frob
ok 'nothing temporary stays' sh -c "! find . -name '*.tmp' | grep ."

# --- the front end
exits 0 '--help' assay --help
prints '^  audit '
exits 0 '--version' assay --version
prints '^assay [0-9]'
exits 0 'audit --help' assay audit --help
exits 4 'no verb' assay
exits 4 'an unknown verb' assay frob
says "assay: no verb 'frob'"
for v in unpack inspect load save scan grow purify eval report verify plant; do
	exits 0 "$v --version" assay $v --version
	prints "^assay-$v "
done
exits 3 'the status of the tool comes through' assay load nokey
exits 4 'and wrong usage' assay eval --frob
statements_fit
# --- a trigger that works on one source class: from the search to the picture
mkdir one
exits 0 'a victim of one source class' assay plant -q --width 8 --stages 2 --epochs 8 --batch 32 --seed 2 \
    --data "$models/three-images.idx,$models/three-labels.idx" --test "$audit" \
    --attack source-conditional --rate .2 --source 0 --target 2 -o one
audit 1 'is flagged' one/model.onnx cone -r "$reference" -r "$clean" --no-purify --key key
ok '  by that pair alone' [ "$(jq -c '[.targets[] | [.source, .class, .geometry]]' cone/scan.json)" = '[[0,2,"pair"]]' ]
ok '  with an example of the source, and of no other class' \
    [ "$(jq -c '[.examples.shown[] | [.target, .class, .geometry]]' cone/scan.json)" = '[[2,0,"pair"]]' ]
ok '  the statement says so' [ "$(jq -c '[.predicate.findings[] | select(.id == "BEHAVIOUR_TARGET") | [.sourceClass, .target]]' cone/report/statement.json)" = '[[0,2]]' ]
ok '  the page shows it, before and after' sh -c "sed -n '/<h3>From class 0 to class 2<\/h3>/,/<\/section>/p' cone/report/report.html | grep -c 'alt=\"before\".*alt=\"after\"' | grep -qx 1"
ok '  the diagram is that arrow' [ "$(grep -c -e '->' cone/report/flips.dot)" -eq 1 ]
exits 0 '  the report verifies' assay verify cone/report --key key.pub --bundle one/model.onnx
statements_fit
# --- told to end: says how to go on
assay audit -q bad --out told --data "$audit" --budget quick -r "$reference" --no-purify 2>told.err &
told=$!
until [ -s told/inspect.json ]; do sleep .05; done
kill -TERM $told
wait $told 2>/dev/null
ok 'an audit that is told to end ends by the signal' [ $? -eq 143 ]
ok 'and says how to go on' grep -q '^assay audit: interrupted; .*--resume' told.err
audit 1 'and goes on' bad told -r "$reference" --no-purify --resume

done_testing
