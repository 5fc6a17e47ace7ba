/* SPDX-License-Identifier: MIT */
/*
 * filling: bytes that are filled, and compared later: see checked.c.
 *
 * Sanitizers find what this does, and do not let the library touch such bytes.
 * So with them nothing is filled, and nothing has changed.
 */
#ifndef MAGRING_FILLING_H
#define MAGRING_FILLING_H

#include <stddef.h>
#include <stdint.h>

void filling_fill(void *from, unsigned char with, size_t bytes);
/* The first byte that is not as it was filled, or NULL. */
const void *filling_changed(const void *from, unsigned char with, size_t bytes);
/*
 * The same for memory that no slab is in. It is zero where the system gave it
 * anew, and else as the last slab left it. A unit may begin with a link.
 */
const void *filling_changed_never(const void *from, unsigned char with, size_t bytes);
/* A number that is likely another one if a byte changes. */
uint64_t filling_sum(const void *from, size_t bytes);

#endif
