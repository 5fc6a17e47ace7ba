/* SPDX-License-Identifier: MIT */
/*
 * Event counters of all threads, on during windows only.
 *
 * Each counter is opened once, for the main thread, before there is another, and is inherited by
 * every thread made afterwards, whoever makes it. Turning the main thread's on or off does the
 * same to all heirs, and reading it adds theirs up, those of ended threads too. (A group would be
 * counted at exactly the same time, but Linux reads no groups of inherited counters. If
 * the processor has too few counters, they take turns and are scaled here.)
 *
 * Modified-line hits are loads that found the line changed in the cache of another core: what a
 * queue between cores is made of. Processors call it by different numbers, so it is there
 * only for those known here: Intel's cores since Haswell (MEM_LOAD_L3_HIT_RETIRED.XSNP_HITM, since Ice
 * Lake called XSNP_FWD), and AMD's since Zen 3 (LS_DMND_FILLS_FROM_SYS from a cache of the same or
 * another core complex, which counts unmodified lines of the shared cache as well).
 */
#include "core/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const counter_names[COUNTERS] = {
	"cycles",
	"instructions",
	"cache_misses",
	"modified_line_hits",
	"context_switches",
	"page_faults",
};

struct event {
	uint32_t type;
	uint64_t config;
};

/* As the kernel fills it in. */
struct reading {
	uint64_t value;
	uint64_t enabled;
	uint64_t running;
};

static int files[COUNTERS] = { -1, -1, -1, -1, -1, -1 };
static struct reading starts[COUNTERS];
static int reason;

/* 0 if this processor is not known. */
static uint64_t modified_line_hits(void)
{
	static const unsigned int small_intel[] = {
		0x37,
		0x4a,
		0x4c,
		0x4d,
		0x5a,
		0x5c,
		0x5f,
		0x7a,
		0x86,
		0x96,
		0x9c,
		0xaf,
		0xb6,
		0xbe,
	};
	FILE *file = fopen("/proc/cpuinfo", "re");
	unsigned int family = 0;
	unsigned int model = 0;
	bool intel = false;
	bool amd = false;
	char line[512];

	if (file == NULL)
		return 0;
	/* The first processor's lines, to the blank one. */
	while (fgets(line, sizeof(line), file) != NULL && line[0] != '\n') {
		intel = intel || strstr(line, "GenuineIntel") != NULL;
		amd = amd || strstr(line, "AuthenticAMD") != NULL;
		sscanf(line, "cpu family : %u", &family);
		sscanf(line, "model : %u", &model);
	}
	fclose(file);
	for (size_t i = 0; i < sizeof(small_intel) / sizeof(small_intel[0]); i++)
		if (model == small_intel[i])
			intel = false;
	if (intel && family == 6 && model >= 0x3c)
		return 0x04d2;
	if (amd && family >= 0x19)
		return 0x1643;
	return 0;
}

static int open_event(const struct event *event)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = event->type,
		.config = event->config,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.disabled = 1,
		.inherit = 1,
		.exclude_hv = 1,
	};
	long file = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (file < 0 && (errno == EACCES || errno == EPERM)) {
		attributes.exclude_kernel = 1; /* without privileges: user space alone */
		file = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return (int)file;
}

void counters_open(void)
{
	const struct event events[COUNTERS] = {
		{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
		{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
		{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
		{ PERF_TYPE_RAW, modified_line_hits() },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
		{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	};

	for (unsigned int i = 0; i < COUNTERS; i++) {
		if (events[i].type == PERF_TYPE_RAW && events[i].config == 0)
			continue;
		files[i] = open_event(&events[i]);
		if (i == 0 && files[i] < 0)
			reason = errno;
	}
}

bool counters_of_processor(const char **ret_reason)
{
	if (files[0] >= 0)
		return true;
	*ret_reason = reason == ENOENT || reason == ENODEV || reason == EOPNOTSUPP
		? "this machine offers none, as most virtual ones"
		: strerror(reason);
	return false;
}

static struct reading read_event(int file)
{
	struct reading reading = { 0 };

	if (read(file, &reading, sizeof(reading)) != sizeof(reading))
		return (struct reading){ 0 };
	return reading;
}

void counters_start(void)
{
	for (unsigned int i = 0; i < COUNTERS; i++) {
		if (files[i] < 0)
			continue;
		starts[i] = read_event(files[i]);
		ioctl(files[i], PERF_EVENT_IOC_ENABLE, 0);
	}
}

void counters_stop(struct counted *ret_counted)
{
	for (unsigned int i = 0; i < COUNTERS; i++)
		if (files[i] >= 0)
			ioctl(files[i], PERF_EVENT_IOC_DISABLE, 0);
	for (unsigned int i = 0; i < COUNTERS; i++) {
		struct reading now;
		double enabled;
		double running;

		ret_counted->events[i] = NAN;
		if (files[i] < 0)
			continue;
		now = read_event(files[i]);
		enabled = (double)(now.enabled - starts[i].enabled);
		running = (double)(now.running - starts[i].running);
		if (running > 0)
			ret_counted->events[i] =
				(double)(now.value - starts[i].value) * enabled / running;
	}
}
