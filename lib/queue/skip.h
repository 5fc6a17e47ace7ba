/* SPDX-License-Identifier: MIT */
/*
 * skip: how an end of the ring gets past cells of stopped threads. See skip.c.
 */
#ifndef MAGRING_SKIP_H
#define MAGRING_SKIP_H

#include "queue/ring_layout.h"

/*
 * Threads that have claimed cells from position on, and have not finished, are
 * in the way of a side's end. At `until` the way is clear again. Challenge the
 * owners, claim_max cells at a time, and skip the positions of those that are
 * stopped. Stop at the first cell that is finished.
 */
void skip_stopped(struct ring *ring, uint64_t position, uint64_t until, enum side side);

/*
 * Whether pops of the calling thread have skipped positions. Takes the mark
 * away: the next call tells of later pops. If its last pop returned -EAGAIN,
 * senders may have room and no thread has told them: another thread takes the
 * message behind.
 */
bool ring_take_skipped(void);

#endif
