#!/bin/sh
# assay-report: verdicts and exit statuses, the chain of digests, what is
# written and when, keys.
here=$(dirname "$0")/..
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
mkdir "$tmp/all"

ok() { # description, then a command that must succeed
	n=$((n + 1))
	what=$1
	shift
	if "$@" >"$tmp/log" 2>&1; then echo "ok $n - $what"; else
		echo "not ok $n - $what"
		sed 's/^/# /' "$tmp/log"
	fi
}
status() { # wanted status, command
	want=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ ! -e "$tmp/case/report/statement.json" ] || cp "$tmp/case/report/statement.json" "$tmp/all/$n.json"
	[ "$got" -eq "$want" ] || { echo "status $got, not $want"; cat "$tmp/out" "$tmp/err"; return 1; }
}
fresh() { rm -rf "$tmp/case"; sh "$here/case.sh" "$1" "$tmp/case"; }
refused() { # the chain is broken: status 2, one line that says so, no report
	status 2 assay-report "$tmp/case" && [ ! -e "$tmp/case/report" ] &&
	    [ "$(wc -l <"$tmp/err")" -eq 1 ] && { [ -z "$1" ] || grep -q "$1" "$tmp/err"; } ||
	    { cat "$tmp/err"; return 1; }
}
swap() { sed "s|$2|$3|" "$tmp/case/$1" >"$tmp/x" && cp "$tmp/x" "$tmp/case/$1"; }
has() { grep -qF -- "$2" "$tmp/case/report/$1"; }

fresh clean
ok 'a clean case passes' status 0 assay-report "$tmp/case"
ok 'the statement says PASSED' has statement.json '"verdict":"PASSED"'
ok 'the page says PASSED' has report.html '</span>PASSED</h2>'
ok 'the diagram says that there is no evidence' has flips.dot 'No evidence of a backdoor target'
ok 'the page has no script' sh -c "! grep -qi '<script' '$tmp/case/report/report.html'"
ok 'and forbids any' has report.html "default-src 'none'"
ok 'an existing report is not replaced' status 4 assay-report "$tmp/case"
ok 'unless --force' status 0 assay-report --force "$tmp/case"
ok 'nothing temporary stays behind' sh -c "[ \$(ls '$tmp/case' | grep -c '^report') -eq 1 ]"
# a model more than was scanned
cp -r "$tmp/case" "$tmp/two" && rm -r "$tmp/two/report"
python3 - "$tmp/two" <<-'P'
	import hashlib, json, sys
	d = sys.argv[1]
	h = lambda b: hashlib.sha256(b).hexdigest()
	open(d + "/files/other.onnx", "w").write("other weights\n")
	m = json.load(open(d + "/manifest.json"))
	m["files"].append({"path": "other.onnx", "sha256": h(b"other weights\n"), "size": 14})
	m["digests"] = {"omsRoot": h(b"".join(bytes.fromhex(f["sha256"]) for f in m["files"])),
	    "dirHash": h("".join("%s  %s\n" % (f["sha256"], f["path"]) for f in m["files"]).encode())}
	i = json.load(open(d + "/inspect.json"))
	i["files"].append(dict(m["files"][-1], format="onnx", model=True, bids=["onnx"]))
	for name, doc in ("manifest", m), ("inspect", i):
	    json.dump(doc, open("%s/%s.json" % (d, name), "w"))
