#!/bin/sh
# assay-inspect on what model formats can do: every fixture of
# fixtures/gen/loaders.py has the exit status and the finding that it must have.
. tests/cli/tap.sh

for folder in kerasconfig kerash5 tfgraph tfgate onnxops tfliteops safetensors gguf otheropen openvino; do
	while read -r name status id; do
		exits $status "$folder/$name" assay-inspect fixtures/$folder/$name
		case $id in
		-) ok "nothing above low" sh -c "! grep -qE ' (medium|high|critical) .*(ARCH|HDF5|KERAS|TF|ONNX|TFLITE|SAFETENSORS|GGUF|XML)_' $out" ;;
		*) prints $id ;;
		esac
	done <fixtures/$folder/want
done
# a finding is said once
assay-inspect fixtures/onnxops/bad-metadata.onnx >$tmp/out
ok "code in metadata, once" [ "$(grep -c METADATA_CODE $tmp/out)" -eq 1 ]
# TensorFlow goes by the name alone: whatever the file seems to be
mkdir $tmp/model
printf 'no protobuf' >$tmp/model/saved_model.pb
exits 2 "a SavedModel by name" assay-inspect $tmp/model
prints TF_BROKEN
printf '' >$tmp/model/saved_model.pb
exits 2 "an empty one" assay-inspect $tmp/model
prints "without a graph"
{ printf '\010\054' && tail -c +3 fixtures/tfgraph/good-usual.pb; } >$tmp/model/saved_model.pb
exits 2 "one of a later schema" assay-inspect $tmp/model
prints "TF_BROKEN.*schema 44"
# values in another file: looked at by itself, if it is there
# --- layers without names, which Keras gives them
python3 - fixtures/keras/good-activations.keras $tmp/a.keras <<-'END'
import json, sys, zipfile
def bare(v):
    if isinstance(v, dict):
        return {k: bare(x) for k, x in v.items() if k != "name" or not isinstance(x, str)}
    return [bare(x) for x in v] if isinstance(v, list) else v
with zipfile.ZipFile(sys.argv[1]) as a, zipfile.ZipFile(sys.argv[2], "w") as b:
    for n in a.namelist():
        data = a.read(n)
        b.writestr(n, json.dumps(bare(json.loads(data))) if n == "config.json" else data)
END
exits 0 "layers without names" assay-inspect $tmp/a.keras
prints "note *MODEL_UNSUPPORTED.*no name"

# --- settings by the name that a server or a store of features goes by
mkdir $tmp/serve
printf '{"name": "m", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}' >$tmp/serve/model-settings.json
exits 0 "a runtime of MLServer's own" assay-inspect $tmp/serve/model-settings.json
printf '{"name": "m", "implementation": "evil.Runtime", "parameters": {"uri": "http://198.51.100.7/m.pkl", "environment_tarball": "http://198.51.100.7/e.tgz"}}' >$tmp/serve/model-settings.json
exits 1 "somebody's runtime for MLServer" assay-inspect $tmp/serve/model-settings.json
prints "SERVE_HANDLER.*runtime that does not come"
prints "SERVE_HANDLER.*nobody proves"
prints "DEPEND_SOURCE.*e.tgz"
printf 'applications:\n- import_path: app:deployment\n  runtime_env:\n    working_dir: "https://github.com/a/b/archive/HEAD.zip"\n    pip: [torch]\n' >$tmp/serve/ray.yaml
exits 0 "an environment of Ray" assay-inspect $tmp/serve/ray.yaml
printf 'applications:\n- import_path: app:deployment\n  runtime_env:\n    pip: ["--index-url=http://198.51.100.7/s", torch]\n' >$tmp/serve/ray.yaml
exits 1 "one with packages from an address" assay-inspect $tmp/serve/ray.yaml
prints DEPEND_SOURCE
printf 'project: p\nprovider: local\nregistry: data/registry.db\nonline_store:\n  type: sqlite\noffline_store:\n  type: feast.infra.offline_stores.dask.DaskOfflineStore\n' >$tmp/serve/feature_store.yaml
exits 0 "stores of Feast's own" assay-inspect $tmp/serve/feature_store.yaml
printf 'project: p\nprovider: local\nregistry:\n  registry_store_type: os.system\n' >$tmp/serve/feature_store.yaml
exits 1 "another that Feast would import" assay-inspect $tmp/serve/feature_store.yaml
prints CONFIG_TARGET

mkdir $tmp/outside
cp fixtures/onnx-external/good-sidecar.onnx $tmp/outside/m.onnx
exits 2 "external data that is not there" assay-inspect $tmp/outside
prints "medium *ONNX_MISSING"
for one in $(grep -ao '[a-z0-9.-]*\.\(bin\|data\|weights\)' $tmp/outside/m.onnx | sort -u); do
	printf x >$tmp/outside/$one
done
assay-inspect $tmp/outside >$tmp/out
ok "external data that is there" sh -c "! grep ONNX_MISSING $tmp/out"
exits 2 "the model alone" assay-inspect $tmp/outside/m.onnx
prints "ONNX_MISSING"
done_testing
