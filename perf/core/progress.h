/* SPDX-License-Identifier: MIT */
#ifndef PERF_PROGRESS_H
#define PERF_PROGRESS_H

/*
 * Say on stderr how far the run is: one line that rewrites itself on a
 * terminal, a line for each new stage elsewhere.
 */
void progress_show(const char *stage, const char *detail, unsigned int done, unsigned int all);

/* Make room for other text. */
void progress_end(void);

#endif
