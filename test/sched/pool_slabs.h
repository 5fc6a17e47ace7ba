/* SPDX-License-Identifier: MIT */
/*
 * pool_slabs: a small pool, and a judge of what it hands out, for programs.
 *
 * The judge notes which thread holds which bytes of the pool's memory. A slab
 * that two threads hold fails the run. So does one that a thread gets without
 * knowing that the last holder was done with it.
 */
#ifndef MAGRING_SCHED_POOL_SLABS_H
#define MAGRING_SCHED_POOL_SLABS_H

#include "tuned.h"

#include "engine.h"
#include "magring.h"
#include "pool/pool.h"

#define SLABS_UNITS 4096
#define SLABS_SMALL ((size_t)64) /* payload of class 0 */

struct slabs_options {
	size_t bytes;       /* of slabs: the budget */
	size_t max_payload; /* 0: SLABS_SMALL */
	uint32_t rounds;    /* of a magazine; 0: as it is */
	uint32_t chunk;     /* slabs carved at a time; 0: as it is */
	uint32_t cooling;   /* places for cooling magazines, one each; 0: none */
	bool several;       /* classes: a refusal may be right */
	uint64_t sample;    /* mean bytes between samples; 0: none */
	bool checked;       /* see checked.c */
	/* Bytes of metadata that are left; 0: enough. */
	size_t metadata;
};

/* Threads that wait for memory take turns in this run. */
void slabs_take_turns(void);
/* The pool of the run. */
struct magring_pool *slabs_create(const struct slabs_options *options);
struct magring_pool *slabs_pool(void);
/* The cache of the thread that came to the pool as the first (0) or so. */
struct cache *slabs_cache(unsigned int index);
/* So many more threads can have caches, and metadata has so many bytes left. */
void slabs_leave_metadata(unsigned int caches, size_t bytes);

/* Allocate and free, judged. */
int slabs_take(struct magring_message *ret_message, size_t payload, int64_t timeout_ns);
void slabs_free(struct magring_message *message);
/* Returns how many, as the call itself does. */
int slabs_take_batch(struct magring_message *ret_messages, size_t count, size_t payload,
	int64_t timeout_ns);
void slabs_free_batch(struct magring_message *messages, size_t count);
/* Before and after any other call on the pool. */
void slabs_begin_call(void);
void slabs_end_call(void);

/* Hand a message to any other thread, as a queue would. */
void slabs_give(struct magring_message *message);
bool slabs_receive(struct magring_message *ret_message);
/* The caller knows what other threads have told. */
void slabs_tell(void);
void slabs_listen(void);

/* Slabs of payload that the budget has room for, and bytes that are held. */
size_t slabs_room(size_t payload);
size_t slabs_held(void);

/* A thread of the program. It is in a call until it has ended. */
unsigned int slabs_spawn(const char *name, void (*run)(void *), void *context);
/* Wait until no thread goes on. The dead go on. What all did is known then. */
void slabs_stand_still(void);
/* The same; and no thread may be asleep. */
void slabs_wait(void);
/* Messages that are left are freed, all slabs can be had again; destroy. */
void slabs_end(size_t payload);
/* Statistics that hold at any moment. */
void slabs_check_statistics(void);
void slabs_check_class(unsigned int class_index);

#endif
