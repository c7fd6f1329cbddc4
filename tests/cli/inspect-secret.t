#!/bin/sh
# assay-inspect on keys, tokens and passwords where tools keep them, and on what
# documentation writes in their places.  All are made here, none stands in the sources.
. tests/cli/tap.sh
. tests/cli/inspect.sh

letters=$(seq 1 900 | sha512sum | cut -c 1-128 | xxd -r -p | base64 -w 0 | tr -d '+/=')$(seq 1 901 | sha512sum | cut -c 1-128 | xxd -r -p | base64 -w 0 | tr -d '+/=')
hex=$(seq 1 900 | sha512sum | cut -c 1-128)
upper=$(printf %s "$letters" | tr a-z A-Z)
of() { # of N: letters and digits
	printf %s "$letters" | cut -c "1-$1"
}
digits() { # digits N: of a hexadecimal number
	printf %s "$hex" | cut -c "1-$1"
}

# --- by the issuer's own form, whatever file it is in
token() { # token WHAT VALUE
	printf 'value: %s\n' "$2" | file settings.yaml
	hostile SECRET_TOKEN "$1"
}
token "a key of AWS" "AKIA$(printf %s "$upper" | cut -c 1-16)"
token "a key of Groq" "gsk_$(of 52)"
token "a key of xAI" "xai-$(of 80)"
token "a key of Perplexity" "pplx-$(of 48)"
token "a key of OpenRouter" "sk-or-v1-$(digits 64)"
token "a key of Anthropic" "sk-ant-api03-$(of 93)AA"
token "a key of NVIDIA" "nvapi-$(of 64)"
token "a key of LangSmith" "lsv2_pt_$(digits 32)_$(digits 10)"
token "a token of Hugging Face" "hf_$(of 34)"
token "a token of GitLab" "glpat-$(of 20)"
token "a token of GitLab that is routed" "glpat-$(of 27).01.$(of 9)"
token "a password of Bitbucket" "ATBB$(of 32)"
token "a token of Docker" "dckr_pat_$(of 27)"
token "a token of npm" "npm_$(of 36)"
token "a token of PyPI" "pypi-AgEIcHlwaS5vcmc$(of 100)"
token "a key of Stripe" "sk_live_$(of 24)"
token "a key of SendGrid" "SG.$(of 22).$(printf %s "$letters" | cut -c 30-72)"
token "a secret of Google" "GOCSPX-$(of 28)"
token "a token of Google" "ya29.$(of 120)"
token "a token of Vault" "hvs.$(of 96)"
token "a token of Slack" "xoxb-$(printf 1%.0s 2 3 4 5 6 7 8 9 0 1 2)-$(of 36)"

# --- where tools keep them
printf '[remote "origin"]\n\turl = https://me:ghp_%s@github.com/a/b.git\n' "$(of 36)" | file .git/config
hostile SECRET_TOKEN "a token of a remote"
printf 'machine api.wandb.ai\n  login user\n  password %s\n' "$(digits 40)" | file .netrc
hostile SECRET_TOKEN "a password of netrc"
printf '{"auths": {"registry.corp.net": {"auth": "%s"}}}' "$(printf 'user:%s' "$(of 24)" | base64 -w 0)" | file .docker/config.json
hostile SECRET_TOKEN "a password of a registry"
printf '{"username": "u", "key": "%s"}' "$(digits 32)" | file kaggle.json
hostile SECRET_TOKEN "a key of Kaggle"
printf 'ANTHROPIC_API_KEY = "sk-ant-api03-%sAA"\n' "$(of 93)" | file .streamlit/secrets.toml
hostile SECRET_TOKEN "a secret of Streamlit"
printf '//registry.example.net/:_authToken=%s\n' "$(of 36)" | file .npmrc
hostile SECRET_TOKEN "a token of npmrc"
printf '[pypi]\nusername = __token__\npassword = %s\n' "$(of 40)" | file .pypirc
hostile SECRET_TOKEN "a password of pypirc"
printf '[global]\nindex-url = https://ci:%s@pypi.corp.net/simple\n' "$(of 20)" | file pip.txt
hostile SECRET_TOKEN "a password of an index"
printf 'aws_access_key_id: x\naws_secret_access_key: %s\n' "$(of 40)" | file config.yaml
hostile SECRET_TOKEN "a secret of AWS"
python3 -c "import pickle, sys; sys.stdout.buffer.write(pickle.dumps({'lr': 0.1, 'hub_token': 'hf_$(of 34)'}, 2))" | file args.pkl
hostile SECRET_TOKEN "a token in a pickle"

# --- by the name of the variable, of whatever service
for one in COHERE_API_KEY TOGETHER_API_KEY MISTRAL_API_KEY COMET_API_KEY AZURE_OPENAI_API_KEY \
	TWILIO_AUTH_TOKEN AZURE_CLIENT_SECRET NEPTUNE_API_TOKEN; do
	printf '%s=%s\n' "$one" "$(digits 40)" | file .env
	hostile SECRET_TOKEN "$one"
done
printf '{"cohere_api_key": "%s"}' "$(of 40)" | file config.json
hostile SECRET_TOKEN "a key in JSON"
printf 'requests.get(u, headers={"Authorization": "Bearer x"})\nclient = C(api_key="%s")\n' "$(of 40)" | file run.py
hostile SECRET_TOKEN "a key in source"

# --- what documentation says in their places
printf 'AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\nhf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nOPENAI_API_KEY=sk-your-key-here-1234567890\nexport HF_TOKEN=hf_...\nsk-ant-api03-XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX\n' | file README.md
quiet "examples"
printf 'AKIA%s\nghp_%s\ngsk_%s\n' DDDDDDDDDDDDDDDD UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | file README.md
quiet "one letter over and over"
printf 'api_key = os.environ["COHERE_API_KEY_2024_PRODUCTION"]\nkey = get(api_key=settings.KEYS["a1b2c3d4"])\nAPI_KEY_NAME=0123456789abcdef0123\nAPI_KEY: ${{ secrets.API_KEY_0123456789abcdef }}\nsk_test_%s\n' "$(of 24)" | file run.py
quiet "names of variables"
printf '{"eos_token": "</s>", "api_key": "EMPTY", "access_token_url": "https://auth.corp.net/oauth2/token0123456789"}' | file config.json
quiet "words of configurations"
printf 'machine example.org login me password $PASSWORD\n' | file .netrc
quiet "a variable in netrc"
done_testing
