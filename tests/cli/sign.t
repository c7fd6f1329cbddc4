#!/bin/sh
# Ways of signing a report: a file, a token, a command, somebody elsewhere; a
# certificate and a timestamp with it; and all that must not count.
. tests/cli/tap.sh
export LC_ALL=C
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$tmp/$1.pem" 2>/dev/null; openssl pkey -in "$tmp/$1.pem" -pubout -out "$tmp/$1.pub"; }
key one
key two
openssl genpkey -algorithm ed25519 -out "$tmp/ed.pem" 2>/dev/null
openssl pkey -in "$tmp/ed.pem" -pubout -out "$tmp/ed.pub"
sed -n 2p $tmp/one.pem >$tmp/middle_of_key
sh tests/case.sh clean "$tmp/case"
case=$tmp/case
r=$tmp/r
report() { rm -rf "$r"; assay-report "$case" -o "$r" "$@"; }
verify() { assay-verify "$r" "$@"; }

# --- a command
exits 0 "a command that signs" report --public-key $tmp/one.pub --sign-command "openssl dgst -sha256 -sign $tmp/one.pem"
exits 0 "is as good as a key" verify --key $tmp/one.pub
exits 0 "Ed25519 by a command" report --public-key $tmp/ed.pub \
    --sign-command "cat >$tmp/in; openssl pkeyutl -sign -rawin -inkey $tmp/ed.pem -in $tmp/in"
exits 0 "verifies" verify --key $tmp/ed.pub
exits 0 "who signs leaves no core" report --public-key $tmp/one.pub \
    --sign-command "cat /proc/\$PPID/limits >$tmp/limits; openssl dgst -sha256 -sign $tmp/one.pem"
ok "its limit is 0" grep -q '^Max core file size  *0  *0 ' $tmp/limits
exits 2 "a command with another key" report --public-key $tmp/two.pub --sign-command "openssl dgst -sha256 -sign $tmp/one.pem"
says "the signature does not match"
ok "leaves nothing" [ ! -e $r ]
exits 2 "a command that fails" report --public-key $tmp/one.pub --sign-command "echo no; exit 3"
says "ended with status 3"
exits 2 "one that talks without end" report --public-key $tmp/one.pub --sign-command "head -c 100000 /dev/zero"
says "more than 1024 bytes"
exits 4 "a command without the public key" report --sign-command true
says "public-key is needed"
exits 4 "a key and a command" report --key $tmp/one.pem --sign-command true
exits 2 "the public key of somebody else" report --key $tmp/one.pem --public-key $tmp/two.pub
says "does not belong"

# --- a token
if [ -e /usr/lib/softhsm/libsofthsm2.so ] && command -v softhsm2-util >/dev/null; then
	mkdir $tmp/tokens
	echo "directories.tokendir = $tmp/tokens" >$tmp/softhsm.conf
	export SOFTHSM2_CONF=$tmp/softhsm.conf
	softhsm2-util --init-token --free --label audit --so-pin 1111 --pin 2222 >/dev/null
	openssl pkcs8 -topk8 -nocrypt -in $tmp/one.pem -out $tmp/one.p8
	softhsm2-util --import $tmp/one.p8 --token audit --label signer --id 01 --pin 2222 >/dev/null
	m="module-path=/usr/lib/softhsm/libsofthsm2.so"
	u="pkcs11:token=audit;object=signer?$m"
	echo 2222 >$tmp/pin
	exits 0 "a token, PIN in a file" report --key "$u" --passphrase-file $tmp/pin
	exits 0 "verifies" verify --key $tmp/one.pub
	exits 0 "PIN in the URI" report --key "$u&pin-value=2222"
	exits 0 "PIN in a file that the URI names" report --key "$u&pin-source=file:$tmp/pin"
	exits 0 "by its id" report --key "pkcs11:token=audit;id=%01?$m&pin-value=2222"
	exits 0 "--check-key" assay-report --check-key --key "$u&pin-value=2222"
	exits 2 "a wrong PIN" report --key "$u&pin-value=2223"
	says "cannot log in"
	ok "the PIN is not shown" sh -c "! grep -q 2223 $out $err"
	exits 2 "a key that is not there" report --key "pkcs11:token=audit;object=nobody?$m&pin-value=2222"
	says "no private key fits"
	openssl pkcs8 -topk8 -nocrypt -in $tmp/two.pem -out $tmp/two.p8
	softhsm2-util --import $tmp/two.p8 --token audit --label other --id 02 --pin 2222 >/dev/null
	exits 2 "a URI that fits two" report --key "pkcs11:token=audit?$m&pin-value=2222"
	says "several private keys fit"
	exits 4 "no URI at all" report --key "pkcs11:=;;;"
	exits 2 "no such module" report --key "pkcs11:token=audit?module-path=$tmp/no.so"
	says "cannot load the module"
