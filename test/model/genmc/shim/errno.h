/* SPDX-License-Identifier: MIT */
/* Instead of the system's, which calls a function to find errno. */
#include <asm/errno.h>

extern _Thread_local int shim_errno;
#define errno shim_errno
