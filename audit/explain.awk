# SPDX-License-Identifier: MIT
# assay-findings.7 to {"ID": "explanation", ...}: what --explain and SARIF say.
# The words stand in the manual only; this takes the mdoc macros out of them.

function clean(s) {
	gsub(/\\&/, "", s)
	gsub(/\\-/, "-", s)
	gsub(/\\\(em/, "-", s)
	gsub(/\\e/, "\\", s)
	gsub(/"/, "", s)
	return s
}
function point(s) { return s ~ /^[.,:;)]$/ }

# words w[i..n] of a macro line; macros among them are carried out
function words(i, n,    out, piece, m, q) {
	out = ""
	while (i <= n) {
		if (w[i] ~ /^(Dq|Qq|Ql|Sq|Pq)$/) {
			q = w[i]
			for (m = n; m > i && point(w[m]); m--)
				;
			piece = words(i + 1, m)
			piece = q == "Pq" ? "(" piece ")" : "'" piece "'"
			i = m + 1
		} else if (w[i] == "Xr") {
			piece = w[i + 1] "(" w[i + 2] ")"
			i += 3
		} else if (w[i] == "Fl") {
			piece = "-" clean(w[i + 1])
			i += 2
		} else if (w[i] ~ /^(Cm|Ar|Pa|Em|Sy|Li|Va|Ic|Ev|Nm|No)$/) {
			i++
			continue
		} else
			piece = clean(w[i++])
		out = out (out == "" || point(piece) ? "" : " ") piece
	}
	return out
}
function add(s) { text = text (text == "" || text ~ /\\n$/ ? "" : " ") s }
function json(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return s
}
function put() {
	if (id == "")
		return
	printf "%s\n\"%s\": \"%s\"", any ? "," : "", id, text
	any = 1
	id = text = ""
}

BEGIN { printf "{" }
/^\.It [A-Z0-9_]+ Pq / { put(); id = $2; next }
/^\.Sh/ { put() }
/^\.El/ { if (depth == 0) put(); else depth-- }
id == "" { next }
/^\.Bl/ { depth++; next }
/^\.El/ { next }
/^\.\\"/ { next }
/^\.Pp/ { text = text "\\n\\n"; next }
/^\./ {
	n = split(substr($0, 2), w, " ")
	add(json(words(1, n)))
	next
}
{ add(json(clean($0))) }
END { put(); print "\n}" }