P
jq -c '.sandbox.landlock = 0 | .findings += [{id: "FILE_UNKNOWN", severity: "note", summary: "s", path: "model.onnx", member: "in/side.pkl", detail: "d"}]' "$tmp/two/inspect.json" >"$tmp/x" && cp "$tmp/x" "$tmp/two/inspect.json"
ok 'a second model does not change the verdict on the first' status 0 assay-report "$tmp/two"
ok '  that it was not scanned is said' grep -q '"check":"behaviour of other.onnx","reason":"another model of the bundle was scanned"' "$tmp/two/report/statement.json"
ok '  on the first page too' grep -q 'Not tested</a>: <span>behaviour of other.onnx' "$tmp/two/report/report.html"
ok '  the page says in which member something is' grep -q '<code>model.onnx</code>: <code>in/side.pkl</code>' "$tmp/two/report/report.html"
ok '  the page says what the sandbox lacked' grep -q 'inspected in a sandbox, but the kernel had no Landlock\.' "$tmp/two/report/report.html"
jq -c '(.files[] | select(.path == "other.onnx")).same_weights = "model.onnx"' "$tmp/two/inspect.json" >"$tmp/x" && cp "$tmp/x" "$tmp/two/inspect.json"
ok 'a file with the same weights is the model that was scanned' status 0 assay-report --force "$tmp/two"
ok '  nothing is said' sh -c "! grep -q 'behaviour of' '$tmp/two/report/statement.json'"
ok '  of one model nothing is said' sh -c "! grep -q 'behaviour of' '$tmp/case/report/statement.json'"
mkdir "$tmp/precious" && : >"$tmp/precious/thesis"
ok '--force replaces reports only' status 4 assay-report --force --out "$tmp/precious" "$tmp/case"
ok 'what was there is still there' test -f "$tmp/precious/thesis"
ok '--out not among the files that were audited' status 4 assay-report --out "$tmp/case/files/report" "$tmp/case"
ok '  nothing is there' test ! -e "$tmp/case/files/report"
ok '--out goes elsewhere' status 0 assay-report --out "$tmp/elsewhere" "$tmp/case"
ok 'there' test -s "$tmp/elsewhere/report.html"
ok 'same audit, same results digest' sh -c "a=\$(grep -o '\"resultsDigest\":{[^}]*}' '$tmp/case/report/statement.json'); b=\$(grep -o '\"resultsDigest\":{[^}]*}' '$tmp/elsewhere/statement.json'); [ -n \"\$a\" ] && [ \"\$a\" = \"\$b\" ]"
SOURCE_DATE_EPOCH=1767323045 assay-report --out "$tmp/d1" "$tmp/case" >"$tmp/log"
SOURCE_DATE_EPOCH=1767323045 assay-report --out "$tmp/d2" "$tmp/case" >"$tmp/log"
ok 'SOURCE_DATE_EPOCH: the same bytes' diff -r "$tmp/d1" "$tmp/d2"
# the page, but for its style, its pictures, digests and this machine
python3 - "$tmp/d1/report.html" >"$tmp/page" <<-'P'
	import re, sys
	s = open(sys.argv[1]).read()
	for what, by in ("(?s)<style>.*?</style>", "<style/>"), ("(?s)<svg.*?</svg>", "<svg/>"), \
	        ("(<dt>(?:On host|System|Release)</dt><dd>)[^<]*", r"\1-"), ("\\b[0-9a-f]{16,64}\\b", "-"):
	    s = re.sub(what, by, s)
	sys.stdout.write(s)
P
[ -z "${UPDATE:-}" ] || cp "$tmp/page" "$here/golden/report.html"
ok 'the page is as it was agreed on (UPDATE=1 writes it anew)' diff "$here/golden/report.html" "$tmp/page"
openssl genpkey -algorithm ed25519 -out "$tmp/ed.pem" 2>/dev/null
cp -r "$tmp/case" "$tmp/moved"
SOURCE_DATE_EPOCH=1767323045 assay-report --key "$tmp/ed.pem" --model-signature --out "$tmp/e1" "$tmp/case" >"$tmp/log"
SOURCE_DATE_EPOCH=1767323045 TZ=Asia/Tokyo LC_ALL=C.UTF-8 assay-report --key "$tmp/ed.pem" --model-signature --out "$tmp/e2" "$tmp/moved" >"$tmp/log"
ok 'with Ed25519 the signed file too, wherever the case is' sh -c "[ -s '$tmp/e1/audit.sigstore.json' ] && diff -r '$tmp/e1' '$tmp/e2'"
SOURCE_DATE_EPOCH=1867323045 assay-report --key "$tmp/ed.pem" --out "$tmp/e3" "$tmp/moved" >"$tmp/log"
ok 'on another day other bytes' sh -c "! cmp -s '$tmp/e1/statement.json' '$tmp/e3/statement.json'"
ok 'and the same results' sh -c "a=\$(jq -c .predicate.resultsDigest '$tmp/e1/statement.json'); [ \${#a} -gt 64 ] && [ \"\$a\" = \"\$(jq -c .predicate.resultsDigest '$tmp/e3/statement.json')\" ]"
ok 'SOURCE_DATE_EPOCH: that time' grep -q '"auditedAt":"2026-01-02T03:04:05Z"' "$tmp/d1/statement.json"
ok '--json prints one document' sh -c "assay-report --json --force '$tmp/case' | grep -q '\"schema\": \"assay-report/1\"'"
ok 'a full standard output is not a success' sh -c "assay-report --force '$tmp/case' >/dev/full 2>/dev/null; [ \$? -eq 2 ]"

