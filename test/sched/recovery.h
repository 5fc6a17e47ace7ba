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

/* A queue to which so much was sent; recovery_send() and others make one call. */
struct ring *recovery_given(size_t capacity, uint64_t flags, unsigned int sent);
/* A queue that has received something or not. */
void recovery_begin(size_t capacity, uint64_t flags);
/* All stand still. Then those that have stopped go on, and all end. */
void recovery_end(void);

/* Calls that do not wait, of single messages. */
int recovery_one(bool send);
void recovery_some(bool send, unsigned int calls);

/* Threads: with a call that does not wait, or with several. */
void recovery_send(void *unused);
void recovery_recv(void *unused);
void recovery_sends(void *unused);
void recovery_recvs(void *unused);
unsigned int recovery_spawn(bool send);
/* After a while all threads that have stopped go on. */
void recovery_resume(void *unused);

/* A thread goes on alone and stops: after so many steps, or by chance fewer. */
void recovery_run(unsigned int thread, unsigned int steps);
void recovery_go_on(unsigned int thread, unsigned int most);
/* The same, when a word has changed. */
void recovery_run_until_changed(unsigned int thread, const _Atomic(uint64_t) *word);
/* A new thread that has stopped right after its claim. */
unsigned int recovery_stop_after_claim(bool send);
/* A word of the ring, as it is in memory. */
uint64_t recovery_word(const _Atomic(uint64_t) *word);

#endif
