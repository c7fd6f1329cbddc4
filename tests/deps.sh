#!/bin/sh
# deps.sh check|install: the Debian packages that a build and its tests need.
# "install" installs what is missing when it may, and otherwise prints the
# exact command and stops.
need="build-essential perl universal-ctags libopenblas-dev libarchive-dev
libcmocka-dev libgraphviz-dev libjansson-dev libssl-dev libseccomp-dev
libp11-kit-dev softhsm2
libpng-dev libjpeg62-turbo-dev libwebp-dev zlib1g-dev libdeflate-dev libbz2-dev liblzma-dev libyaml-dev libutf8proc-dev
fonts-dejavu-core openssl jq
dataset-fashion-mnist libonnx-testdata mandoc python3-jsonschema tidy"
# built and tested without these as well: several machines
wish="libopenmpi-dev openmpi-bin"
[ "$1" = check ] || need="$need $wish"
missing=
for p in $need; do
	dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null |
	    grep -q '^installed$' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
[ "$1" = check ] && exit 1
cmd="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive $cmd -qq >&2
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive $cmd -qq >&2
else
	echo "Packages are missing. As root:" >&2
	echo "  apt-get update && $cmd" >&2
	exit 1
fi