fresh backdoored
ok 'a backdoored case fails' status 1 assay-report "$tmp/case"
ok 'the statement names the target' has statement.json '"id":"BEHAVIOUR_TARGET"'
ok 'with the ids that audit/taxonomy.json has for it' sh -c "
	jq -c '.findings.BEHAVIOUR_TARGET as \$k | [\$k[] as \$c | .classes[\$c] // [\$c] | .[]]' audit/taxonomy.json >'$tmp/want'
	jq -c '[.predicate.findings[] | select(.id == \"BEHAVIOUR_TARGET\")][0].taxa' '$tmp/case/report/statement.json' >'$tmp/have'
	cat '$tmp/want' '$tmp/have'; [ \$(wc -c <'$tmp/want') -gt 20 ] && cmp '$tmp/want' '$tmp/have'"
ok 'and the editions of the lists' sh -c "
	jq -c '[.editions | to_entries[] | {name: .key, version: .value.version}]' audit/taxonomy.json >'$tmp/want'
	jq -c '.predicate.taxonomies' '$tmp/case/report/statement.json' | cmp - '$tmp/want'"
mkdir -p "$tmp/alone/bin" && cp "$(command -v assay-report)" "$tmp/alone/bin/"
ok 'without that file, none' status 1 "$tmp/alone/bin/assay-report" -o "$tmp/bare" "$tmp/case"
ok 'which is said' grep -q 'targets go without taxonomy ids: .*taxonomy.json' "$tmp/err"
ok 'and none are made up' sh -c "! grep -q 'taxa\|CWE' '$tmp/bare/statement.json'"
ok 'counts are integers, the rest is text' sh -c "! grep -qE '[0-9]\\.[0-9]+[,}]' '$tmp/case/report/statement.json'"
ok 'the page names it in words' has report.html '<strong>Sneaker (class 7)</strong>'
ok 'the diagram points at it' has flips.dot 'c9 -> c7'
ok 'flips are counted per source' has statement.json '"perSource":[{"different":'

ok 'it names the references, too' has report.html 'of them do so in most reference models, too'
ok 'the change that was recovered is a picture' has report.html 'alt="the recovered change, amplified"'
ok 'and where a patch sits' has report.html 'alt="where the recovered pattern is laid over the image"'
ok 'an example before and after it' sh -c "[ \$(grep -c 'alt=\"before\".*alt=\"after\".*alt=\"the difference, amplified\"' '$tmp/case/report/report.html') -eq 2 ]"
ok 'what the references make of it' has report.html '1 of 2 keep it'
ok 'pictures are within the page' sh -c "! grep -o 'src=\"[^\"]*' '$tmp/case/report/report.html' | grep -qv '^src=\"data:image/png;base64,'"
ok 'suspect and references side by side' has flips-compared.dot 'References: '
ok 'nothing of a purified model' sh -c "! grep -q Purified '$tmp/case/report/flips-compared.dot'"
for s in verdict identity verify scope method coverage findings flips radii changes shared files treatment controls appendix; do
	ok "section $s is there, and in the contents" sh -c "grep -q '<section id=\"$s\"' '$tmp/case/report/report.html' && grep -q 'href=\"#$s\"' '$tmp/case/report/report.html'"
done
ok 'no link leads nowhere' sh -c "for i in \$(grep -o 'href=\"#[a-z]*' '$tmp/case/report/report.html' | cut -d'#' -f2 | sort -u); do grep -q \"id=\\\"\$i\\\"\" '$tmp/case/report/report.html' || exit 1; done"
ok 'controls are supported, never complied with' sh -c "grep -q 'Art. 15(5)' '$tmp/case/report/report.html' && grep -q 'supports, by' '$tmp/case/report/report.html' && ! grep -qi 'compl[iy]' '$tmp/case/report/report.html'"
ok 'an unsigned report says that it supports nothing by its signature' has report.html 'nothing: this report is not signed'
rm -rf "$tmp/case/report"; printf x >>"$tmp/case/examples.safetensors"
ok 'examples that were changed' refused 'examples.safetensors is not what scan.json says'
rm "$tmp/case/examples.safetensors" "$tmp/case/perturbations/patch-7.trigger"
ok 'what is no longer there is not shown' status 1 assay-report --force "$tmp/case"
ok 'and the rest is' sh -c "grep -q 'the recovered change, amplified' '$tmp/case/report/report.html' && ! grep -q 'alt=\"before\"' '$tmp/case/report/report.html'"

fresh inconclusive
ok 'an inconclusive scan is not a pass' status 2 assay-report "$tmp/case"
ok 'and says so' has statement.json '"verdict":"INCONCLUSIVE"'

