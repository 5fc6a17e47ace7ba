/* SPDX-License-Identifier: MIT */
/* The progress line; see progress.h. */
#include "core/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char last_stage[64];
static bool open_line;

void progress_show(const char *stage, const char *detail, unsigned int done, unsigned int all)
{
	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r\033[K%3u %%  %s: %s", done * 100 / all, stage, detail);
		open_line = true;
	} else if (strncmp(last_stage, stage, sizeof(last_stage) - 1) != 0) {
		fprintf(stderr, "%3u %%  %s\n", done * 100 / all, stage);
		snprintf(last_stage, sizeof(last_stage), "%s", stage);
	}
	fflush(stderr);
}

void progress_end(void)
{
	if (open_line)
		fputs("\r\033[K", stderr);
	open_line = false;
}
