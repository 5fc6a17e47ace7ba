/* SPDX-License-Identifier: MIT */
/*
 * realign: functions that a cancelled thread of musl calls.
 *
 * If a thread is cancelled in a system call, musl 1.2.3 calls its cleanup
 * handlers and destructors on a stack that is not aligned to 16 bytes.
 * Compilers rely on that alignment. These functions restore it.
 */
#ifndef MAGRING_REALIGN_H
#define MAGRING_REALIGN_H

#ifdef __x86_64__
#define REALIGN_STACK __attribute__((force_align_arg_pointer))
#else
#define REALIGN_STACK
#endif

#endif
