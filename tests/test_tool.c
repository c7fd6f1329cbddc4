/* SPDX-License-Identifier: MIT
 * What a terminal is taken for.
 */
#define _GNU_SOURCE
#include "tests/test.h"

#include "base/tool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct look {
	const char *name, *term, *no_color; /* NULL: not set */
	bool cursor, colour;
};

static const struct look looks[] = {
    {"a terminal", "xterm", NULL, true, true},
    {"one without a name", NULL, NULL, true, true},
    {"without colours", "xterm", "1", true, false},
    {"NO_COLOR is empty", "xterm", "", true, true},
    {"a dumb one", "dumb", NULL, false, false},
};

static void
set(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void
test_look(void **state)
{
	const struct look *l = *state;
	int fd = posix_openpt(O_RDWR | O_NOCTTY);

	if (fd < 0)
		skip(); /* no terminals here */
	set("TERM", l->term);
	set("NO_COLOR", l->no_color);
	assert_int_equal(tool_terminal(fd), l->cursor);
	assert_int_equal(tool_colour(fd), l->colour);
	close(fd);
	fd = open("/dev/null", O_RDWR);
	assert_false(tool_terminal(fd));
	assert_false(tool_colour(fd));
	close(fd);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(looks)];

	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		tests[i] = (struct CMUnitTest)ROW(test_look, looks[i]);
	return cmocka_run_group_tests_name("tool", tests, NULL, NULL);
}
