#!/bin/sh
# assay audit on what models are handed over in: archives and folders of
# several files, packages, caches; the report closes over all their files.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/models.sh"
here=$root/fixtures/layout
cd "$tmp" || exit 1
audit() { # STATUS NAME BUNDLE CASE ARGUMENTS...
	_s=$1 _n=$2 _b=$3 _c=$4
	shift 4
	exits "$_s" "$_n" assay audit -q "$_b" --out "$_c" --data "$audit" --budget quick -r "$reference" "$@"
}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key 2>/dev/null
openssl pkey -in key -pubout -out key.pub
names='{"0":"top","1":"dress","2":["n01","sandal"],"3":"bag"}'
manifest='{"model":{"modelName":"m","serializedFile":"model.onnx","handler":"handler.py","modelVersion":"1.0"}}'

# --- a .mar, flagged: scanned, purified as a folder, scanned again, verified
mkdir -p mar/MAR-INF && cp "$suspect" mar/model.onnx
echo "$manifest" >mar/MAR-INF/MANIFEST.json && echo "$names" >mar/index_to_name.json
python=$(command -v python3)
(cd mar && "$python" -c 'import sys, zipfile
z = zipfile.ZipFile("../m.mar", "w")
for n in sys.argv[1:]: z.write(n)' MAR-INF/MANIFEST.json model.onnx index_to_name.json)
audit 1 'a .mar' m.mar c1 --rounds 1 --key key --eval-data "$audit" --trigger "$trigger"
prints '^model  *\.$'
prints '^target  *class 2 (sandal)'
ok 'its files are in the scan' sh -c 'grep -q "\"name\": \"MAR-INF/MANIFEST.json\"" c1/scan.json'
ok 'the purified model is a folder' cmp -s mar/index_to_name.json c1/purified/model/index_to_name.json
ok 'with other weights' sh -c '[ -s c1/purified/model/model.onnx ] && ! cmp -s mar/model.onnx c1/purified/model/model.onnx'
ok 'it was scanned again' [ -s c1/purified/rescan/scan.json -o -s c1/rescan/scan.json ]
ok 'and measured' [ -s c1/eval-after.json ]
exits 0 'the report verifies' assay verify c1/report --key key.pub --bundle m.mar
exits 0 'also over the case' assay verify c1/report --key key.pub --bundle c1
audit 1 'resumed' m.mar c1 --rounds 1 --key key --eval-data "$audit" --trigger "$trigger" --resume

# --- the chain: any of the files changed, and there is no report
for f in files/index_to_name.json purified/model/model.onnx purified/model/index_to_name.json; do
	rm -rf broken && cp -R c1 broken && echo >>"broken/$f"
	exits 2 "$f changed" assay-report broken --force
	says 'chain of digests is broken'
done
rm -rf broken && cp -R c1 broken
sed 's/"sha256": "[0-9a-f]*",\(.*\)/&/; s/"name": "index_to_name.json"/"name": "index_to_game.json"/' c1/scan.json >broken/scan.json
exits 2 'another list of files' assay-report broken --force
says 'sha256 of a model is not that of its files'
rm -rf broken && cp -R c1 broken && echo >broken/purified/model/more
exits 2 'a file more in the purified model' assay-report broken --force
says 'chain of digests is broken: purified model'

# --- MLflow in a tar in which something else lies
mkdir -p pack/mlflow/data pack/docs && cp "$clean" pack/mlflow/data/model.onnx && echo hello >pack/docs/README.md
cat >pack/mlflow/MLmodel <<'END'
artifact_path: model
flavors:
  python_function: {loader_module: mlflow.onnx, data: data/model.onnx}
  onnx: {onnx_version: 1.12.0, data: data/model.onnx, code: null}
END
tar -czf pack.tar.gz pack
audit 0 'an MLflow model in a tar' pack.tar.gz c2 --key key
prints '^model  *pack/mlflow$'
exits 0 'its report verifies' assay verify c2/report --key key.pub --bundle pack.tar.gz

# --- Triton: the highest version, labels
mkdir -p triton/net/1 triton/net/2 triton/net/10 && cp "$suspect" triton/net/1/model.onnx
cp "$suspect" triton/net/2/model.onnx && cp "$clean" triton/net/10/model.onnx
printf 'name: "net"\nplatform: "onnxruntime_onnx"\noutput [ { name: "logits" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "labels.txt" } ]\n' >triton/net/config.pbtxt
printf 'top\ndress\nsandal\nbag\n' >triton/net/labels.txt
audit 0 'a Triton repository' triton c3
prints '^model  *net$'
ok 'labels' grep -q '"sandal"' c3/scan.json
ok 'version 10 was read, not 2' grep -q '"10/model.onnx"' c3/scan.json
audit 1 'a version of it' triton c4 --model net/1/model.onnx --no-purify

# --- archives in archives, images, caches
tar -cf outer.tar m.mar
audit 1 'a .mar in a tar' outer.tar c5 --no-purify
prints '^model  *m.mar.unpacked$'
mkdir folder && cp m.mar folder/
audit 1 'a .mar in a folder' folder c6 --no-purify --key key
exits 0 'the folder verifies' assay verify c6/report --key key.pub --bundle folder
echo >>folder/m.mar
exits 1 'not when it has changed' assay verify c6/report --key key.pub --bundle folder
says 'changed: m.mar'

sum() { sha256sum "$1" | cut -c1-64; }
hub=hub/models--o--n
mkdir -p $hub/blobs $hub/snapshots/r1 && h=$(sum "$clean") && cp "$clean" "$hub/blobs/$h"
ln -s "../../blobs/$h" $hub/snapshots/r1/model.onnx
audit 0 'a Hugging Face cache' hub c7 --key key
prints '^model  *models--o--n/snapshots/r1/model.onnx$'
exits 0 'it verifies' assay verify c7/report --key key.pub --bundle hub
audit 0 'one snapshot of it' $hub/snapshots/r1 c8 --key key
prints '^model  *model.onnx$'
exits 0 'it verifies, links and all' assay verify c8/report --key key.pub --bundle $hub/snapshots/r1
cp -R hub other && echo >>other/models--o--n/blobs/$h
exits 1 'not when a blob has changed' assay verify c8/report --key key.pub --bundle other/models--o--n/snapshots/r1
says 'changed: model.onnx'

mkdir -p oci/blobs/sha256 && cp "$clean" "oci/blobs/sha256/$h" && echo '{"imageLayoutVersion":"1.0.0"}' >oci/oci-layout
printf '{}' >config && c=$(sum config) && cp config "oci/blobs/sha256/$c"
printf '{"config":{"digest":"sha256:%s","size":2},"layers":[{"mediaType":"application/vnd.cncf.model.weight.v1.raw","digest":"sha256:%s","size":%d,"annotations":{"org.cncf.model.filepath":"w/model.onnx"}}]}' \
    "$c" "$h" "$(wc -c <"$clean")" >manifest && m=$(sum manifest) && cp manifest "oci/blobs/sha256/$m"
printf '{"manifests":[{"digest":"sha256:%s","size":%d}]}' "$m" "$(wc -c <manifest)" >oci/index.json
audit 0 'a CNCF ModelPack' oci c9
prints '^model  *image/w/model.onnx$'

# --- a folder as a reference, as a model of the single tools
exits 0 'a folder is a model to every tool' assay eval mar --data "$audit"
exits 0 'and one with a slash' assay eval mar/ --data "$audit" --json
prints '"name": "mar"'
exits 1 'a folder as a reference' assay scan mar --data "$audit" --reference pack/mlflow --budget quick --json -o c10
ok 'its files are listed' grep -q '"MLmodel"' c10/scan.json
mkdir two && cp "$clean" two/a.onnx && cp "$suspect" two/b.onnx
fails 3 'two models in a plain folder' 'a folder with 2 models' assay-load two
statements_fit
done_testing
