/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* realpath, setrlimit family */
#include "report/pdf.h"

#include "report/envelope.h"

#include "base/file.h"
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Much more than a page of a thousand classes takes. */
#define PDF_SECONDS 180
#define PDF_LIMIT   ((uint64_t)256 << 20)

static const struct printer {
	const char *name;
	bool chromium; /* else WeasyPrint */
} printers[] = {
    {"chromium", true},
    {"chromium-browser", true},
    {"google-chrome-stable", true},
    {"google-chrome", true},
    {"weasyprint", false},
};

/* Where on PATH an executable of that name is. */
static bool
on_path(const char *name, char *out, size_t size)
{
	const char *at = getenv("PATH");

	while (at != NULL && *at != '\0') {
		size_t n = strcspn(at, ":");
		int len = snprintf(out, size, "%.*s/%s", (int)n, at, name);

		/* relative folders are no place to take programs from */
		if (*at == '/' && len > 0 && (size_t)len < size &&
		    access(out, X_OK) == 0)
			return true;
		at += n + (at[n] == ':');
	}
	return false;
}

static const struct printer *
find(char *path, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(printers); i++)
		if (on_path(printers[i].name, path, size))
			return &printers[i];
	return NULL;
}

static int
none(struct err *e)
{
	return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
	    "--pdf: neither Chromium nor WeasyPrint is on PATH; install one, "
	    "or print report.html from a browser");
}

int
pdf_check(struct err *e)
{
	char path[1024];

	return find(path, sizeof(path)) != NULL ? 0 : none(e);
}

/* RFC 3986: what is not unreserved (or the slash) is %XX. */
static void
put_url(struct buf *b, const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~/";

	buf_puts(b, "file://");
	for (; *path != '\0'; path++) {
		if (strchr(plain, *path) != NULL)
			buf_u8(b, (uint8_t)*path);
		else
			buf_printf(b, "%%%02X", (unsigned)(uint8_t)*path);
	}
}

struct job {
	const struct printer *how;
	char program[1024];
	char temp[600]; /* folder of this run: profile and result */
	struct buf url, pdf, profile;
};

/* In the child: nothing comes back but the file.  The page has no script and
 * its own policy allows none; Chromium's switch against scripts would also
 * stop its printing. */
static NORETURN void
become(const struct job *j, char *const argv[])
{
	struct err e = {0};
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	/* a browser's processes are stopped together, and with us, who may be
	 * interrupted */
	if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    setenv("HOME", j->temp, 1) != 0 || sandbox_no_network(&e) != 0)
		_exit(126);
	execv(j->program, argv);
	_exit(127);
}

/* The status, or -1 when it was stopped. */
static int
wait_for(pid_t pid)
{
	const struct timespec nap = {0, 20000000};
	int st;

	for (long i = 0; i < PDF_SECONDS * 50L; i++) {
		pid_t got = waitpid(pid, &st, WNOHANG);

		if (got == pid)
			return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
		if (got < 0 && errno != EINTR)
			return -1;
		nanosleep(&nap, NULL);
	}
	kill(-pid, SIGKILL);
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	return -1;
}

static int
start(const struct job *j, char *const argv[], struct err *e)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return err_sys(e, "cannot start %s", j->how->name);
	if (pid == 0)
		become(j, argv);
	status = wait_for(pid);
	kill(-pid, SIGKILL); /* helpers that it left behind */
	if (status == 0)
		return 0;
	if (status == 126)
		return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "--pdf: the network cannot be kept from %s here",
		    j->how->name);
	return err_set(e, ERR_SYSTEM, ERR_NOWHERE,
	    status < 0 ? "--pdf: %s was stopped"
		       : "--pdf: %s ended with status %d",
	    j->how->name, status);
}

