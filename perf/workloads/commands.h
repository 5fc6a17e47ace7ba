/* SPDX-License-Identifier: MIT */
/*
 * What the program does in a process of its own, when its first argument is the name of one of
 * these; arguments[0] is that name. A status of 1: what was received is wrong.
 */
#ifndef PERF_COMMANDS_H
#define PERF_COMMANDS_H

int payload_main(int count, char **arguments); /* payload/main.c */
int replay_main(int count, char **arguments);
int phases_main(int count, char **arguments);

#endif
