/* SPDX-License-Identifier: MIT */
/* What follows an option on a command line; the program ends if it makes no sense. */
#ifndef PERF_ARGUMENT_H
#define PERF_ARGUMENT_H

unsigned long argument_number(const char *option, const char *text, unsigned long least,
	unsigned long most);
double argument_real(const char *option, const char *text, double least, double most);

#endif
