/* SPDX-License-Identifier: MIT */
/*
 * In place of the system's: a tracepoint calls traced.c with its own name, the
 * number of its arguments, and the second of them, which is a name too.
 */
#ifndef TEST_TRACED_SDT_H
#define TEST_TRACED_SDT_H

void traced(const char *tracepoint, int arguments, const char *name);

#define DTRACE_PROBE2(provider, tracepoint, a, b) ((void)(a), traced(#tracepoint, 2, b))
#define DTRACE_PROBE3(provider, tracepoint, a, b, c) \
	((void)(a), (void)(c), traced(#tracepoint, 3, b))
#define DTRACE_PROBE4(provider, tracepoint, a, b, c, d) \
	((void)(a), (void)(c), (void)(d), traced(#tracepoint, 4, b))

#endif
