/* SPDX-License-Identifier: MIT */
/*
 * without_membarrier ENOSYS|EPERM|ENOMEM PROGRAM [ARGUMENT...]: run a program as on a
 * kernel that has no membarrier, or in a container that forbids it, in its own words or
 * as if memory were short. The filter outlives execve(), so the program's constructors
 * see it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SKIPPED = 77 };

static int forbid_membarrier(unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static unsigned int error_of(const char *name)
{
	return strcmp(name, "ENOSYS") == 0    ? ENOSYS
		: strcmp(name, "EPERM") == 0  ? EPERM
		: strcmp(name, "ENOMEM") == 0 ? ENOMEM
					      : 0;
}

int main(int argc, char **argv)
{
	unsigned int error = argc < 3 ? 0 : error_of(argv[1]);
	if (error == 0) {
		fprintf(stderr, "usage: %s ENOSYS|EPERM|ENOMEM PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	if (forbid_membarrier(error) != 0) {
		printf("1..0 # SKIP no seccomp filter: %s\n", strerror(errno));
		return SKIPPED;
	}
	if (syscall(SYS_membarrier, 0, 0, 0) != -1 || errno != (int)error) {
		fprintf(stderr, "membarrier still answers\n");
		return 1;
	}
	setenv("WITHOUT_MEMBARRIER", argv[1], 1);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
