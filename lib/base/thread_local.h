/* SPDX-License-Identifier: MIT */
/*
 * thread_local: thread-local variables that are reached without a call.
 *
 * The initial-exec model takes the variables out of the static TLS area, of
 * which glibc keeps some for libraries that are loaded late. musl keeps none:
 * there dlopen() would refuse the library, so the compiler chooses the model.
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
