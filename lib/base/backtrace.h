/* SPDX-License-Identifier: MIT */
/*
 * backtrace: the stack of the calling thread, if the C library can tell it.
 *
 * glibc has backtrace(), musl does not.
 */
#ifndef MAGRING_BACKTRACE_H
#define MAGRING_BACKTRACE_H

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#else
#define HAS_BACKTRACE 0

static inline int backtrace(void **ret_frames, int size)
{
	(void)ret_frames, (void)size;
	return 0;
}
#endif

#endif
