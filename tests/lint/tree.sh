# No absolute path of a developer's machine and no registry host in the tree.
bad=$(git grep -nIE '/(home|root|work)/[a-z]|registry\.npmjs|deb\.debian\.org|pypi\.org' -- . ':!tests/lint/tree.sh')
[ -z "$bad" ] || { echo "machine-specific text:"; echo "$bad"; exit 1; }
