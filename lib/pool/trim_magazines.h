/* SPDX-License-Identifier: MIT */
/*
 * trim_magazines: pages of empty magazines, back to the system.
 */
#ifndef MAGRING_TRIM_MAGAZINES_H
#define MAGRING_TRIM_MAGAZINES_H

#include "pool/depot.h"

/* A list of the trimming thread's own, linked like a stack. */
static inline void trim_keep(ck_stack_entry_t **list, ck_stack_entry_t *entry)
{
	/* Other threads may still read the link: see tagged_stack.h. */
	ck_pr_store_ptr(&entry->next, *list);
	*list = entry;
}

static inline void *trim_next(ck_stack_entry_t **list)
{
	ck_stack_entry_t *entry = *list;
	if (entry != NULL)
		*list = entry->next;
	return entry;
}

/* Pages of metadata now. trim_magazines() needs a zero byte for each. */
size_t trim_magazine_pages(const struct depot *depot);
/* Returns: the bytes that the system got. */
size_t trim_magazines(struct depot *depot, unsigned char *empty, size_t pages);

#endif
