/* SPDX-License-Identifier: MIT */
/*
 * tracepoint: static tracepoints (USDT). bpftrace, perf, SystemTap and gdb can
 * listen to them in a running program. Without a listener a tracepoint is a
 * nop, but its arguments are computed anyway. So the name in the second one is
 * a pointer in the structure that the first one points to: the listener loads
 * it, and no instruction here. docs/tracing.md lists all tracepoints. Without
 * the header of Debian's systemtap-sdt-dev there are none.
 */
#ifndef MAGRING_TRACEPOINT_H
#define MAGRING_TRACEPOINT_H

#if __has_include(<sys/sdt.h>)
#if defined(__clang__) && !defined(STAP_SDT_ARG_CONSTRAINT)
/* clang would copy an argument that may lie in memory to the stack. */
#define STAP_SDT_ARG_CONSTRAINT nr
#endif
#include <sys/sdt.h>
#ifdef __clang__
/* Its macros pass nothing for a "...", which C11 forbids and clang reports. */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define TRACEPOINT2(name, a, b) DTRACE_PROBE2(magring, name, a, b)
#define TRACEPOINT3(name, a, b, c) DTRACE_PROBE3(magring, name, a, b, c)
#define TRACEPOINT4(name, a, b, c, d) DTRACE_PROBE4(magring, name, a, b, c, d)
#else
#define TRACEPOINT2(name, a, b) ((void)(a), (void)(b))
#define TRACEPOINT3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define TRACEPOINT4(name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

#endif
