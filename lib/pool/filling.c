/* SPDX-License-Identifier: MIT */
/*
 * Memory filled and compared, at the speed of memset() and memcmp().
 */
#include "pool/filling.h"

#include <string.h>

#include "base/sanitizer.h"
#include "base/tagged_stack.h"
#include "pool/size_class.h"

#ifdef SANITIZER
void filling_fill(void *from, unsigned char with, size_t bytes)
{
	(void)from, (void)with, (void)bytes;
}

const void *filling_changed(const void *from, unsigned char with, size_t bytes)
{
	return (void)from, (void)with, (void)bytes, NULL;
}

const void *filling_changed_never(const void *from, unsigned char with, size_t bytes)
{
	return (void)from, (void)with, (void)bytes, NULL;
}

uint64_t filling_sum(const void *from, size_t bytes)
{
	return (void)from, bytes;
}
#else
void filling_fill(void *from, unsigned char with, size_t bytes)
{
	memset(from, with, bytes);
}

const void *filling_changed(const void *from, unsigned char with, size_t bytes)
{
	const unsigned char *byte = from;
	/* Each byte is like the next, and the first is right. */
	if (bytes == 0 || (*byte == with && memcmp(byte, byte + 1, bytes - 1) == 0))
		return NULL;
	while (*byte == with)
		byte++;
	return byte;
}

const void *filling_changed_never(const void *from, unsigned char with, size_t bytes)
{
	const unsigned char *unit = from, *end = unit + bytes;
	size_t link = sizeof(ck_stack_entry_t);
	for (; unit < end; unit += SLAB_UNIT) {
		unsigned char filled = unit[link] == 0 ? 0 : with;
		const void *at = filling_changed(unit + link, filled, SLAB_UNIT - link);
		if (at != NULL)
			return at;
	}
	return NULL;
}

/* FNV-1a, by words. */
uint64_t filling_sum(const void *from, size_t bytes)
{
	const uint64_t prime = 0x100000001b3;
	const unsigned char *byte = from;
	uint64_t sum = 0xcbf29ce484222325, word;
	for (; bytes >= sizeof(word); bytes -= sizeof(word), byte += sizeof(word)) {
		memcpy(&word, byte, sizeof(word));
		sum = (sum ^ word) * prime;
	}
	word = 0;
	memcpy(&word, byte, bytes);
	return (sum ^ word) * prime;
}
#endif
