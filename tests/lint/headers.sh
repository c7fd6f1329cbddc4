# Every header compiles on its own.
for h in base/*.h formats/*.h engine/*.h audit/*.h purify/*.h report/*.h fixtures/*.h; do
	[ -e "$h" ] || continue
	${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -I. $INC -fsyntax-only -x c "$h" || exit 1
done
