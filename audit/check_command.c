/* SPDX-License-Identifier: MIT
 * Commands in files that somebody's tool runs without being asked again: what
 * builds an image or a package, tests a repository, opens a folder in an editor
 * or a shell, and cells of notebooks.  A command is found when it does what
 * malware does (check_shell.h); to have commands is what these files are for.
 *
 * Runners go by the file's name; a Dockerfile, which may be called anything, by
 * its first instruction.  JSON and YAML: audit/check_config_command.c.
 */
#define _GNU_SOURCE /* memmem, strncasecmp */
#include "audit/check.h"

#include "audit/check_command_eval.h"
#include "audit/check_shell.h"
#include "base/limits.h"
#include "base/text.h"

#include <ctype.h>
#include <strings.h>

/* --- texts --------------------------------------------------------------- */

/* Read by make, direnv, shells, foreman, just, vagrant, Jenkins, cron. */
static const char *const names[] = {"Makefile", "makefile", "GNUmakefile",
    "Dockerfile", "Containerfile", "Singularity", "Apptainer", "justfile",
    "Justfile", "Procfile", "Vagrantfile", "Jenkinsfile", ".envrc", ".bashrc",
    ".bash_profile", ".bash_login", ".bash_logout", ".profile", ".zshrc",
    ".zprofile", ".zshenv", ".zlogin", "crontab", "tox.ini", "noxfile.py",
    "CMakeLists.txt", "Rakefile", "Gemfile", "Snakefile", "Brewfile",
    "Fastfile", "Podfile", "Guardfile", "nextflow.config", "pom.xml",
    "build.xml", ".pdbrc", ".vimrc", ".exrc", ".gvimrc", ".emacs", ".lldbinit",
    ".gdbinit", ".inputrc", ".screenrc", ".muttrc", ".Rprofile", ".irbrc",
    ".pryrc"};
static const char *const ends[] = {".mk", ".dockerfile", ".Dockerfile", ".just",
    ".service", ".tmux", ".zsh", ".ksh", ".fish", ".slurm", ".sbatch", ".pbs",
    ".cmake", ".env", ".gradle", ".kts", ".m", ".plist", ".rules", ".toml",
    /* and programs in other languages, which hand commands to a shell */
    ".js", ".mjs", ".cjs", ".ts", ".lua", ".rb", ".pl", ".pm", ".php", ".R",
    ".r", ".jl", ".tcl", ".go", ".rs", ".java", ".groovy", ".html", ".htm",
    ".hta", ".svg", ".awk", ".cs", ".csx", ".csproj", ".vbproj", ".fsx",
    ".swift", ".scala", ".kt", ".clj", ".ex", ".exs", ".erl", ".hs", ".nim",
    ".cr", ".dart", ".nf", ".smk", ".tf", ".hcl", ".def", ".sql", ".gyp",
    ".gypi", ".gemspec", ".podspec", ".cabal", ".sbt", ".bzl", ".BUILD",
    ".ninja", ".tex", ".sty", ".cls", ".dtx", ".ltx"};

static bool
has(struct rd r, const char *word)
{
	return r.len != 0 && memmem(r.base, r.len, word, strlen(word)) != NULL;
}

/* A word in small letters, however it is written. */
static bool
has_in_any_case(struct rd r, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= r.len; i++)
		if (tolower(r.base[i]) == word[0] &&
		    strncasecmp((const char *)r.base + i, word, n) == 0)
			return true;
	return false;
}

/* The first line that is no comment is FROM or ARG, and there is a RUN. */
static bool
is_dockerfile(struct rd r)
{
	const char *s = (const char *)r.base;
	size_t i = 0;

	while (i < r.len && (s[i] == '#' || s[i] == '\n' || s[i] == '\r')) {
		while (i < r.len && s[i] != '\n')
			i++;
		i++;
	}
	return i + 5 < r.len &&
	       (memcmp(s + i, "FROM ", 5) == 0 ||
		   memcmp(s + i, "ARG ", 4) == 0) &&
	       (has(r, "\nRUN ") || has(r, "\nCMD ") ||
		   has(r, "\nENTRYPOINT "));
}

