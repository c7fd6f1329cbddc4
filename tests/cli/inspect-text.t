#!/bin/sh
# assay-inspect on configurations, templates, requirements, XML and code: what
# must be found where, and what must not be.
. tests/cli/tap.sh
f=fixtures/text

noted() { # noted ID FILE...: for the record
	_id=$1
	shift
	for one in "$@"; do
		exits 0 "${one##*/}" assay-inspect "$f/$one"
		prints "^ *low *$_id"
	done
}

hostile() { # hostile ID PATTERN...: each is flagged, for that
	_id=$1
	shift
	for one in "$@"; do
		exits 1 "${one##*/}" assay-inspect "$one"
		prints "$_id"
	done
}

watched() { # watched STATUS ID FILE...: a person should look, no more
	_rc=$1
	_id=$2
	shift 2
	for one in "$@"; do
		exits "$_rc" "${one##*/}" assay-inspect "$f/$one"
		prints "^ *medium *$_id"
	done
}

# --- Jinja
hostile TEMPLATE_ATTACK $f/bad-template-*.json $f/bad-text.txt $f/bad-list.json $f/bad-hidden-notebook.json \
	$f/bad-duplicate.json
hostile TEMPLATE_UNSAFE $f/bad-unsafe-*.json $f/bad-object.jinja $f/bad-prompt.json
watched 0 TEMPLATE_UNKNOWN odd-method.jinja
watched 2 CONFIG_INVALID broken-template.jinja

# --- Hugging Face
hostile HF_REMOTE_CODE $f/bad-auto_map*.json $f/bad-trust.json $f/bad-custom_pipelines.json \
	$f/bad-kernel.json $f/bad-model_index_class.json
exits 1 "another repository" assay-inspect $f/bad-auto_map_other.json
prints "code from another repository 'someone/else--configuration.C'"
hostile HF_MODULE $f/bad-modules.json $f/bad-modules_prefix.json $f/bad-model_index.json \
	$f/bad-adapter_config.json $f/bad-megatron.json $f/bad-cross_encoder*.json \
	$f/bad-router.json
hostile CONFIG_PATH $f/bad-index-*.json $f/bad-modules_path.json $f/bad-component.json $f/bad-vocab_file.json

# --- what was read before an error is judged
exits 1 "broken, and hostile before" assay-inspect $f/broken.json
prints HF_REMOTE_CODE
prints CONFIG_INVALID
watched 2 CONFIG_INVALID broken-quiet.json broken.yaml broken-directive.yml broken.pmml broken-wide.xml broken.py

# --- values, YAML, targets
hostile CONFIG_CODE $f/bad-code*.json $f/bad-hidden-notebook.json
hostile FILE_PICKLE $f/bad-base64.json
hostile YAML_TAG $f/bad-apply.yaml $f/bad-new.yaml $f/bad-name.yaml $f/bad-handle.yaml \
	$f/bad-verbatim.yaml $f/bad-key.yaml $f/bad-second.yaml $f/bad-ruby*.yaml \
	$f/bad-java.yaml $f/bad-unnamed.txt $f/bad-broken.yaml
hostile CONFIG_TARGET $f/bad-target-*.* $f/bad-class_path.yaml $f/bad-params.yaml \
	$f/bad-dense.json $f/bad-hyper.yaml $f/bad-jsonpickle.json $f/bad-symbol.json
hostile CONFIG_RESOLVER $f/bad-resolver.yaml

# --- MLflow, requirements, servers, skops
hostile MLFLOW_LOADER $f/bad-loader-MLmodel $f/bad-loader2-MLmodel
hostile CONFIG_PATH $f/bad-path-MLmodel $f/bad-uri-MLmodel $f/bad-MANIFEST.json
hostile MLFLOW_CODE $f/bad-code-MLmodel
watched 0 SERVE_HANDLER odd-MANIFEST.json
hostile DEPEND_SOURCE $f/bad-*-requirements.txt $f/bad-renamed.txt $f/bad-conda*.yaml \
	$f/bad-bentofile.yaml $f/bad-pyproject.toml
