/* SPDX-License-Identifier: MIT */
/*
 * thread_local: thread-local variables that are reached without a call.
 *
 * The initial-exec model puts the variables into the static TLS area. glibc
 * keeps some of that area for libraries that are loaded late. musl keeps none,
 * and its dlopen() would refuse the library. There the compiler chooses the
 * model.
 */
#ifndef MAGRING_THREAD_LOCAL_H
#define MAGRING_THREAD_LOCAL_H

#include <features.h>

#ifdef __GLIBC__
#define THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define THREAD_LOCAL _Thread_local
#endif

#endif
