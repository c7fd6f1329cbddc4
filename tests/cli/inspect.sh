# For tests of assay-inspect on one file at a time; after tap.sh.

file() { # file NAME: what stands on stdin, in a bundle of its own
	rm -rf "$tmp/b"
	mkdir -p "$(dirname "$tmp/b/$1")"
	cat >"$tmp/b/$1"
}

hostile() { # hostile ID WHAT
	exits 1 "$2" assay-inspect "$tmp/b"
	prints "^ *high *$1"
}

quiet() { # quiet WHAT: clean, or of no known format
	run assay-inspect "$tmp/b"
	ok "$1 is quiet" sh -c "! grep -qE '^ +(medium|high|critical)' $out"
}
