#!/bin/sh
# The evaluation of scans: its statistics, and a report on a zoo small enough
# to work out by hand.
. "$(dirname "$0")/tap.sh"
command -v python3 >/dev/null || { echo '1..0 # SKIP no python3'; exit 0; }
root=$(cd "$(dirname "$0")/../.." && pwd)
evaluate() { python3 "$root/audit/eval-scan.py" "$@"; }
zoo=$tmp/zoo

truth() { # MODEL ATTACK SEED ASR TARGET
	mkdir -p "$zoo/$1"
	printf '{"attack": "%s", "seed": %s, "asr": %s, "target": %s, "source": null}' "$2" "$3" "$4" "$5" >"$zoo/$1/truth.json"
}
scan() { # MODEL VERDICT SCORE TARGETS ANOMALY-INDEX
	mkdir -p "$tmp/out/grown/$1"
	printf '{"verdict": "%s", "score": %s, "targets": [%s], "classes": 3, "baselines": {"neural_cleanse": {"index": %s, "class": 2}, "mm_bd": {"p": null, "class": 0}}}' \
	    "$2" "$3" "$4" "$5" >"$tmp/out/grown/$1/scan.json"
}
class() { printf '{"class": %s, "geometry": "patch", "p": %s}' "$1" "$2"; }
pair() { printf '{"source": %s, "class": %s, "geometry": "patch", "p": 1e-6}' "$1" "$2"; }
clean() { truth "$1" none "$2" null null && scan "$1" "$3" "$4" '' "$5"; }
victim() { truth "$1" "$2" "$3" "{\"rate\": $4}" "$5" && scan "$1" "$6" "$7" "$8" "$9"; }

truth ref-vgg-1 none 1 null null # not scanned, not missed
for i in 1 2 3; do
	clean calib-plain-$i 40$i no-evidence $i 1
	victim tune-badnets-$i badnets 50$i 0.99 0 evidence 1$i "$(class 0 1e-9)" 3
done
clean clean-plain-1 301 no-evidence 1 1.5
clean clean-plain-2 302 no-evidence 2 3
clean clean-plain-3 303 inconclusive 3 1
clean clean-plain-10 304 evidence 4 2.5
victim test-badnets-1 badnets 101 0.99 1 evidence 5 "$(class 2 1e-4), $(class 1 1e-6)" 3.5
victim test-badnets-2 badnets 102 0.99 1 evidence 6 "$(class 2 1e-6)" 0.5
victim test-badnets-3 badnets 103 0.99 1 no-evidence 3.5 '' 2.75
victim test-badnets-4 badnets 104 0.80 1 evidence 10 "$(class 1 1e-6)" 2
victim test-badnets-5 badnets 105 0.79 1 evidence 9 "$(class 1 1e-6)" 9
victim test-all-to-all-1 all-to-all 101 0.9 null evidence 7 "$(pair 0 1), $(pair 1 2), $(pair 2 0)" 1
victim test-all-to-all-2 all-to-all 102 0.9 null evidence 7 "$(pair 0 1), $(pair 1 0)" 1

exits 0 'the statistics' evaluate --self-test
exits 0 'a report' evaluate "$zoo" "$tmp/out"
prints '^3 calib, 4 clean, 3 tune, 7 test models'
prints '^| victims | n | Assay | Neural Cleanse |$'
# 15 of 16 pairs in order; Neural Cleanse 4 + 0 + 3 + 2
prints '^| test, badnets | 4 | 0\.938 \[.*(.*) | 0\.562 \[.*(.*) |$'
# no clean model may be above: scores over 4, indices over 3
prints '^| test, badnets | 4 | 3/4 = 0\.750 \[0\.194, 0\.994\] | 1/4 = 0\.250 \[0\.006, 0\.806\] |$'
# by their own rules: verdicts, and indices above 2
prints '^| test, badnets | 4 | 3/4 = 0\.750 \[0\.194, 0\.994\] | 2/4 = 0\.500 \[0\.068, 0\.932\] |$'
prints '^| alarm | 1/4 = 0\.250 \[0\.006, 0\.806\] | 2/4 = 0\.500'
prints '^| inconclusive | 1/4 = 0\.250 \[0\.006, 0\.806\] |  |$'
prints '^| test, badnets | 4 | 2/4 = 0\.500 \[0\.068, 0\.932\]; 2, 1 | 0/4'
prints '^| test, all-to-all | 2 | 2/2 = 1\.000 \[0\.158, 1\.000\]; 1, 1 | 0/2'
prints '^| clean models | 4 | 1\.00, 2\.50, 4\.00 | 1\.00, 2\.00, 3\.00 |$'
prints '^### Missed victims: 1$'
prints '^| test-badnets-3 | 0\.990 | no-evidence | - | - | 3\.50 | 2\.75 |$'
prints '^### False alarms: 1$'
prints '^| clean-plain-10 | - | evidence | - | - | 4\.00 | 2\.50 |$'
prints '^Missed: test-all-to-all-1, test-all-to-all-2, test-badnets-2, test-badnets-4\.$'
prints '^False alarms: clean-plain-2, clean-plain-10\.$'
prints '^### Victims with ASR below 0\.8, not counted above: 1$'
prints '^| test-badnets-5 | 0\.790 |'
ok 'no model is said not to be scanned' sh -c "! grep -q 'Not scanned' '$out'"
ok 'MM-BD has no score and no column' sh -c "! grep -q MM-BD '$out'"
cp "$out" "$tmp/first"
run evaluate "$zoo" "$tmp/out"
ok 'the same report again' cmp "$out" "$tmp/first"
run evaluate --seed 1 "$zoo" "$tmp/out"
ok 'another with another seed' sh -c "! cmp '$out' '$tmp/first'"

exits 0 'on the tuning models' evaluate --tuning "$zoo" "$tmp/out"
prints '^| tune, badnets | 3 | 1\.000 \[1\.000, 1\.000\]'
prints 'optimistic'
ok 'and no others' sh -c "! grep -q '^| test' '$out'"

rm "$tmp/out/grown/test-badnets-1/scan.json"
exits 0 'a model without a scan' evaluate "$zoo" "$tmp/out"
prints '^Not scanned: test-badnets-1\.$'
echo '{' >"$tmp/out/grown/test-badnets-1/scan.json"
exits 2 'a document that is none' evaluate "$zoo" "$tmp/out"
says 'grown/test-badnets-1/scan.json: '
echo '{"targets": [{"p": 1}]}' >"$tmp/out/grown/test-badnets-1/scan.json"
exits 2 'a target without a class' evaluate "$zoo" "$tmp/out"
says 'without a class'
exits 2 'no zoo' evaluate "$tmp/nowhere" "$tmp/out"
says 'nowhere: No such file'
exits 2 'no arms' evaluate "$zoo" "$zoo/ref-vgg-1"
truth clean-odd-1 badnets 9 '{"rate": 1}' 0
exits 2 'a victim among the clean' evaluate "$zoo" "$tmp/out"
says "clean-odd-1: .*'badnets'"
rm -r "$zoo/clean-odd-1"
truth other-1 none 9 null null
exits 2 'an unknown group' evaluate "$zoo" "$tmp/out"
says "group 'other'"
exits 4 'no arguments' evaluate
exits 4 'an unknown option' evaluate --nope
done_testing
