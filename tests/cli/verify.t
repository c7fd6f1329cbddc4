#!/bin/sh
# assay-verify: what verifies, and every way in which it must not.
here=$(dirname "$0")/..
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

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
	[ "$got" -eq "$want" ] || { echo "status $got, not $want"; cat "$tmp/out" "$tmp/err"; return 1; }
}
says() { # status, text on stderr, command
	st=$1
	text=$2
	shift 2
	status "$st" "$@" && grep -q -- "$text" "$tmp/err" || { cat "$tmp/err"; return 1; }
}
verify() { assay-verify "$r" --key "$tmp/pub.pem" "$@"; }
# a fresh copy of the report, its bundle changed by sed
tamper() { rm -rf "$tmp/r2"; cp -r "$r0" "$tmp/r2"; sed "$1" "$r0/audit.sigstore.json" >"$tmp/r2/audit.sigstore.json"; r=$tmp/r2; }
copy() { rm -rf "$tmp/r2"; cp -r "$r0" "$tmp/r2"; r=$tmp/r2; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tmp/key.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tmp/key2.pem" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$tmp/ed.pem" 2>/dev/null
openssl genpkey -algorithm RSA -out "$tmp/rsa.pem" 2>/dev/null
for k in key key2 ed rsa; do openssl pkey -in "$tmp/$k.pem" -pubout -out "$tmp/$k.pub"; done
cp "$tmp/key.pub" "$tmp/pub.pem"
echo 'a key that is no key' >"$tmp/nokey.pem"
sh "$here/case.sh" clean "$tmp/case"
assay-report --key "$tmp/key.pem" "$tmp/case" >"$tmp/log"
r0=$tmp/case/report
r=$r0

ok 'a report verifies' status 0 verify
ok 'and says PASSED' grep -q 'verdict *PASSED' "$tmp/out"
ok 'by the name of the file' status 0 assay-verify "$r/audit.sigstore.json" --key "$tmp/pub.pem"
ok 'from inside the report' sh -c "cd '$r' && assay-verify audit.sigstore.json --key '$tmp/pub.pem'"
mkdir "$tmp/pure"
(cd "$tmp/case" && cp -r *.json files perturbations report "$tmp/pure")
ok 'with the case' status 0 verify --bundle "$tmp/pure"
cp -r "$tmp/pure" "$tmp/dressed"
echo 'something else' >"$tmp/dressed/model.safetensors"
ok 'what only looks like a case' says 1 'bundle: extra: model.safetensors' verify --bundle "$tmp/dressed"
cp -r "$tmp/pure" "$tmp/other"
sed -i 's/no-evidence/evidence/' "$tmp/other/scan.json"
ok 'a case with another document' says 1 'bundle: changed: scan.json is not what the report was made of' verify --bundle "$tmp/other"
rm "$tmp/other/scan.json"
ok '  one that was taken out says nothing else' status 0 verify --bundle "$tmp/other"
ok 'with the directory of files' status 0 verify --bundle "$tmp/case/files/"
mkdir "$tmp/fold"
echo a >"$tmp/fold/a"
echo b >"$tmp/fold/b"
(cd "$tmp/fold" && sha256sum a b) >"$tmp/sums"
assay-unpack "$tmp/fold" "$tmp/foldcase" >"$tmp/log" && assay-report --key "$tmp/key.pem" "$tmp/foldcase" >"$tmp/log"
ok 'a folder that was audited' status 0 assay-verify "$tmp/foldcase/report" --key "$tmp/pub.pem" --bundle "$tmp/fold"
python3 - "$tmp" <<-'P'
	import hashlib, os, sys
	os.mkdir(sys.argv[1] + "/joined")
	b = hashlib.sha256(b"b\n").hexdigest()
	open("%s/joined/a\n%s  b" % (sys.argv[1], b), "w").write("a\n")
P
ok 'nor one file whose name is two lines of the list' says 1 'bundle: missing: b' assay-verify "$tmp/foldcase/report" --key "$tmp/pub.pem" --bundle "$tmp/joined"
ok 'a list of its files is not it' says 1 'sums is a file, and a folder was audited' assay-verify "$tmp/foldcase/report" --key "$tmp/pub.pem" --bundle "$tmp/sums"
ln -s case/files "$tmp/link"
ln -s pure "$tmp/case-link"
ok 'with a link to that directory' status 0 verify --bundle "$tmp/link"
ok 'with a link to the case' status 0 verify --bundle "$tmp/case-link"
ok 'with the archive' status 0 verify --bundle "$tmp/case/clothes.tar.gz"
ok 'PASSED satisfies --require-pass' status 0 verify --require-pass
ok '--json' sh -c "assay-verify '$r' --key '$tmp/pub.pem' --json | grep -q '\"verified\": true'"
ok 'a full standard output is not a success' sh -c "assay-verify '$r' --key '$tmp/pub.pem' >/dev/full 2>/dev/null; [ \$? -eq 2 ]"

ok 'what could not be read is among the problems' sh -c "assay-verify '$r' --key '$tmp/pub.pem' --json --bundle '$tmp/none' | grep -q 'none: cannot read'"
ok 'an unknown letter among known ones' says 4 'unknown option: -Z' assay-verify "$r" -pZj
ok 'an unknown word' says 4 'unknown option or misused: --frob' assay-verify "$r" --frob
cp -r "$r0" "$tmp/-r"
ok 'a name like an option' sh -c "cd '$tmp' && assay-verify --key pub.pem -- -r"
SOURCE_DATE_EPOCH=4102444800 assay-report --key "$tmp/key.pem" --out "$tmp/later" "$tmp/case" >"$tmp/log"
ok 'one from the future verifies' status 0 assay-verify "$tmp/later" --key "$tmp/pub.pem"
ok '  and that is said' grep -q '^  audited .*days from now: one of two clocks is wrong' "$tmp/out"

# a file that is cut while it is read, 8 GB without a byte on the disk
mkdir "$tmp/cut" && truncate -s 8000M "$tmp/cut/big"
(sleep 1; truncate -s 1M "$tmp/cut/big") &
ok 'a file that shrinks is an error' says 2 'big: changed its size while it was read' assay-verify "$r" --key "$tmp/pub.pem" --bundle "$tmp/cut"
wait

# a waiver that was good for the audit, and is over
sh "$here/case.sh" clean "$tmp/waived"
python3 - "$tmp/waived/inspect.json" <<-'P'
	import json, sys
	d = json.load(open(sys.argv[1]))
	d["findings"].append({"id": "FILE_EXECUTABLE", "severity": "high", "summary": "s", "path": "labels.txt", "detail": "d",
	    "waived": {"reason": "read by us", "expires": "2020-01-31"}})
	json.dump(d, open(sys.argv[1], "w"))
P
SOURCE_DATE_EPOCH=1577923200 assay-report --key "$tmp/key.pem" "$tmp/waived" >"$tmp/log"
ok 'a waiver that was over before the report does nothing' status 1 assay-report --out "$tmp/late" "$tmp/waived"
ok '  the finding counts' sh -c "! grep -q waived '$tmp/late/statement.json' && grep -q '\"verdict\":\"FAILED\"' '$tmp/late/statement.json'"
ok 'a waiver that has expired is named' says 0 'the waiver of FILE_EXECUTABLE expired on 2020-01-31' assay-verify "$tmp/waived/report" --key "$tmp/pub.pem"
ok '  and is no pass' says 1 'findings.1: the waiver of FILE_EXECUTABLE expired on 2020-01-31' assay-verify "$tmp/waived/report" --key "$tmp/pub.pem" --require-pass

# openssl alone, with the exported bytes and without Assay at all
ok 'export' status 0 verify --pae "$tmp/pae" --sig "$tmp/sig"
ok 'openssl verifies the export' openssl dgst -sha256 -verify "$tmp/pub.pem" -signature "$tmp/sig" "$tmp/pae"
by_hand() {
	sed -n 's/.*"payload": "\([^"]*\)".*/\1/p' "$r/audit.sigstore.json" | openssl base64 -d -A >"$tmp/payload"
	sed -n 's/.*"sig": "\([^"]*\)".*/\1/p' "$r/audit.sigstore.json" | openssl base64 -d -A >"$tmp/sig2"
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <"$tmp/payload")"; cat "$tmp/payload"; } >"$tmp/pae2"
}
by_hand
ok 'the same bytes by sed' cmp "$tmp/pae" "$tmp/pae2"
ok 'the same signature by sed' cmp "$tmp/sig" "$tmp/sig2"
ok 'the payload is statement.json' cmp "$tmp/payload" "$r/statement.json"

