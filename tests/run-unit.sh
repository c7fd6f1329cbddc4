#!/bin/sh
# Run cmocka suites; print what failed and a count that adds them up.
pass=0
fail=0
skip=0
log=$(mktemp)
for t in "$@"; do
	CMOCKA_MESSAGE_OUTPUT=TAP "$t" >"$log" 2>&1
	rc=$?
	p=$(grep -c '^ok ' "$log")
	# cmocka 1.1.5 writes a skipped test as "not ok N # SKIP name"
	f=$(grep '^not ok ' "$log" | grep -vc '# SKIP')
	k=$(grep -c '# SKIP' "$log")
	if [ "$rc" -ne 0 ] || [ "$f" -ne 0 ]; then
		[ "$f" -eq 0 ] && f=1
		echo "--- $t (status $rc)"
		grep -v '^ok ' "$log"
	fi
	pass=$((pass + p))
	fail=$((fail + f))
	skip=$((skip + k))
done
rm -f "$log"
echo "$pass passed, $fail failed, $skip skipped"
[ "$fail" -eq 0 ] && [ "$pass" -gt 0 ]