fresh purified
ok 'a purified case is still about the bundle' status 1 assay-report "$tmp/case"
ok 'it has the scan of the purified model' has statement.json '"rescanVerdict":"no-evidence"'
ok 'and the attack success rate' has report.html '98.1 %'

# headings, tables, captions and what is folded, in their order
grep -oE '<(h[1-4]|caption|figcaption|summary)[^>]*>(<span[^>]*>)?[^<]*' "$tmp/case/report/report.html" | sed 's/<[^>]*>//g' >"$tmp/outline"
[ -z "${UPDATE:-}" ] || cp "$tmp/outline" "$here/golden/report-outline.txt"
ok 'the outline of the page' diff "$here/golden/report-outline.txt" "$tmp/outline"
ok 'the recovered change in all three models' has flips-compared.dot 'Purified: 2 %\n18 of 900 images flip'
ok 'with its interval' has report.html '2.0 % (1.3 to 3.1)'
ok 'the rounds as curves' has report.html 'aria-label="Shares by round'
swap eval-recovered.json '"role":"trigger","name":"linf-7.trigger","sha256":"[0-9a-f]*' "\"role\":\"trigger\",\"name\":\"linf-7.trigger\",\"sha256\":\"$(printf %064d 7)"
rm -rf "$tmp/case/report"
ok 'a trigger that the scan did not recover' refused 'its trigger is no perturbation of scan.json'
fresh purified && rm "$tmp/case/rescan/scan.json"
ok 'purified and not scanned again' status 1 assay-report "$tmp/case"
ok 'that is listed' has statement.json 'behaviour of the purified model'
fresh backdoored && swap scan.json '"verdict":"evidence"' '"verdict":"inconclusive"'
ok 'a suspicion is not a verdict' status 2 assay-report "$tmp/case"
ok 'but is said' has statement.json 'a class may be the target'
# a policy: what it waived does not fail the bundle, is there and is said
finding() { printf '{"id":"%s","severity":"high","summary":"s","path":"labels.txt","detail":"d"%s}' "$1" "$2"; }
entry() { printf '{"action":"waive","id":"%s","reason":"%s","expires":"2027-01-31","state":"%s","findings":0}' "$1" "$2" "$3"; }
given() { printf '"policy":{"name":"ours","sha256":"%064d","date":"2026-11-28","fail-at":"%s","entries":[%s]},"complete"' 7 "$1" "$2"; }
fresh clean && swap inspect.json '"findings":.*"complete"' "\"findings\":[$(finding FILE_EXECUTABLE '')],\"complete\""
ok 'a high finding fails' status 1 assay-report "$tmp/case"
fresh clean && swap inspect.json '"findings":.*"complete"' "\"findings\":[$(finding FILE_EXECUTABLE ',"waived":{"reason":"<our> runtime","expires":"2027-01-31"}')],$(given high "$(entry FILE_EXECUTABLE '<our> runtime' applied)")"
ok 'waived, it does not' status 0 assay-report "$tmp/case"
ok 'it is in the statement' has statement.json '"waived":{"expires":"2027-01-31","reason":"<our> runtime"}'
ok 'with the policy' has statement.json '"given":{"entries":[{"action":"waive"'
ok 'and on the page, escaped' has report.html 'Waived (high) until 2027-01-31: &lt;our&gt; runtime'
ok 'beside the verdict too' has report.html '1 waived by it: see the findings'
fresh clean && swap manifest.json '"findings":\[\]' "\"findings\":[$(finding ARCHIVE_LINK '')]"
ok 'a finding of the unpacking fails' status 1 assay-report "$tmp/case"
swap inspect.json '"complete"' "$(given high "$(entry ARCHIVE_LINK harmless unused)")"
ok 'the same policy is for it' status 0 assay-report --force "$tmp/case"
ok 'and is said' has report.html 'Waived (high) until 2027-01-31: harmless'
fresh clean && swap manifest.json '"findings":\[\]' "\"findings\":[$(finding ARCHIVE_LINK '')]"
swap inspect.json '"complete"' "$(given high "$(entry ARCHIVE_LINK harmless expired)")"
ok 'not what had expired' status 1 assay-report "$tmp/case"
fresh clean && swap inspect.json '"findings":.*"complete"' "\"findings\":[$(finding FILE_EXECUTABLE '')],$(given critical '')"
ok 'fail-at is the policy'"'"'s' status 0 assay-report "$tmp/case"
fresh clean && swap inspect.json '"complete"' '"rules":{"FILE_UNKNOWN":{"taxa":["CWE-1357","X\&Y"]}},"taxonomy":{"editions":{"CWE":"4.18"}},"complete"'
ok 'a finding with ids of other lists' status 0 assay-report "$tmp/case"
ok 'they are in the statement' has statement.json '"taxa":["CWE-1357","X&Y"]'
ok 'with the editions' has statement.json '"taxonomies":[{"name":"CWE","version":"4.18"}]'
ok 'and on the page' has report.html '<small><span>CWE-1357</span><span>, X&amp;Y</span></small>'
fresh clean && swap inspect.json '"complete":true' "$(given critical ''):false"
ok 'an incomplete inspection is no pass' status 2 assay-report "$tmp/case"

