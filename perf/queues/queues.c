/* SPDX-License-Identifier: MIT */
/*
 * The queues that are built in, in the order of the report. Which they are, says meson.build.
 */
#include "core/perf.h"

#include "queues_built.h"

#include <stddef.h>

#define DECLARE(name) extern const struct queue queue_##name;
QUEUES_BUILT(DECLARE)

#define ENTER(name) &queue_##name,
const struct queue *const queues[] = { QUEUES_BUILT(ENTER) NULL };