else
	ok "a token # SKIP no softhsm2" true
fi

# --- no output has any of a private key
exits 0 "a report by a key file" report --key $tmp/one.pem --model-signature
ok "nothing of the key in it" sh -c "grep -q . $tmp/middle_of_key && ! grep -rqF -f $tmp/middle_of_key $r $out $err"

# --- in two steps
exits 0 "what is to be signed" report --public-key $tmp/one.pub --emit-pae $tmp/pae
prints "to be signed"
ok "the report is not signed yet" [ ! -e $r/audit.sigstore.json ]
ok "the bytes are a PAE" sh -c "head -c 40 $tmp/pae | grep -q '^DSSEv1 28 application/vnd.in-toto+json '"
openssl dgst -sha256 -sign $tmp/one.pem -out $tmp/sig $tmp/pae
openssl dgst -sha256 -sign $tmp/two.pem -out $tmp/sig2 $tmp/pae
exits 2 "a signature of somebody else" assay-report $r --attach-signature $tmp/sig2
says "does not match"
ok "is not put there" [ ! -e $r/audit.sigstore.json ]
exits 0 "the right one" assay-report $r --attach-signature $tmp/sig
exits 0 "verifies" verify --key $tmp/one.pub
# by a pipe: the bytes alone, or what is signed is something else
mkdir $tmp/piped && assay-report $tmp/case -o $tmp/piped/r --public-key $tmp/one.pub --emit-pae - >$tmp/pae.out 2>$err
openssl dgst -sha256 -sign $tmp/one.pem -out $tmp/pae.sig $tmp/pae.out
exits 0 "what went to standard output can be signed" assay-report $tmp/piped/r --attach-signature $tmp/pae.sig
exits 0 "  and verifies" assay-verify $tmp/piped/r --key $tmp/one.pub
exits 4 "two documents on standard output" assay-report $tmp/case -o $tmp/piped/r2 --public-key $tmp/one.pub --emit-pae - --json
exits 4 "and none of assay-verify" assay-verify $tmp/piped/r --key $tmp/one.pub --pae -
says "want files"
exits 4 "--emit-pae with a key" report --key $tmp/one.pem --emit-pae $tmp/pae
exits 4 "--emit-pae without the public key" report --emit-pae $tmp/pae

# --- a certificate
subject() { # NAME EXTENSIONS ISSUER [OPTIONS]: a certificate for the key `one`
	printf '%s\n' "$2" >$tmp/ext
	openssl req -new -key ${5:-$tmp/one.pem} -subj "/CN=$1" -out $tmp/csr
	openssl x509 -req -in $tmp/csr -CA $tmp/$3.crt -CAkey $tmp/$3.pem -CAcreateserial \
	    -extfile $tmp/ext ${4:--days 30} -out $tmp/$1.crt 2>/dev/null
}
for ca in root stranger; do
	key $ca
	openssl req -x509 -new -key $tmp/$ca.pem -days 30 -subj "/CN=$ca" \
	    -addext "keyUsage=critical,keyCertSign" -out $tmp/$ca.crt
