#!/bin/sh
# Ranks: the same bytes from one process and from 1, 2 and 4 ranks, over shared
# memory and over TCP between two network namespaces; a rank or a machine that
# is lost ends the run and leaves nothing.  Skipped without Open MPI.
. "$(dirname "$0")/tap.sh"
skip() { echo "1..0 # SKIP $1"; exit 0; }
command -v mpirun >/dev/null || skip 'no mpirun'
purify=$(command -v assay-purify) scan=$(command -v assay-scan)
ldd "$purify" | grep -q libmpi || skip 'built without MPI'
. "$(dirname "$0")/models.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_btl_vader_single_copy_mechanism=none
# Open MPI's plugins keep memory and are unloaded: nothing to suppress it by
export ASAN_OPTIONS=detect_leaks=0
mpirun -n 2 true 2>"$err" || skip 'mpirun does not run'

# --- what goes between ranks
unit=${purify%/bin/*}/tests/test_ranks
if [ -x "$unit" ]; then
	for n in 2 3 11; do exits 0 "exchanges of $n ranks" mpirun -n $n "$unit"; done
fi

# --- purification
o="-q --rounds 2 --lr 1e-3 --batch 96 --threads 1 --data $audit $suspect"
nameless() { without_run "$1" | grep -v '"name": "[0-9a-z]*.onnx"'; }
p() { # NAME OPTIONS...: as purified by one process
	_p=$1
	shift
	exits 0 "$*" assay-purify $o "$@" -o "$tmp/$_p.onnx" --document "$tmp/$_p.json"
	nameless "$tmp/$_p.json" >"$tmp/$_p"
}
same() { # RANKS NAME OPTIONS...
	_n=$1 _p=$2
	shift 2
	exits 0 "$_n ranks" mpirun -n $_n assay-purify $o "$@" -o "$tmp/r.onnx" --document "$tmp/r.json"
	ok 'one line on standard output' [ "$(grep -c 'rounds on' "$out")" -eq 1 ]
	ok 'the same model' cmp "$tmp/$_p.onnx" "$tmp/r.onnx"
	nameless "$tmp/r.json" >"$tmp/r"
	ok 'the same document' cmp "$tmp/$_p" "$tmp/r"
}
p eval --bn eval
for n in 1 2 4 9; do same $n eval --bn eval; done
ok 'run tells the ranks' grep -q '"count": 9' "$tmp/r.json"
p train --bn train --init random
for n in 2 4; do same $n train --bn train --init random; done

# guided: what is searched is shared out, what is left alone is so on all ranks
echo '{"schema":"assay-scan/1","tool":{"name":"assay-scan","version":"0"},"inputs":[],"targets":[
 {"class":2,"geometry":"linf"},{"class":1,"geometry":"patch"}],"geometries":[
 {"name":"linf","per_class":[{"class":2,"ease":{"suspect":2.0,"references":[-50.0]}}]},
 {"name":"patch","per_class":[{"class":1,"ease":{"suspect":90.0,"references":[-4.0]}}]}]}' >"$tmp/guide.json"
p guided --confirm --guide "$tmp/guide.json" --rounds 1
ok 'one target is left alone' sh -c "grep -q 'class 1 is left alone' '$err' && ! grep -q 'class 2' '$err'"
same 3 guided --confirm --guide "$tmp/guide.json" --rounds 1
ok 'said once' [ "$(grep -c 'class 1 is left alone' "$err")" -eq 1 ]

# a cell of a scan that one rank alone finds to have no images
_n=$(($(wc -c <"$models/audit-labels.idx") - 8))
tail -c +9 "$models/audit-labels.idx" | LC_ALL=C tr '\003' '\000' | labels "$tmp/three" $_n
echo '{"schema":"assay-scan/1","tool":{"name":"assay-scan","version":"0"},"inputs":[],"targets":[
 {"class":0,"geometry":"pair","source":1},{"class":1,"geometry":"pair","source":3}]}' >"$tmp/three.json"
exits 0 'the other one is tried' timeout -k 5 120 mpirun -n 2 assay-purify $o --data "$models/audit-images.idx,$tmp/three-labels.idx" --scan "$tmp/three.json" -o "$tmp/r.onnx"
says 're-activation: no images to push from class 3'
ok 'by one rank' [ "$(grep -c 'no images to push' "$err")" -eq 1 ]

# --- scan
s="-q --budget quick --threads 1 --data $audit $suspect -r $reference"
exits 1 'a scan by one process' assay-scan $s --baselines --seeds 1 -o "$tmp/s1"
exits 1 'by four ranks' mpirun -n 4 assay-scan $s --baselines --seeds 1 -o "$tmp/s4" --cache "$tmp/cache"
without_run "$tmp/s1/scan.json" >"$tmp/1" && without_run "$tmp/s4/scan.json" >"$tmp/4"
ok 'the same document' cmp "$tmp/1" "$tmp/4"
ok 'as its schema says' env PATH=/usr/bin:/bin python3 -m jsonschema -i "$tmp/s4/scan.json" "$root/audit/scan.schema.json"
ok 'the same perturbations' diff -r "$tmp/s1/perturbations" "$tmp/s4/perturbations"
ok 'one summary' [ "$(grep -c '^verdict:' "$out")" -eq 1 ]
exits 1 'with what the ranks cached' mpirun -n 2 assay-scan $s --baselines --seeds 1 -o "$tmp/s2" --cache "$tmp/cache"
without_run "$tmp/s2/scan.json" >"$tmp/2"
ok 'the same document' cmp "$tmp/1" "$tmp/2"
exits 0 'one class of it again' mpirun -n 3 assay-scan --replay "$tmp/s1/scan.json" --class 2 $s
ok 'said once for each geometry' [ "$(grep -c 'same$' "$out")" -eq 6 ]

# --- references
g="-q --count 2 --epochs 12 --threads 1 --data $audit $suspect"
assay-grow $g -o "$tmp/g1" >/dev/null
run mpirun -n 3 assay-grow $g -o "$tmp/g3"
ok 'one table' [ "$(grep -c '^reference-1' "$out")" -eq 1 ]
for i in 1 2; do ok "reference $i" cmp "$tmp/g1/reference-$i.safetensors" "$tmp/g3/reference-$i.safetensors"; done
exits 0 'taken up again' mpirun -n 2 assay-grow $g -o "$tmp/g3"
ok 'both stay' [ "$(grep -c 'as it was$' "$out")" -eq 2 ]

# --- failures: said once, with the tool's status
said() { ok "once: $2" [ "$(grep -c "^$1: .*$2" "$err")" -eq 1 ]; }
exits 4 'a wrong option' mpirun -n 3 assay-purify $o -o "$tmp/x.onnx" --method nope
said assay-purify 'method cannot be'
exits 2 'a missing model' mpirun -n 3 assay-purify -q --data "$audit" "$tmp/nowhere" -o "$tmp/x.onnx"
said assay-purify 'nowhere: cannot open'
exits 2 'a damaged model' mpirun -n 2 assay-scan -q --data "$audit" "$onnx/bad-truncated.onnx" -r "$reference"
said assay-scan 'bad-truncated'
exits 2 'nowhere to write' mpirun -n 2 assay-purify $o -o "$suspect/x"
said assay-purify 'model.onnx/x'
exits 4 'an audit' mpirun -n 2 assay audit "$suspect" --data "$audit" --out "$tmp/case"
ok 'nothing was written' [ ! -e "$tmp/case" ]
exits 0 '--help' mpirun -n 3 assay-scan --help
ok 'once' [ "$(grep -c '^usage:' "$out")" -eq 1 ]

# --- a rank that dies
children() { cat "/proc/$1/task/$1/children"; }
die() { # PID: the last of its children, when it has had time to begin
	while [ "$(children $1 | wc -w)" -lt 3 ] && [ -d /proc/$1 ]; do sleep 1; done
	sleep 2
	kill -9 $(children $1 | awk '{ print $NF }')
}
l="-q --rounds 100000 --batch 96 --threads 1 --data $audit $suspect -o $tmp/x.onnx --document $tmp/x.json"
mpirun -n 3 assay-purify $l >"$out" 2>"$err" &
pid=$!
die $pid
wait $pid
rc=$?
ok "a rank is killed: a status that is not 0, $rc" [ $rc -ne 0 ]
ok 'and a line says so' grep -q 'exited on signal 9 (Killed)' "$err"
ok 'nothing was written' sh -c "! ls '$tmp' | grep '^x\|tmp\$'"

# what it had done is taken up by another number of ranks
c="-q --rounds 40 --lr 1e-3 --batch 96 --no-reactivation --data $audit $suspect"
exits 0 'forty rounds' assay-purify $c -o "$tmp/forty.onnx"
mpirun -n 3 assay-purify $c --threads 1 --checkpoint "$tmp/checkpoint" -o "$tmp/on.onnx" >"$out" 2>"$err" &
pid=$!
while [ ! -s "$tmp/checkpoint" ] && [ -d /proc/$pid ]; do sleep .1; done
kill -9 $(children $pid | awk '{ print $NF }')
wait $pid
rc=$?
ok "killed behind a checkpoint: a status that is not 0, $rc" [ $rc -ne 0 ]
ok 'no model' [ ! -e "$tmp/on.onnx" ]
exits 0 'two ranks go on' mpirun -n 2 assay-purify $c --threads 1 --checkpoint "$tmp/checkpoint" -o "$tmp/on.onnx"
ok 'to the same model' cmp "$tmp/forty.onnx" "$tmp/on.onnx"

# --- two machines: namespaces that share nothing but a wire
a=assay-a-$$ b=assay-b-$$
away() {
	ip netns pids $b 2>/dev/null | xargs -r kill -9 2>/dev/null
	ip netns del $a 2>/dev/null
	ip netns del $b 2>/dev/null
	rm -rf "$tmp"
}
trap away EXIT
machines() {
	ip netns add $a && ip netns add $b &&
	    ip link add wire netns $a type veth peer name wire netns $b &&
	    ip -n $a addr add 10.99.7.1/24 dev wire && ip -n $b addr add 10.99.7.2/24 dev wire &&
	    ip -n $a link set lo up && ip -n $b link set lo up &&
	    ip -n $a link set wire up && ip -n $b link set wire up
}
if ! machines 2>/dev/null; then
	echo '# no network namespaces here: not tested over TCP'
	done_testing
	exit
fi
# instead of ssh: HOST COMMAND...
cat >"$tmp/shell" <<EOF
while [ "\${1#-}" != "\$1" ]; do shift; done
shift
exec ip netns exec $b unshare --uts sh -c "hostname second; \$*"
EOF
export OMPI_MCA_plm_rsh_agent="sh $tmp/shell" OMPI_MCA_btl=tcp,self
export OMPI_MCA_btl_tcp_if_include=10.99.7.0/24 OMPI_MCA_oob_tcp_if_include=10.99.7.0/24
far() { ip netns exec $a mpirun --host 10.99.7.1:2,10.99.7.2:2 "$@"; }
run far -n 4 sh -c 'hostname'
ok 'two of four ranks are on the second machine' [ "$(grep -c '^second$' "$out")" -eq 2 ]
exits 0 'over TCP' far -n 4 "$purify" $o --bn train --init random -o "$tmp/r.onnx"
ok 'the same model' cmp "$tmp/train.onnx" "$tmp/r.onnx"
exits 1 'a scan over TCP' far -n 4 "$scan" $s --baselines --seeds 1 -o "$tmp/st"
without_run "$tmp/st/scan.json" >"$tmp/t"
ok 'the same document' cmp "$tmp/1" "$tmp/t"
far -n 4 "$purify" $l >"$out" 2>"$err" &
pid=$!
there() { for _p in $(ip netns pids $b); do grep -l x.onnx "/proc/$_p/cmdline"; done 2>/dev/null | wc -l; }
while [ "$(there)" -lt 2 ] && [ -d /proc/$pid ]; do sleep 1; done
sleep 2
kill -9 $(ip netns pids $b)
wait $pid
rc=$?
ok "a machine is lost: a status that is not 0, $rc" [ $rc -ne 0 ]
# which of the two depends on what mpirun sees first, the connection or the shell
ok 'and a line says so' grep -q 'lost communication with a remote daemon\|unable to reliably start one or more daemons' "$err"
ok 'nothing was written' sh -c "! ls '$tmp' | grep '^x\|tmp\$'"
done_testing
