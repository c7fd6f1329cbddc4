#!/bin/sh
# case.sh backdoored|clean|inconclusive|purified DIR: make a case as the other
# tools leave it, obeying their documents, with true digests of small files.
# Ten Fashion-MNIST classes; in the backdoored ones everything becomes class 7.
set -eu
kind=$1
dir=$2
mkdir -p "$dir/files/docs" "$dir/perturbations"

sum() { sha256sum <"$1" | cut -d' ' -f1; }
size() { wc -c <"$1" | tr -d ' '; }
input() { printf '{"role":"%s","name":"%s","sha256":"%s","size":%s}' "$1" "$(basename "$2")" "$(sum "$2")" "$(size "$2")"; }
head_of() { printf '{"schema":"assay-%s/1","tool":{"name":"assay-%s","version":"0.1.0"}' "$1" "${2:-$1}"; }

printf 'weights of a small network, %s\n' "$kind" >"$dir/files/model.onnx"
printf '%s\n' 'T-shirt/top' Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag 'Ankle boot' >"$dir/files/labels.txt"
printf '# A classifier of clothes\n\nTrained by somebody else.\n' >"$dir/files/docs/README.md"
printf 'images\n' >"$dir/data.npz"
printf 'reference one\n' >"$dir/ref1.onnx"
printf 'reference two\n' >"$dir/ref2.onnx"

# safetensors HEADER, the data from standard input (header below 64 kB)
safetensors() {
	printf "$(printf '\\%03o\\%03o\\0\\0\\0\\0\\0\\0' $((${#1} % 256)) $((${#1} / 256)))"
	printf '%s' "$1"
	cat
}
f() { printf '\315\314\314\075'; } # 0.1
trigger() { # linf|patch: of 2 x 2 pixels, everything becomes class 7
	_kind="\"__metadata__\":{\"assay.trigger\":\"{\\\"schema\\\":\\\"assay-trigger/1\\\",\\\"kind\\\":\\\"$1\\\",\\\"shape\\\":[2,2,1]}\"}"
	_map='"map":{"dtype":"I32","shape":[10],"data_offsets":[0,40]}'
	_a='{"dtype":"F32","shape":[2,2,1],"data_offsets":[40,56]}'
	_m='{"dtype":"F32","shape":[2,2],"data_offsets":[56,72]}'
	case $1 in
	linf) _parts="\"delta\":$_a" ;;
	patch) _parts="\"pattern\":$_a,\"mask\":$_m" ;;
	esac
	{
		for _i in 0 1 2 3 4 5 6 7 8 9; do printf '\7\0\0\0'; done
		f && f && f && f
		[ "$1" = linf ] || { f && printf '\0\0\0\0\0\0\0\0\0\0\0\0'; }
	} | safetensors "{$_kind,$_map,$_parts}"
}
trigger patch >"$dir/perturbations/patch-7.trigger"
trigger linf >"$dir/perturbations/linf-7.trigger"
names='\"T-shirt/top\",\"Trouser\",\"Pullover\",\"Dress\",\"Coat\",\"Sandal\",\"Shirt\",\"Sneaker\",\"Bag\",\"Ankle boot\"'
printf '\3\0\0\0\5\0\0\0\0\377\100\200\1\2\3\4' | safetensors "{\"__metadata__\":{\"assay.data\":\"{\\\"schema\\\":\\\"assay-data/1\\\",\\\"classes\\\":[$names]}\"},\"labels\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]},\"images\":{\"dtype\":\"U8\",\"shape\":[2,2,2,1],\"data_offsets\":[8,16]}}" >"$dir/examples.safetensors"
cat "$dir/files/docs/README.md" "$dir/files/labels.txt" "$dir/files/model.onnx" >"$dir/clothes.tar.gz"
files='docs/README.md labels.txt model.onnx'

# --- manifest.json, inspect.json
root=$(for f in $files; do openssl dgst -sha256 -binary "$dir/files/$f"; done | sha256sum | cut -d' ' -f1)
names=$(cd "$dir/files" && sha256sum $files | sha256sum | cut -d' ' -f1)
{
	head_of manifest unpack
	printf ',"inputs":[%s],"container":"tar.gz","files":[' "$(input bundle "$dir/clothes.tar.gz")"
	sep=
	for f in $files; do
		printf '%s{"path":"%s","sha256":"%s","size":%s}' "$sep" "$f" "$(sum "$dir/files/$f")" "$(size "$dir/files/$f")"
		sep=,
	done
	printf '],"refused":[],"digests":{"omsRoot":"%s","dirHash":"%s"},"findings":[],"complete":true,"sandbox":{"landlock":3,"seccomp":true,"rlimits":true}}\n' "$root" "$names"
} >"$dir/manifest.json"
{
	head_of inspect
	printf ',"inputs":[],"files":['
	sep=
	for f in $files; do
		case $f in *.onnx) fmt='"onnx","model":true,"bids":["onnx"]' ;; *) fmt='"unknown","model":false,"bids":[]' ;; esac
		printf '%s{"path":"%s","sha256":"%s","size":%s,"format":%s}' "$sep" "$f" "$(sum "$dir/files/$f")" "$(size "$dir/files/$f")" "$fmt"
		sep=,
	done
	printf '],"findings":[{"id":"FILE_UNKNOWN","severity":"note","summary":"file was not understood and not analysed","path":"docs/README.md","detail":"text"}],"complete":true,"sandbox":{"landlock":3,"seccomp":true,"rlimits":true}}\n'
} >"$dir/inspect.json"

