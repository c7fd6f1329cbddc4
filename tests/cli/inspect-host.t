#!/bin/sh
# assay-inspect on what harms whoever opens a file of the bundle, on what hides
# in tables, heaps and streams, on links and on code that a configuration names:
# every fixture of fixtures/gen/host.py has its exit status and finding.
. tests/cli/tap.sh

quiet() { # quiet NAME: nothing worth stopping for was found
	ok "$1 is quiet" sh -c "! grep -qE '^ +(medium|high|critical)' $out"
}

while read -r name status id; do
	exits $status "$name" assay-inspect fixtures/host/$name
	case $id in
	-) quiet "$name" ;;
	*) prints "$id" ;;
	esac
done <fixtures/host/want

# a name that a configuration gives is the bundle's when a file of it makes it
b=$tmp/bundle
mkdir -p $b/conf $b/net $b/src/lib $b/torch
printf 'from os.path import join as borrowed\nclass Net:\n    pass\ndef build(x):\n    return x\n' >$b/net/models.py
printf 'from .models import (Net,\n    build)\n' >$b/net/__init__.py
printf 'class Head(object):\n    pass\n' >$b/src/lib/__init__.py
printf 'def load():\n    pass\n' >$b/torch/hub.py
config() { # config NAME: it is asked for
	printf 'model:\n  _target_: %s\n' "$1" >$b/conf/model.yaml
}
for name in net.models.Net net.models.build net.Net lib.Head lib.Head.from_file; do
	config $name
	exits 0 "$name is the bundle's" assay-inspect $b
	prints "low .*CONFIG_LOCAL.*'$name'"
done
for name in net.models.borrowed net.models.os.system torch.hub.load os.system; do
	config $name
	exits 1 "$name is not" assay-inspect $b
	prints "high .*CONFIG_TARGET.*'$name'"
done
printf '{"class_path": "net.models.Net"}\n' >$b/conf/model.yaml
exits 0 "a class path of the bundle's" assay-inspect $b
prints CONFIG_LOCAL
config net.models.Net
exits 0 "the configuration alone" assay-inspect $b/conf/model.yaml
prints "low .*CONFIG_ELSEWHERE"
for name in net.models.Other models.Net; do
	config $name
	exits 0 "$name is elsewhere" assay-inspect $b
	prints "low .*CONFIG_ELSEWHERE.*'$name'"
done
config net.models.build
exits 1 "a function, alone" assay-inspect $b/conf/model.yaml
prints CONFIG_TARGET

# a file that another one links to is looked at by itself
h=$tmp/linked
mkdir $h
cp fixtures/host/bad-link.h5 $h/whole.h5
exits 1 "a file that is not there" assay-inspect $h
prints HDF5_OUTSIDE
cp fixtures/host/good-dense.h5 $h/part.h5
assay-inspect $h >$tmp/out
ok "one that is" sh -c "! grep HDF5_OUTSIDE $tmp/out"
cp fixtures/host/bad-dense.h5 $h/part.h5
exits 1 "one that is hostile itself" assay-inspect $h
prints PICKLE_CALL_DANGEROUS

# links
d=$tmp/links
mkdir -p $d/sub
printf '{"a": 1}\n' >$d/config.json
ln -s config.json $d/same.json
ln -s ../config.json $d/sub/up.json
exits 0 "links within the folder" assay-inspect $d
prints "json .*same.json"
prints "json .*sub/up.json"
printf '{"auto_map": {"AutoModel": "x.X"}}\n' >$d/sub/real
ln -s sub/real $d/extra.json
exits 1 "what a link leads to is looked at" assay-inspect $d
rm $d/extra.json $d/sub/real
ln -s ../../blobs/0123456789abcdef0123456789abcdef01234567 $d/sub/model.safetensors
exits 2 "a snapshot without its blobs" assay-inspect $d
prints FILE_UNREADABLE
hub=$tmp/hub/models--o--n
mkdir -p $hub/blobs $hub/snapshots/r1/sub
h=0123456789abcdef0123456789abcdef01234567
printf '{"a": 1}\n' >$hub/blobs/$h
ln -s ../../blobs/$h $hub/snapshots/r1/config.json
ln -s ../../../blobs/$h $hub/snapshots/r1/sub/other.json
for at in r1 r1/; do
	exits 0 "a snapshot beside its blobs: $at" assay-inspect $hub/snapshots/$at
	prints "json .* config.json"
	prints "json .* sub/other.json"
done
mkdir $tmp/copy && cp -rL $hub/snapshots/r1 $tmp/copy/
sha() { assay-inspect --json "$1" | jq -r '.inputs[0].sha256'; }
ok "has the digest of a copy" test "$(sha $hub/snapshots/r1)" = "$(sha $tmp/copy/r1)"
mkdir $hub/sub
ln -s ../../sub/../blobs/$h $hub/snapshots/r1/roundabout
exits 1 "a link by another way" assay-inspect $hub/snapshots/r1
prints "high .*FILE_LINK.*sub/../blobs"
rm $hub/snapshots/r1/roundabout
printf '{"auto_map": {"AutoModel": "x.X"}}\n' >$hub/blobs/$h
exits 1 "a blob is looked at" assay-inspect $hub/snapshots/r1
for to in /etc/passwd ../../x ../links/../../x; do
	ln -s $to $d/sub/away
	exits 1 "a link to $to" assay-inspect $d
	prints "high .*FILE_LINK.*'$to'"
	rm $d/sub/away
done
done_testing
