#!/bin/sh
# assay-inspect on what model formats can do: every fixture of
# fixtures/gen/loaders.py has the exit status and the finding that it must have.
. tests/cli/tap.sh

for folder in kerasconfig tfgraph onnxops tfliteops safetensors gguf; do
	while read -r name status id; do
		exits $status "$folder/$name" assay-inspect fixtures/$folder/$name
		case $id in
		-) ok "nothing above low" sh -c "! grep -qE ' (medium|high|critical) .*(KERAS|TF|ONNX|TFLITE|SAFETENSORS|GGUF)_' $out" ;;
		*) prints $id ;;
		esac
	done <fixtures/$folder/want
done
done_testing
