# Sourced by the tests here: TAP and a scratch directory.  Each test leaves
# what a command did in $out, $err and $rc.
count=0
here=$(cd "$(dirname "$0")" && pwd)
_tap=$here # tests may have another here
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
out=$tmp/stdout
err=$tmp/stderr

# third parties' schemas and vectors, which are not ours to copy
: "${ASSAY_SCHEMAS=$(cd "$_tap/../../../shared/schemas" 2>/dev/null && pwd)}"
export ASSAY_SCHEMAS

run() { "$@" >"$out" 2>"$err"; rc=$?; }

ok() { # ok NAME COMMAND...: the command succeeds
	count=$((count + 1))
	_name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		echo "ok $count - $_name"
	else
		echo "not ok $count - $_name"
		echo "# failed: $*"
		[ -f "$out" ] && sed 's/^/# out: /' "$out" | head -20
		[ -f "$err" ] && sed 's/^/# err: /' "$err" | head -20
	fi
}

exits() { # exits STATUS NAME COMMAND...
	_want=$1
	_what=$2
	shift 2
	run "$@"
	ok "$_what: status $_want, got $rc" [ "$rc" -eq "$_want" ]
}

says() { ok "says $1" grep -q -e "$1" "$err"; }
prints() { ok "prints $1" grep -q -e "$1" "$out"; }
# but for the files that they were read from
same_model() { python3 "$here/same-model.py" "$1" "$2"; }
# every statement that is left in the scratch directory is as its schema says
statements_fit() {
	find "$tmp" -name statement.json | sed 's/.*/-i\n&/' >"$tmp/statements"
	ok "each of $(($(wc -l <"$tmp/statements") / 2)) statements fits the schema" \
	    xargs -a "$tmp/statements" -d '\n' env PATH=/usr/bin:/bin python3 -W ignore -m jsonschema "$_tap/../../report/statement.schema.json"
}
done_testing() { echo "1..$count"; }
