#!/bin/sh
# assay audit hands on how the report is signed, tries it before the work, and
# says how to verify.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
cd "$tmp" || exit 1
for k in key other root; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $k 2>/dev/null
	openssl pkey -in $k -pubout -out $k.pub
done
openssl req -x509 -new -key root -days 30 -subj /CN=root -addext keyUsage=critical,keyCertSign -out root.crt
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\nsubjectAltName=email:auditor@lab.example\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' >ext
for k in key other; do
	openssl req -new -key $k -subj /CN=$k -out csr
	openssl x509 -req -in csr -CA root.crt -CAkey root -CAcreateserial -extfile ext -days 30 -out $k.crt 2>/dev/null
done
mkdir good && cp "$clean" good/
audit() { # STATUS NAME ARGUMENTS...: the same case, its report signed in another way
	_s=$1 _n=$2
	shift 2
	exits "$_s" "$_n" assay audit -q good --out case --data "$audit" --budget quick -r "$reference" --resume "$@"
}
refused() { # STATUS NAME WORDS ARGUMENTS...: before the work
	_s=$1 _n=$2 _w=$3
	shift 3
	exits "$_s" "$_n" assay audit -q good --out new --data "$audit" "$@"
	says "$_w"
	ok "  before anything was begun" [ ! -e new ]
}
signs="openssl dgst -sha256 -sign $tmp/key"

audit 0 "by a command" --sign-command "$signs" --public-key key.pub
prints '^verify  *assay-verify case/report --key YOUR-PUBLIC-KEY --bundle good$'
exits 0 "as it says" assay-verify case/report --key key.pub --bundle good
audit 0 "with a certificate" --key key --certificate key.crt
prints '^verify  *assay-verify case/report --ca AUTHORITIES --identity NAME --bundle good$'
exits 0 "as it says" assay-verify case/report --ca root.crt --identity auditor@lab.example --bundle good
audit 0 "with model.sig and a request for a timestamp" --key key --model-signature --timestamp-query query
ok "both are there" [ -s case/report/model.sig -a -s query ]
prints '^timestamp  *ask for query, then: assay-report case/report --attach-timestamp ANSWER$'
prints '^verify .* --tsa-ca AUTHORITIES-OF-TIME '
audit 0 "by somebody elsewhere" --public-key key.pub --emit-pae pae
prints '^sign  *pae, then: assay-report case/report --attach-signature SIGNATURE$'
ok "not signed yet" [ ! -e case/report/audit.sigstore.json ]
openssl dgst -sha256 -sign key -out sig pae
exits 0 "as it says" assay-report case/report --attach-signature sig
exits 0 "and verifies" assay-verify case/report --key key.pub --bundle good
if [ -e /usr/lib/softhsm/libsofthsm2.so ] && command -v softhsm2-util >/dev/null; then
	mkdir tokens
	echo "directories.tokendir = $tmp/tokens" >softhsm.conf
	export SOFTHSM2_CONF=$tmp/softhsm.conf
	softhsm2-util --init-token --free --label audit --so-pin 1111 --pin 2222 >/dev/null
	openssl pkcs8 -topk8 -nocrypt -in key -out key.p8
	softhsm2-util --import key.p8 --token audit --label signer --id 01 --pin 2222 >/dev/null
	u="pkcs11:token=audit;object=signer?module-path=/usr/lib/softhsm/libsofthsm2.so"
	echo 2222 >pin
	audit 0 "by a token" --key "$u" --passphrase-file pin
	exits 0 "verifies" assay-verify case/report --key key.pub --bundle good
	refused 2 "a wrong PIN" 'pkcs11:: cannot sign' --key "$u&pin-value=2223"
	ok "  which is not shown" sh -c "! grep -q 2223 '$out' '$err'"
else
	ok "a token # SKIP no softhsm2" true
fi
refused 4 "a command without the public key" 'public-key is needed' --sign-command "$signs"
refused 4 "a public key and nobody who signs" 'nobody signs' --public-key key.pub
refused 4 "a certificate and nobody who signs" 'nobody signs' --certificate key.crt
refused 4 "a key and a command" 'two ways of signing' --key key --sign-command "$signs" --public-key key.pub
refused 4 "a timestamp of what is not signed yet" 'stamped afterwards' --public-key key.pub --emit-pae pae --timestamp-query query
refused 2 "a certificate of another key" 'other.crt: .*another key' --key key --certificate other.crt
refused 2 "a public key that is none" 'not a public key' --public-key root.crt --emit-pae pae
audit 2 "a command that signs with another key" --sign-command "openssl dgst -sha256 -sign $tmp/other" --public-key key.pub
says 'does not match'
statements_fit
done_testing
