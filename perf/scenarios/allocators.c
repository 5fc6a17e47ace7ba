/* SPDX-License-Identifier: MIT */
/*
 * Allocators of payloads, in the place of queues: they are compared as queues are, but only the
 * scenarios of payload.c know what to do with them. program_form is what the program that
 * measures them is told, see payload/main.c.
 */
#include "core/perf.h"

#include <stddef.h>

#define ALLOCATOR(called, title, comes_from, brings, told, first) \
	const struct queue queue_allocator_##called = { \
		.name = title, \
		.origin = comes_from, \
		.carries = brings, \
		.flags = QUEUE_ALLOCATOR | first, \
		.program_form = told, \
	}

ALLOCATOR(magring, "magring's pool", "this library, by its public calls",
	"a payload; inside the message up to 48 bytes", "magring", QUEUE_FIRST);
ALLOCATOR(static, "static buffers", "the harness: no allocation",
	"pointer to a buffer, used in turn", "static", QUEUE_NO_PEER);
ALLOCATOR(glibc, "malloc of glibc", "the system", "pointer to a payload", "malloc:libc.so", 0);
ALLOCATOR(jemalloc, "jemalloc", "libjemalloc.so.2, preloaded", "pointer to a payload",
	"malloc:libjemalloc.so.2", 0);
ALLOCATOR(mimalloc, "mimalloc", "libmimalloc.so.2, preloaded", "pointer to a payload",
	"malloc:libmimalloc.so.2", 0);
ALLOCATOR(tcmalloc, "tcmalloc", "libtcmalloc_minimal.so.4, preloaded", "pointer to a payload",
	"malloc:libtcmalloc_minimal.so.4", 0);
ALLOCATOR(mempool, "rte_mempool", "DPDK, without huge pages", "pointer to a payload", "mempool", 0);
