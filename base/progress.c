/* SPDX-License-Identifier: MIT */
#include "base/progress.h"

#include "base/tool.h"

#include <time.h>
#include <unistd.h>

#define BAR_WIDTH   24
#define PLAIN_EVERY 10.0
#define TTY_EVERY   0.1

double
progress_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void
progress_begin(struct progress *p, const char *label, uint64_t total)
{
	*p = (struct progress){.label = label, .total = total};
	p->start = progress_clock();
	p->last = p->start;
	p->tty = tool_terminal(STDERR_FILENO);
	p->on = !tool_quiet;
}

void
progress_from(struct progress *p, uint64_t done)
{
	p->from = done;
	p->start = progress_clock();
}

static void
draw(struct progress *p, uint64_t done, double now, const char *note)
{
	double share = p->total != 0 ? (double)done / (double)p->total : 1.0;
	double now_done = (double)(done - MIN(done, p->from));
	double left = (double)(p->total - MIN(p->total, done));
	double eta = now_done > 0 ? (now - p->start) * left / now_done : 0;
	char bar[BAR_WIDTH + 1];

	for (size_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = (double)i < share * BAR_WIDTH ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	if (p->tty)
		fprintf(stderr, "\r%-16s [%s] %3.0f%% ETA %.0f s %s\x1b[K",
		    p->label, bar, 100 * share, eta, note != NULL ? note : "");
	else
		fprintf(stderr, "%s: %" PRIu64 "/%" PRIu64 ", ETA %.0f s %s\n",
		    p->label, done, p->total, eta, note != NULL ? note : "");
	p->drawn = true;
}

void
progress_step(struct progress *p, uint64_t done, const char *note)
{
	double now = progress_clock();

	if (!p->on || now - p->last < (p->tty ? TTY_EVERY : PLAIN_EVERY))
		return;
	p->last = now;
	draw(p, done, now, note);
}

void
progress_end(struct progress *p)
{
	if (p->on && p->tty && p->drawn)
		fprintf(stderr, "\r\x1b[K");
	p->on = false;
}