# keys
ok 'another key' says 1 'signature does not match' assay-verify "$r" --key "$tmp/key2.pub"
ok 'a key of the other type' says 1 'signature does not match' assay-verify "$r" --key "$tmp/ed.pub"
ok 'an RSA key is refused' says 2 'type RSA' assay-verify "$r" --key "$tmp/rsa.pub"
ok 'a private key is refused' says 2 'not a public key' assay-verify "$r" --key "$tmp/key.pem"
ok 'a key that is no key' says 2 'not a public key' assay-verify "$r" --key "$tmp/nokey.pem"
ok 'no such key' says 2 'cannot open' assay-verify "$r" --key "$tmp/none"
ok 'no --key' status 4 assay-verify "$r"
ok 'no report given' status 4 assay-verify --key "$tmp/pub.pem"
ok 'no such report' status 2 assay-verify "$tmp/none" --key "$tmp/pub.pem"

# the envelope
tamper 's/"payload": "e/"payload": "f/'
ok 'payload changed' says 1 'signature does not match' verify
ok 'nothing of it is printed' sh -c "! grep -q verdict '$tmp/out'"
tamper 's/"sig": "MEQCI\(.\)/"sig": "MEQCI\1/; s/"sig": "\(.\{20\}\)./"sig": "\1A/; s/"sig": "\(.\{30\}\)./"sig": "\1B/'
ok 'signature changed' says 1 'signature does not match' verify
tamper 's/"sig": "\(.\{40\}\)[^"]*"/"sig": "\1"/'
ok 'signature cut' says 1 'signature does not match' verify
tamper 's/"signatures": \[/"signatures": [{"sig": "AAAA"},/'
ok 'two signatures' says 1 '2 signatures' verify
tamper 's/"payloadType": /"payload": "e30=", "payloadType": /'
ok 'duplicate key' says 1 'duplicate' verify
tamper 's/"payloadType": /"note": "PASSED", "payloadType": /'
ok 'unknown field in the envelope' says 1 "unknown field 'note'" verify
tamper 's/"mediaType": /"note": "PASSED", "mediaType": /'
ok 'unknown field in the bundle' says 1 "unknown field 'note'" verify
tamper 's/bundle\.v0\.3/bundle.v0.9/'
ok 'another media type' says 1 'mediaType' verify
tamper 's/vnd.in-toto+json/json/'
ok 'another payload type' says 1 'signature does not match' verify
tamper 's/"payload": "/"payload": " /'
ok 'a space in base64' says 1 'base64' verify
tamper 's/"tlogEntries": \[\]/"tlogEntries": [{}]/'
ok 'log entries' says 1 'tlogEntries' verify
tamper '1s/^/x/'
ok 'no JSON' says 1 'json' verify
copy; python3 -c 'print("{\"mediaType\": [" + "[]," * 3000000 + "[]]}")' >"$r/audit.sigstore.json"
ok 'millions of lists are not read' says 1 'more than 200 members' sh -c "ulimit -v 200000; assay-verify '$r' --key '$tmp/pub.pem'"
tamper 's/"hint": "..../"hint": "0000/; s/"keyid": "..../"keyid": "0000/'
ok 'key ids are hints, not trust' status 0 verify

