#!/bin/sh
# assay-inspect on what model formats can do: every fixture of
# fixtures/gen/loaders.py has the exit status and the finding that it must have.
. tests/cli/tap.sh

for folder in kerasconfig kerash5 tfgraph onnxops tfliteops safetensors gguf otheropen; do
	while read -r name status id; do
		exits $status "$folder/$name" assay-inspect fixtures/$folder/$name
		case $id in
		-) ok "nothing above low" sh -c "! grep -qE ' (medium|high|critical) .*(HDF5|KERAS|TF|ONNX|TFLITE|SAFETENSORS|GGUF)_' $out" ;;
		*) prints $id ;;
		esac
	done <fixtures/$folder/want
done
# TensorFlow goes by the name alone: whatever the file seems to be
mkdir $tmp/model
printf 'no protobuf' >$tmp/model/saved_model.pb
exits 2 "a SavedModel by name" assay-inspect $tmp/model
prints TF_BROKEN
printf '' >$tmp/model/saved_model.pb
exits 2 "an empty one" assay-inspect $tmp/model
prints "without a graph"
done_testing
