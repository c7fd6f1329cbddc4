# Functions over 80 lines, files over 600, headers over 150.
f=$(git ls-files '*.c' '*.h')
bad=$(ctags --languages=C --kinds-C=f --fields=+ne -o - $f | awk -F'\t' '
  { l=e=0; for (i=4;i<=NF;i++) { if ($i ~ /^line:/) l=substr($i,6); if ($i ~ /^end:/) e=substr($i,5) }
    if (e-l+1 > 80) print $2":"l": "$1" "e-l+1" lines" }'
  wc -l $f | awk '$2 != "total" && ($1 > 600 || ($2 ~ /\.h$/ && $1 > 150)) { print $2": "$1" lines" }')
[ -z "$bad" ] || { echo "too long:"; echo "$bad"; exit 1; }