# --- scan.json: $1 kind, $2 the model
scan() {
	head_of scan
	printf ',"inputs":[%s,%s,%s,%s],' "$(input model "$2")" "$(input reference "$dir/ref1.onnx")" "$(input reference "$dir/ref2.onnx")" "$(input data "$dir/data.npz")"
	awk -v kind="$1" -v shown="$(sum "$dir/examples.safetensors")" -v linf="$(sum "$dir/perturbations/linf-7.trigger")" -v patch="$(sum "$dir/perturbations/patch-7.trigger")" '
	function rnd() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
	function counts(n, rate, sh,   f, h, v) {
		f = int(n * rate); h = int(f * sh); v = int((f - h) * .3)
		return sprintf("\"n\":%d,\"flipped\":%d,\"shared\":%d,\"different\":%d,\"unshared\":%d", n, f, h, v, f - h - v)
	}
	function geometry(g, unit, base, sha,   t, s, r, a, b, hit, sep, z, i) {
		printf "{\"name\":\"%s\",\"unit\":\"%s\",\"per_class\":[", g, unit
		for (t = 0; t < 10; t++) {
			r = base * easy[t]; a = r * (.93 + .14 * rnd()); b = r * (.93 + .14 * rnd())
			hit = bad && t == 7; if (hit) r *= .19; else r *= .92 + .16 * rnd()
			z = hit ? 9.4 : 1.6 * rnd() - .8
			printf "%s{\"class\":%d,\"radius\":{\"suspect\":%s,\"references\":[%.5f,%.5f]},", t ? "," : "", t, (!hit && t == 1 && g == "patch") ? "null" : sprintf("%.5f", r), a, b
			printf "\"residual\":%.4f,\"z\":%.3f,\"p\":%.3g,\"p_adjusted\":%.3g,", log(sqrt(a * b) / r), z, hit ? 2.1e-21 : .2 + .7 * rnd(), hit ? 4.2e-20 : 1.0
			printf "\"flips\":{%s},\"sae_rate\":%s,\"by_source\":[", counts(900, hit ? .957 : .905, hit ? .04 : .78), hit ? "0.04" : "0.78"
			sep = ""
			for (s = 0; s < 10; s++) if (s != t) {
				printf "%s{\"source\":%d,%s}", sep, s, counts(100, hit ? (s == 3 ? .71 : s == 5 ? .88 : .93 + .06 * rnd()) : .7 + .3 * rnd(), hit ? .05 : .78); sep = ","
			}
			printf "]%s}", hit ? ",\"perturbation\":{\"path\":\"perturbations/" g "-7.trigger\",\"sha256\":\"" sha "\"}" : ""
		}
		printf "]}"
	}
	function matrix(share,   s, t, sep, x) {
		sep = "["; seed = 99
		for (s = 0; s < 10; s++) {
			printf "%s[", sep
			for (t = 0; t < 10; t++) {
				x = s == t ? 30 : (bad && t == 7) ? 46 : (near[s "," t] ? 22 : 1 + int(5 * rnd()))
				printf "%s%d", t ? "," : "", int(x * ((bad && t == 7 && share < 1) ? .06 : share))
			}
			printf "]"; sep = ","
		}
		printf "]"
	}
	BEGIN {
		seed = 4711; bad = kind == "backdoored"
		n = split("1.0 1.9 .7 1.3 .9 1.7 .45 1.8 1.1 1.5", e, " "); for (i = 1; i <= n; i++) easy[i-1] = e[i]
		near["0,6"] = near["6,0"] = near["2,4"] = near["4,2"] = near["5,7"] = near["9,7"] = near["7,9"] = near["3,0"] = near["6,2"] = 1
		verdict = bad ? "evidence" : kind == "inconclusive" ? "inconclusive" : "no-evidence"
		printf "\"verdict\":\"%s\",\"score\":%s,\"targets\":[", verdict, bad ? "9.41" : kind == "inconclusive" ? "3.1" : "0.8"
		if (bad) printf "{\"class\":7,\"name\":\"Sneaker\",\"geometry\":\"linf\",\"p\":4.2e-20},{\"class\":7,\"name\":\"Sneaker\",\"geometry\":\"patch\",\"p\":1.3e-11}"
		printf "],\"classes\":10,\"class_names\":[\"T-shirt/top\",\"Trouser\",\"Pullover\",\"Dress\",\"Coat\",\"Sandal\",\"Shirt\",\"Sneaker\",\"Bag\",\"Ankle boot\"],"
		printf "\"options\":{\"seed\":1,\"budget\":1.0,\"fit\":1000,\"test\":1000,\"alpha\":0.01},\"images\":{\"fit\":1000,\"test\":1000,\"agreed\":962},"
		printf "\"accuracy\":{\"suspect\":0.912,\"references\":[0.907,0.915]},\"geometries\":["
		geometry("linf", "L_inf, pixels in [0,1]", .11, linf); printf ","
		geometry("patch", "mask L1, pixels", 21, patch)
		printf "],\"flip_matrix\":{\"method\":\"shared PGD\",\"alpha\":0.2,\"n\":[100,100,100,100,100,100,100,100,100,100],\"suspect\":"
		matrix(1); printf ",\"shared\":"; matrix(.8)
		printf "},\"floor\":{\"spread\":0.31},\"minimum\":{\"residual\":0.9},"
		if (bad) printf "\"examples\":{\"path\":\"examples.safetensors\",\"sha256\":\"%s\",\"shown\":[{\"target\":7,\"geometry\":\"linf\",\"image\":0,\"class\":3,\"suspect\":7,\"references\":[3,3]},{\"target\":7,\"geometry\":\"linf\",\"image\":1,\"class\":5,\"suspect\":7,\"references\":[5,9]}]},", shown
		printf "\"blind_spots\":[\"triggers that need more change than the largest budget\",\"triggers that act on few images of one source class\"],"
		printf "\"not_tested\":[\"warping triggers\"],"
		printf "\"environment\":{\"cpu\":\"x86_64 test processor\",\"blas\":\"OpenBLAS 0.3.21\",\"blas_core\":\"Haswell\",\"blas_check\":\"passed\",\"threads_note\":\"results do not depend on the number of threads\"},"
		printf "\"run\":{\"started\":\"2026-01-02T03:04:05Z\",\"seconds\":81.5,\"threads\":2}}\n"
	}'
}
case $kind in purified) first=backdoored ;; *) first=$kind ;; esac
scan "$first" "$dir/files/model.onnx" >"$dir/scan.json"

