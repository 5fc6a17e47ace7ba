/* SPDX-License-Identifier: MIT */
#include "core/argument.h"

#include <err.h>
#include <stdlib.h>

unsigned long argument_number(const char *option, const char *text, unsigned long least,
	unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || *text == '-' || value < least || value > most)
		errx(2, "--%s %s: not a number from %lu to %lu", option, text, least, most);
	return value;
}

double argument_real(const char *option, const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= least && value <= most))
		errx(2, "--%s %s: not a number from %g to %g", option, text, least, most);
	return value;
}
