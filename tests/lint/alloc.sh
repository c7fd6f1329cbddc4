# The heap is touched in base/ only (OpenSSL, jansson and the like release by
# functions of their own).
bad=$(grep -nE '(^|[^_a-z>.])(malloc|calloc|realloc|strdup|strndup)\(' formats/*.c engine/*.c audit/*.c purify/*.c report/*.c fixtures/*.c 2>/dev/null)
[ -z "$bad" ] || { echo "heap use outside base/:"; echo "$bad"; exit 1; }
