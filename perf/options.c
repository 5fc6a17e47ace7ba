/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "options.h"

#include "argument.h"
#include "memory.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"magring-perf [OPTION ...]\n"
	"\n"
	"Sends a file's records and the profiled workload through magring and through a\n"
	"C baseline that does what the profiled Go code did, and compares them. Then the\n"
	"ring alone with a plain one, which a stopped thread stops.\n"
	"\n"
	"  --input FILE     records to replay: stanzas or paragraphs parted by blank\n"
	"                   lines, otherwise lines (/var/lib/dpkg/status)\n"
	"  --json FILE      write everything that was measured there\n"
	"  --rounds N       how often each measurement is repeated (7)\n"
	"  --seconds S      how long one measurement takes (0.25)\n"
	"  --shapes LIST    senders x receivers of channels (1x1,2x2)\n"
	"  --ring-shapes LIST  the same of rings alone (1x1,2x2,4x4,8x8)\n"
	"  --parts LIST     what to measure (channels,rings,latency): whole channels, rings\n"
	"                   alone, how long messages take with more threads than CPUs\n"
	"  --capacity N     messages that a channel holds (4096; rings alone: 1024)\n"
	"  --seed N         of the random order of measurements (1)\n"
	"  --canary         spoil what is sent: the run must then fail\n"
	"  --help           this text\n"
	"\n"
	"Ends with 0, with 1 when what was received is not what was sent, and with 2 when\n"
	"it could not measure. A bar that is not met is no failure.\n";

static void shapes(struct shapes *shapes, const char *option, const char *list)
{
	const char *word = list;

	shapes->count = 0;
	for (;;) {
		struct shape shape;
		int length;

		if (sscanf(word, "%ux%u%n", &shape.senders, &shape.receivers, &length) != 2 ||
			shape.senders < 1 || shape.senders > 256 || shape.receivers < 1 ||
			shape.receivers > 256 || (word[length] != ',' && word[length] != '\0'))
			errx(2, "--%s %s: not like 1x1,2x2, with 1 to 256 threads a side", option,
				list);
		if (shapes->count == SHAPES_MAX)
			errx(2, "--%s %s: more than %d", option, list, SHAPES_MAX);
		shapes->list[shapes->count++] = shape;
		if (word[length] == '\0')
			return;
		word += length + 1;
	}
}

static void parts(struct options *options, const char *list)
{
	const char *word = list;

	for (unsigned int p = 0; p < PARTS; p++)
		options->parts[p] = false;
	for (;;) {
		size_t length = strcspn(word, ",");
		unsigned int p = 0;

		while (p < PARTS &&
			(strlen(part_names[p]) != length ||
				strncmp(word, part_names[p], length) != 0))
			p++;
		if (p == PARTS)
			errx(2, "--parts %s: not some of channels,rings,latency", list);
		options->parts[p] = true;
		if (word[length] == '\0')
			return;
		word += length + 1;
	}
}

void options_read(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "input", required_argument, NULL, 'i' },
		{ "json", required_argument, NULL, 'j' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "shapes", required_argument, NULL, 'x' },
		{ "ring-shapes", required_argument, NULL, 'a' },
		{ "parts", required_argument, NULL, 'p' },
		{ "capacity", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'd' },
		{ "canary", no_argument, NULL, 'y' },
		{ "only", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct options){
		.input = "/var/lib/dpkg/status",
		.seconds = 0.25,
		.rounds = 7,
		.seed = 1,
		.capacity = 4096,
		.shapes = { { { 1, 1 }, { 2, 2 } }, 2 },
		.ring_shapes = { { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 8 } }, 4 },
		.parts = { true, true, true },
		.arguments = argv,
		.only = MEMORY_NONE,
	};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'i':
			options->input = optarg;
			break;
		case 'j':
			options->json = optarg;
			break;
		case 'r':
			options->rounds = (unsigned int)argument_number("rounds", optarg, 1, 10000);
			break;
		case 's':
			options->seconds = argument_real("seconds", optarg, 0.01, 3600);
			break;
		case 'x':
			shapes(&options->shapes, "shapes", optarg);
			break;
		case 'a':
			shapes(&options->ring_shapes, "ring-shapes", optarg);
			break;
		case 'p':
			parts(options, optarg);
			break;
		case 'c':
			options->capacity = argument_number("capacity", optarg, 2, 1UL << 28);
			break;
		case 'd':
			options->seed = argument_number("seed", optarg, 0, UINT32_MAX);
			break;
		case 'y':
			options->canary = true;
			break;
		case 'o': /* this program's own, see memory.c */
			options->only = (int)argument_number("only", optarg, 0, MEMORY_FILL);
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs("--help lists the options.\n", stderr);
			exit(2);
		}
	}
	if (optind != argc)
		errx(2, "%s: not an option; --help lists them", argv[optind]);
}
