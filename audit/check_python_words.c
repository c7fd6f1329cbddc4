/* SPDX-License-Identifier: MIT
 * What names and strings of Python source stand for.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check_python.h"

#include "base/text.h"

#include <strings.h>

static const struct {
	const char *name; /* with a dot before it: the end of a name */
	unsigned does;
} calls[] = {
    {"exec", DOES_EXEC},
    {"eval", DOES_EXEC},
    {"compile", DOES_EXEC},
    {"execfile", DOES_EXEC},
    {"builtins.exec", DOES_EXEC},
    {"builtins.eval", DOES_EXEC},
    {"types.FunctionType", DOES_EXEC},
    {"marshal.loads", DOES_DECODE | DOES_LOAD},
    {"pickle.loads", DOES_LOAD},
    {"pickle.load", DOES_LOAD},
    {"joblib.load", DOES_LOAD},
    {"torch.load", DOES_LOAD},
    {"dill.load", DOES_LOAD},
    {"cloudpickle.load", DOES_LOAD},
    {"_pickle.loads", DOES_LOAD},
    {"cPickle.loads", DOES_LOAD},
    {"dill.loads", DOES_LOAD},
    {"cloudpickle.loads", DOES_LOAD},
    {"base64.b64decode", DOES_DECODE},
    {"base64.b32decode", DOES_DECODE},
    {"base64.b16decode", DOES_DECODE},
    {"base64.a85decode", DOES_DECODE},
    {"base64.b85decode", DOES_DECODE},
    {"base64.urlsafe_b64decode", DOES_DECODE},
    {"base64.decodebytes", DOES_DECODE},
    {"bytes.fromhex", DOES_DECODE},
    {"bytearray.fromhex", DOES_DECODE},
    {"binascii.unhexlify", DOES_DECODE},
    {"binascii.a2b_hex", DOES_DECODE},
    {"binascii.a2b_base64", DOES_DECODE},
    {"zlib.decompress", DOES_DECODE},
    {"bz2.decompress", DOES_DECODE},
    {"lzma.decompress", DOES_DECODE},
    {"gzip.decompress", DOES_DECODE},
    {"codecs.decode", DOES_DECODE},
    {".decrypt", DOES_DECODE},
    {"chr", DOES_HIDE},
    {"bytes", DOES_HIDE},
    {"bytearray", DOES_HIDE},
    {"urllib.request.urlopen", DOES_NET},
    {"urllib.urlopen", DOES_NET},
    {"urllib2.urlopen", DOES_NET},
    {"requests.get", DOES_NET},
    {"requests.post", DOES_NET},
    {"requests.request", DOES_NET},
    {"httpx.get", DOES_NET},
    {"httpx.post", DOES_NET},
    {".recv", DOES_NET},
    {".sendmail", DOES_NET},
    {".send_message", DOES_NET},
    {"socket.socket", DOES_SOCKET},
    {"socket.create_connection", DOES_SOCKET},
    {"os.dup2", DOES_DUP},
    {"pty.spawn", DOES_SHELLED | DOES_SHELL},
    {"os.system", DOES_SHELL},
    {"os.popen", DOES_SHELL},
    {"os.execl", DOES_SHELL},
    {"os.execle", DOES_SHELL},
    {"os.execlp", DOES_SHELL},
    {"os.execv", DOES_SHELL},
    {"os.execve", DOES_SHELL},
    {"os.execvp", DOES_SHELL},
    {"os.spawnl", DOES_SHELL},
    {"os.spawnv", DOES_SHELL},
    {"os.startfile", DOES_SHELL},
    {"posix.system", DOES_SHELL},
    {"nt.system", DOES_SHELL},
    {"commands.getoutput", DOES_SHELL},
    {"subprocess.run", DOES_SHELL},
    {"subprocess.call", DOES_SHELL},
    {"subprocess.Popen", DOES_SHELL},
    {"subprocess.check_call", DOES_SHELL},
    {"subprocess.check_output", DOES_SHELL},
    {"subprocess.getoutput", DOES_SHELL},
    {"subprocess.getstatusoutput", DOES_SHELL},
    {"asyncio.create_subprocess_shell", DOES_SHELL},
};