done
key middle
printf 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >$tmp/ext
openssl req -new -key $tmp/middle.pem -subj /CN=middle -out $tmp/csr
openssl x509 -req -in $tmp/csr -CA $tmp/root.crt -CAkey $tmp/root.pem -CAcreateserial -extfile $tmp/ext -days 30 -out $tmp/middle.crt 2>/dev/null
sign="keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning
subjectAltName=email:auditor@lab.example,URI:https://lab.example/auditors
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid"
subject leaf "$sign" middle
subject web "$(echo "$sign" | sed s/codeSigning/serverAuth/)" root
subject none "subjectAltName=email:auditor@lab.example" root
subject authority "basicConstraints=critical,CA:true
keyUsage=critical,digitalSignature,keyCertSign
extendedKeyUsage=codeSigning" root
subject foreign "$sign" root "-days 30" $tmp/two.pem
subject under "$sign" leaf "-days 30" # by a leaf, which is no authority
cp $tmp/one.pem $tmp/leaf.pem
subject under "$sign" leaf
exits 0 "a certificate" report --key $tmp/one.pem --certificate $tmp/leaf.crt
who="--ca $tmp/root.crt --chain $tmp/middle.crt --identity auditor@lab.example"
exits 0 "verifies by its authority" verify $who
prints "identity *auditor@lab.example"
exits 0 "by another of its names" verify --ca $tmp/root.crt --chain $tmp/middle.crt --identity https://lab.example/auditors
exits 0 "by the bare key as well" verify --key $tmp/one.pub
exits 1 "another name" verify --ca $tmp/root.crt --chain $tmp/middle.crt --identity auditor@lab.exampl
says "is not that of"
exits 1 "another authority" verify --ca $tmp/stranger.crt --chain $tmp/middle.crt --identity auditor@lab.example
says "does not lead to the authority"
exits 1 "without what is between" verify --ca $tmp/root.crt --identity auditor@lab.example
exits 1 "a root that only comes along" verify --ca $tmp/stranger.crt --chain $tmp/root.crt --identity auditor@lab.example
exits 2 "a file without certificates" verify --ca $tmp/one.pub --identity x
says "no certificate in PEM form"
exits 4 "an authority without a name" verify --ca $tmp/root.crt
exits 4 "a key and an authority" verify --key $tmp/one.pub $who
# an authority for other things between, and one that SHA-1 vouches for
between() { # NAME EXTENSIONS [OPTIONS]: an authority for the key `middle`, by root
	printf 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n%s\n' "$2" >$tmp/ext
	openssl req -new -key $tmp/middle.pem -subj /CN=middle -out $tmp/csr
	openssl x509 -req -in $tmp/csr -CA $tmp/root.crt -CAkey $tmp/root.pem -CAcreateserial -extfile $tmp/ext -days 30 $3 -out $tmp/$1.crt 2>/dev/null
}
between servers "extendedKeyUsage=serverAuth"
between code "extendedKeyUsage=codeSigning"
between forged "" -sha1
middle() { verify --ca $tmp/root.crt --chain $tmp/$1.crt --identity auditor@lab.example; }
exits 1 "an authority for servers between" middle servers
says "an authority between is not for signing code"
exits 0 "one for code" middle code
exits 1 "one that is signed by way of SHA-1" middle forged
says "CA signature digest algorithm too weak"
for one in web:codeSigning none:digitalSignature authority:"that of an authority" foreign:"another key"; do
	exits 2 "a certificate: ${one%%:*}" report --key $tmp/one.pem --certificate $tmp/${one%%:*}.crt
	says "${one#*:}"
