# Every finding of base/finding.def is explained in the manual, with the same
# severity, and the list is sorted.
ids=$(sed -n 's/^FINDING(\([A-Z0-9_]*\),.*/\1/p' base/finding.def)
[ "$ids" = "$(echo "$ids" | LC_ALL=C sort)" ] || { echo "base/finding.def is not sorted"; exit 1; }
bad=$(sed -n 's/^FINDING(\([A-Z0-9_]*\), *\([A-Z]*\),.*/\1 \2/p' base/finding.def | tr 'A-Z' 'a-z' | while read -r id sev; do
	up=$(echo "$id" | tr 'a-z' 'A-Z')
	grep -q "^\.It $up Pq $sev\$" man/assay-findings.7 || echo "man/assay-findings.7: no '.It $up Pq $sev'"
done)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