watched 2 FILE_LIMIT odd-bomb.yaml
watched 0 DEPEND_LOCAL odd-commit-requirements.txt
hostile GIT_COMMAND $f/bad-git-config $f/bad-section-git-config
hostile SKOPS_TYPE $f/bad-*-schema.json
watched 0 SKOPS_REVIEW odd-xgboost-schema.json

# --- Triton, TorchServe, git
hostile SERVE_LIBRARY $f/bad-config.pbtxt $f/bad-config.properties $f/bad-blank-config.properties
hostile CONFIG_PATH $f/bad-env-config.pbtxt
noted SERVE_LOCAL odd-config.pbtxt
watched 0 SERVE_HANDLER odd-config.properties
watched 0 SERVE_OPEN odd-open-config.properties
watched 0 GIT_FILTER odd.gitattributes
watched 2 CONFIG_INVALID broken-config.pbtxt

# --- XML
hostile XML_EXTERNAL $f/bad-xxe.pmml $f/bad-dtd.pmml $f/bad-parameter.pmml $f/bad-include.xml \
	$f/bad-utf16.pmml
hostile XML_ENTITY $f/bad-laughs.xml $f/bad-utf7.xml
hostile XML_CODE $f/bad-function.pmml $f/bad-script.svg $f/bad-event.svg $f/bad-xslt.xml

# --- code
hostile TORCHSCRIPT_OPERATOR $f/bad-ts-*.py
hostile TORCHSCRIPT_LIBRARY $f/bad-library-custom.py
# a pickle that is loaded, a download: honest code does that too
noted CODE_UNUSUAL bad-code-13.py bad-code-14.py bad-code-15.py
for one in $f/bad-code-*.py $f/bad-oneline.py $f/bad-site.pth; do
	case $one in *-1[345].py) continue ;; esac
	hostile "CODE_DANGEROUS\\|SOURCE_DANGEROUS" $one
done
noted CODE_UNUSUAL odd-code-pip.py
exits 0 "an honest handler" assay-inspect $f/odd-handler.py
prints "low .*FILE_SOURCE"
hostile CODE_DANGEROUS $f/bad-package.pt
exits 0 "a package of honest source" assay-inspect $f/odd-package.pt
prints "low .*TORCH_PACKAGE"
hostile CODE_DANGEROUS $f/bad-handler.mar

# --- other formats
hostile OBJECT_CODE $f/bad-lua.t7 $f/bad.pdmodel $f/bad-promise.rds \
	$f/bad-function.t7
hostile FILE_EXECUTABLE $f/bad.pyc
watched 2 FILE_UNANALYSED unread.jls unread.t7

for one in fixtures/rdata/*; do
	case $one in
	*/bad-*) exits 1 "${one##*/}" assay-inspect "$one"; prints "high .*OBJECT_CODE" ;;
	*/unread*) exits 2 "${one##*/}" assay-inspect "$one"; prints FILE_UNANALYSED ;;
	*/good-*) exits 0 "${one##*/}" assay-inspect "$one" ;;
	esac
done

for one in $f/opaque*; do
	exits 3 "${one##*/}" assay-inspect "$one"
	prints "^ *note *FILE_OPAQUE"
done

# --- honest ones: nothing worth stopping for
for one in $f/good*; do
	exits 0 "${one##*/}" assay-inspect "$one"
	case $one in
	# a shard's index alone, without its folder, is no model
	*/good-index.json) ;;
	*) ok "${one##*/} is quiet" sh -c "! grep -qE '^ +(medium|high|critical)' $out" ;;
	esac
done

# --- settings of editors have comments, what loads a model takes none
mkdir -p $tmp/settings/.vscode
printf '{\n  // spaces\n  "editor.tabSize": 4,\n}\n' >$tmp/settings/.vscode/settings.json
cp $tmp/settings/.vscode/settings.json $tmp/settings/tsconfig.base.json
exits 0 "settings of editors" assay-inspect $tmp/settings
cp $tmp/settings/.vscode/settings.json $tmp/settings/config.json
exits 2 "a configuration with comments" assay-inspect $tmp/settings
prints 'CONFIG_INVALID'
done_testing