static int
run(struct job *j, struct err *e)
{
	/* Chromium refuses to run as root within its own sandbox */
	const char *loose = geteuid() == 0 ? "--no-sandbox" : "--incognito";
	const char *const chromium[] = {j->program, "--headless", loose,
	    "--disable-gpu", "--disable-extensions", "--no-first-run",
	    "--disable-background-networking", "--disable-dev-shm-usage",
	    "--no-pdf-header-footer", buf_str(&j->profile), buf_str(&j->pdf),
	    buf_str(&j->url), NULL};
	const char *const weasyprint[] = {
	    j->program, buf_str(&j->url), buf_str(&j->pdf), NULL};

	return start(j,
	    (char *const *)(uintptr_t)(j->how->chromium ? chromium
							: weasyprint),
	    e);
}

/* What was printed goes beside the page, whole or not at all. */
static int
take(const char *from, const char *dir, struct err *e)
{
	static const char magic[] = "%PDF-";
	struct file_map m;
	char to[1200];
	int rc;

	if ((rc = file_join(to, sizeof(to), dir, PDF_FILE, e)) != 0 ||
	    (rc = file_map(from, PDF_LIMIT, &m, e)) != 0)
		return rc;
	if (m.len < strlen(magic) || memcmp(m.ptr, magic, strlen(magic)) != 0)
		rc = err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "--pdf: what was printed is no PDF");
	else
		rc = file_write(to, m.ptr, m.len, e);
	file_unmap(&m);
	return rc;
}

/* The page is the one that the statement names: ours, and so without scripts
 * and parts from elsewhere. */
static int
check_page(const char *dir, const char *page, struct err *e)
{
	const json_t *list, *one;
	struct digest have, want;
	json_t *statement;
	uint64_t size;
	bool same = false;
	size_t i;
	int rc;

	if ((rc = envelope_statement(dir, &statement, e)) != 0)
		return rc;
	rc = digest_file(page, PDF_LIMIT, &have, &size, e);
	list = json_at(statement, "predicate.derived");
	json_array_foreach((json_t *)(uintptr_t)list, i, one) same =
	    same ||
	    (strcmp(json_text_at(one, "name"), "report.html") == 0 &&
		digest_parse(json_text_at(one, "digest.sha256"), &want) &&
		digest_equal(&have, &want));
	json_decref(statement);
	if (rc == 0 && !same) {
		err_set(e, ERR_FORMAT, ERR_NOWHERE,
		    "not the page that the statement names: not printed");
		rc = err_in(e, page);
	}
	return rc;
}

static int
print_in(struct job *j, const char *dir, struct err *e)
{
	char page[1200], *whole, out[700];
	int rc;

	if ((rc = file_join(page, sizeof(page), dir, "report.html", e)) != 0 ||
	    (rc = file_join(out, sizeof(out), j->temp, "out.pdf", e)) != 0 ||
	    (rc = check_page(dir, page, e)) != 0)
		return rc;
	if ((whole = realpath(page, NULL)) == NULL) {
		err_sys(e, "cannot find the page");
		return err_in(e, page);
	}
	put_url(&j->url, whole);
	free(whole);
	buf_printf(&j->profile, "--user-data-dir=%s/profile", j->temp);
	buf_printf(
	    &j->pdf, "%s%s", j->how->chromium ? "--print-to-pdf=" : "", out);
	rc = run(j, e);
	return rc == 0 ? take(out, dir, e) : rc;
}

int
pdf_print(const char *dir, struct err *e)
{
	struct job j = {.how = NULL};
	struct err ignored = {0};
	int rc;

	if ((j.how = find(j.program, sizeof(j.program))) == NULL)
		return none(e);
	if ((rc = file_temp_dir(j.temp, sizeof(j.temp), e)) != 0)
		return rc;
	rc = print_in(&j, dir, e);
	if (file_remove_tree(j.temp, &ignored) != 0 && rc == 0)
		rc = err_set(e, ERR_SYSTEM, ERR_NOWHERE,
		    "cannot remove what %s left", j.how->name);
	buf_free(&j.url);
	buf_free(&j.pdf);
	buf_free(&j.profile);
	return rc;
}
