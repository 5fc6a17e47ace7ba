/* SPDX-License-Identifier: MIT */
/*
 * history: makes calls on the one queue of a run, and keeps what is asked and
 * answered, for the judge.
 *
 * Messages carry 1, 2, 3, ... and nothing else. Beside them goes a word of the
 * program's own, written before the send and read after the receive.
 */
#ifndef MAGRING_SCHED_HISTORY_H
#define MAGRING_SCHED_HISTORY_H

#include "magring.h"
#include "scheduler.h"

#define HISTORY_BATCH 10 /* messages of a call, at most */
#define HISTORY_CALLS 40
#define HISTORY_VALUES 64

void history_begin(struct magring_queue *queue);

/* A timeout: magring_try_send() and others, whose -EAGAIN is judged no answer. */
#define HISTORY_POLL INT64_MIN

/* As the calls of magring.h. Messages are new ones, and those that were not
 * sent are dropped. */
int history_send(int64_t timeout_ns);
int history_send_batch(size_t count, int64_t timeout_ns);
int history_recv(int64_t timeout_ns);
int history_recv_batch(size_t count, int64_t timeout_ns);
void history_close(void);

/* Whether there is room to note so many more messages and refusals. */
bool history_has_room(size_t messages);

/* Messages certainly sent, and received, so far; and whether close has begun. */
unsigned int history_sent(void);
unsigned int history_received(void);
bool history_is_closed(void);
/* Whether a close has ended. */
bool history_has_closed(void);
/* What threads that have stopped in a send (receive) may have sent besides. */
unsigned int history_open(bool send);
/* Whether a thread is in a send (receive) that has not ended. */
bool history_is_in(unsigned int thread, bool send);

/*
 * Fails the run unless the judge finds an order. Where positions may have been
 * skipped, "full" is not judged: it depends on more than the calls show.
 */
void history_judge(void);

#endif