# properly signed, but by somebody who signs other things too
resign() { # payload file
	{ printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <"$1")"; cat "$1"; } >"$tmp/pae3"
	openssl dgst -sha256 -sign "$tmp/key.pem" -out "$tmp/sig3" "$tmp/pae3"
	copy
	printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{"payload":"%s","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"%s"}]}}\n' "$(openssl base64 -A -in "$1")" "$(openssl base64 -A -in "$tmp/sig3")" >"$r/audit.sigstore.json"
}
edit() { sed "$1" "$r0/statement.json" >"$tmp/edited"; resign "$tmp/edited"; }
edit ''
ok 'signed by openssl alone' status 0 verify
edit 's|model-audit/v0.1|other/v0.1|'
ok 'another predicate' says 1 'not a model audit' verify
edit 's|in-toto.io/Statement/v1|in-toto.io/Statement/v0.1|'
ok 'another statement type' says 1 'not a model audit' verify
edit 's/"verdict":"PASSED"/"verdict":"FAILED"/'
ok 'verdict and results digest disagree' says 1 'resultsDigest' verify
edit 's/"verdict":"PASSED"/"verdict":"FINE"/'
ok 'a verdict that is none' says 1 'verdict' verify
edit 's/"verdict":"PASSED"/"verdict":"FAILED","verdict":"PASSED"/'
ok 'a duplicate key in the payload' says 1 'duplicate' verify
edit 's/"dirHash1":"[^"]*",*//'
ok 'no dirHash' says 1 'dirHash1' verify
edit 's/"dirHash1":"..../"dirHash1":"0000/'
ok 'another dirHash' says 1 'dirHash1' verify

# derived files and the bundle
copy; echo '<!-- x -->' >>"$r/report.html"
ok 'page changed' says 1 'derived: changed: report.html' verify
copy; rm "$r/statement.json"; echo '<h1>PASSED</h1>' >"$r/index.html"
ok 'a page that nobody signed is named, without the statement too' sh -c "assay-verify '$r' --key '$tmp/pub.pem' | grep -q '^  not signed  index.html'"
copy; echo '<!-- x -->' >>"$r/report.html"
ok 'not looked at when told so' status 0 verify --no-derived
ok 'or looked for elsewhere' status 0 verify --derived "$r0"
copy; echo '// x' >>"$r/flips.dot"
ok 'diagram changed' says 1 'derived: changed: flips.dot' verify
copy; rm "$r/flips.svg"
ok 'picture missing' says 1 'derived: missing: flips.svg' verify
r=$r0
cp -r "$tmp/case/files" "$tmp/f"
ok 'the files' status 0 verify --bundle "$tmp/f"
echo x >>"$tmp/f/model.onnx"
ok 'file changed' says 1 'bundle: changed: model.onnx' verify --bundle "$tmp/f"
: >"$tmp/f/docs/more"
ok 'file extra' says 1 'bundle: extra: docs/more' verify --bundle "$tmp/f"
rm "$tmp/f/labels.txt"
ok 'file missing' says 1 'bundle: missing: labels.txt' verify --bundle "$tmp/f"
ok 'all of them are said' sh -c "[ \$(grep -c bundle: '$tmp/err') -eq 3 ]"
rm -rf "$tmp/f"; cp -r "$tmp/case/files" "$tmp/f"; mv "$tmp/f/labels.txt" "$tmp/f/Labels.txt"
ok 'file renamed' says 1 'bundle: extra: Labels.txt' verify --bundle "$tmp/f"
rm -rf "$tmp/f"; cp -r "$tmp/case/files" "$tmp/f"; mv "$tmp/f/labels.txt" "$tmp/l"; ln -s "$tmp/l" "$tmp/f/labels.txt"
ok 'link to the same content' says 1 'bundle: changed: labels.txt' verify --bundle "$tmp/f"
echo x >>"$tmp/case/clothes.tar.gz"
ok 'archive changed' says 1 'bundle: changed' verify --bundle "$tmp/case/clothes.tar.gz"
ok 'no such bundle' status 2 verify --bundle "$tmp/none"

# policy
sh "$here/case.sh" backdoored "$tmp/bad"
SOURCE_DATE_EPOCH=1600000000 assay-report --key "$tmp/key.pem" "$tmp/bad" >"$tmp/log"
r=$tmp/bad/report
ok 'a report that says FAILED verifies' status 0 verify
ok 'and says so twice' sh -c "[ \$(grep -c FAILED '$tmp/out') -eq 2 ]"
ok '--require-pass wants PASSED' says 1 'PASSED is required' verify --require-pass
ok '--max-age' says 1 'days old' verify --max-age 30
sh "$here/case.sh" inconclusive "$tmp/mid"
assay-report --key "$tmp/key.pem" "$tmp/mid" >"$tmp/log"
r=$tmp/mid/report
ok 'INCONCLUSIVE is not PASSED' says 1 'PASSED is required' verify --require-pass
ok 'a fresh audit is young enough' status 0 verify --max-age 1

# Ed25519
sh "$here/case.sh" clean "$tmp/edcase"
assay-report --key "$tmp/ed.pem" "$tmp/edcase" >"$tmp/log"
r=$tmp/edcase/report
ok 'Ed25519 verifies' status 0 assay-verify "$r" --key "$tmp/ed.pub" --pae "$tmp/pae" --sig "$tmp/sig"
ok 'so does openssl' openssl pkeyutl -verify -pubin -inkey "$tmp/ed.pub" -rawin -in "$tmp/pae" -sigfile "$tmp/sig"
ok 'not with a P-256 key' says 1 'signature does not match' assay-verify "$r" --key "$tmp/pub.pem"
ok 'an export that cannot be written' status 2 assay-verify "$r" --key "$tmp/ed.pub" --pae /dev/full
ok 'an unsigned report' sh -c "assay-report --force '$tmp/edcase' >/dev/null; assay-verify '$r' --key '$tmp/ed.pub' 2>/dev/null; [ \$? -eq 2 ]"
echo "1..$n"
