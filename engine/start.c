/* SPDX-License-Identifier: MIT */
#include "engine/start.h"

#include "base/file.h"
#include "base/json.h"
#include "base/ranks.h"
#include "engine/blas.h"

#include <omp.h>
#include <unistd.h>

/* Whether the variable was not yet what is wanted; what the user has set
 * stays. */
static bool
settle(const char *name, const char *value)
{
	return getenv(name) == NULL && setenv(name, value, 1) == 0;
}

void
start_environment(char **argv)
{
	bool change = settle("OMP_WAIT_POLICY", "passive");

	change = settle("OPENBLAS_NUM_THREADS", "1") || change;
	if (change)
		execv("/proc/self/exe", argv);
	/* not fatal: it only costs time */
}

/* Ranks that multiply otherwise would let the result depend on who computes
 * what. */
static int
same_kernels(struct err *e)
{
	json_t *j = blas_json();
	char *text = json_dumps(j, JSON_COMPACT);
	struct digest d;

	json_decref(j);
	if (text == NULL)
		BUG("json_dumps");
	digest_mem(text, strlen(text), &d);
	free(text);
	return ranks_same(&d, "kernels of OpenBLAS", e);
}

int
start_engine(uint64_t threads, struct err *e)
{
	int rc;

	if (threads != 0)
		omp_set_num_threads((int)threads);
	rc = blas_init(e);
	return rc != 0 || ranks_count() == 1 ? rc : same_kernels(e);
}

/* The processor's name, as /proc/cpuinfo has it. */
static void
cpu_name(char *out, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(out, size, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *at = strstr(line, ": ");

		if (strncmp(line, "model name", 10) != 0 || at == NULL)
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(out, size, "%s", at + 2);
		break;
	}
	if (f != NULL)
		fclose(f);
}

json_t *
start_json(void)
{
	json_t *j = json_object();
	char cpu[128];

	cpu_name(cpu, sizeof(cpu));
	json_put(j, "cpu", json_text(cpu));
	json_put(j, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_put(j, "threads", json_integer(omp_get_max_threads()));
	json_put(j, "blas", blas_json());
	return j;
}
