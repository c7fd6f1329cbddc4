#!/bin/sh
# assay-load and assay-save on repositories of the Hugging Face hub.
. "$(dirname "$0")/tap.sh"
hub=$(cd "$(dirname "$0")/../../fixtures/hub" && pwd)
cd "$tmp" || exit 1

# the last byte of a neutral file is in a weight: change it
poke() {
	_size=$(wc -c <"$1")
	head -c $((_size - 1)) "$1" >"$2"
	printf '\101' >>"$2"
}
same_folder() { diff -r --exclude=expected.safetensors "$1" "$2"; }

for d in "$hub"/good-*; do
	n=${d##*/}
	run assay-load "$d" -o "$n.neutral"
	ok "$n: read" [ "$rc" -eq 0 ]
	run assay-save "$d" "$n.neutral" -o "$n.out"
	ok "$n: written back" [ "$rc" -eq 0 ]
	ok "$n: folder in, folder out, byte for byte" same_folder "$d" "$n.out"
done
# what is not the weights is not in the way
exits 0 "named weights" assay-load "$hub/good-vit/model.safetensors" -o named
ok "as the folder says" same_model named good-vit.neutral
ok "names of classes" grep -q 'great white shark' named
ok "preprocessing" grep -q 'assay.normalised' named
exits 0 "named weights are a file" assay-save "$hub/good-vit/model.safetensors" named -o one
ok "and a file comes out" cmp one "$hub/good-vit/model.safetensors"

ok "one output and one name: no name of either class" sh -c "! grep -q '\"labels\"' good-vit-one.neutral"
ok "but in the note" grep -q "the second of two classes, which is called 'LABEL_0'" good-vit-one.neutral
cp "$hub/good-vit/model.safetensors" alone.safetensors
run assay-inspect "$hub/good-vit"
ok "the inspection finds the configuration beside the weights" sh -c "! grep -q 'without the config.json' '$out'"
run assay-inspect alone.safetensors
prints "MODEL_UNSUPPORTED.*without the config.json that belongs to them"
exits 3 "weights without their configuration" assay-load alone.safetensors
says "weights of transformers ('vit.embeddings.*') without the config.json that belongs to them"
poke good-vit-shards.neutral changed
exits 0 "a changed weight in files of PyTorch" assay-save "$hub/good-vit-shards" changed -o shards
exits 0 "is read back" assay-load shards -o back
ok "as it was asked for" cmp back changed
ok "one file has changed" [ "$(for f in "$hub"/good-vit-shards/*; do cmp -s "$f" "shards/${f##*/}" || echo "$f"; done | grep -vc expected)" -eq 1 ]
ok "and has its checksums" python3 -c "import glob, zipfile; assert not any(zipfile.ZipFile(f).testzip() for f in glob.glob('shards/*.bin'))"
poke good-vit.neutral changed
exits 0 "a changed weight" assay-save "$hub/good-vit" changed -o new
ok "a folder like any other" [ "$(stat -c %a new)" = "$(mkdir plain && stat -c %a plain)" ]
ok "the configuration stays" cmp "$hub/good-vit/config.json" new/config.json
ok "the weights do not" [ "$(cmp -l "$hub/good-vit/model.safetensors" new/model.safetensors | wc -l)" -eq 1 ]
exits 0 "what was written" assay-load new -o back
ok "has what was asked for" cmp back changed
ok "the folder is left as it was" assay-load "$hub/good-vit" -o again
ok "all of it" cmp again good-vit.neutral

for d in "$hub"/bad-* "$hub"/unsupported-*; do
	n=${d##*/} want=2
	case $n in unsupported-*) want=3 ;; esac
	[ "$n" = bad-index-path ] && continue
	exits $want "$n" assay-load "$d" -o x.neutral
	ok "$n: one line, no output" [ "$(wc -l <"$err")" -eq 1 -a ! -e x.neutral ]
done
run assay-load "$hub/bad-labels-few" -o x.neutral
says '4 names of classes for 5 logits'
run assay-load "$hub/bad-index-path" -o x.neutral
ok "an index that points out of the folder is not followed" [ "$rc" -ge 2 -a ! -e x.neutral ]

# what was exported of a repository, as optimum and the hub have it
onnx=$(cd "$hub/../onnx" && pwd)/good-preact-13-dynamic.onnx
mkdir -p exported converted/onnx
printf '{"model_type": "resnet", "id2label": {%s}}' "$(seq 0 9 | sed 's/.*/"&": "kind &"/' | paste -sd,)" >exported/config.json
printf '{"image_processor_type": "ViTImageProcessor", "size": 16, "image_mean": 0.5, "image_std": 0.25}' >exported/preprocessor_config.json
cp exported/*.json converted
cp "$onnx" exported/model.onnx && cp "$onnx" converted/onnx/model.onnx
for f in exported exported/model.onnx converted; do
	exits 0 "ONNX with a configuration, $f" assay-load $f -o x.neutral
	ok "names of classes" grep -qa '"kind 9' x.neutral
	ok "preprocessing" grep -qa 'assay.normalised' x.neutral
done
poke x.neutral changed
exits 0 "a changed weight" assay-save converted changed -o exported-new
exits 0 "what was written" assay-load exported-new -o back
ok "has what was asked for" cmp back changed
sed -i 's/{/{"do_flip_channel_order": true, /' exported/preprocessor_config.json
printf '{"bgr": false}' >rgb.json
exits 0 "blue first" assay-load exported -o x.neutral
ok "is said" grep -qa 'bgr[^,]*true' x.neutral
exits 0 "unless a file says otherwise" assay-load exported --preprocess rgb.json -o x.neutral
ok "is said too" grep -qa 'bgr[^,]*false' x.neutral

cp -r "$hub/good-vit" linked && chmod -R u+w linked
mv linked/config.json outside.json && ln -s ../outside.json linked/config.json
exits 3 "a link instead of config.json" assay-load linked
says 'config.json: is a link, which is not followed'
exits 3 "also beside named weights" assay-load linked/model.safetensors
says 'config.json: is a link, which is not followed'
rm linked/config.json && cp outside.json linked/config.json
mv linked/model.safetensors outside && ln -s ../outside linked/model.safetensors
exits 3 "a link instead of the weights" assay-load linked
says 'model.safetensors: is a link, which is not followed'
exits 0 "which the user may name" assay-load linked/model.safetensors -o x.neutral
ok "as the folder was" same_model x.neutral good-vit.neutral
# MLflow's flavour transformers
mkdir -p mlflow/model mlflow/components/image_processor
cp "$hub/good-vit/model.safetensors" "$hub/good-vit/config.json" mlflow/model
cp "$hub/good-vit/preprocessor_config.json" mlflow/components/image_processor
cat >mlflow/MLmodel <<'END'
flavors:
  python_function: {loader_module: mlflow.transformers}
  transformers: {model_binary: model, components: [image_processor], task: image-classification}
END
exits 0 "MLflow's flavour transformers" assay-load mlflow -o flavour
ok "is its repository, with what prepares images" same_model flavour good-vit.neutral
poke flavour changed
exits 0 "a changed weight there" assay-save mlflow changed -o written
exits 0 "is written back" assay-load written -o back
ok "as it was asked for" cmp back changed
ok "and what prepares images is left as it is" cmp written/components/image_processor/preprocessor_config.json \
    "$hub/good-vit/preprocessor_config.json"
rm -f x.neutral
cp "$hub/good-vit/model.safetensors" alone.safetensors
exits 3 "weights without their configuration" assay-load alone.safetensors
exits 3 "a named pointer" assay-load "$hub/unsupported-pointer/model.safetensors"
says 'Git LFS pointer'
mkdir other && cp "$hub/good-timm/model.safetensors" other
echo '{"learning_rate": 0.1}' >other/config.json
exits 0 "somebody else's config.json" assay-load other/model.safetensors -o other.neutral
printf '{' >other/config.json
exits 2 "a config.json that is cut off" assay-load other/model.safetensors
done_testing
