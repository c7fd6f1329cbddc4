#!/bin/sh
# What users get wrong is said before the work, and nothing passes by mistake:
# a gate that cannot fail, a value that is no value, a stream that is closed.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
cd "$tmp" || exit 1

# --- numbers have bounds on both sides --------------------------------------
fails 4 'no reference to grow' 'from 1 to 16, not .0.' assay-scan "$suspect" --data "$audit" --grow 0
fails 4 'one to grow and none' '--grow and --no-grow exclude' assay-scan "$suspect" --data "$audit" --grow 1 --no-grow
fails 4 'one to grow beside one given' '--grow goes with no --reference' assay-scan "$suspect" --data "$audit" --grow 1 -r "$reference"
fails 4 'no seed' 'from 1 to 9, not .0.' assay-scan "$suspect" --data "$audit" --seeds 0
fails 4 'no channel' '--width wants a whole number from 1 to' assay-plant --data "$audit" -o p --width 0
fails 4 'no image a step' '--batch wants a whole number from 1 to' assay-purify "$suspect" --data "$audit" -o p --batch 0
fails 4 'images and none' 'exclude each other' assay-scan "$suspect" --data "$audit" --no-data
fails 4 'an unknown budget' "no budget 'frob'; --list has them" assay-scan "$suspect" --data "$audit" --budget frob

# --- a gate that could not fail ----------------------------------------------
fails 4 'a limit of success without an attack' '--max-asr wants' assay-eval "$suspect" --data "$audit" --max-asr .1
printf '\002\002' | labels two 2
head -c 1584 "${audit%,*}" | tail -c 1568 | images two 2 28
fails 2 'a limit and no image that could show it' 'no image is of a class' \
    assay-eval "$suspect" --data two-images.idx,two-labels.idx --trigger "$trigger" --max-asr .1
fails 4 'a version that is none' '--min-version wants' assay-verify . --key k --min-version next
fails 4 'an empty one, as of a variable that is not set' '--min-version wants' assay-verify . --key k --min-version ''
fails 4 'no day old' 'from 1 to' assay-verify . --key k --max-age 0

# --- the message names what is wrong -----------------------------------------
fails 4 'a class that there is not' 'no class 77, the model has 4' \
    assay-eval "$suspect" --data "$audit" --poisoned "$audit" --target 77
fails 4 'half a data set' "'$tmp/x,' is no two files" assay-load --data "$tmp/x," -o n
fails 4 'an architecture that there is not' "'frob'" assay-load --arch frob "$suspect" -o n
fails 2 'nothing to inspect' 'nowhere: cannot open' assay-inspect nowhere
mkdir case case/report unsigned
: >unsigned/statement.json
exits 2 'a case instead of its report' assay-verify case --key nokey
says 'case: a case, its report is case/report'
exits 2 'a report without a signature' assay-verify unsigned --key nokey
says 'unsigned: the report is not signed'

# --- before the work and not after it ----------------------------------------
mkdir folder
fails 4 'onto a folder' 'folder: is a folder' assay-purify "$suspect" --data "$audit" -o folder --rounds 1
for o in '-o no/m.onnx' '-o m.onnx --document no/d.json' '-o m.onnx --checkpoint no/c'; do
	# as many rounds as would never end
	exits 2 "$o" timeout 60 assay-purify "$suspect" --data "$audit" $o --rounds 100000
	says 'no/.*: cannot create'
done
tar -C "$models" -cf bundle.tar clean/model.onnx
for o in '--method frob' '--rounds frob' '--lr -1' '--batch 0' '--budget frob' '--seed -1' '--trigger no' \
	'--eval-data no' '--eval-data no,no' '--classes no' '--previous no' '--policy no' "--reference $reference --reference no"; do
	run timeout 60 assay audit bundle.tar --data "$audit" --out audited $o
	ok "audit $o: status 2 or 4, got $rc" [ "$rc" -eq 2 -o "$rc" -eq 4 ]
	ok '  and nothing was begun' [ ! -e audited ]
done
exits 0 'the methods' assay-purify --list
prints '^guided  *[a-z]'
prints '^ft-sam '
ok 'each in a line' [ "$(wc -l <"$out")" -eq "$(grep -c '^METHOD' "$root/purify/method.def")" ]

# --- help --------------------------------------------------------------------
exits 0 'assay help' assay help
prints '^  audit '
exits 0 'assay help scan' assay help scan
prints '^usage: assay-scan '
exits 0 'assay help audit' assay help audit
prints '^usage: assay audit '
exits 4 'assay help frob' assay help frob
says "no verb 'frob'"
exits 0 'assay policy --help' assay policy --help
prints 'The manual: man assay$'

# --- no room, said with the place that has none -------------------------------
assay-load "$suspect" -o neutral
exits 2 'no room for a file' sh -c "trap '' XFSZ; ulimit -f 8; exec assay-save '$suspect' neutral -o large.onnx"
says '^assay-save: large.onnx[.][A-Za-z0-9]*/model.onnx: cannot write'
ok 'nothing is left of it' sh -c '! ls large* 2>/dev/null'

# --- a terminal is no place for weights
exits 4 'a neutral model onto a terminal' script -qec "assay-load '$suspect'" /dev/null
prints '^assay-load: standard output is a terminal'
ok 'and none of it there' sh -c "! grep -q __metadata__ '$out'"

# --- closed streams ----------------------------------------------------------
# a file that is opened then must not become standard output
exits 0 'a case' assay-unpack bundle.tar unpacked
exits 0 'inspected' assay-inspect unpacked -o unpacked/inspect.json
exits 2 'a report' assay-report unpacked -o open
assay-report unpacked -o closed >&- 2>"$err"
ok 'stdout closed: status 2' [ $? -eq 2 ]
says 'standard output: cannot write'
ok 'the report is complete all the same' [ "$(ls open)" = "$(ls closed)" ]
ok 'and the page is a page' [ "$(tail -1 closed/report.html)" = "$(tail -1 open/report.html)" ]
assay-load "$suspect" -o direct.n
assay-load "$suspect" >piped.n 2>&- <&-
ok 'the others closed: the same model' cmp direct.n piped.n
done_testing