/* Files that only their owner's programs read. */
static const char *const secrets[] = {"/etc/shadow", ".ssh/id_", "id_rsa",
    ".aws/credentials", ".git-credentials", ".docker/config.json", "Login Data",
    "wallet.dat", "169.254.169.254/latest/meta-data"};

/* Commands that set something up, convert, ask, or run what is looked at too, as
 * many a script does. */
static const char *const tame[] = {"pip", "python", "{sys.executable}", "apt",
    "conda", "mamba", "git", "nvidia-smi", "nvcc", "mkdir", "ls", "wget ",
    "curl ", "unzip", "unrar", "tar ", "gzip", "gunzip", "7z", "gdown",
    "ffmpeg", "ffprobe", "sox ", "convert ", "clear", "cls", "cd ", "export",
    "ninja", "make", "cmake", "cp ", "mv ", "rm ", "ln ", "touch ", "head ",
    "tail ", "wc ", "sort ", "which", "where", "huggingface-cli", "hf ",
    "kaggle", "aws s3", "gsutil", "gcloud", "dvc", "wandb", "mlflow", "chmod",
    "sbatch", "srun", "squeue", "scontrol", "scancel", "qsub", "mpirun",
    "mpiexec", "torchrun", "accelerate", "deepspeed", "tensorboard", "jupyter",
    "streamlit", "uvicorn", "gunicorn", "stty", "uname", "lscpu", "lspci",
    "hostname", "df ", "du ", "free", "sysctl", "open ", "xdg-open", "black",
    "flake8", "isort", "mypy", "ruff", "pytest", "clang-format", "doxygen",
    "sphinx", "protoc", "trtexec", "onnxsim", "pdflatex", "latex", "latexmk",
    "xelatex", "bibtex", "mambaforge", "micromamba", "pipx", "pipenv", "dot ",
    "taskset", "numactl", "nohup python", "twine", "docker", "module load",
    "gcc", "g++", "clang", "pkg-config", "pget", "onnx2tf", "mo --", "ovc ",
    "edgetpu_compiler", "tflite_convert", "xcrun", "rclone", "lsb_release"};
/* What only reads what comes before it. */
static const char *const filters[] = {"grep", "awk", "sed ", "head", "tail",
    "sort", "uniq", "cut ", "tr ", "wc", "tee", "true", "cat", "less", "exit"};

unsigned
check_python_does(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const char *c = calls[i].name;
		size_t len = strlen(c);

		if (c[0] == '.' ? n > len && strcmp(name + n - len, c) == 0
				: strcmp(name, c) == 0)
			return calls[i].does;
	}
	return DOES_NOTHING;
}

static bool
begins_any(const char *s, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_begins_with(s, len, words[i]))
			return true;
	return false;
}

/* A program's name, up to its version or what its family calls it ("pip3.11",
 * "apt-get"): "lsass" and "make/x" are others. */
static bool
is_program(const char *s, size_t len, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(words[i]);
		char next = k < len ? s[k] : ' ';

		if (text_begins_with(s, len, words[i]) &&
		    (words[i][k - 1] == ' ' ||
			!((next | 32) >= 'a' && (next | 32) <= 'z')) &&
		    next != '/' && next != '_')
			return true;
	}
	return false;
}

/* '"{}" -V': whatever program is meant, it is asked for its version; none that is
 * named by a path of the bundle's. */
static bool
asks_version(const char *s, size_t len)
{
	static const char *const asked[] = {" -V", " --version", " -version"};

	while (len != 0 && s[len - 1] == ' ')
		len--;
	if (len == 0 || (*s != '"' && *s != '{') || memchr(s, '/', len) != NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		size_t n = strlen(asked[i]);

		if (len > n && memcmp(s + len - n, asked[i], n) == 0)
			return true;
	}
	return false;
}

/* One command, behind spaces, sudo and variables that it gets; those of the
 * linker and of Python decide what is run. */
static bool
is_tame(const char *s, size_t len, bool first)
{
	static const char *const decides[] = {
	    "LD_", "DYLD_", "PATH=", "PYTHON", "BASH_ENV", "ENV="};

	for (;;) {
		size_t word = 0;
		bool sets = false;

		while (len != 0 && strchr(" \t(", *s) != NULL)
			s++, len--;
		while (word < len && strchr(" \t", s[word]) == NULL)
			sets |= s[word++] == '=';
		if (word == len ||
		    begins_any(s, len, decides, ARRAY_LEN(decides)))
			break;
		if (!(sets && strchr("-/.'\"", *s) == NULL) &&
		    !(word == 4 && text_begins_with(s, len, "sudo")))
			break;
		s += word;
		len -= word;
	}
	return len == 0 || asks_version(s, len) ||
	       is_program(s, len, tame, ARRAY_LEN(tame)) ||
	       (!first && is_program(s, len, filters, ARRAY_LEN(filters)));
}

