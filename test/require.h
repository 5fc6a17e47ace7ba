/* SPDX-License-Identifier: MIT */
/*
 * require: what a program without a framework requires, or it ends with a line.
 */
#ifndef MAGRING_TEST_REQUIRE_H
#define MAGRING_TEST_REQUIRE_H

#include <stdio.h>
#include <unistd.h>

/* _exit(): there may be no more exit handlers that work. */
#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1); \
		} \
	} while (0)

#endif