done
exits 0 "issued by what is no authority" report --key $tmp/one.pem --certificate $tmp/under.crt
cat $tmp/leaf.crt $tmp/middle.crt >$tmp/between.pem
exits 1 "does not verify" verify --ca $tmp/root.crt --chain $tmp/between.pem --identity auditor@lab.example
says "invalid CA certificate\|does not lead"
exits 0 "no certificate in the report" report --key $tmp/one.pem
exits 1 "--ca then" verify $who
says "no certificate"
# swap the certificate in the signed file for one of another key
exits 0 "sign again" report --key $tmp/one.pem --certificate $tmp/leaf.crt
swap() { # FILE NAME: put the certificate FILE in
	python3 - "$r/audit.sigstore.json" "$1" <<-'P'
	import base64, json, re, sys
	pem = re.sub("-----.*-----|\n", "", open(sys.argv[2]).read())
	doc = json.load(open(sys.argv[1]))
	doc["verificationMaterial"]["certificate"]["rawBytes"] = pem
	json.dump(doc, open(sys.argv[1], "w"))
	P
}
swap $tmp/foreign.crt
exits 1 "another's certificate in the signed file" verify --ca $tmp/root.crt --identity auditor@lab.example
says "does not match"

# --- a timestamp
key tsa
printf 'extendedKeyUsage=critical,timeStamping\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >$tmp/ext
openssl req -new -key $tmp/tsa.pem -subj /CN=tsa -out $tmp/csr
openssl x509 -req -in $tmp/csr -CA $tmp/stranger.crt -CAkey $tmp/stranger.pem -CAcreateserial -extfile $tmp/ext -days 30 -out $tmp/tsa.crt 2>/dev/null
cat >$tmp/ts.conf <<-C
	[tsa]
	default_tsa = it
	[it]
	serial = $tmp/serial
	signer_cert = $tmp/tsa.crt
	signer_key = $tmp/tsa.pem
	certs = $tmp/tsa.crt
	signer_digest = sha256
	default_policy = 1.2.3.4
	digests = sha256
	C
echo 01 >$tmp/serial
stamp() { openssl ts -reply -queryfile $1 -config $tmp/ts.conf -out $2 2>/dev/null; }
exits 0 "a report and a request" report --key $tmp/one.pem --certificate $tmp/leaf.crt --timestamp-query $tmp/q
stamp $tmp/q $tmp/a
exits 1 "no timestamp yet" verify --key $tmp/one.pub --tsa-ca $tmp/stranger.crt
says "has no timestamp"
exits 0 "the answer" assay-report $r --attach-timestamp $tmp/a
exits 0 "verifies" verify $who --tsa-ca $tmp/stranger.crt
prints "stamped *20..-"
exits 0 "its time is not believed without an authority" verify --key $tmp/one.pub
prints "not checked: no --tsa-ca"
exits 1 "another authority of time" verify --key $tmp/one.pub --tsa-ca $tmp/root.crt
says "timestamp:"
ok "in the place where others look for it" grep -q rfc3161Timestamps $r/audit.sigstore.json
cp -r $r $tmp/stamped
exits 0 "a report that is dated ahead" env SOURCE_DATE_EPOCH=4102444800 assay-report -o $tmp/ahead --key $tmp/one.pem --timestamp-query $tmp/q4 $case
stamp $tmp/q4 $tmp/a4 && assay-report $tmp/ahead --attach-timestamp $tmp/a4
exits 0 "  verifies where its stamp is not believed" assay-verify $tmp/ahead --key $tmp/one.pub
exits 1 "  and not where it is" assay-verify $tmp/ahead --key $tmp/one.pub --tsa-ca $tmp/stranger.crt
says "dated after its signature was stamped"
exits 0 "another report" report --key $tmp/one.pem --timestamp-query $tmp/q2
exits 2 "the answer to another request" assay-report $r --attach-timestamp $tmp/a
says "of another signature"
exits 0 "a request for a report that is there" assay-report $r --timestamp-query $tmp/q3
ok "is the same request" cmp $tmp/q2 $tmp/q3
openssl ts -query -data $tmp/one.pub -sha256 -cert -out $tmp/qx 2>/dev/null
stamp $tmp/qx $tmp/ax
exits 2 "a stamp of something else" assay-report $r --attach-timestamp $tmp/ax
head -c 100 $tmp/a >$tmp/short
exits 2 "half an answer" assay-report $r --attach-timestamp $tmp/short
says "not the answer"
# an authority whose certificate is not for that
key notsa
printf 'extendedKeyUsage=timeStamping,codeSigning\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >$tmp/ext
openssl req -new -key $tmp/notsa.pem -subj /CN=notsa -out $tmp/csr
openssl x509 -req -in $tmp/csr -CA $tmp/stranger.crt -CAkey $tmp/stranger.pem -CAcreateserial -extfile $tmp/ext -days 30 -out $tmp/notsa.crt 2>/dev/null
sed -i "s,/tsa\.,/notsa.,g" $tmp/ts.conf
if stamp $tmp/q2 $tmp/a2; then
	run assay-report $r --attach-timestamp $tmp/a2
	exits 1 "a stamp of who may not" verify --key $tmp/one.pub --tsa-ca $tmp/stranger.crt
