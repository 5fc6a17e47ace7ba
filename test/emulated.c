/* SPDX-License-Identifier: MIT */
/*
 * Linked to the Criterion programs of a build that runs under an emulator. Criterion
 * runs each test in a process of its own, which it starts by execve() of the program
 * itself; the kernel could not run that. So here execve() means: by the emulator.
 */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

int execve(const char *path, char *const argv[], char *const envp[])
{
	char *emulated[64] = { (char[]){ EMULATOR }, (char *)path };
	const size_t room = sizeof(emulated) / sizeof(emulated[0]) - 1;
	for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
		if (i + 1 == room) {
			errno = E2BIG;
			return -1;
		}
		emulated[i + 1] = argv[i];
	}
	return execvpe(EMULATOR, emulated, envp);
}