fresh backdoored && swap scan.json '"verdict":"evidence"' '"verdict":"no-evidence"'
ok 'a scan that contradicts itself' refused 'no-evidence'
# what stood in for trusted references
for arm in 'home-grown:grew its own' 'previous:an earlier version of the model'; do
	fresh clean && swap scan.json '"verdict":' "\"arm\":\"${arm%:*}\",\"verdict\":"
	ok "the arm ${arm%:*}" status 0 assay-report "$tmp/case"
	ok "  is no trusted reference" has statement.json "${arm#*:}"
done

# incomplete
fresh clean && rm "$tmp/case/scan.json"
ok 'no scan: inconclusive' status 2 assay-report "$tmp/case"
ok 'no scan: listed' has statement.json 'scan.json is not in the case'
ok 'no scan: no diagram' test ! -e "$tmp/case/report/flips.svg"
fresh clean && rm "$tmp/case/inspect.json"
ok 'no inspection: inconclusive' status 2 assay-report "$tmp/case"
ok 'no inspection: listed' has statement.json 'inspect.json is not in the case'
fresh clean && swap inspect.json '"complete":true' '"complete":false'
ok 'a limit was hit: inconclusive' status 2 assay-report "$tmp/case"
fresh clean && swap inspect.json '"severity":"note"' '"severity":"high"'
ok 'a high finding fails' status 1 assay-report "$tmp/case"
fresh clean && swap inspect.json '"severity":"note"' '"severity":"odd"'
ok 'so does one that cannot be graded' status 1 assay-report "$tmp/case"
fresh backdoored && rm "$tmp/case/inspect.json"
ok 'a finding outweighs what is missing' status 1 assay-report "$tmp/case"
ok 'nothing there' status 3 assay-report "$tmp/none"
mkdir "$tmp/empty"
ok 'an empty directory is no case' status 3 assay-report "$tmp/empty"

