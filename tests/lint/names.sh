# Every global symbol of a library's X.o starts with X, or is the documented
# exception: model.o also defines tensor_*, node_*, dtype_*, draw_layers.o draw_*,
# layer_attention.o layer_*.
bad=$(for o in $B/base/*.o $B/formats/*.o $B/engine/*.o; do
	stem=$(basename "$o" .o)
	nm -g --defined-only "$o" | awk -v s="$stem" '
	  / [TDRB] / && $3 !~ /^__/ && index($3, s) != 1 {
	    n = $3; sub(/\..*/, "", n)
	    if (s == "draw_layers" && n ~ /^draw_/) next
	    if (s == "layer_attention" && n ~ /^layer_/) next
	    if (s == "model" && n ~ /^(tensor|node|dtype)_/) next
	    if (index(n, s) == 1 || n ~ "^(format|op|geometry)_") next
	    print s".o: "$3 }'
done)
[ -z "$bad" ] || { echo "symbol does not carry its file's name:"; echo "$bad"; exit 1; }
