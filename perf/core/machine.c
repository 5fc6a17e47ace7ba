/* SPDX-License-Identifier: MIT */
/*
 * Where and with what this was measured, from the usual places. What cannot be
 * read stays empty.
 */
#include "core/machine.h"

#include "core/cpus.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The rest of the first line that begins with the key, after the separator. */
static void read_value(const char *path, const char *key, const char *separators, char *ret,
	size_t size)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	ret[0] = '\0';
	if (file == NULL)
		return;
	while (ret[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		char *value = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		value += strspn(value, separators);
		value[strcspn(value, "\"\n")] = '\0';
		snprintf(ret, size, "%s", value);
	}
	fclose(file);
}

void machine_read(struct machine *machine)
{
	time_t now = time(NULL);
	struct utsname name;
	char flags[4096];
	struct tm date;

	*machine = (struct machine){ 0 };
	strftime(machine->date, sizeof(machine->date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &date));
	read_value("/proc/cpuinfo", "model name", "\t :", machine->cpu, sizeof(machine->cpu));
	read_value("/etc/os-release", "PRETTY_NAME", "=\"", machine->system,
		sizeof(machine->system));
	read_value("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", "",
		machine->governor, sizeof(machine->governor));
	read_value("/proc/cpuinfo", "flags", "\t :", flags, sizeof(flags));
	if (flags[0] != '\0')
		snprintf(machine->hypervisor, sizeof(machine->hypervisor), "%s",
			strstr(flags, " hypervisor") != NULL ? "yes" : "no");
	if (uname(&name) == 0) {
		snprintf(machine->kernel, sizeof(machine->kernel), "%.40s %.40s %.40s",
			name.sysname, name.release, name.machine);
		if (machine->cpu[0] == '\0')
			snprintf(machine->cpu, sizeof(machine->cpu), "%.40s", name.machine);
	}
	snprintf(machine->libc, sizeof(machine->libc), "glibc %s", gnu_get_libc_version());
#ifdef __clang__
	snprintf(machine->compiler, sizeof(machine->compiler), "%s", __VERSION__);
#else
	snprintf(machine->compiler, sizeof(machine->compiler), "gcc %s", __VERSION__);
#endif
	machine->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	machine->allowed = cpus_allowed();
	machine->memory_mb = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1e6;
}