# chain of digests
fresh clean && echo x >>"$tmp/case/files/model.onnx"
ok 'chain: a file changed' refused 'files/model.onnx: changed'
fresh clean && rm "$tmp/case/files/labels.txt"
ok 'chain: a file is missing' refused 'files/labels.txt: missing'
fresh clean && : >"$tmp/case/files/extra"
ok 'chain: a file too many' refused 'files/extra: extra'
fresh clean && rm "$tmp/case/files/labels.txt" && ln -s model.onnx "$tmp/case/files/labels.txt"
ok 'chain: a link instead of a file' refused 'files/labels.txt: changed'
fresh clean && swap manifest.json '"omsRoot":"....' '"omsRoot":"0000'
ok 'chain: root of the manifest' refused 'omsRoot'
fresh clean && swap manifest.json '"dirHash":"....' '"dirHash":"0000'
ok 'chain: dirHash of the manifest' refused 'dirHash'
fresh clean && swap scan.json '"role":"model","name":"model.onnx","sha256":"....' '"role":"model","name":"model.onnx","sha256":"0000'
ok 'chain: the scan is of another model' refused 'scan.json: model 0000'
fresh clean && swap inspect.json '"path":"model.onnx","sha256":"....' '"path":"model.onnx","sha256":"0000'
ok 'chain: another file was inspected' refused 'inspect.json'
fresh backdoored && echo x >>"$tmp/case/perturbations/linf-7.trigger"
ok 'chain: a perturbation changed' refused 'perturbation'
fresh purified && echo x >>"$tmp/case/purified/model.onnx"
ok 'chain: the purified model changed' refused 'purified model'
fresh purified && rm "$tmp/case/purified/model.onnx"
ok 'chain: the purified model is gone' refused 'purified/model.onnx'
fresh purified && swap purify.json '"role":"model","name":"model.onnx","sha256":"....' '"role":"model","name":"model.onnx","sha256":"0000'
ok 'chain: another model was purified' refused 'purify.json: model is 0000'
fresh purified && echo ' ' >>"$tmp/case/scan.json"
ok 'chain: another scan guided it' refused 'purify.json: scan is'
fresh purified && cp "$tmp/case/scan.json" "$tmp/case/rescan/scan.json"
ok 'chain: the second scan is of the first model' refused 'rescan/scan.json'
# as assay audit leaves it
before() { swap rescan/scan.json '"inputs":\[' "\"before\":{\"targets\":[{\"class\":7,\"name\":\"<b>\",\"geometry\":\"patch\",\"p\":1e-9,\"left\":false,\"radius\":{\"before\":0.5,\"now\":2.25},\"z\":{\"before\":9.5,\"now\":null}}],\"left\":0,\"gone\":1,\"new\":0},\"inputs\":[{\"role\":\"before\",\"name\":\"scan.json\",\"sha256\":\"$1\",\"size\":9},"; }
fresh purified && before "$(sha256sum <"$tmp/case/scan.json" | cut -d' ' -f1)"
ok 'targets looked for again' status 1 assay-report "$tmp/case"
ok 'the page says what became of them' has report.html '<td class="num">9.500</td><td class="num">-</td><td class="num">0.500</td><td class="num">2.250</td><td>gone</td>'
ok 'names are text' has report.html '7 (&lt;b&gt;)</th>'
ok 'the statement has them' has statement.json '"rescanBefore":{"gone":1,"left":0,"new":0,"targets":[{'
fresh purified && before "$(printf '%064d' 0)"
ok 'chain: another scan was before' refused 'rescan/scan.json: before is 0000'
fresh purified && cp "$tmp/case/eval-after.json" "$tmp/case/eval-before.json"
ok 'chain: evaluated another model before' refused 'eval-before.json'
fresh purified && cp "$tmp/case/eval-before.json" "$tmp/case/eval-after.json"
ok 'chain: evaluated another model after' refused 'eval-after.json'
fresh purified && rm "$tmp/case/purify.json"
ok 'chain: scanned again, never purified' refused 'purify.json is not'
fresh clean && swap scan.json '"schema":"assay-scan/1"' '"schema":"assay-scan/9"'
ok 'an unknown schema' refused 'assay-scan/9'
fresh clean && swap scan.json '"verdict":' '"verdict":"evidence","verdict":'
ok 'a duplicate key' refused 'duplicate'
fresh clean && swap scan.json '"by_source":\[{"source":1,' '"by_source":[{"source":10,'
ok 'a class that does not exist' refused 'source'

# hostile names
fresh backdoored && swap scan.json '"Sneaker"' '"<script>\\"]; x [label=\\u202e"'
ok 'a hostile class name is drawn' status 1 assay-report "$tmp/case"
ok 'and does nothing' sh -c "! grep -q '<script' '$tmp/case/report/report.html' '$tmp/case/report/flips.svg'"

# keys
openssl ecparam -name prime256v1 -genkey -out "$tmp/sec1.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tmp/p256.pem" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$tmp/ed.pem" 2>/dev/null
openssl genpkey -algorithm RSA -out "$tmp/rsa.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$tmp/p384.pem" 2>/dev/null
openssl pkcs8 -topk8 -in "$tmp/p256.pem" -passout pass:secret -out "$tmp/enc.pem" 2>/dev/null
echo 'a key that is no key' >"$tmp/nokey.pem"
fresh clean
for k in sec1 p256 ed; do
	ok "signs with $k" status 0 assay-report --force --key "$tmp/$k.pem" "$tmp/case"
	openssl pkey -in "$tmp/$k.pem" -pubout -out "$tmp/pub.pem"
	ok "public.pem is its public part ($k)" cmp "$tmp/pub.pem" "$tmp/case/report/public.pem"
	ok "key id is the digest of that text ($k)" has audit.sigstore.json "$(sha256sum <"$tmp/pub.pem" | cut -d' ' -f1)"
