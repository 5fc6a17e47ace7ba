/* SPDX-License-Identifier: MIT */
/*
 * probe: static tracepoints (USDT), which bpftrace, perf, SystemTap and gdb can listen
 * to in a running program. One that nobody listens to is a nop; its arguments are
 * told where they are anyway. docs/tracing.md lists all and has a line for each
 * question. Without Debian's systemtap-sdt-dev there are none.
 */
#ifndef MAGRING_PROBE_H
#define MAGRING_PROBE_H

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#ifdef __clang__
/* Its macros pass nothing for a "...", which C11 forbids: clang says so wherever they are used. */
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
