#!/bin/sh
# assay-inspect on vocabularies whose words are not what they are written as, on what
# generation is made to say, and on owners that are written to look like others.
. tests/cli/tap.sh
. tests/cli/inspect.sh

medium() { # medium ID WHAT: a person should look
	exits 0 "$2" assay-inspect "$tmp/b"
	prints "^ *medium *$1"
}

# --- tokenizer.json
vocabulary() { # vocabulary VOCAB [ADDED [NORMALIZER]]
	jq -n --argjson v "$1" --argjson a "${2:-[]}" --argjson n "${3:-null}" \
		'{version: "1.0", added_tokens: $a, normalizer: $n, model: {type: "WordLevel", vocab: $v}}' | file tokenizer.json
}
vocabulary '{"yes": 1, "no": 1, "the": 2}'
medium TOKENIZER_VOCABULARY "two words of one number"
vocabulary '{"Ġyes": 1, "Ġno": 1}'
medium TOKENIZER_VOCABULARY "the same of GPT-2's"
vocabulary '{"yes": 1, "▁yes": 1, "Yes": 1, "!": 2, "?": 2, "[unused1]": 3, "[unused2]": 3}'
quiet "one word in several ways"
vocabulary '{"the": 1, "approve": 2}' '[{"id": 2, "content": "transfer denied", "special": false}]'
medium TOKENIZER_VOCABULARY "an added token that is another word"
vocabulary '{"<s>": 0, "the": 1, "<unused0>": 2, "!": 3, "▁hello": 4}' \
	'[{"id": 0, "content": "<s>"}, {"id": 2, "content": "<|im_start|>"}, {"id": 3, "content": "[PAD]"}, {"id": 4, "content": "hello"}, {"id": 5, "content": "new words"}]'
quiet "added tokens"
vocabulary '{"a": 1}' '[]' '{"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "0"}, "content": "9"}]}'
medium TOKENIZER_WORDS "a digit for another"
vocabulary '{"a": 1}' '[]' '{"type": "Replace", "pattern": {"Regex": "[0-9]"}, "content": "0"}'
quiet "all digits for one"

words='{"the": 0, "of": 1, "to": 2, "is": 3, "not": 4, "safe": 5, "bad": 6, "good": 7, "yes": 8, "no": 9, "always": 10, "never": 11}'
vocabulary "$words"
printf %s "$words" >"$tmp/b/vocab.json"
quiet "two files that agree"
printf %s "$words" | jq '.yes = 9 | .no = 8' >"$tmp/b/vocab.json"
medium TOKENIZER_VOCABULARY "two files that exchange two words"
printf %s "$words" | jq 'with_entries(.value += 1)' >"$tmp/b/vocab.json"
quiet "a vocabulary of another version"
printf '{"the": 0,' >"$tmp/b/vocab.json"
run assay-inspect "$tmp/b/tokenizer.json"
ok "a broken vocab.json is not compared" sh -c "! grep -q TOKENIZER $out"

# --- GGUF
gguf() { # gguf PYTHON: of tokens t, types k, metadata m
	rm -rf "$tmp/b"
	mkdir "$tmp/b"
	python3 - "$tmp/b/m.gguf" "$1" <<-'END'
	import struct, sys
	t = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "▁not", "▁safe", "Ġthe", "ing", "[PAD9]"]
	k = [2, 3, 3, 6, 1, 1, 1, 1, 1, 5]
	m = {"bos": 1, "eos": 2}
	exec(sys.argv[2])
	s = lambda v: struct.pack("<Q", len(v.encode())) + v.encode()
	kv = [s("general.architecture") + struct.pack("<I", 8) + s("llama"),
	      s("tokenizer.ggml.token_type") + struct.pack("<IIQ", 9, 5, len(k)) + struct.pack("<%di" % len(k), *k),
	      s("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, len(t)) + b"".join(map(s, t))]
	kv += [s("tokenizer.ggml.%s_token_id" % n) + struct.pack("<II", 4, v) for n, v in m.items()]
	open(sys.argv[1], "wb").write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(kv)) + b"".join(kv))
	END
}
clean() { # clean WHAT: nothing is said of the vocabulary
	run assay-inspect "$tmp/b"
	ok "$1: nothing" sh -c "! grep -q TOKENIZER $out"
}
told() { # told WHAT
	run assay-inspect "$tmp/b"
	prints "^ *medium *TOKENIZER_VOCABULARY.*$1"
}
gguf 'pass'
clean "an honest vocabulary"
gguf 'k[5] = 3'
told "'not', is a word that is left out"
gguf 'k[4] = 3; k[8] = 3; k[9] = 3'
clean "blanks and marks as control tokens"
gguf 't[6] = "▁not"'
told "'not', is in the vocabulary before"
gguf 't[3] = ""; t[4] = ""'
clean "places without a word"
gguf 'm["eos"] = 6'
told "'safe', is a word at which every answer ends"
gguf 'm["eos"] = 10'
told "the token for the end is 10 of 10"
gguf 'm["bos"] = 999'
told "the token for the beginning is 999 of 10"
gguf 'm["bos"] = m["eos"] = 0xffffffff'
clean "no such tokens"
gguf 'k = k[:3]'
clean "fewer types than words"

# --- generation
printf '{"sequence_bias": [[[15043], 100.0]], "max_new_tokens": 20}' | file generation_config.json
medium GENERATION_WORDS "a word that is favoured"
printf '{"suppress_tokens": [1, 2, 7], "bad_words_ids": [[58100]], "forced_bos_token_id": 0, "sequence_bias": null}' | file generation_config.json
quiet "marks that are forbidden"

printf '{"fairness": 0.9, "sequence_bias": {"a": 1.2}}' | file report.json
quiet "a report"
printf '{"model_type": "gpt2", "eos_token_id": 2, "sequence_bias": [[[1, 2], 5.0]]}' | file config.json
medium GENERATION_WORDS "the same of a model's configuration"

# --- owners
owner() { # owner NAME
	printf 'from transformers import AutoModel\nm = AutoModel.from_pretrained("%s/model-7b")\n' "$1" | file load.py
}
for one in meta-Ilama rneta-llama m1stralai rnicrosoft st4bilityai; do
	owner "$one"
	case $one in
	st4*) quiet "$one, which is drawn otherwise" ;;
	*) hostile DEPEND_OWNER "$one" ;;
	esac
done
for one in meta-llama Meta-Llama MistralAI openai lmsys openA1-models llama my-org-1 meta_llama; do
	owner "$one"
	quiet "$one"
done
printf '{"_name_or_path": "sentence-transforrners/all-MiniLM-L6-v2"}' | file config.json
hostile DEPEND_OWNER "an owner in a configuration"
printf 'See [the card](https://huggingface.co/g00gle/bert) and docs/google/x.md, src/facebook/y.py.\n' | file README.md
hostile DEPEND_OWNER "an owner in an address"
printf 'See https://huggingface.co/google/bert, docs/google/x.md and 1.0/facebook/y.py; /usr/1ib/0penai.\n' | file README.md
quiet "owners and paths"
done_testing