done
echo secret >"$tmp/pass"
ok 'an encrypted key, with its passphrase' status 0 assay-report --force --key "$tmp/enc.pem" --passphrase-file "$tmp/pass" "$tmp/case"
echo wrong >"$tmp/pass"
rm -rf "$tmp/case/report"
bad_key() { # key, what it says; never key material, and no report
	status 2 assay-report --key "$1" $3 "$tmp/case" && grep -q "$2" "$tmp/err" &&
	    [ ! -e "$tmp/case/report" ] && ! grep -q PRIVATE "$tmp/err" "$tmp/out"
}
ok 'a wrong passphrase' bad_key "$tmp/enc.pem" 'does not open' "--passphrase-file $tmp/pass"
ok 'an encrypted key without one' bad_key "$tmp/enc.pem" 'is encrypted'
ok 'an RSA key' bad_key "$tmp/rsa.pem" 'type RSA'
ok 'a P-384 key' bad_key "$tmp/p384.pem" 'secp384r1'
ok 'a key that is no key' bad_key "$tmp/nokey.pem" 'not a private key'
ok 'a public key' bad_key "$tmp/pub.pem" 'not a private key'
ok 'no key file' bad_key "$tmp/nofile.pem" 'cannot open'
ok 'a directory as key' bad_key "$tmp" 'not a regular file'
# --- many findings: the page says how many more there are
fresh clean
python3 - "$tmp/case/inspect.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["findings"] = [{"id": "FILE_UNKNOWN", "severity": "medium" if i < 60 else "low", "summary": "s", "path": "labels.txt", "detail": "d%d" % i} for i in range(2500)]
	json.dump(d, open(sys.argv[1], "w"))
P
python3 - "$tmp/case/manifest.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["refused"] = [{"path": "m%d" % i, "reason": "r"} for i in range(2100)]
	json.dump(d, open(sys.argv[1], "w"))
P
ok 'many findings' status 0 assay-report "$tmp/case"
ok 'are cut, and said' has report.html 'The first 2000 of 2500; all are in statement.json.'
ok 'not in the statement' has statement.json '"detail":"d2499"'
ok 'those to be treated are cut, and said' has report.html 'The first 50 of 60; all are in statement.json.'
ok 'members that were refused, too' has report.html 'The first 2000 of 2100; all are in manifest.json.'
fresh clean
python3 - "$tmp/case/inspect.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["findings"] = [{"id": "FILE_UNKNOWN", "severity": "grave", "summary": "s", "path": "labels.txt", "detail": "d"}]
	json.dump(d, open(sys.argv[1], "w"))
P
ok 'a severity that nobody knows fails' status 1 assay-report "$tmp/case"
ok 'and is to be treated' sh -c "! grep -q 'No finding of medium severity or above is open' '$tmp/case/report/report.html'"
fresh backdoored
python3 - "$tmp/case/scan.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["classes"] = 70
	for k in ("class_names", "flip_matrix", "examples"): d.pop(k, None)
	flips = [{"source": s, "n": 10, "flipped": 9, "shared": 1} for s in range(70)]
	rows = [{"class": c, "radius": {"suspect": 1, "references": [5, 6]}, "flips": {"n": 690, "flipped": 621}, "by_source": [f for f in flips if f["source"] != c]} for c in range(70)]
	d["geometries"] = [{"name": "linf", "per_class": rows}]
	d["targets"] = [{"class": c, "geometry": "linf", "p": 0} for c in range(10)]
	json.dump(d, open(sys.argv[1], "w"))
P
ok 'many classes, many targets' status 1 assay-report "$tmp/case"
ok 'the flips that a table leaves out are said' has report.html 'The first 60 of 68; all are in statement.json.'
ok 'and the classes, below each of two tables' sh -c "[ \$(grep -c 'The 60 classes with the largest residuals of 70' '$tmp/case/report/report.html') -eq 2 ]"

# --- PDF: by what is installed; tidy, where it is
if command -v tidy >/dev/null; then
	for kind in clean backdoored inconclusive purified; do
		fresh $kind
		assay-report "$tmp/case" >"$tmp/out"
		ok "tidy has nothing to say of a $kind case" sh -c "[ -z \"\$(tidy -q -e '$tmp/case/report/report.html' 2>&1)\" ]"
	done
else
	ok 'tidy # SKIP not installed' true