else
	ok "openssl itself refuses that signer" true
fi

# --- the policy of who verifies
r=$tmp/stamped
exits 0 "a version that is new enough" verify --key $tmp/one.pub --min-version 0.0.9
exits 1 "one that is too old" verify --key $tmp/one.pub --min-version 99.1
says "99.1 is required"
exits 1 "other rules" verify --key $tmp/one.pub --ruleset $(printf %064d 0)
says "another set of rules"
exits 4 "a digest that is none" verify --key $tmp/one.pub --ruleset 00
says "ruleset wants 64 hexadecimal digits"
rules=$(python3 -c "import json;print(json.load(open('$r/statement.json'))['predicate']['ruleset']['digest']['sha256'])")
exits 0 "the same rules" verify --key $tmp/one.pub --ruleset $rules
r=$tmp/r

# --- model.sig
exits 0 "model.sig" report --key $tmp/one.pem --model-signature
python3 - $r/model.sig $tmp/mpae $tmp/msig $case/files <<-'P'
	import base64, hashlib, json, os, sys
	b = json.load(open(sys.argv[1]))
	e = b["dsseEnvelope"]
	body = base64.b64decode(e["payload"])
	t = e["payloadType"].encode()
	open(sys.argv[2], "wb").write(b"DSSEv1 %d %s %d %s" % (len(t), t, len(body), body))
	open(sys.argv[3], "wb").write(base64.b64decode(e["signatures"][0]["sig"]))
	s = json.loads(body)
	p = s["predicate"]
	root = hashlib.sha256()
	for one in p["resources"]:
	    data = open(os.path.join(sys.argv[4], one["name"]), "rb").read()
	    assert hashlib.sha256(data).hexdigest() == one["digest"]
	    root.update(bytes.fromhex(one["digest"]))
	assert s["subject"][0]["digest"]["sha256"] == root.hexdigest()
	assert s["predicateType"] == "https://model_signing/signature/v1.0"
	assert b["verificationMaterial"]["publicKey"]["hint"] == e["signatures"][0]["keyid"]
	assert p["serialization"] == {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}
	P
ok "its statement is that of the files" [ $? -eq 0 ]
ok "openssl verifies it" openssl dgst -sha256 -verify $tmp/one.pub -signature $tmp/msig $tmp/mpae
openssl base64 -d -A <<P >$tmp/mstatement
$(jq -r .dsseEnvelope.payload $r/model.sig)
P
for pair in bundle:$r/model.sig statement:$tmp/mstatement; do
	if [ -n "${ASSAY_SCHEMAS:-}" ]; then
		ok "model.sig: the ${pair%%:*} schema of the specification" env PATH=/usr/bin:/bin python3 -W ignore tests/schema.py "$ASSAY_SCHEMAS" oms/v1.0/${pair%%:*}.schema.json ${pair#*:}
	else
		ok "the schema of the specification # SKIP no ASSAY_SCHEMAS" true
	fi
done
exits 1 "it is no report" assay-verify $r/model.sig --key $tmp/one.pub
says "not a model audit"
exits 3 "a report where a case is wanted" assay-report $r
exits 4 "model.sig without a signature" report --model-signature
statements_fit
done_testing