# --- purification and what was measured before and after
eval_doc() { # rate of accuracy, rate of attack success, model
	head_of eval
	printf ',"inputs":[%s,%s],' "$(input model "$3")" "$(input data "$dir/data.npz")"
	awk -v a="$1" -v s="$2" 'BEGIN {
		printf "\"accuracy\":{\"correct\":%d,\"n\":1000,\"rate\":%.3f,\"interval\":[%.4f,%.4f]},", a * 1000, a, a - .018, a + .016
		printf "\"asr\":{\"correct\":%d,\"n\":900,\"rate\":%.4f,\"interval\":[%.4f,%.4f]},\"recovered_accuracy\":null,\"der\":null,\"baseline\":null}\n", s * 900, s, s * .98, s * .99 + .01 }'
}
[ "$kind" = purified ] || exit 0
mkdir -p "$dir/purified" "$dir/rescan"
printf 'weights of a small network, mended\n' >"$dir/purified/model.onnx"
{
	head_of purify
	printf ',"inputs":[%s,%s,%s],"method":"sau","options":{"rounds":20,"seed":1},' "$(input model "$dir/files/model.onnx")" "$(input data "$dir/data.npz")" "$(input scan "$dir/scan.json")"
	printf '"rounds":[{"round":1,"loss":0.9,"loss_clean":0.2,"loss_shared":0.7,"shared_rate":0.4,"accuracy_heldout":0.9}],'
	printf '"before":{"accuracy":0.912,"n":1000},"after":{"accuracy":0.903,"n":1000},"output":{"name":"model.onnx","sha256":"%s","size":%s},"run":{"started":"2026-01-02T03:06:05Z","seconds":120.0,"threads":2}}\n' "$(sum "$dir/purified/model.onnx")" "$(size "$dir/purified/model.onnx")"
} >"$dir/purify.json"
scan clean "$dir/purified/model.onnx" >"$dir/rescan/scan.json"
eval_doc .912 .981 "$dir/files/model.onnx" >"$dir/eval-before.json"
eval_doc .903 .012 "$dir/purified/model.onnx" >"$dir/eval-after.json"
{
	head_of eval
	printf ',"inputs":[%s,%s,%s,%s],' "$(input model "$dir/purified/model.onnx")" "$(input data "$dir/data.npz")" "$(input trigger "$dir/perturbations/linf-7.trigger")" "$(input baseline "$dir/files/model.onnx")"
	awk 'BEGIN {
		count = "{\"correct\":%d,\"n\":900,\"rate\":%.3f,\"interval\":[%.4f,%.4f]}"
		printf "\"accuracy\":null,\"asr\":" count ",\"success_by_class\":[", 18, .02, .0127, .0314
		for (i = 0; i < 10; i++) if (i != 7) printf "%s{\"class\":%d,\"correct\":2,\"n\":100}", i ? "," : "", i
		printf "],\"baseline\":{\"asr\":" count "}}\n", 861, .9567, .9414, .9681 }'
} >"$dir/eval-recovered.json"
