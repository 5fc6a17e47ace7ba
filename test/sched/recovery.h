/* SPDX-License-Identifier: MIT */
/* recovery: what programs of recovery have in common. */
#ifndef MAGRING_SCHED_RECOVERY_H
#define MAGRING_SCHED_RECOVERY_H

#include "history.h"

extern struct recovery {
	struct magring_queue *queue;
	unsigned int calls; /* of recovery_sends(), recovery_recvs() */
	unsigned int batch; /* messages of a call, at most; 0: single calls */
} recovery;

/* A queue that has received something or not. */
void recovery_begin(size_t capacity, uint64_t flags);
/* All stand still. Then those that have stopped go on, and all end. */
void recovery_end(void);

/* Threads: with a call that does not wait, or with several. */
void recovery_send(void *unused);
void recovery_recv(void *unused);
void recovery_sends(void *unused);
void recovery_recvs(void *unused);
/* After a while all threads that have stopped go on. */
void recovery_resume(void *unused);

#endif
