# Documents lead somewhere: every relative link, and every path from the root
# in backquotes, is a file or folder that is there.  x and NAME are placeholders.
folders='base|formats|engine|audit|purify|report|tests|man|fixtures'
bad=$(git ls-files '*.md' | while read -r f; do
	[ -e "$f" ] || continue
	grep -o '](\([^)#: ]*\)[)#]' "$f" | sed 's/^](//; s/[)#]$//' | while read -r to; do
		[ -z "$to" ] || [ -e "$(dirname "$f")/$to" ] || echo "$f: no $to"
	done
	grep -oE "\`($folders)/[A-Za-z0-9_./-]+\`" "$f" | tr -d '`' | sort -u | while read -r to; do
		case /$to in */x[./]* | *_x.* | *NAME*) continue ;; esac
		[ -e "$to" ] || [ -e "${to%.\[ch\]}.c" ] || echo "$f: no $to"
	done
done)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
