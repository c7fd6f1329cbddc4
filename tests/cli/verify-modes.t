#!/bin/sh
# The ways in which a verification must fail, numbered as in the survey that
# this suite was designed by: each with what it says, which names the field or
# the path.  verify.t and sign.t have more of them, among what must succeed.
. tests/cli/tap.sh
export LC_ALL=C
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:${2:-P-256} -out $tmp/$1.pem 2>/dev/null; openssl pkey -in $tmp/$1.pem -pubout -out $tmp/$1.pub; }
key one
key two
key p384 P-384
openssl genpkey -algorithm ed25519 -out $tmp/ed.pem
openssl pkey -in $tmp/ed.pem -pubout -out $tmp/ed.pub
openssl genpkey -algorithm RSA -out $tmp/rsa.pem 2>/dev/null
openssl pkey -in $tmp/rsa.pem -pubout -out $tmp/rsa.pub
sh tests/case.sh clean $tmp/case
run assay-report --key $tmp/one.pem $tmp/case
r0=$tmp/case/report r=$tmp/r
type=application/vnd.in-toto+json
copy() { rm -rf $r; cp -r $r0 $r; }
verify() { assay-verify $r --key $tmp/one.pub "$@"; }
bad() { # bad NUMBER WHAT WORDS [ARGUMENTS]: $r does not verify, and that is said
	_t="mode $1: $2" _w=$3
	shift 3
	run verify "$@"
	ok "$_t: NOT VERIFIED" [ $rc -eq 1 -a "$(head -1 $out)" = 'NOT VERIFIED' ]
	says "$_w"
}
no() { # the same, and nothing of the payload is shown
	bad "$@"
	ok "  and nothing of it is shown" sh -c "! grep -q 'PASSED\|clothes' $out"
}
yes() { # yes NUMBER WHAT [ARGUMENTS]
	_t="mode $1: $2"
	shift 2
	run verify "$@"
	ok "$_t" [ $rc -eq 0 ]
}
# Edit the signed file: b is the bundle, t its text; python on standard input.
bundle() {
	copy
	cat >$tmp/edit.py
	python3 - $r/audit.sigstore.json $tmp/edit.py <<-'P'
	import base64, json, sys
	path, code = sys.argv[1:]
	t = open(path, "rb").read()
	b = json.loads(t)
	e = b["dsseEnvelope"]
	scope = {"b": b, "e": e, "t": t, "json": json, "base64": base64, "s": e["signatures"][0]}
	exec(open(code).read(), scope)
	out = scope["t"] if scope["t"] is not t else json.dumps(b).encode()
	open(path, "wb").write(out)
	P
}
wrap() { # wrap PAYLOAD SIGNATURE [TYPE]: a signed file of these
	copy
	printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{"payload":"%s","payloadType":"%s","signatures":[{"sig":"%s"}]}}\n' \
	    "$(openssl base64 -A -in $1)" "${3:-$type}" "$(openssl base64 -A -in $2)" >$r/audit.sigstore.json
	cp $1 $r/statement.json
}
pae() { printf 'DSSEv1 %d %s %d ' ${#2} "$2" "$(wc -c <$1)"; cat $1; }
sign() { # sign PAYLOAD [TYPE] [KEY] [DIGEST]: by openssl, properly
	pae $1 "${2:-$type}" >$tmp/pae
	openssl dgst -${4:-sha256} -sign $tmp/${3:-one}.pem -out $tmp/sig $tmp/pae
	wrap $1 $tmp/sig "${2:-$type}"
}
# Edit the statement and sign it anew: s is the statement, p its predicate; the
# digests over it are made to fit.
statement() {
	cat >$tmp/edit.py
	python3 - $r0/statement.json $tmp/edit.py $tmp/payload <<-'P'
	import hashlib, json, sys
	path, code, to = sys.argv[1:]
	canon = lambda o: json.dumps(o, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
	s = json.load(open(path))
	scope = {"s": s, "p": s["predicate"], "text": None, "canon": canon}
	exec(open(code).read(), scope)
	p = s.get("predicate")
	if isinstance(p, dict) and scope.get("fit", True):
	    part = {k: p[k] for k in ("checks", "findings", "verdict", "manifest", "policy", "ruleset")}
	    part["toolVersion"] = p["tool"]["version"]
	    p["resultsDigest"] = {"sha256": hashlib.sha256(canon(part).encode()).hexdigest()}
	text = canon(s).encode()
	if scope["text"] is not None:
	    text = scope["text"](text)
	open(to, "wb").write(text)
	P
	sign $tmp/payload
}

statement <<'P'
P
yes 0 "what these tests build verifies when nothing is wrong with it"

# --- 1: bytes changed
bundle <<'P'
e["payload"] = base64.b64encode(base64.b64decode(e["payload"]).replace(b'"Coat"', b'"Goat"').replace(b'clothes', b'cloths!')).decode()
P
no 1 "a word of the payload changed" "signature does not match"
bundle <<'P'
x = bytearray(base64.b64decode(s["sig"])); x[-1] ^= 1; s["sig"] = base64.b64encode(x).decode()
P
no 1 "a bit of the signature changed" "signature does not match"
bundle <<'P'
s["sig"] = base64.b64encode(base64.b64decode(s["sig"])[:-1]).decode()
P
no 1 "the signature cut" "signature does not match"
bundle <<'P'
s["sig"] = base64.b64encode(base64.b64decode(s["sig"]) + b"\0").decode()
P
no 1 "the signature with a byte more" "signature does not match"
bundle <<'P'
s["sig"] = ""
P
no 1 "no signature in its place" "'sig' is empty"

# --- 2: the type of the payload
bundle <<'P'
e["payloadType"] = "application/json"
P
no 2 "another payloadType" "signature does not match"
sign $r0/statement.json application/json
no 2 "another one, properly signed" "payload is signed, but its type is not '$type'"

# --- 3: another statement by the same key
statement <<'P'
s["predicateType"] = "https://slsa.dev/provenance/v1"
P
no 3 "another predicate" "not a model audit: predicateType is 'https://slsa.dev/provenance/v1'"
statement <<'P'
s["_type"] = "https://in-toto.io/Statement/v0.1"
P
no 3 "another statement" "not a model audit: _type is"
statement <<'P'
del s["predicate"]
P
no 3 "no predicate" "'predicate' is missing"
printf '[]' >$tmp/payload
sign $tmp/payload
no 3 "a payload that is no object" "'_type' is missing"

# --- 4: whose key
copy
run assay-verify $r --key $tmp/two.pub
ok "mode 4: a key that is not the signer's" [ $rc -eq 1 ]
says "signature does not match"
id=$(sha256sum <$tmp/one.pub | cut -d' ' -f1)
sign $r0/statement.json $type two
sed -i "s/\"hint\":\"x\"/\"hint\":\"$id\"/; s/{\"sig\"/{\"keyid\":\"$id\",\"sig\"/" $r/audit.sigstore.json
no 4 "the key id is right and the key is another" "signature does not match"
bundle <<'P'
s["keyid"] = b["verificationMaterial"]["publicKey"]["hint"] = "0" * 64
P
yes 4 "a wrong key id is a wrong hint, no more"
copy
cp $tmp/two.pub $r/public.pem
bad 4 "another key beside the report" "derived: changed: public.pem is not the key that signed"

# --- 5: algorithms: the trusted key says which
for k in "p384:secp384r1 is not accepted" "rsa:type RSA is not accepted"; do
	run assay-verify $r0 --key $tmp/${k%%:*}.pub
	ok "mode 5: a key of another kind, ${k%%:*}" [ $rc -eq 2 ]
	says "${k#*:}"
done
sign $r0/statement.json $type one sha512
no 5 "the right key with another digest" "signature does not match"
sign $r0/statement.json $type p384
no 5 "a signature of another curve" "signature does not match"
sign $r0/statement.json
run assay-verify $r --key $tmp/ed.pub
ok "mode 5: ECDSA where Ed25519 is trusted" [ $rc -eq 1 ]
says "signature does not match (Ed25519)"
pae $r0/statement.json $type >$tmp/pae
openssl pkeyutl -sign -rawin -inkey $tmp/ed.pem -in $tmp/pae -out $tmp/sig
wrap $r0/statement.json $tmp/sig
no 5 "Ed25519 where ECDSA is trusted" "signature does not match (ECDSA P-256"
openssl dgst -sha512 -binary $tmp/pae >$tmp/hash
openssl pkeyutl -sign -rawin -inkey $tmp/ed.pem -in $tmp/hash -out $tmp/sig
wrap $r0/statement.json $tmp/sig
run assay-verify $r --key $tmp/ed.pub
ok "mode 5: Ed25519 of a digest" [ $rc -eq 1 ]
says "signature does not match (Ed25519)"
bundle <<'P'
s["alg"] = "none"; s["sig"] = "AAAA"
P
no 5 "an algorithm in the file" "unknown field 'alg'"

# --- 6: how many signatures
bundle <<'P'
e["signatures"] = []
P
no 6 "none" "0 signatures, exactly one"
bundle <<'P'
e["signatures"] = [s, s]
P
no 6 "the same twice" "2 signatures, exactly one"
bundle <<'P'
e["signatures"] = [{"sig": "AAAA"}, s]
P
no 6 "another before it" "2 signatures, exactly one"
bundle <<'P'
del e["signatures"]
P
no 6 "no list of them" "'signatures' is missing"

# --- 7: the same key twice, at any depth
twice() { # WHERE TEXT REPLACEMENT
	bundle <<-P
	t = t.replace(b'$2', b'$3', 1)
	P
	no 7 "a key twice in the $1" "duplicate object key"
}
twice bundle '"mediaType":' '"mediaType": "x", "mediaType":'
twice material '"tlogEntries":' '"tlogEntries": [], "tlogEntries":'
twice envelope '"payload":' '"payload": "e30=", "payload":'
twice signature '"sig":' '"sig": "AAAA", "sig":'
twice "envelope, one escaped" '"payload":' '"p\\u0061yload": "e30=", "payload":'
for at in '"_type":' '"verdict":' '"sha256":'; do
	statement <<-P
	text = lambda t: t.replace(b'$at', b'${at}"x",$at', 1)
	P
	no 7 "$at twice in the payload" "payload: json: duplicate object key"
done

# --- 8: fields that nobody knows, text that nobody signed
field() { # WHERE STATEMENT
	bundle <<-P
	$2
	P
	no 8 "an unknown field of $1" "$1 has the unknown field 'note'"
}
field "the bundle" 'b["note"] = "verdict pass"'
field "verificationMaterial" 'b["verificationMaterial"]["note"] = 1'
field "publicKey" 'b["verificationMaterial"]["publicKey"]["note"] = 1'
field "dsseEnvelope" 'e["note"] = "verdict pass"'
field "signature" 's["note"] = 1'
for at in note subject.0.note subject.0.digest.note; do
	statement <<-P
	x = s["subject"][0]
	{"note": s, "subject.0.note": x, "subject.0.digest.note": x["digest"]}["$at"]["note"] = "PASSED"
	P
	no 8 "$at, though signed" "the statement has the unknown field '$at'"
done
copy
echo 'PASSED, trust me' >$r/README.txt
yes 8 "a file beside the report that nobody signed"
prints "not signed  README.txt"
run verify --json
ok "  also in JSON" [ "$(jq -c .notSigned $out)" = '["README.txt"]' ]
copy
chmod 311 $r
# root lists it all the same, unless by these
as=$([ "$(id -u)" -ne 0 ] || echo setpriv --inh-caps=-all --bounding-set=-all)
if ! $as ls $r >/dev/null 2>&1 && $as test -e $r/statement.json; then
	exits 2 "mode 8: a report whose files cannot be listed" $as assay-verify $r --key $tmp/one.pub
	says "$r: cannot be listed"
else
	ok "mode 8: a report whose files cannot be listed # SKIP it can" true
fi
chmod 755 $r
copy
sed -i 's/clothes.tar/shoes.tar/' $r/statement.json
bad 8 "the copy that people read is not what was signed" "derived: changed: statement.json is not what was signed"

# --- 9: other kinds of bundle
bundle <<'P'
b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.9+json"
P
no 9 "a version that is not there yet" "mediaType is 'application/vnd.dev.sigstore.bundle.v0.9+json'"
bundle <<'P'
b["messageSignature"] = {"signature": s["sig"]}; del b["dsseEnvelope"]
P
no 9 "a signature of a message" "the bundle has the unknown field 'messageSignature'"
bundle <<'P'
b["verificationMaterial"] = {"x509CertificateChain": {"certificates": []}}
P
no 9 "a chain of certificates" "unknown field 'x509CertificateChain'"
bundle <<'P'
b["verificationMaterial"]["certificate"] = {"rawBytes": "AAAA"}
P
no 9 "a key and a certificate" "a public key and a certificate"
bundle <<'P'
b["verificationMaterial"]["tlogEntries"] = [{"logIndex": "1"}]
P
no 9 "an entry of a log" "tlogEntries is not empty"
bundle <<'P'
del b["mediaType"]
P
no 9 "no mediaType" "'mediaType' is missing"

# --- 10: base64
code() { # WHAT EXPRESSION of x, the text that was there
	bundle <<-P
	x = e["payload"]; e["payload"] = $2
	P
	no 10 "$1" "payload.*base64"
}
code "a blank" 'x[:8] + " " + x[8:]'
code "a line end" 'x + "\\n"'
code "junk" '"!" + x[1:]'
code "a byte that is none of its letters" 'x[:8] + "\\u00e9" + x[9:]'
code "one letter too many" 'x + "e"'
code "padding in the middle" '"e30=" + x'
bundle <<'P'
t = t.replace(s["sig"].encode(), s["sig"].rstrip("=").encode() + b"=" * (3 - s["sig"].count("=")))
P
no 10 "other padding" "sig.*base64"
bundle <<'P'
tr = lambda x: x.replace("+", "-").replace("/", "_"); e["payload"] = tr(e["payload"]); s["sig"] = tr(s["sig"])
P
yes 10 "the URL-safe alphabet is base64 too"

# --- 11: JSON that is none, in the file and in what it signs
odd() { # WHAT WORDS EXPRESSION of x, the bytes
	bundle <<-P
	f = lambda x: $3
	t = f(t)
	P
	no 11 "$1" "json: .*$2"
	statement <<-P
	text = lambda x: $3
	P
	no 11 "$1, signed" "payload: json: .*$2"
}
odd "a byte order mark" "expected" 'b"\xef\xbb\xbf" + x'
odd "bytes behind it" "end of file expected" 'x + b"{}"'
odd "a NUL behind it" "end of file expected" 'x + b"\0"'
odd "bad UTF-8" "unable to decode byte" 'x.replace(b":", b":\"\xc3\x28\",\"y\":", 1)'
odd "half of a surrogate pair" "Unicode" 'x.replace(b":", b":\"\\ud800\",\"y\":", 1)'
odd "a zero byte in a string" "u0000" 'x.replace(b":", b":\"a\\u0000b\",\"y\":", 1)'
odd "a million brackets" "maximum parsing depth" 'x.replace(b":", b":" + b"[" * 1000000 + b"]" * 1000000 + b",\"y\":", 1)'
odd "a number beyond any" "real number overflow" 'x.replace(b":", b":1e400,\"y\":", 1)'
odd "an integer beyond any" "too big" 'x.replace(b":", b":1" + b"0" * 400 + b",\"y\":", 1)'
odd "NaN" "invalid token" 'x.replace(b":", b":NaN,\"y\":", 1)'
bundle <<'P'
t = b""
P
no 11 "nothing" "json: .*expected"
: >$tmp/payload
sign $tmp/payload
no 11 "nothing, signed" "'payload' is empty"
statement <<'P'
fit = False; p["checks"][0]["evidence"]["files"] = 3.0
P
no 11 "a real number among the results" "real number has no place"

# --- 12: another bundle
files() { rm -rf $tmp/f; cp -r $tmp/case/files $tmp/f; }
copy
files; mkdir $tmp/f/.git; echo x >$tmp/f/.git/config; echo x >$tmp/f/docs/.hidden
bad 12 "files where others do not look" "bundle: extra: .git/config" --bundle $tmp/f
says "bundle: extra: docs/.hidden"
files; mv $tmp/f/labels.txt $tmp/f/LABELS.TXT
bad 12 "case alone" "bundle: extra: LABELS.TXT" --bundle $tmp/f
says "bundle: missing: labels.txt"
files; mv $tmp/f/docs/README.md $tmp/f/docs/x; mv $tmp/f/labels.txt $tmp/f/docs/README.md; mv $tmp/f/docs/x $tmp/f/labels.txt
bad 12 "two files that changed places" "bundle: changed: docs/README.md" --bundle $tmp/f
prints '^  files  *do NOT match$'
prints '^  derived  *checked$'
says "bundle: changed: labels.txt"
files; rm $tmp/f/labels.txt; ln -s ../case/files/labels.txt $tmp/f/labels.txt
bad 12 "a link where a file was" "bundle: changed: labels.txt" --bundle $tmp/f
files; rm -r $tmp/f/docs; ln -s ../case/files/docs $tmp/f/docs
bad 12 "a link where a folder was" "bundle: missing: docs/README.md" --bundle $tmp/f
says "bundle: extra: docs"
files; rm $tmp/f/labels.txt; mkfifo $tmp/f/labels.txt
bad 12 "a pipe where a file was" "bundle: changed: labels.txt" --bundle $tmp/f
sh tests/case.sh backdoored $tmp/other
bad 12 "the files of another audit" "bundle: changed: model.onnx" --bundle $tmp/other
bad 12 "the archive of another audit" "is not the archive" --bundle $tmp/other/clothes.tar.gz
mkdir $tmp/empty
bad 12 "an empty folder" "bundle: missing: model.onnx" --bundle $tmp/empty

# --- 13: digests that bind nothing
statement <<'P'
s["subject"][0]["digest"] = {"sha1": "0" * 40}
P
no 13 "a weak one alone" "unknown field 'subject.0.digest.sha1'"
statement <<'P'
del s["subject"][0]["digest"]["dirHash1"]
P
no 13 "names are not covered" "'subject.0.digest.dirHash1' is missing"
statement <<'P'
del s["subject"][0]["digest"]["sha256"]
P
no 13 "contents are not covered" "'subject.0.digest.sha256' is missing"
statement <<'P'
s["subject"] = []
P
no 13 "no subject" "'subject' has 0 entries"
statement <<'P'
s["subject"].append(s["subject"][0])
P
no 13 "two subjects" "'subject' has 2 entries"
statement <<'P'
p["manifest"]["resources"][0]["algorithm"] = "md5"
P
no 13 "a weak one in the manifest" "'manifest.resources.0.algorithm' is 'md5'"
statement <<'P'
p["manifest"]["resources"][1]["digest"] = "0" * 64
P
no 13 "the manifest is not what the subject covers" "subject.0.digest.sha256 is not the digest"
statement <<'P'
p["manifest"]["resources"][1]["name"] = "../labels.txt"
P
no 13 "a name that leads out" "'../labels.txt' is not the relative path"
statement <<'P'
p["manifest"]["resources"].append(p["manifest"]["resources"][0])
P
no 13 "a file twice" "is listed twice"
statement <<'P'
fit = False; p["findings"] = []
P
no 13 "findings taken out" "resultsDigest.sha256 is not the digest of what it covers"

# --- 14: certificates
cert() { # NAME KEY ISSUER EXTENSIONS [DATES]
	printf '%s\n' "$4" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >$tmp/ext
	openssl req -new -key $tmp/$2.pem -subj "/CN=$1" -out $tmp/csr
	openssl x509 -req -in $tmp/csr -CA $tmp/$3.crt -CAkey $tmp/$3.pem -CAcreateserial -extfile $tmp/ext \
	    ${5:--days 30} -out $tmp/$1.crt 2>/dev/null
}
root() { # NAME [OPTIONS]
	key $1
	openssl req -x509 -new -key $tmp/$1.pem -days 30 -subj /CN=$1 -addext keyUsage=critical,keyCertSign -out $tmp/$1.crt
}
ca='basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign'
san=subjectAltName=email:auditor@lab.example
leaf="keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning
$san"
root root
root stranger
for i in 1 2 3 4; do
	key m$i
	cert m$i m$i $([ $i -eq 1 ] && echo root || echo m$((i - 1))) "$ca"
done
cert leaf one root "$leaf"
cert deep one m2 "$leaf"
cert deeper one m4 "$leaf"
cert web one root "keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth,emailProtection
$san"
cert nosign one root "keyUsage=critical,keyAgreement
extendedKeyUsage=codeSigning
$san"
cert bare one root "$san"
cert isca one root "$ca
extendedKeyUsage=codeSigning
$san"
cp $tmp/one.pem $tmp/leaf.pem
cert under one leaf "$leaf"
# a leaf of another time, by openssl ca: x509 knows no dates
mkdir $tmp/ca
dated() { # NAME FROM TO
	: >$tmp/ca/index; echo 01 >$tmp/ca/serial
	printf '[ca]\ndefault_ca=x\n[x]\ndatabase=%s\nserial=%s\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
	    $tmp/ca/index $tmp/ca/serial $tmp/ca >$tmp/ca.conf
	printf '%s\n' "$leaf" subjectKeyIdentifier=hash authorityKeyIdentifier=keyid >$tmp/ext
	openssl req -new -key $tmp/one.pem -subj "/CN=$1" -out $tmp/csr
	openssl ca -batch -notext -config $tmp/ca.conf -cert $tmp/root.crt -keyfile $tmp/root.pem -in $tmp/csr \
	    -extfile $tmp/ext -startdate $2 -enddate $3 -out $tmp/$1.crt 2>/dev/null
}
dated expired 20200101000000Z 20210101000000Z
dated future 20990101000000Z 20991231000000Z
by() { # by CERTIFICATE: the report with it, whatever it is for
	run openssl x509 -in $tmp/$1.crt -outform DER -out $tmp/der
	bundle <<-P
	b["verificationMaterial"] = {"certificate": {"rawBytes": base64.b64encode(open("$tmp/der", "rb").read()).decode()}}
	P
}
verify() { assay-verify $r --ca ${ca_file:-$tmp/root.crt} --identity auditor@lab.example "$@"; }
by leaf
yes 14 "a certificate that is in order"
for c in expired:"certificate has expired" future:"certificate is not yet valid" \
    web:"has not the extended key usage codeSigning" nosign:"has not the key usage digitalSignature" \
    bare:"has not the key usage digitalSignature" isca:"is that of an authority"; do
	by ${c%%:*}
	no 14 "the certificate '${c%%:*}'" "${c#*:}"
done
cat $tmp/m1.crt $tmp/m2.crt >$tmp/between2
cat $tmp/m1.crt $tmp/m2.crt $tmp/m3.crt $tmp/m4.crt >$tmp/between4
by deep
yes 14 "two between" --chain $tmp/between2
by deeper
no 14 "a chain that is too long" "chain too long\|does not lead" --chain $tmp/between4
by under
no 14 "issued by who is no authority" "does not lead to the authority: .*CA" --chain $tmp/leaf.crt
by leaf
ca_file=$tmp/stranger.crt
no 14 "a root that the verifier does not know" "does not lead to the authority" --chain $tmp/root.crt
ca_file=
bundle <<P
der = b"".join(base64.b64decode("".join(open("$tmp/" + f + ".crt").read().split("-----")[2].split())) for f in ("leaf", "root"))
b["verificationMaterial"] = {"certificate": {"rawBytes": base64.b64encode(der).decode()}}
P
no 14 "a root behind the leaf, in the file" "not a certificate"
by leaf
sed -i 's/"certificate":/"x509CertificateChain":/' $r/audit.sigstore.json
no 14 "a chain in the file" "unknown field 'x509CertificateChain'"

# --- 15: timestamps, by an authority of our own
usage() { key $1; cert $1 $1 stranger extendedKeyUsage=$2; }
usage tsa critical,timeStamping
usage soft timeStamping
usage coder critical,codeSigning
usage both critical,timeStamping,codeSigning
printf '[tsa]\ndefault_tsa=x\n[x]\nserial=%s\nsigner_cert=%s\nsigner_key=%s\ncerts=%s\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n' \
    $tmp/serial $tmp/tsa.crt $tmp/tsa.pem $tmp/tsa.crt >$tmp/ts.conf
echo 01 >$tmp/serial
# stamp FILE: an answer for it, in $tmp/answer
stamp() {
	openssl ts -query -data $1 -sha256 -cert -out $tmp/query 2>/dev/null
	openssl ts -reply -queryfile $tmp/query -config $tmp/ts.conf -out $tmp/answer 2>/dev/null
}
stamped() { # the report by certificate $1 with $tmp/answer
	by $1
	python3 - $r/audit.sigstore.json $tmp/answer <<-'P'
	import base64, json, sys
	b = json.load(open(sys.argv[1]))
	b["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [
	    {"signedTimestamp": base64.b64encode(open(sys.argv[2], "rb").read()).decode()}]}
	json.dump(b, open(sys.argv[1], "w"))
	P
}
tsa="--tsa-ca $tmp/stranger.crt"
python3 -c "import base64, json, sys; sys.stdout.buffer.write(base64.b64decode(json.load(open('$r0/audit.sigstore.json'))['dsseEnvelope']['signatures'][0]['sig']))" >$tmp/rawsig
by leaf
no 15 "none where one is required" "the report has no timestamp" $tsa
stamp $tmp/rawsig
stamped leaf
yes 15 "one that is in order" $tsa
no 15 "of an authority that the verifier does not know" "timestamp: " --tsa-ca $tmp/root.crt
stamped expired
no 15 "outside of the certificate's time" "certificate has expired" $tsa
stamped future
no 15 "before the certificate's time" "not yet valid" $tsa
stamp $tmp/one.pub
stamped leaf
no 15 "of other data" "timestamp: it is of another signature" $tsa
no 15 "of other data, also where none is asked for" "timestamp: it is of another signature"
head -c 200 $tmp/answer >$tmp/cut && mv $tmp/cut $tmp/answer
stamped leaf
no 15 "cut" "timestamp: not the answer of an authority"
# openssl ts refuses to sign as who may not, openssl cms does not ask
stamp $tmp/rawsig
openssl ts -reply -in $tmp/answer -token_out -out $tmp/token 2>/dev/null
openssl cms -verify -noverify -inform DER -in $tmp/token -out $tmp/tstinfo 2>/dev/null
forge() { # forge SIGNER: an answer that it signed
	openssl cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -outform DER \
	    -signer $tmp/$1.crt -inkey $tmp/$1.pem -in $tmp/tstinfo -out $tmp/token 2>/dev/null
	python3 - $tmp/token $tmp/answer <<-'P'
	import sys
	def seq(b):
	    n = len(b)
	    return b"\x30" + (bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")) + b
	open(sys.argv[2], "wb").write(seq(seq(b"\x02\x01\x00") + open(sys.argv[1], "rb").read()))
	P
	stamped leaf
}
forge tsa
yes 15 "one that was put together by hand" $tsa
forge soft
no 15 "the authority's usage is not critical" "timestamp: .*purpose" $tsa
forge coder
no 15 "the authority is for something else" "timestamp: .*purpose" $tsa
forge both
no 15 "the authority is for something else too" "timestamp: .*purpose" $tsa
bundle <<P
x = {"signedTimestamp": base64.b64encode(open("$tmp/answer", "rb").read()).decode()}
b["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": [x, x]}
P
verify() { assay-verify $r --key $tmp/one.pub "$@"; }
no 15 "two of them" "rfc3161Timestamps is not one timestamp"

# --- 16: an old report
statement <<'P'
p["run"]["auditedAt"] = "2020-01-01T00:00:00Z"
P
yes 16 "an old report is a report"
prints "audited *2020-01-01T00:00:00Z ([0-9]* days ago)"
bad 16 "but not where age counts" "run.auditedAt: the audit is [0-9]* days old" --max-age 90
statement <<'P'
p["run"]["auditedAt"] = "2199-01-01T00:00:00Z"
P
bad 16 "from the future" "run.auditedAt: the audit is dated in the future" --max-age 90
statement <<'P'
p["run"]["auditedAt"] = "yesterday"
P
bad 16 "of no time" "run.auditedAt does not say when" --max-age 90
statement <<'P'
p["tool"]["version"] = "0.0.9"
P
bad 16 "of an old tool" "tool.version: version 0.0.9 of the tools made it, 0.1.0 is required" --min-version 0.1.0
yes 16 "0.0.9 is before 0.0.10" --min-version 0.0.8
bad 16 "and not after it" "0.0.10 is required" --min-version 0.0.10
copy
bad 16 "of other rules" "ruleset.digest: it is of another set of rules" --ruleset $(printf %064d 0)
yes 16 "of the rules that were asked for" --ruleset $(jq -r .predicate.ruleset.digest.sha256 $r/statement.json)

# --- 17: the key signs other things
openssl dgst -sha256 -sign $tmp/one.pem -out $tmp/sig $r0/statement.json
wrap $r0/statement.json $tmp/sig
no 17 "the statement itself, as a file" "signature does not match"
{ printf 'DSSEV1 28 %s %d ' $type "$(wc -c <$r0/statement.json)"; cat $r0/statement.json; } >$tmp/pae
openssl dgst -sha256 -sign $tmp/one.pem -out $tmp/sig $tmp/pae
wrap $r0/statement.json $tmp/sig
no 17 "another prefix" "signature does not match"
pae $r0/statement.json $type | openssl base64 >$tmp/pae
openssl dgst -sha256 -sign $tmp/one.pem -out $tmp/sig $tmp/pae
wrap $r0/statement.json $tmp/sig
no 17 "base64 of it" "signature does not match"
rm -rf $tmp/m
run assay-report --key $tmp/one.pem --model-signature -o $tmp/m $tmp/case
run assay-verify $tmp/m/model.sig --key $tmp/one.pub --no-derived
ok "mode 17: a signature of the model alone is no report" [ $rc -eq 1 ]
says "not a model audit: predicateType"

run assay-verify $tmp/m --key $tmp/one.pub
ok "mode 17: beside a report it is checked too" [ $rc -eq 0 ]
rm -rf $tmp/m2
run assay-report --key $tmp/two.pem --model-signature -o $tmp/m2 $tmp/case
cp $tmp/m2/model.sig $tmp/m/
run assay-verify $tmp/m --key $tmp/one.pub
ok "mode 17: by another key" [ $rc -eq 1 ]
says "derived: model.sig is not of this audit: the signature does not match"
sh tests/case.sh backdoored $tmp/other2
rm -rf $tmp/m2
run assay-report --key $tmp/one.pem --model-signature -o $tmp/m2 $tmp/other2
cp $tmp/m2/model.sig $tmp/m/
run assay-verify $tmp/m --key $tmp/one.pub --json
ok "mode 17: of another model" [ $rc -eq 1 ]
says "derived: model.sig is not of this audit: changed: model.onnx"
ok "  which JSON says in the same words" [ "assay-verify: $(jq -r '.problems[]' $out)" = "$(cat $err)" ]

# --- 18: what changes while the report is made
cp -r $tmp/case $tmp/moving
rm -r $tmp/moving/report
for c in "echo x >>$tmp/moving/files/labels.txt:files/labels.txt: changed" \
    ": >$tmp/moving/files/more:files/more: extra" "touch $tmp/moving/scan.json:scan.json: changed" \
    "rm $tmp/moving/perturbations/linf-7.trigger:perturbations/linf-7.trigger: missing"; do
	rm -rf $tmp/now $tmp/r
	cp -r $tmp/moving $tmp/now
	do=$(echo "${c%%:[a-z]*: *}" | sed "s,$tmp/moving,$tmp/now,")
	run assay-report $tmp/now -o $tmp/r --public-key $tmp/one.pub --sign-command "$do; openssl dgst -sha256 -sign $tmp/one.pem"
	ok "mode 18: ${c##*[a-z]:}: status 2" [ $rc -eq 2 ]
	says "$(echo "$c" | sed 's/.*:\([a-z].*: .*\)/\1/') while the report was made"
	ok "  nothing is written" [ ! -e $tmp/r ]
done

# --- 19: what was made from the statement
for f in $(jq -r '.predicate.derived[].name' $r0/statement.json); do
	copy
	printf ' ' >>$r/$f
	bad 19 "$f changed" "derived: changed: $f"
	prints '^  derived  *do NOT match$'
	rm $r/$f
	bad 19 "$f missing" "derived: missing: $f"
	mkdir $r/$f
	run verify
	ok "mode 19: a folder in its place" [ $rc -ne 0 ]
done
ok "mode 19: all of the outputs are covered" [ "$(jq -r '.predicate.derived[].name' $r0/statement.json | sort | tr '\n' ' ')" = \
    "bom.cdx.json flips.dot flips.svg junit.xml report.html report.md report.sarif report.txt " ]
statement <<'P'
p["derived"][0]["name"] = "../secret"
P
bad 19 "a derived file elsewhere" "derived: '../secret' is not a file name"

# --- 20: what is not PASSED
for kind in inconclusive backdoored; do
	rm -rf $tmp/k $tmp/r
	sh tests/case.sh $kind $tmp/k
	run assay-report $tmp/k -o $r --key $tmp/one.pem
	ok "mode 20: $kind: making it is no success" [ $rc -ne 0 ]
	v=$(jq -r .predicate.verdict $r/statement.json)
	yes 20 "$kind: the signature holds"
	prints "about a model that did NOT pass: $v"
	run verify --require-pass
	ok "mode 20: $kind is not PASSED" [ $rc -eq 1 ]
	says "verdict: it is $v, PASSED is required"
done
for what in FAILED INCONCLUSIVE; do
	statement <<-P
	p["checks"][1]["status"] = "$what"
	P
	no 20 "PASSED with a check that is $what" "'verdict' is PASSED and the check 'behaviour' is $what"
done
statement <<'P'
p["verdict"] = "passed"
P
no 20 "a verdict of its own" "'verdict' is 'passed', which is none"
statement <<'P'
p["checks"][0]["status"] = "OK"
P
no 20 "a status of its own" "'checks.0.status' is 'OK', which is none"
done_testing
