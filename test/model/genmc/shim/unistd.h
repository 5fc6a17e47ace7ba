/* SPDX-License-Identifier: MIT */
/* Instead of the system's: system calls by name. */
#include <stddef.h>
#include <stdint.h>

#define syscall(number, ...) shim_##number(__VA_ARGS__)

struct timespec;
long shim_SYS_futex(uint32_t *futex, int operation, uint32_t value, const struct timespec *deadline,
	void *unused, uint32_t bits);
long shim_SYS_read(int fd, void *buffer, size_t bytes);
long shim_SYS_write(int fd, const void *buffer, size_t bytes);
int close(int fd);