bool
check_python_sets_up(const char *first, size_t len, bool own, bool code)
{
	bool quoted = false, command = true;
	size_t i = 0;

	if (code && (own || text_begins_with(first, len, "python")))
		return false;
	if (own || first == NULL || len == 0)
		return own;
	/* each of several, also of those whose output is an argument: $(...),
	 * `...`, <(...) */
	for (size_t k = 0; k <= len; k++) {
		bool within = k < len && k > 0 && first[k] == '(' &&
			      strchr("$<>", first[k - 1]) != NULL;

		if (k < len && !within && strchr(";|&\n`", first[k]) == NULL)
			continue;
		if (command && !is_tame(first + i, k - i, i == 0))
			return false;
		/* behind the second of two ` are more arguments */
		quoted ^= k < len && first[k] == '`';
		command = k < len && (first[k] != '`' || quoted);
		i = k + 1;
	}
	return true;
}

bool
check_python_is_code(const char *s, size_t len)
{
	return (len == 2 && memcmp(s, "-c", 2) == 0) ||
	       memmem(s, len, " -c ", 4) != NULL;
}

bool
check_python_secret(const char *s, size_t len)
{
	/* longer ones are texts of something else */
	for (size_t i = 0; len < 200 && i < ARRAY_LEN(secrets); i++)
		if (memmem(s, len, secrets[i], strlen(secrets[i])) != NULL)
			return true;
	return false;
}

/* The beginning of a name of the standard library's encodings (codecs, "Standard
 * Encodings"). */
static bool
is_encoding(const char *s, size_t len)
{
	static const char *const begin[] = {"utf", "u8", "latin", "l1", "iso",
	    "8859", "cp", "windows", "ascii", "us-ascii", "us_ascii", "646",
	    "gb", "big5", "euc", "shift", "sjis", "s_jis", "koi8", "mac",
	    "mbcs", "oem", "tis", "hz", "johab", "ks_c", "ks", "ibm", "ptcp",
	    "hp", "cyrillic", "greek", "hebrew", "arabic", "kz", "rk", "ujis",
	    "u-jis", "ms", "uhc", "chinese", "csi", "binary", "none", "<"};

	for (size_t i = 0; i < ARRAY_LEN(begin); i++)
		if (len >= strlen(begin[i]) &&
		    strncasecmp(s, begin[i], strlen(begin[i])) == 0)
			return true;
	return len == 0 || !(((*s | 32) >= 'a' && (*s | 32) <= 'z') ||
			       (*s >= '0' && *s <= '9'));
}

bool
check_python_disguised(const char *s, size_t len)
{
	static const char *const hides[] = {"utf-7", "utf7", "utf_7", "rot",
	    "unicode_escape", "unicode-escape", "raw_unicode", "raw-unicode",
	    "punycode", "idna", "hex", "base64", "zlib", "bz2", "uu"};

	for (size_t line = 0, i = 0; line < 2 && i < len; line++) {
		const char *end = memchr(s + i, '\n', len - i);
		size_t n = end != NULL ? (size_t)(end - s) - i : len - i;
		const char *p = n != 0 ? memmem(s + i, n, "coding", 6) : NULL;

		if (p != NULL && s[i] == '#') {
			size_t left = n - (size_t)(p - s - (ptrdiff_t)i) - 6;
			bool declared =
			    left != 0 && (p[6] == ':' || p[6] == '=');

			for (p += 6; left != 0 && strchr(":= \t", *p) != NULL;
			     p++)
				left--;
			for (size_t k = 0; k < ARRAY_LEN(hides); k++)
				if (left >= strlen(hides[k]) &&
				    strncasecmp(
					p, hides[k], strlen(hides[k])) == 0)
					return true;
			/* Python has no such one: somebody registers it */
			return declared && !is_encoding(p, left);
		}
		i += n + 1;
	}
	return false;
}
