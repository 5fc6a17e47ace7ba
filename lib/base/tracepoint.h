/* SPDX-License-Identifier: MIT */
/*
 * tracepoint: static tracepoints (USDT). bpftrace, perf, SystemTap and gdb can
 * listen to them in a running program. Without a listener a tracepoint is a
 * nop, but its arguments are computed anyway. docs/tracing.md lists all of
 * them. Without the header of Debian's systemtap-sdt-dev there are none.
 */
#ifndef MAGRING_TRACEPOINT_H
#define MAGRING_TRACEPOINT_H

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__
/* Its macros pass nothing for a "...", which C11 forbids and clang reports. */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define TRACEPOINT1(name, a) DTRACE_PROBE1(magring, name, a)
#define TRACEPOINT2(name, a, b) DTRACE_PROBE2(magring, name, a, b)
#define TRACEPOINT3(name, a, b, c) DTRACE_PROBE3(magring, name, a, b, c)
#else
#define TRACEPOINT1(name, a) ((void)(a))
#define TRACEPOINT2(name, a, b) ((void)(a), (void)(b))
#define TRACEPOINT3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