fi
fresh backdoored
bin=$(dirname "$(command -v assay-report)")
mkdir "$tmp/prn"
ok 'no printer: said before anything is written' status 2 env PATH="$tmp/prn" "$bin/assay-report" --pdf "$tmp/case"
ok 'and what to install' grep -q 'neither Chromium nor WeasyPrint' "$tmp/err"
ok 'nothing was' test ! -e "$tmp/case/report"
printf '#!/bin/sh\nexit 3\n' >"$tmp/prn/chromium" && chmod +x "$tmp/prn/chromium"
ok 'a printer that fails' status 2 env PATH="$tmp/prn:/bin" "$bin/assay-report" --pdf "$tmp/case"
ok 'is said' grep -q 'chromium ended with status 3' "$tmp/err"
ok 'the report is there all the same' test -s "$tmp/case/report/report.html"
ok 'half a PDF is not' test ! -e "$tmp/case/report/report.pdf"
cat >"$tmp/prn/chromium" <<-'P'
	#!/bin/sh
	for i in "$@"; do case $i in --print-to-pdf=*) out=${i#*=} ;; file:*) page=$i ;; esac; done
	{ printf '%%PDF-1.4 %s ' "$page"; python3 -c 'import socket
	for f in socket.AF_INET, socket.AF_INET6:
	    try: socket.socket(f, socket.SOCK_DGRAM); print("network")
	    except OSError: print("none")'; } >"$out"
P
ok 'another printer' status 0 env PATH="$tmp/prn:$PATH" "$bin/assay-report" --pdf "$tmp/case/report"
ok 'is given the page, and no network' sh -c "grep -q '^%PDF-1.4 file:///.*/case/report/report.html none\$' '$tmp/case/report/report.pdf' && ! grep -q network '$tmp/case/report/report.pdf'"
ok 'nothing of it is in the statement' sh -c "! grep -q 'report.pdf' '$tmp/case/report/statement.json'"
printf '<!-- x -->' >>"$tmp/case/report/report.html"
# one that would go on by itself when nobody waits for it any more
mkdir "$tmp/slow"
printf '#!/bin/sh\necho $$ >%s\nexec sleep 1000\n' "$tmp/printing" >"$tmp/slow/chromium" && chmod +x "$tmp/slow/chromium"
PATH="$tmp/slow:$PATH" "$bin/assay-report" --pdf "$tmp/case/report" >"$tmp/log" 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s "$tmp/printing" ] || sleep 1; done
kill -9 $!
wait $! 2>/dev/null
ok 'a printer ends with the one who started it' sh -c "for i in 1 2 3 4 5; do kill -0 \$(cat '$tmp/printing') 2>/dev/null || exit 0; sleep 1; done; exit 1"
ok 'a page that was changed is not printed' status 2 env PATH="$tmp/prn:$PATH" "$bin/assay-report" --pdf "$tmp/case/report"
ok 'and why' grep -q 'report.html: not the page that the statement names' "$tmp/err"
if command -v chromium >/dev/null || command -v weasyprint >/dev/null; then
	ok 'a real one prints' status 1 assay-report --force --pdf "$tmp/case"
	ok 'a PDF' sh -c "head -c 5 '$tmp/case/report/report.pdf' | grep -q '%PDF-' && [ \$(wc -c <'$tmp/case/report/report.pdf') -gt 20000 ]"
else
	ok 'a real one prints # SKIP neither Chromium nor WeasyPrint' true
fi
ok 'no case given' status 4 assay-report
ok '--check-key and --diff' status 4 assay-report --check-key --diff
ok '--index and --diff' status 4 assay-report --index --diff "$tmp/case"
ok 'an unknown option' status 4 assay-report --frobnicate "$tmp/case"
ok 'help' status 0 assay-report --help

# what assay-report(5) says, as a schema
fits() { (cd "$tmp/all" && printf -- '-i\n%s\n' *.json) | (cd "$tmp/all" && xargs env PATH=/usr/bin:/bin python3 -W ignore -m jsonschema "$here/../report/statement.schema.json"); }
here=$(cd "$here" && pwd)
ok "each of the $(ls "$tmp/all" | wc -l) statements made here fits the schema" fits
misfit() { # what, jq program
	f=$(ls "$tmp/all" | head -1)
	jq "$2" "$tmp/all/$f" >"$tmp/misfit.json"
	ok "the schema refuses $1" sh -c "! cmp -s '$tmp/misfit.json' '$tmp/all/$f' && ! PATH=/usr/bin:/bin python3 -W ignore -m jsonschema -i '$tmp/misfit.json' '$here/../report/statement.schema.json'"
}
misfit 'a real number' '.predicate.checks[0].evidence.files = 0.5'
misfit 'an integer that is too large' '.predicate.run.scan.seconds = 9007199254740993'
misfit 'a field of the statement' '.note = "x"'
misfit 'a field of the predicate' '.predicate.note = "x"'
misfit 'a size as a number' '.predicate.manifest.resources[0].size = 3'
misfit 'no verdict' 'del(.predicate.verdict)'
misfit 'a count below zero' '(.predicate.checks[] | select(.id == "flip-radius/linf") | .evidence.perClass[0].flips.n) = -1'
misfit 'a weak digest' '.subject[0].digest = {sha1: "00"}'
echo "1..$n"
