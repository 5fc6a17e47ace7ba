/* SPDX-License-Identifier: MIT */
#ifndef PERF_STATUS_H
#define PERF_STATUS_H

/* A line of /proc/self/status ("VmHWM", the most memory that was resident), in bytes. */
double status_bytes(const char *key);

#endif
