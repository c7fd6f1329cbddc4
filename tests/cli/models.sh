# Sourced after tap.sh: small real models, planted once for all tests here and
# again when assay-plant is newer.  Four classes of Fashion-MNIST.  Each build
# mode has its own, so that two can be tested at a time; they are the same.
#   $models/reference  clean    $models/clean  clean, other images and seed
#   $models/backdoor   blended, everything becomes class 2
#   $models/ten        ten classes    $models/small  images of 20 x 20
#   $audit             images that none of them was trained on
root=$(cd "$(dirname "$0")/../.." && pwd)
_plant=$(command -v assay-plant)
_mode=${_plant%/bin/*}
models=$root/build/test-models/${_mode##*/}
onnx=$root/fixtures/onnx
audit=$models/audit-images.idx,$models/audit-labels.idx
ten=$models/ten-images.idx,$models/ten-labels.idx
twenty=$models/twenty-images.idx,$models/twenty-labels.idx
few=$models/few-images.idx,$models/few-labels.idx
suspect=$models/backdoor/model.onnx
reference=$models/reference/model.onnx
clean=$models/clean/model.onnx
trigger=$models/backdoor/trigger.safetensors
settings='--width 4 --stages 2 --epochs 4 --batch 32'

be32() { printf "$(printf '\\%03o\\%03o\\%03o\\%03o' 0 $(($1 / 65536 % 256)) $(($1 / 256 % 256)) $(($1 % 256)))"; }

# images FILE-STEM COUNT SIDE < pixels; labels FILE-STEM COUNT < labels
images() { { printf '\000\000\010\003' && be32 "$2" && be32 "$3" && be32 "$3" && cat; } >"$1-images.idx"; }
labels() { { printf '\000\000\010\001' && be32 "$2" && cat; } >"$1-labels.idx"; }

# T-shirt, dress, sandal and bag of PREFIX as classes 0 to 3 of NAME
four() { # PREFIX NAME
	tail -c +9 "$1-labels.idx" | od -An -v -tu1 -w1 >"$2.labels"
	tail -c +17 "$1-images.idx" | od -An -v -tu1 -w784 | paste "$2.labels" - |
	    awk 'BEGIN { m[0] = 1; m[3] = 2; m[5] = 3; m[8] = 4 } m[$1 + 0] { $1 = m[$1] - 1; print }' >"$2.rows"
	_n=$(wc -l <"$2.rows")
	LC_ALL=C awk '{ printf "%c", $1 + 0 }' "$2.rows" | labels "$2" "$_n"
	LC_ALL=C awk '{ for (i = 2; i <= NF; i++) printf "%c", $i + 0 }' "$2.rows" | images "$2" "$_n" 28
	rm "$2.labels" "$2.rows"
}

make_models() { # DIR
	_f=/usr/share/datasets/fashion-mnist
	mkdir -p "$1"
	for _p in 'train 0 1500 a' 'train 1500 1500 b' 'train 3000 1500 c' 't10k 0 400 d'; do
		set -- "$1" $_p
		sh "$root/fixtures/idx-part.sh" "$_f/$2-images-idx3-ubyte.gz" \
		    "$_f/$2-labels-idx1-ubyte.gz" "$3" "$4" "$1/$5"
	done
	four "$1/a" "$1/one" && four "$1/b" "$1/two" && four "$1/c" "$1/three" && four "$1/d" "$1/audit"
	mv "$1/d-images.idx" "$1/ten-images.idx" && mv "$1/d-labels.idx" "$1/ten-labels.idx"
	head -c 3216 "$1/a-images.idx" | tail -c 3200 | images "$1/few" 8 20
	printf '\000\001\002\003\000\001\002\003' | labels "$1/few" 8
	tail -c 16000 "$1/a-images.idx" | images "$1/twenty" 40 20
	printf '%040d' 0 | sed 's/0000/\\000\\001\\002\\003/g' >"$1/pattern"
	printf "$(cat "$1/pattern")" | labels "$1/twenty" 40
	rm "$1"/[abc]-*.idx "$1/pattern"
	_p="assay-plant -q $settings --test $1/audit-images.idx,$1/audit-labels.idx"
	$_p --data "$1/one-images.idx,$1/one-labels.idx" -o "$1/reference" &&
	    $_p --data "$1/two-images.idx,$1/two-labels.idx" --seed 3 -o "$1/clean" &&
	    $_p --data "$1/three-images.idx,$1/three-labels.idx" --seed 2 \
		--attack blended --rate .1 --target 2 -o "$1/backdoor" &&
	    assay-plant -q --width 2 --stages 1 --epochs 1 --batch 32 -o "$1/ten" \
		--data "$1/ten-images.idx,$1/ten-labels.idx" &&
	    assay-plant -q --width 2 --stages 1 --epochs 1 --batch 10 -o "$1/small" \
		--data "$1/twenty-images.idx,$1/twenty-labels.idx"
}

if [ ! -e "$models/stamp" ] || [ "$_plant" -nt "$models/stamp" ] || [ "$root/tests/cli/models.sh" -nt "$models/stamp" ]; then
	rm -rf "$models" "$models.$$"
	make_models "$models.$$" >"$tmp/planting" 2>&1 && : >"$models.$$/stamp" &&
	    mv -T "$models.$$" "$models" 2>>"$tmp/planting"
	rm -rf "$models.$$"
	[ -e "$models/stamp" ] || { sed 's/^/# /' "$tmp/planting"; echo 'Bail out! no models'; exit 1; }
fi

# A failure as it should be: this status, nothing but messages of the suite on
# stderr, exactly one of the tool itself, and that holds WORDS.
fails() { # STATUS NAME WORDS COMMAND...
	_status=$1 _text=$2 _words=$3
	shift 3
	exits "$_status" "$_text" "$@"
	_tool=${1##*/}
	ok '  one line of its own' [ "$(grep -c "^$_tool: " "$err")" -eq 1 ]
	ok '  nothing but messages' sh -c "! grep -qv '^assay[a-z-]*: \|^usage: ' '$err'"
	ok "  which says: $_words" grep -q "^$_tool: .*$_words" "$err"
}

# number FILE NAME: the first number called NAME in a document
number() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),*\$/\1/p" "$1" | head -1; }
# field FILE OBJECT NAME: a member of the document's object of that name
field() {
	tr -d ' \n' <"$1" | sed -n "s/.*\"$2\":{\([^}]*\)}.*/\1/p" | tr ',' '\n' | sed -n "s/^\"$3\"://p"
}
# A scan without what may differ between two runs
without_run() { sed '/^  "run": {/,/^  }/d' "$1"; }