static bool
is_run(const struct check_file *f)
{
	const char *name = check_name_of(f);

	if (text_is_one_of(name, names, ARRAY_LEN(names)) ||
	    strncmp(name, "Dockerfile.", 11) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (text_ends_with(name, ends[i]))
			return true;
	return is_dockerfile(f->bytes);
}

/* A shortcut of Windows to a file, here or on somebody's server. */
static void
shortcut(const struct check_file *f)
{
	static const char *const to[] = {"\nURL=file:", "\nURL=\\\\",
	    "\nIconFile=\\\\", "\nIconResource=\\\\", "\nURL=search-ms:"};

	if (!has(f->bytes, "[InternetShortcut]") && !has(f->bytes, "[Shell]") &&
	    !has(f->bytes, "[.ShellClassInfo]"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		if (has(f->bytes, to[i]))
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "a shortcut to a file elsewhere");
}

/* Windows goes by their names: a shortcut to a program, a folder elsewhere. */
static void
opened(const struct check_file *f)
{
	static const char *const shortcuts[] = {".settingcontent-ms",
	    ".appref-ms", ".library-ms", ".searchconnector-ms", ".search-ms"};

	for (size_t i = 0; i < ARRAY_LEN(shortcuts); i++)
		if (text_ends_with(check_name_of(f), shortcuts[i]))
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "Windows opens what it names, %s", shortcuts[i]);
}

/* A cell of a table that a spreadsheet hands to a program. */
static void
cell(const struct check_file *f)
{
	static const char *const word[] = {
	    "cmd|'", "powershell|'", "mshta|'", "msexcel|'", "rundll32|'"};

	if (!text_ends_with(check_name_of(f), ".csv") &&
	    !text_ends_with(check_name_of(f), ".tsv"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (has_in_any_case(f->bytes, word[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "a cell that starts a program, '%s'", word[i]);
			return;
		}
}

/* What a set-up file of Windows registers or runs when it is installed. */
static void
set_up(const struct check_file *f)
{
	static const char *const word[] = {"registerocxs",
	    "runpresetupcommands", "runpostsetupcommands", "scrobj.dll"};

	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (text_ends_with(check_name_of(f), ".inf") &&
		    has_in_any_case(f->bytes, word[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "'%s' of a set-up file", word[i]);
			return;
		}
}

/* In a page or a script of Windows: objects that start programs, text that is
 * decoded and run, or that is encoded as a whole (#@~^). */
static void
windows(const struct check_file *f)
{
	static const char *const page[] = {".js", ".jse", ".html", ".htm",
	    ".hta", ".svg", ".vbs", ".vbe", ".wsf", ".wsh", ".sct"};
	static const char *const word[] = {"wscript.shell", "shell.application",
	    "eval(atob(", "eval(buffer.from(", "eval(unescape(",
	    "function(atob(", "](atob(", "](unescape(", "msxml2.xmlhttp",
	    "adodb.stream", "winmgmts:", "executeglobal", "execute(chr",
	    "#@~^"};
	const char *name = check_name_of(f);
	bool is_page = false;

	for (size_t i = 0; i < ARRAY_LEN(page); i++)
		is_page |= text_ends_with(name, page[i]);
	for (size_t i = 0; i < ARRAY_LEN(word) && is_page; i++)
		if (has_in_any_case(f->bytes, word[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "'%s'", word[i]);
			return;
		}
}

/* CMake, which runs what it downloads without a check of what it is. */
static void
configured(const struct check_file *f)
{
	static const char *const runs[] = {"COMMAND sh ", "COMMAND bash ",
	    "COMMAND chmod ", "COMMAND python", "COMMAND ${CMAKE_BINARY_DIR}",
	    "COMMAND ${CMAKE_CURRENT_BINARY_DIR}"};

	if ((strcmp(check_name_of(f), "CMakeLists.txt") != 0 &&
		!text_ends_with(check_name_of(f), ".cmake")) ||
	    (!has(f->bytes, "file(DOWNLOAD http://") &&
		!has(f->bytes, "file(DOWNLOAD \"http://")) ||
	    !has(f->bytes, "execute_process("))
		return;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		if (has(f->bytes, runs[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "runs what it downloads over http");
			return;
		}
}

/* Languages of databases, which read files, start programs and load libraries. */
static void
queried(const struct check_file *f)
{
	static const char *const word[] = {"from program '", "to program '",
	    "read_text('/etc/", "pg_read_file('/", "xp_cmdshell",
	    "load_extension(", "into outfile '/", "sys_exec(", "from 'http://",
	    "copy_from_program", "dbms_scheduler"};

	if (!text_ends_with(check_name_of(f), ".sql") &&
	    strcmp(check_name_of(f), ".duckdbrc") != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (has_in_any_case(f->bytes, word[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "'%s'", word[i]);
			return;
		}
}

/* Languages of the JVM: what a class does as soon as it is loaded, or one that a
 * library of models makes for itself (H2O's POJO). */
static void
loaded(const struct check_file *f)
{
	static const char *const end[] = {
	    ".java", ".scala", ".kt", ".groovy", ".clj"};
	static const char *const start[] = {
	    "getRuntime().exec(", "getRuntime.exec(", "new ProcessBuilder("};
	static const char *const at_once[] = {
	    "static {", "static{", "init {", "extends GenModel"};
	bool source = false, starts = false;

	for (size_t i = 0; i < ARRAY_LEN(end); i++)
		source |= text_ends_with(check_name_of(f), end[i]);
	for (size_t i = 0; i < ARRAY_LEN(start) && source; i++)
		starts |= has(f->bytes, start[i]);
	for (size_t i = 0; i < ARRAY_LEN(at_once) && starts; i++)
		if (has(f->bytes, at_once[i])) {
			check_find(f, FINDING_COMMAND_DANGEROUS, ERR_NOWHERE,
			    "a program is started as soon as the class is "
			    "loaded");
			return;
		}
}

void
check_command(const struct check_file *f)
{
	const char *what = NULL;
	size_t at = 0;

	if (!check_is(f, "text") || f->bytes.len == 0 ||
	    f->bytes.len > LIMIT_INSPECT_SOURCE)
		return;
	shortcut(f);
	windows(f);
	set_up(f);
	opened(f);
	cell(f);
	loaded(f);
	configured(f);
	queried(f);
	check_command_eval(f);
	if (is_run(f))
		what = check_shell_judge(
		    (const char *)f->bytes.base, f->bytes.len, &at);
	if (what != NULL)
		check_find(f, FINDING_COMMAND_DANGEROUS, at, "%s", what);
}
