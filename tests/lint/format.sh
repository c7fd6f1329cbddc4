# clang-format agrees (skipped where it is not installed).
command -v clang-format >/dev/null || { echo "lint: clang-format is not installed, skipped"; exit 0; }
git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror
