/* SPDX-License-Identifier: MIT */
/* `perf stat --control` that counts in windows only; see control.c. */
#ifndef PERF_CONTROL_H
#define PERF_CONTROL_H

#include <stdbool.h>

/* Open what --perf-control says: FIFO or FIFO,ACK. */
void control_open(const char *fifos);

/* Turn perf's events on or off, if it was opened. Returns when perf has said that it did. */
void control_turn(bool on);

#endif
