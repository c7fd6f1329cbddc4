#!/bin/sh
# What README.md says about verifying a report without Assay, run as it stands
# there.  tests/interop/sigstore.js asks a verifier that others wrote.
. tests/cli/tap.sh
export LC_ALL=C
awk '/^## Verify a report by hand/ { on = 1 } on && /^```$/ { exit } code { print } on && /^```sh$/ { code = 1 }' README.md >$tmp/block
ok "the README has the commands" [ "$(wc -l <$tmp/block)" -ge 8 ]
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $tmp/p256.pem 2>/dev/null
openssl genpkey -algorithm ed25519 -out $tmp/ed25519.pem
sh tests/case.sh clean $tmp/case
by_hand() { (cd $tmp/w && sh -e $tmp/commands); }
for key in p256 ed25519; do
	case $key in p256) sed '/# or Ed25519$/d' $tmp/block ;; *) sed '/# P-256$/d' $tmp/block ;; esac >$tmp/commands
	rm -rf $tmp/w && mkdir $tmp/w
	cp -r $tmp/case/files $tmp/w/bundle
	openssl pkey -in $tmp/$key.pem -pubout -out $tmp/w/auditor.pem
	run assay-report --key $tmp/$key.pem -o $tmp/w/report $tmp/case
	exits 0 "$key: the commands" by_hand
	prints 'Verified OK\|Verified Successfully'
	prints '^PASSED$'
	prints '^docs/README.md: OK$'
	prints '^report.html: OK$'
	ok "$key: the bytes are those of assay-verify" sh -c \
	    "assay-verify $tmp/w/report --key $tmp/w/auditor.pem --pae $tmp/pae --sig $tmp/sig && cmp $tmp/pae $tmp/w/audit.pae && cmp $tmp/sig $tmp/w/audit.sig"
	cp -r $tmp/w $tmp/good
	jq '.dsseEnvelope.payload |= (@base64d | sub("PASSED"; "PaSSED") | @base64)' $tmp/good/report/audit.sigstore.json >$tmp/w/report/audit.sigstore.json
	run by_hand
	ok "$key: they fail on another payload" [ $rc -ne 0 ]
	ok "  and show nothing of it" sh -c "! grep -q PaSSED $out"
	rm -rf $tmp/w && cp -r $tmp/good $tmp/w
	echo x >>$tmp/w/bundle/labels.txt
	run by_hand
	ok "$key: they fail on another file" [ $rc -ne 0 ]
	prints '^labels.txt: FAILED$'
	rm -rf $tmp/w && cp -r $tmp/good $tmp/w && rm -rf $tmp/good
	echo x >>$tmp/w/report/report.html
	run by_hand
	ok "$key: they fail on another page" [ $rc -ne 0 ]
	prints '^report.html: FAILED$'
done
statements_fit
done_testing
