/* SPDX-License-Identifier: MIT */
/* What plugin.c offers to plugin_host.c. */
#ifndef PLUGIN_H
#define PLUGIN_H

struct plugin {
	/* Make a pool, use it, and destroy it. */
	void (*work)(void);
	/*
	 * Have threads at work until the process is about to end, and check
	 * then.
	 */
	void (*work_until_exit)(void);
};

extern const struct plugin plugin;

#endif
