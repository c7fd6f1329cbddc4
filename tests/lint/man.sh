# Every tool of the Makefile has a page, every page of section 1 says EXIT
# STATUS, EXAMPLES and SECURITY, and mandoc has nothing to say about any.
bad=$(awk '/^(TOOLS|BLAS_TOOLS) *=/ { on = 1 } on { print } !/\\$/ { on = 0 }' Makefile |
	tr ' \\' '\n\n' | sed -n 's,^[a-z]*/\(assay[a-z-]*\)$,\1,p' | while read -r t; do
	[ -e "man/$t.1" ] || echo "Makefile: $t has no man/$t.1"
done
for p in man/*.1; do
	for s in 'EXIT STATUS' EXAMPLES SECURITY; do
		grep -q "^\.Sh $s\$" "$p" || echo "$p: no section $s"
	done
done
command -v mandoc >/dev/null && mandoc -Tlint -Wwarning man/*)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
