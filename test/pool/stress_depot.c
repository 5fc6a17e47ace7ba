/* SPDX-License-Identifier: MIT */
/*
 * Threads take magazines and single slabs of two classes out of a depot and
 * give them back: at once, or to cool. What a thread holds it has marked, in
 * the slabs themselves. No slab is in two hands, and in the end all that was
 * carved is found again, and nothing else.
 *
 * In a half of the rounds there is no memory for magazines but for a few.
 */
#include "stress.h"

#include "base/sanitizer.h"
#include "pool/carve.h"
#include "pool/cooling.h"

#define HANDS 4
#define TURNS 3000
#define HELD 3
#define BUDGET ((size_t)2 << 20)
#define SLABS_MAX (BUDGET / 2048)

static const size_t sizes[] = { 2048, 4096 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct depot depot;
static uint64_t games, found;
static _Atomic(uint64_t) cooled, given, refused;

struct hand {
	uint64_t stream;
	pthread_t thread;
	struct magazine *held[HELD];
	uint32_t kind[HELD]; /* of size */
};

static void count(_Atomic(uint64_t) *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static void mark(uint32_t round, uint32_t kind, uint64_t stream)
{
	uint64_t *words = depot_slab(&depot, round);
	sanitizer_permit(words, sizes[kind]);
	words[0] = words[sizes[kind] / sizeof(*words) - 1] = stream;
}

static void check_mark(uint32_t round, uint32_t kind, uint64_t stream)
{
	uint64_t *words = depot_slab(&depot, round);
	uint64_t last = words[sizes[kind] / sizeof(*words) - 1];
	CHECK(words[0] == stream && last == stream, "%" PRIu64 " and %" PRIu64 " for %" PRIu64,
		words[0], last, stream);
	sanitizer_forbid(words, sizes[kind]);
}

static void take(struct hand *hand, uint32_t i, struct dice *dice)
{
	hand->kind[i] = dice_throw(dice, SIZES);
	hand->held[i] = depot_take_filled(&depot, slab_class(sizes[hand->kind[i]]));
	count(&refused, hand->held[i] == NULL);
	for (uint32_t j = 0; hand->held[i] != NULL && j < hand->held[i]->count; j++)
		mark(hand->held[i]->round[j], hand->kind[i], hand->stream);
}

static void give(struct hand *hand, uint32_t i, struct dice *dice)
{
	unsigned int class_index = slab_class(sizes[hand->kind[i]]);
	bool cools = dice_throw(dice, 4) > 0;
	for (uint32_t j = 0; j < hand->held[i]->count; j++)
		check_mark(hand->held[i]->round[j], hand->kind[i], hand->stream);
	count(cools ? &cooled : &given, 1);
	if (cools)
		cooling_put(&depot, class_index, hand->held[i]);
	else
		depot_put_part(&depot, class_index, hand->held[i]);
	hand->held[i] = NULL;
}

static void take_and_give_one(struct hand *hand, struct dice *dice)
{
	uint32_t round, kind = dice_throw(dice, SIZES);
	bool got = depot_take_round(&depot, slab_class(sizes[kind]), &round);
	if (!got)
		return;
	mark(round, kind, hand->stream);
	if (dice_throw(dice, 8) == 0)
		sched_yield();
	check_mark(round, kind, hand->stream);
	depot_put_round(&depot, slab_class(sizes[kind]), round);
}

static void *juggle(void *argument)
{
	struct hand *hand = argument;
	struct dice dice = dice_of(hand->stream);
	for (uint32_t turn = 0; turn < TURNS; turn++) {
		uint32_t i = dice_throw(&dice, HELD + 1);
		if (i == HELD)
			take_and_give_one(hand, &dice);
		else if (hand->held[i] != NULL)
			give(hand, i, &dice);
		else
			take(hand, i, &dice);
		stress_alive();
	}
	for (uint32_t i = 0; i < HELD; i++)
		if (hand->held[i] != NULL)
			give(hand, i, &dice);
	return NULL;
}

static unsigned char seen[BUDGET / SLAB_UNIT];

static void find(uint32_t round)
{
	CHECK(seen[round]++ == 0, "slab %" PRIu32 " is there twice", round);
}

/*
 * No thread is at work. All of a kind that was carved, and is carved now, can
 * be had, and once: in magazines, and what is left, slab by slab.
 */
static void check_all_found(uint32_t kind)
{
	unsigned int class_index = slab_class(sizes[kind]);
	struct magazine *magazine;
	uint64_t sum = 0;
	uint32_t round;
	for (; (magazine = depot_take_filled(&depot, class_index)) != NULL;
		sum += magazine->count) {
		for (uint32_t i = 0; i < magazine->count; i++)
			find(magazine->round[i]);
	}
	for (; sum < SLABS_MAX && depot_take_round(&depot, class_index, &round); sum++) {
		find(round);
	}
	uint64_t all = atomic_load(&depot.class[class_index].carved);
	CHECK(sum == all, "%" PRIu64 " slabs of %" PRIu64, sum, all);
	found += sum;
}

static void play(struct dice *dice)
{
	struct hand hands[HANDS];
	if (depot_init(&depot, BUDGET, slab_class(sizes[SIZES - 1]) + 1) != 0) {
		CHECK(false, "%s", "depot_init");
		return;
	}
	bool starved = dice_throw(dice, 2) == 0;
	if (starved)
		depot.metadata.limit = (8 + dice_throw(dice, 64)) * sizeof(struct magazine);
	for (uint32_t i = 0; i < HANDS; i++) {
		hands[i] = (struct hand){ .stream = games * HANDS + i + 1 };
		stress_start(&hands[i].thread, juggle, &hands[i]);
	}
	for (uint32_t i = 0; i < HANDS; i++)
		stress_join(hands[i].thread);
	/*
	 * If there are none left, no magazine can be filled any more: only
	 * those are found that are.
	 */
	while (starved && depot_take_empty(&depot) != NULL)
		;
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < SIZES; i++)
		check_all_found(i);
	depot_fini(&depot);
	games++;
}

int main(int argc, char **argv)
{
	stress_begin("stress_depot", argc, argv);
	struct dice dice = dice_of(0);
	while (stress_goes_on())
		play(&dice);
	CHECK(cooled > 0 && given > 0 && found > 0, "%s", "nothing was done");
	printf("%" PRIu64 " rounds, %" PRIu64 " magazines cooled, %" PRIu64 " did not, %" PRIu64
	       " refused; %" PRIu64 " slabs found again\n",
		games, cooled, given, refused, found);
	return stress_end();
}
