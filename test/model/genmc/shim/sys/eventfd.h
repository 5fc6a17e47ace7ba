/* SPDX-License-Identifier: MIT */
/* Instead of the system's. */
#include <stdint.h>

#define EFD_CLOEXEC 1
#define EFD_NONBLOCK 2

typedef uint64_t eventfd_t;

int eventfd(unsigned int value, int flags);
