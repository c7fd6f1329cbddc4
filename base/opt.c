/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* getopt_long */
#include "base/opt.h"

#include "base/text.h"
#include "base/tool.h"

#include <getopt.h>
#include <stdarg.h>

#define OPT_TABLE_MAX 64

static bool opt_help, opt_version;

static const struct opt common[] = {
    {.name = "quiet",
	.letter = 'q',
	.kind = OPT_FLAG,
	.dest = &tool_quiet,
	.help = "no progress, no notes; warnings and errors only"},
    {.name = "help",
	.letter = 'h',
	.kind = OPT_FLAG,
	.dest = &opt_help,
	.help = "this text"},
    {.name = "version",
	.letter = 'V',
	.kind = OPT_FLAG,
	.dest = &opt_version,
	.help = "print the version"},
    {.name = NULL},
};

int
opt_usage(const struct opt_tool *t, const char *fmt, ...)
{
	char raw[512], out[1024];
	va_list ap;

	if (tool_silent)
		return OPT_USAGE;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_escape(raw, strlen(raw), out, sizeof(out));
	fprintf(stderr, "%s: %s\nusage: %s %s\n", t->name, out, t->name,
	    t->operands);
	return OPT_USAGE;
}

static void
print_table(const struct opt *o)
{
	for (; o->name != NULL; o++) {
		char left[64], letter[8] = "    ";

		if (o->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
		    o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
		printf("%-30s %s%s%s\n", left, o->only != NULL ? o->only : "",
		    o->only != NULL ? ": " : "", o->help);
	}
}

static void
print_help(const struct opt_tool *t)
{
	printf("%s: %s\nusage: %s %s\n\n", t->name, t->summary, t->name,
	    t->operands);
	print_table(t->table);
	print_table(common);
	printf("\nExit status: 0 passed, 1 flagged or failed, 2 incomplete, "
	       "3 nothing auditable, 4 usage.\nThe manual: man %s\n",
	    t->manual != NULL ? t->manual : t->name);
}

static int
bad_number(const struct opt_tool *t, const struct opt *o, const char *value)
{
	char range[64] = "";

	if (o->kind == OPT_REAL)
		return opt_usage(t,
		    "--%s wants a number from %g to %g, not '%s'", o->name,
		    o->lo, o->hi, value);
	if (o->min != 0 && o->max != 0)
		snprintf(range, sizeof(range), " from %" PRIu64 " to %" PRIu64,
		    o->min, o->max);
	else if (o->max != 0)
		snprintf(range, sizeof(range), " up to %" PRIu64, o->max);
	else if (o->min != 0)
		snprintf(range, sizeof(range), " from %" PRIu64 " on", o->min);
	return opt_usage(
	    t, "--%s wants a whole number%s, not '%s'", o->name, range, value);
}

static int
store(const struct opt_tool *t, const struct opt *o, const char *value)
{
	struct opt_list *list;
	bool ok = true;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->dest = true;
		break;
	case OPT_STR:
		*(const char **)o->dest = value;
		break;
	case OPT_LIST:
		list = o->dest;
		if (list->n == OPT_LIST_MAX)
			return opt_usage(
			    t, "more than %d --%s", OPT_LIST_MAX, o->name);
		list->item[list->n++] = value;
		break;
	case OPT_U64:
		ok = text_parse_u64(
			 value, o->max != 0 ? o->max : UINT64_MAX, o->dest) &&
		     *(uint64_t *)o->dest >= o->min;
		break;
	case OPT_REAL:
		ok = text_parse_double(value, o->lo, o->hi, o->dest);
		break;
	}
	return ok ? OPT_GO : bad_number(t, o, value);
}

/* The two tables as getopt wants them; returns the number of entries. */
static size_t
collect(const struct opt_tool *t, const struct opt **all, struct option *longs,
    char *letters)
{
	const struct opt *part[] = {t->table, common};
	size_t n = 0, k = 0;

	letters[k++] = ':';
	for (size_t p = 0; p < ARRAY_LEN(part); p++) {
		for (const struct opt *o = part[p]; o->name != NULL; o++) {
			int has = o->kind != OPT_FLAG;

			if (n == OPT_TABLE_MAX)
				BUG("too many options");
			all[n] = o;
			longs[n] =
			    (struct option){o->name, has, NULL, 1000 + (int)n};
			n++;
			if (o->letter == 0)
				continue;
			letters[k++] = o->letter;
			if (has)
				letters[k++] = ':';
		}
	}
	letters[k] = '\0';
	return n;
}

static const struct opt *
lookup(const struct opt **all, size_t n, int c)
{
	if (c >= 1000 && (size_t)(c - 1000) < n)
		return all[c - 1000];
	for (size_t i = 0; i < n; i++)
		if (all[i]->letter != 0 && all[i]->letter == c)
			return all[i];
	return NULL;
}

/* What was given behind "--" and begins with a dash is a file's name, also for
 * the tools that it is handed on to. */
static char *
as_path(const char *operand)
{
	size_t n = strlen(operand) + 3;
	char *path = malloc(n); /* for as long as argv */

	if (path == NULL)
		BUG("out of memory");
	snprintf(path, n, "./%s", operand);
	return path;
}

/* getopt names a letter, which may stand among others; of a long option it is
 * the word before the next one. */
static int
unknown(const struct opt_tool *t, char **argv)
{
	if (optopt > 0 && optopt < 1000)
		return opt_usage(t, "unknown option: -%c", optopt);
	return opt_usage(t, "unknown option or misused: %s", argv[optind - 1]);
}

int
opt_parse(const struct opt_tool *t, int argc, char **argv, int *first)
{
	const struct opt *all[OPT_TABLE_MAX];
	struct option longs[OPT_TABLE_MAX + 1] = {{0}};
	char letters[2 * OPT_TABLE_MAX + 2];
	size_t n = collect(t, all, longs, letters), left;
	int c, rc;

	tool_start(t->name);
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct opt *o = lookup(all, n, c);

		if (c == ':')
			return opt_usage(
			    t, "%s wants a value", argv[optind - 1]);
		if (o == NULL)
			return unknown(t, argv);
		if ((rc = store(t, o, optarg)) != OPT_GO)
			return rc;
	}
	if (opt_help || opt_version) {
		if (opt_help)
			print_help(t);
		else
			printf("%s %s\n", t->name, tool_version);
		return OPT_DONE;
	}
	for (int i = optind; i < argc; i++)
		if (argv[i][0] == '-' && argv[i][1] != '\0')
			argv[i] = as_path(argv[i]);
	*first = optind;
	left = (size_t)(argc - optind);
	if (left < t->min_operands)
		return opt_usage(t, "an operand is missing");
	if (left > t->max_operands)
		return opt_usage(t, "unexpected operand '%s'",
		    argv[optind + (int)t->max_operands]);
	return OPT_GO;
}

int
opt_choice(const struct opt_tool *tool, const char *option, const char *value,
    const char *const *names, size_t n, size_t *out)
{
	char list[64] = "";
	size_t used = 0;

	for (*out = 0; *out < n; ++*out)
		if (strcmp(names[*out], value) == 0)
			return OPT_GO;
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%s", i != 0 ? ", " : "", names[i]);
	return opt_usage(
	    tool, "--%s cannot be '%s', only %s", option, value, list);
}

bool
opt_is_of(const struct opt *o, const char *method)
{
	size_t n = strlen(method);

	for (const char *p = o->only;
	     p != NULL && (p = strstr(p, method)) != NULL; p += n)
		if ((p == o->only || p[-1] == ' ') &&
		    (p[n] == '\0' || p[n] == ','))
			return true;
	return o->only == NULL;
}
