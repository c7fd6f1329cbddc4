#!/bin/sh
# assay-inspect: archives, streams, programs, secrets and names, by exit status.
# tests/test_container.def says what is found in each.
. tests/cli/tap.sh
f=fixtures/container

for one in $f/good*; do
	assay-inspect $one >$out 2>$err
	rc=$?
	# 3: zeros, or noise, and nothing to analyse
	ok "${one##*/} passes" [ $rc -eq 0 -o $rc -eq 3 ]
	ok "${one##*/}: nothing above low" sh -c "! grep -qE '^    (medium|high|critical)' $out"
done
for one in $f/bad*; do
	assay-inspect $one >$out 2>$err
	rc=$?
	ok "${one##*/} is not clean" [ $rc -eq 1 -o $rc -eq 2 ]
done

# --- what two readers see, with the bytes of both
exits 1 "two end records" assay-inspect $f/bad-two-ends.zip
prints "high .*ZIP_ENDS"
prints "m/two.txt: file holds a pickle"
exits 1 "an entry that is not listed" assay-inspect $f/bad-orphan-elf.zip
prints "high .*FILE_EXECUTABLE .*m/tool"
exits 1 "one bad entry hides no other" assay-inspect $f/bad-crc-first.zip
prints "ZIP_CRC"
prints "FILE_EXECUTABLE .*m/tool"
prints "INCOMPLETE"
exits 1 "a flag of encryption on what is not encrypted" assay-inspect $f/bad-flag-1.zip
prints "high .*ZIP_FLAGS"
prints "m/data.pkl: file holds a pickle"

# --- limits make a result incomplete, never clean
exits 2 "archives in one another" assay-inspect $f/bad-deep.zip
prints "FILE_LIMIT .*levels"
head -c 300000000 /dev/zero | gzip -1 >$tmp/zeros.gz
exits 2 "a stream that expands too far" assay-inspect $tmp/zeros.gz
prints "FILE_LIMIT"

# --- behind a file's end, within, and in its name
exits 1 "a zip behind an image" assay-inspect $f/bad-behind.png
prints "FILE_APPENDED"
exits 1 "a program among weights" assay-inspect $f/bad-elf-inside.bin
prints "FILE_EMBEDDED .*byte 2048"
cp $f/good-noise.bin "$tmp/$(printf 'm\320\276del.bin')"
exits 1 "a letter that looks like another" assay-inspect $tmp/m*del.bin
prints "NAME_DECEPTIVE"

# --- a secret is found and not shown
exits 1 "a token" assay-inspect $f/secret-token.txt
prints "high .*SECRET_TOKEN .*GitHub token, 40 characters"
ok "it is not shown" sh -c "! grep -q Zq8vK2 $out"
# --- trifles do not push out what stops a gate
mkdir "$tmp/many" "$tmp/crowd"
i=0
while [ $i -lt 1100 ]; do
	echo '#!/bin/sh' >"$tmp/many/a$i.sh"
	i=$((i + 1))
done
cp fixtures/torch/bad-evil-only.pt "$tmp/many/z.pt"
(cd "$tmp/many" && tar -cf ../many.tar a*.sh z.pt)
exits 1 "an attack behind 1,100 scripts" assay-inspect "$tmp/many.tar"
prints "critical *PICKLE_CALL_DANGEROUS"
prints "[0-9] findings more"
for i in 1 2 3 4 5 6; do (cd "$tmp/many" && tar -cf "../crowd/a$i.tar" a*.sh); done
cp fixtures/torch/bad-evil-only.pt "$tmp/crowd/z.pt"
exits 1 "an attack behind 6,600 scripts" assay-inspect "$tmp/crowd"
prints "critical *PICKLE_CALL_DANGEROUS"
prints "findings of this file and later ones are left out"

done_testing
