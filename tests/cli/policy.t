#!/bin/sh
# assay policy check, and what a policy requires of an audit: checks, formats,
# references, thresholds, signatures of the supplier on the bundle.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
cd "$tmp" || exit 1
p=$root/fixtures/policy

# --- the form
exits 0 "a policy" assay policy check "$p/good-require.json"
prints "sha256 $(sha256sum <"$p/good-require.json" | cut -d' ' -f1)"
prints '^  require formats \["onnx","safetensors"\]$'
exits 0 "another" assay policy check "$p/good-waive.json"
prints '^  waive   FILE_PICKLE, until 2027-01-31$'
run env SOURCE_DATE_EPOCH=1900000000 assay policy check "$p/good-waive.json"
ok "a waiver that has expired is a policy still" [ $rc -eq 0 ]
prints 'EXPIRED: does nothing'
exits 1 "one that is none" assay policy check "$p/bad-expires-never.json"
says "bad-expires-never.json: 'waive.0.expires' is no date"
exits 1 "one of two" assay policy check "$p/good-least.json" "$p/bad-key.json"
prints 'good-least.json: a policy'
exits 1 "as JSON" assay policy check --json "$p/good-least.json" "$p/bad-key.json"
ok "both are in it" [ "$(jq -c '[.policies[].valid]' "$out")" = '[true,false]' ]
echo '{"schema": "assay-policy/1", "require": {"formats": ["onnx", "onix"]}}' >typo.json
exits 1 "a format that is none" assay policy check typo.json
says "'require.formats.1' is 'onix', which is no format of models"
ok "nobody is asked for the passphrase of a public key" sh -c \
	'! setsid assay policy check "$1" </dev/null 2>&1 | grep -q phrase' - \
	"$p/bad-require-signature-encrypted.json"
exits 2 "no file" assay policy check nowhere
exits 4 "no FILE" assay policy check
exits 4 "another verb" assay policy make "$p/good-least.json"
says "no 'make'"
exits 4 "another verb alone" assay policy make
says "no 'make'"
exits 0 "help" assay policy --help

# --- what is required
for k in supplier other; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out $k 2>/dev/null
	openssl pkey -in $k -pubout -out $k.pub
done
mkdir -p good/docs && cp "$clean" good/model.onnx && echo hello >good/docs/README.md && echo hello >good/README.txt
policy() { jq -n --rawfile key supplier.pub "{schema: \"assay-policy/1\", require: {$1}}" >policy.json; }
# the check of the policy on the bundle $1, unpacked and inspected, not scanned
judged() {
	rm -rf case
	assay unpack -q "$1" case && assay inspect -q --policy policy.json case >inspected
	run assay-report -q case
	ok "the report is made" [ -s case/report/statement.json ]
	jq -c '.predicate.checks[] | select(.id == "policy")' case/report/statement.json >check
}
is() { # is STATUS WHAT WORDS...: the check's status, and what it says
	_s=$1 _w=$2
	shift 2
	ok "$_w: $_s" [ "$(jq -r .status check)" = "$_s" ]
	for _t; do ok "  $_t" grep -qF -- "$_t" check; done
}
policy ''
judged good
ok "nothing required, no check" [ ! -s check ]
policy 'checks: ["supply-chain", "behaviour", "flip-radius/patch"]'
judged good
is INCONCLUSIVE "checks" '{"detail":"supply-chain: PASSED","rule":"checks","status":"PASSED"}' \
    '{"detail":"behaviour was not done","rule":"checks","status":"INCONCLUSIVE"}'
policy 'formats: ["onnx"]'
judged good
is PASSED "formats" '1 files of models are of formats that are allowed'
policy 'formats: ["safetensors"]'
judged good
is FAILED "another format" "model.onnx is of the format 'onnx'"
ok "fails the bundle" [ $rc -eq 1 ]
policy 'references: 1, score: 3, accuracy: 0.5, "attack-success": 0.1'
judged good
is INCONCLUSIVE "what was not measured" '0 trusted references, 1 are required' '{"detail":"was not measured","rule":"accuracy"'

