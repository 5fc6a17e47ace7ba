/* SPDX-License-Identifier: MIT */
/*
 * What pools and queues have in common: names, and structures with a size.
 */
#include "pool/pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct queue_list queues_without_pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.queues = CDS_LIST_HEAD_INIT(queues_without_pool.queues) };

int pool_check_size(size_t size, size_t known)
{
	return size > known ? -E2BIG : size < known ? -EINVAL : 0;
}

int pool_check_name(const char *wanted)
{
	if (wanted == NULL)
		return 0;
	if (strnlen(wanted, MAGRING_NAME_MAX + 1) > MAGRING_NAME_MAX)
		return -ENAMETOOLONG;
	return utf8_is_valid(wanted) ? 0 : -EINVAL;
}

int pool_name(char *name, const char *wanted, const char *prefix, uint64_t serial)
{
	int rc = pool_check_name(wanted);
	if (rc != 0)
		return rc;
	if (wanted == NULL)
		snprintf(name, MAGRING_NAME_MAX + 1, "%s-%llu", prefix, (unsigned long long)serial);
	else
		strcpy(name, wanted);
	return 0;
}
