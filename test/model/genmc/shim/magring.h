/* SPDX-License-Identifier: MIT */
/*
 * Instead of include/magring.h, unless WHOLE_MESSAGE is defined: a message of one word.
 * The ring copies it as one piece, and whether two threads are at it at once does not
 * depend on its size; checking does.
 */
#ifdef WHOLE_MESSAGE
#include_next <magring.h>
#else
#ifndef MAGRING_H
#define MAGRING_H

#include <stdint.h>

struct magring_message {
	uint64_t private_header;
	uint64_t private_body[0];
};

#endif
#endif