# --- signatures of the supplier
pae() { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <"$1")"; cat "$1"; }
seal() { # seal KEY DIR [jq [LEFT-OUT]]: DIR/model.sig, as OpenSSF model signing has it, by openssl; jq changes what is signed
	rm -f "$2/model.sig"
	(cd "$2" && find . -type f | sed 's,^\./,,' | grep -vxF -- "${4:-.}" | LC_ALL=C sort | while read -r f; do
		jq -nc --arg n "$f" --arg d "$(sha256sum <"$f" | cut -d' ' -f1)" '{name: $n, algorithm: "sha256", digest: $d}'
	done) | jq -sc . >resources
	root_of=$(jq -r '.[].digest' resources | tr -d '\n' | python3 -c 'import hashlib, sys; print(hashlib.sha256(bytes.fromhex(sys.stdin.read())).hexdigest())')
	jq -c --arg r "$root_of" '{_type: "https://in-toto.io/Statement/v1", subject: [{name: "m", digest: {sha256: $r}}],
	    predicateType: "https://model_signing/signature/v1.0", predicate: {resources: .,
	    serialization: {method: "files", hash_type: "sha256", allow_symlinks: false, ignore_paths: [".gitattributes", "model.sig"]}}}' resources |
	    jq -c "${3:-.}" >payload
	pae payload | openssl dgst -sha384 -sign "$1" -out sig
	jq -n --arg p "$(openssl base64 -A -in payload)" --arg s "$(openssl base64 -A -in sig)" --arg h "$(sha256sum <"$1.pub" | cut -d' ' -f1)" \
	    '{mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", verificationMaterial: {publicKey: {hint: $h}, tlogEntries: []},
	    dsseEnvelope: {payload: $p, payloadType: "application/vnd.in-toto+json", signatures: [{sig: $s, keyid: null}]}}' >"$2/model.sig"
}
policy 'signatures: [range(12) | {path: "\(.)/model.sig", "public-key": $key}]'
exits 0 "a policy that requires much" assay policy check policy.json
prints '"path":"11/model.sig","public-key":"-----BEGIN'
policy 'signatures: [{"public-key": $key}]'
judged good
is FAILED "no signature" 'there is no such file'
seal supplier good
judged good
is PASSED "a signature of the supplier" "model.sig, key $(sha256sum <supplier.pub | cut -c1-16): signs every file"
ok "the page does not say that nobody verified it" sh -c "grep -A9 'signature</dt>' case/report/report.html | grep -q 'model.sig</code><span> (required by the policy, PASSED, key' && ! grep -q 'not verified by this audit' case/report/report.html"
tar -czf good.tar.gz good
judged good.tar.gz
is PASSED "in an archive with a folder" 'good/model.sig, key'
policy 'signatures: [{"path": "sub/model.sig", "public-key": $key}]'
judged good
is FAILED "where it is not" 'sub/model.sig, key'
policy 'signatures: [{"public-key": $key}]'
echo x >good/.gitattributes
judged good
is PASSED "what the specification lets a signer leave out"
mkdir good/docs/.git && echo x >good/docs/.git/x
judged good
is FAILED "not deeper" 'not signed: docs/.git/x'
rm -r good/docs/.git good/.gitattributes
echo x >good/docs/more
judged good
is FAILED "a file more" 'not signed: docs/more'
rm good/docs/more && echo hallo >good/README.txt
judged good
is FAILED "a file changed" 'changed: README.txt'
mv good/README.txt good/README.text && echo hello >good/README.text
judged good
is FAILED "a file renamed" 'README.t'
rm good/README.text
judged good
is FAILED "a file missing" 'missing: README.txt'
echo hello >good/README.txt
seal other good
judged good
ok "the page says that it does not verify" grep -q 'model.sig</code><span> (required by the policy, FAILED, key' case/report/report.html
is FAILED "a signature of somebody else" 'the signature does not match (ECDSA P-384, SHA-384)'
seal supplier good '.predicateType = "https://model_signing/signature/v2.0"'
judged good
is FAILED "another statement" "'predicateType' is"
seal supplier good '.predicate.resources[0].digest = .predicate.resources[2].digest'
judged good
is FAILED "a digest that covers something else" "'subject.0.digest.sha256' is not the digest"
seal supplier good '.predicate.resources |= reverse'
judged good
is FAILED "in an order that the subject is not of" "'subject.0.digest.sha256' is not the digest"
seal supplier good '.predicate.serialization.method = "shards"'
judged good
is INCONCLUSIVE "shards cannot be checked here" "'predicate.serialization.method' is 'shards'"
seal supplier good '.predicate.serialization.ignore_paths = ["README.txt"]' README.txt
judged good
is FAILED "what a signer chose not to see" 'not signed: README.txt'
for junk in '' '{}' '[[[[' '{"mediaType": 3}'; do
	printf '%s' "$junk" >good/model.sig
	judged good
	is FAILED "a model.sig of '$junk'"
done
seal supplier good
sed -i 's/"mediaType"/"note": "signed", "mediaType"/' good/model.sig
judged good
is FAILED "a field that nobody signed" "unknown field 'note'"

# the vectors of model signing's own: what its tools sign is signed for us too
vector=${ASSAY_SCHEMAS:-}/oms/test-vectors/v1.0/valid/key.bundle.json
if [ -e "$vector" ]; then
	rm -rf theirs && mkdir theirs && cp "$clean" theirs/model.onnx && cp "$vector" theirs/model.sig
	judged theirs
	is FAILED "a signature made by model_signing is read; its key is another" 'the signature does not match'
else
	ok "the vectors of model signing # SKIP no ASSAY_SCHEMAS" true
fi

# --- our own model.sig is one, and the whole pipeline
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key 2>/dev/null
openssl pkey -in key -pubout -out supplier.pub
rm good/model.sig
policy ''
judged good
run assay-report -q --force --key key --model-signature case
cp case/report/model.sig good/
policy 'signatures: [{"public-key": $key}]'
judged good
is PASSED "model.sig of assay-report"
policy 'signatures: [{"public-key": $key}], formats: ["onnx"], references: 1, score: 100, accuracy: 0.3, checks: ["supply-chain", "behaviour"]'
exits 0 "an audit that has all of it" assay audit -q good --out c1 --data "$audit" --budget quick -r "$reference" --policy policy.json --key key
jq -c '.predicate.checks[] | select(.id == "policy")' c1/report/statement.json >check
is PASSED "the policy" '1 trusted references, 1 are required' 'model.sig, key' 'at most 100 is allowed' 'behaviour: PASSED'
ok "its digest is in the report" [ "$(jq -r .predicate.policy.given.sha256 c1/report/statement.json)" = "$(sha256sum <policy.json | cut -d' ' -f1)" ]
exits 0 "the report verifies" assay verify c1/report --key supplier.pub --bundle good --require-pass
policy 'accuracy: 0.9999'
exits 1 "the same with an accuracy that nobody has" assay audit -q good --out c1 --data "$audit" --budget quick -r "$reference" --policy policy.json --key key --resume
ok "FAILED" grep -q '"verdict":"FAILED"' c1/report/statement.json
policy 'references: 5'
exits 2 "the same with five references" assay audit -q good --out c1 --data "$audit" --budget quick -r "$reference" --policy policy.json --key key --resume
ok "INCONCLUSIVE" grep -q '"verdict":"INCONCLUSIVE"' c1/report/statement.json
statements_fit
done_testing
