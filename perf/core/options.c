/* SPDX-License-Identifier: MIT */
/* The command line of magring-perf. */
#include "core/options.h"

#include "core/argument.h"
#include "core/worker.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *options_input = "/var/lib/dpkg/status";

static const char help[] =
	"magring-perf [OPTION ...]\n"
	"\n"
	"Measures this library's queues beside others, in the same scenarios in the same run.\n"
	"\n"
	"  --scenarios LIST  only those whose name contains one of these words, as in\n"
	"                    \"throughput,round trip\"\n"
	"  --settings LIST   the same of settings: \"1x1,2x2\"; =1x1 is that name and no other\n"
	"  --queues LIST     the same of queues; ratios are to the first one, this library's\n"
	"  --list            print what there is to choose from\n"
	"  --rounds N        how often each measurement is repeated (7), and as often again\n"
	"                    where the CPUs were not as far apart as in most rounds\n"
	"  --seconds S       how long one measurement takes (0.2)\n"
	"  --minutes M       fit the run into about so long: with shorter measurements first, down\n"
	"                    to 0.02 s, and then with fewer rounds\n"
	"  --quick           a look at everything in two minutes: --rounds 3 --seconds 0.02\n"
	"                    --minutes 2, and two settings of each scenario\n"
	"  --all             print all tables after the verdict; those of one or two settings are\n"
	"                    printed anyway\n"
	"  --input FILE      records to replay: stanzas or paragraphs parted by blank lines,\n"
	"                    otherwise lines (/var/lib/dpkg/status)\n"
	"  --json FILE       write everything that was measured there\n"
	"  --pauses N        where a queue has no waiting calls, look N times at a full or empty one,\n"
	"                    on average, with a pause after each, and then yield; otherwise the\n"
	"                    best wait for each queue is found first\n"
	"  --apart NS        measure only while a cache line takes so long from CPU to CPU, and wait\n"
	"                    until it does: 100 leaves out two threads of one core\n"
	"  --seed N          of the random order of measurements (1)\n"
	"  --no-limits       do not measure what the machine allows without a queue\n"
	"  --perf-control FIFO[,ACK]\n"
	"                    let `perf stat --control` count in measured windows only\n"
	"  --canary[=ERROR]  a queue that does wrong once (damage, lose, repeat, swap) in place of\n"
	"                    the first: the run must then fail\n"
	"  --help            this text\n"
	"\n"
	"Ends with 0, with 1 when what was received is not what was sent, and with 2 when\n"
	"it could not measure.\n";

bool options_match(const char *list, const char *name)
{
	const char *word = list;

	if (list == NULL)
		return true;
	for (;;) {
		size_t length = strcspn(word, ",");
		char part[64];

		snprintf(part, sizeof(part), "%.*s", (int)length, word);
		if (part[0] == '=' ? strcmp(part + 1, name) == 0 : strstr(name, part) != NULL)
			return true;
		if (word[length] == '\0')
			return false;
		word += length + 1;
	}
}

void options_read(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "scenarios", required_argument, NULL, 'c' },
		{ "settings", required_argument, NULL, 't' },
		{ "queues", required_argument, NULL, 'q' },
		{ "list", no_argument, NULL, 'l' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "minutes", required_argument, NULL, 'm' },
		{ "quick", no_argument, NULL, 'o' },
		{ "all", no_argument, NULL, 'A' },
		{ "input", required_argument, NULL, 'i' },
		{ "json", required_argument, NULL, 'j' },
		{ "pauses", required_argument, NULL, 'p' },
		{ "apart", required_argument, NULL, 'a' },
		{ "seed", required_argument, NULL, 'd' },
		{ "no-limits", no_argument, NULL, 'n' },
		{ "perf-control", required_argument, NULL, 'f' },
		{ "canary", optional_argument, NULL, 'y' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	*options = (struct options){ .rounds = 7,
		.seconds = 0.2,
		.seed = 1,
		.limits = true,
		.calibrate = true };
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->scenarios = optarg;
			break;
		case 't':
			options->settings = optarg;
			break;
		case 'q':
			options->queues = optarg;
			break;
		case 'l':
			options->list = true;
			break;
		case 'r':
			options->rounds = (unsigned int)argument_number("rounds", optarg, 1, 1000);
			break;
		case 's':
			options->seconds = argument_real("seconds", optarg, 0.005, 3600);
			break;
		case 'm':
			options->minutes = argument_real("minutes", optarg, 0.05, 6000);
			break;
		case 'o':
			options->rounds = 3;
			options->seconds = 0.02;
			options->minutes = 2;
			options->few = 2;
			break;
		case 'i':
			options_input = optarg;
			break;
		case 'A':
			options->all = true;
			break;
		case 'j':
			options->json = optarg;
			break;
		case 'p':
			waits_set_pauses(
				(unsigned int)argument_number("pauses", optarg, 0, 1000000000));
			options->calibrate = false;
			break;
		case 'a':
			options->apart = argument_real("apart", optarg, 0, 1e6);
			break;
		case 'd':
			options->seed = argument_number("seed", optarg, 0, UINT32_MAX);
			break;
		case 'n':
			options->limits = false;
			break;
		case 'f':
			options->control = optarg;
			break;
		case 'y':
			options->canary = optarg != NULL ? optarg : "damage";
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
