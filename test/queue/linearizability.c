/* SPDX-License-Identifier: MIT */
/*
 * Threads send, receive and close on a ring of a few cells, and write down what
 * they were told and when. Was it linearizable? See history.h.
 *
 * Long rounds judge millions of operations by history_check(): through ring.h and
 * through magring.h, two to eight threads at once, which yield now and then. In half
 * of the rounds they are stopped by signals wherever they are; and, one time in a hundred,
 * when they copy a message into its cell or out of it, with a page that
 * cannot be read or written before its owner has been away for a while. Short rounds
 * on a fresh ring are judged by history_search() as well.
 *
 *	linearizability [FAULT] [SEED]
 *
 * A FAULT is committed by the threads once in a million calls or so, and has to be found
 * in time and for what it is: only then the program fails.
 */
#include "queue/linearizability_worker.h"
#include "queue/ring_peek.h"

#ifdef __has_feature
#define SLOW __has_feature(thread_sanitizer)
#elif defined(__SANITIZE_THREAD__)
#define SLOW 1
#else
#define SLOW 0
#endif
#define OPERATIONS (SLOW ? 2000000 : 12000000)
#define SECONDS "120" /* at the most */
#define SLICE 32768   /* operations of a thread in a long round */
#define AFTER_CLOSE 3 /* calls of a thread */
#define SHORT_THREADS 4
#define SHORT_CALLS 3
#define SHORT_BATCH 2
#define SHORT_ROUNDS 500

static struct magring_pool *pool;
static struct history long_history, short_history;

static void begin_game(struct dice *dice, struct history *history, uint32_t threads, bool direct)
{
	static const uint32_t numbers[] = { 2, 2, 4, 8 };
	/* So that positions, or the lower halves of positions or laps, begin anew. */
	static const uint64_t wraps[] = { (uint64_t)1 << 32, (uint64_t)1 << 33, (uint64_t)1 << 62 };
	uint64_t position = wraps[dice_throw(dice, 3)] - 1 - dice_throw(dice, history->slice);
	uint32_t cells = direct ? numbers[dice_throw(dice, 4)] : 2 * numbers[dice_throw(dice, 4)];
	/* A ring by itself may skip all but one, too, and claim all at once. */
	bool freely = direct && dice_throw(dice, 2) == 0;
	uint32_t spare = freely ? cells - 1 : cells / 2;
	history->threads = threads;
	history->cells = cells;
	history->full = spare + 1;
	memset(history->used, 0, sizeof(history->used));
	game.history = history;
	game.queue = NULL;
	game.ring = &game.own;
	if (fault == TOO_WIDE)
		cells *= 2;
	if (!direct) {
		game.queue = stress_queue(pool, cells / 2);
		game.ring = &game.queue->ring;
	} else if (ring_init(game.ring, cells, spare, position, 0) != 0) {
		abort();
	}
	if (freely)
		game.ring->claim_max = cells;
	atomic_store_explicit(&game.clock, 0, memory_order_relaxed);
}

static void end_game(struct history *history)
{
	history->ticks = atomic_load_explicit(&game.clock, memory_order_relaxed);
	history->quarantined =
		(uint32_t)atomic_load_explicit(&game.ring->quarantined, memory_order_relaxed);
	if (game.queue != NULL)
		magring_queue_release(game.queue);
	else
		ring_fini(game.ring);
	stress_alive();
}

/* ----------------------------------------------------------------- long rounds -- */

static uint64_t operations, answers[CLOSE + 1], quarantined;
static enum wrong wrong; /* with the last one */

struct stopper {
	pthread_t thread;
	struct worker *workers;
	uint32_t count;
	struct dice dice;
};

static void *stop_workers(void *argument)
{
	struct stopper *stopper = argument;
	while (atomic_load_explicit(&game.going, memory_order_acquire) > 0) {
		stress_sleep_ns(10000 + (long)dice_throw(&stopper->dice, 50000));
		pthread_kill(stopper->workers[dice_throw(&stopper->dice, stopper->count)].thread,
			SIGUSR1);
	}
	return NULL;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	while (worker->used + BATCH_MAX <= SLICE) {
		bool sends = worker->sends && worker->refusals < AFTER_CLOSE;
		bool receives = worker->receives && worker->ends < AFTER_CLOSE;
		if (!sends && !receives)
			break;
		if (sends && (!receives || dice_throw(&worker->dice, 2) == 0))
			send_some(worker);
		else
			receive_some(worker);
		if (dice_throw(&worker->dice, 200) == 0)
			sched_yield();
	}
	stress_alive();
	atomic_fetch_sub_explicit(&game.going, 1, memory_order_release);
	return NULL;
}

static const struct {
	uint32_t send, receive, both;
} crews[] = {
	{ 1, 1, 0 },
	{ 2, 2, 0 },
	{ 2, 2, 0 },
	{ 4, 4, 0 },
	{ 1, 4, 0 },
	{ 4, 1, 0 },
	{ 0, 0, 2 },
	{ 1, 1, 3 },
};

static void play_long(struct dice *dice, uint64_t number)
{
	static struct worker workers[1 + WORKERS_MAX]; /* the first is this thread */
	uint32_t crew = dice_throw(dice, sizeof(crews) / sizeof(crews[0]));
	uint32_t count = crews[crew].send + crews[crew].receive + crews[crew].both;
	uint32_t batch = dice_throw(dice, 2) == 0 ? 1 : BATCH_MAX;
	uint32_t close_at = dice_throw(dice, 2 * count * SLICE);
	struct stopper stopper = {
		.workers = workers + 1,
		.count = count,
		.dice = dice_of(~number),
	};
	bool stopping = dice_throw(dice, 2) == 0;
	game.stop_one_in = stopping ? 100 : 0;
	begin_game(dice, &long_history, count + 1, dice_throw(dice, 4) != 0);
	atomic_store_explicit(&game.going, count, memory_order_relaxed);
	for (uint32_t i = 0; i <= count; i++) {
		workers[i] = (struct worker){
			.number = i,
			.dice = dice_of(number * (1 + WORKERS_MAX) + i),
			.sends =
				i <= crews[crew].send || i > crews[crew].send + crews[crew].receive,
			.receives = i > crews[crew].send,
			.batch = batch,
			.pages = pages[i],
		};
		if (i > 0)
			stress_start(&workers[i].thread, work, &workers[i]);
	}
	if (stopping)
		stress_start(&stopper.thread, stop_workers, &stopper);
	while (atomic_load_explicit(&game.clock, memory_order_relaxed) < close_at &&
		atomic_load_explicit(&game.going, memory_order_relaxed) > 0)
		stress_sleep_ns(20000);
	close_all(&workers[0]);
	if (stopping)
		stress_join(stopper.thread);
	for (uint32_t i = 1; i <= count; i++)
		stress_join(workers[i].thread);
	while (workers[0].ends == 0 && workers[0].used < SLICE / 2)
		receive_some(&workers[0]);
	for (uint32_t i = 0; i <= count; i++)
		long_history.used[i] = workers[i].used;
	end_game(&long_history);
	struct finding found = history_check(&long_history);
	if (found.wrong != NOTHING)
		history_print(&long_history, &found);
	CHECK(found.wrong == NOTHING, "%s", history_wrong(found.wrong));
	history_each(i, &long_history)
		answers[long_history.operations[i].answer]++;
	for (uint32_t i = 0; i <= count; i++)
		operations += workers[i].used;
	quarantined += long_history.quarantined;
	wrong = found.wrong;
}

/* ---------------------------------------------------------------- short rounds -- */

static struct {
	uint32_t threads;
	_Atomic(uint32_t) arrived, met;
} meeting;

/* Those who wait sleep late and briefly, so that all go on at once. */
static void meet(void)
{
	uint32_t before = atomic_load_explicit(&meeting.met, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&meeting.arrived, 1, memory_order_acq_rel) + 1 ==
		meeting.threads) {
		atomic_store_explicit(&meeting.arrived, 0, memory_order_relaxed);
		atomic_store_explicit(&meeting.met, before + 1, memory_order_release);
		return;
	}
	for (uint32_t looks = 0; atomic_load_explicit(&meeting.met, memory_order_acquire) == before;
		looks++)
		if (looks > 1000)
			stress_sleep_ns(1000);
		else if (looks > 100)
			sched_yield();
}

static void work_shortly(struct worker *worker)
{
	uint32_t calls = 1 + dice_throw(&worker->dice, SHORT_CALLS);
	worker->used = 0;
	meet();
	while (calls-- > 0) {
		uint32_t what = dice_throw(&worker->dice, 20);
		if (what == 0)
			close_all(worker);
		else if (what % 2 == 0)
			send_some(worker);
		else
			receive_some(worker);
	}
	short_history.used[worker->number] = worker->used;
	meet();
}

static void *work_shortly_often(void *argument)
{
	for (uint32_t i = 0; i < SHORT_ROUNDS; i++)
		work_shortly(argument);
	return NULL;
}

static void play_shortly(struct dice *dice, uint64_t number)
{
	struct worker workers[SHORT_THREADS];
	uint32_t count = 2 + dice_throw(dice, SHORT_THREADS - 1);
	meeting.threads = count;
	game.stop_one_in = 10 * dice_throw(dice, 2);
	for (uint32_t i = 0; i < count; i++) {
		workers[i] = (struct worker){
			.number = i,
			.dice = dice_of(number * (1 + WORKERS_MAX) + i),
			.batch = SHORT_BATCH,
			.pages = pages[i],
		};
		if (i > 0)
			stress_start(&workers[i].thread, work_shortly_often, &workers[i]);
	}
	for (uint32_t i = 0; i < SHORT_ROUNDS; i++) {
		begin_game(dice, &short_history, count, true);
		work_shortly(&workers[0]);
		end_game(&short_history);
		struct finding found = history_check(&short_history);
		bool possible = history_search(&short_history);
		CHECK(found.wrong == NOTHING && possible, "%s; %s", history_wrong(found.wrong),
			possible ? "possible" : "impossible");
		if (found.wrong != NOTHING || !possible)
			history_print_all(&short_history);
	}
	for (uint32_t i = 1; i < count; i++)
		stress_join(workers[i].thread);
}

/* ------------------------------------------------------------------------ main -- */

static void show(void)
{
	fprintf(stderr, "  clock %" PRIu32 ", %" PRIu32 " at work; ", game.clock, game.going);
	fprintf(stderr, "tail %" PRIx64 " head %" PRIx64 " unresolved %" PRIu64 "\n",
		game.ring->tail, game.ring->head, ring_peek_unresolved(game.ring));
}

int main(int argc, char **argv)
{
	for (uint32_t i = 0; argc > 1 && i < FAULTS; i++)
		if (strcmp(argv[1], faults[i].name) == 0) {
			fault = i;
			argc--;
			argv++;
			break;
		}
	setenv("MAGRING_STRESS_SECONDS", SECONDS, 0);
	stress_show = show;
	stress_begin("linearizability", argc, argv);
	init_stops();
	pool = stress_pool(0, 0);
	history_init(&long_history, 1 + WORKERS_MAX, SLICE);
	history_init(&short_history, SHORT_THREADS, SHORT_CALLS * SHORT_BATCH);
	struct dice dice = dice_of(0);
	uint64_t rounds = 0;
	/* What a fault does may have been possible; then the next one tells. */
	for (; stress_goes_on() && (fault != SOUND ? wrong == NOTHING : operations < OPERATIONS);
		rounds++) {
		play_long(&dice, 2 * rounds + 1);
		if (fault == SOUND && rounds % 4 == 0 && stress_goes_on())
			play_shortly(&dice, 2 * rounds + 2);
	}
	history_fini(&short_history);
	history_fini(&long_history);
	stress_destroy(pool);

	printf("%" PRIu64 " rounds: %" PRIu64 " operations; sent %" PRIu64 " received %" PRIu64
	       " full %" PRIu64 " empty %" PRIu64 " refused %" PRIu64 " ended %" PRIu64 "\n",
		rounds, operations, answers[SENT], answers[RECEIVED], answers[FULL], answers[EMPTY],
		answers[REFUSED], answers[ENDED]);
	printf("%" PRIu64 " times a thread was stopped, %" PRIu64 " cells quarantined\n", stops,
		quarantined);
	if (fault != SOUND)
		printf("%" PRIu64 " faults\n", committed);
	if (fault != SOUND && !(faults[fault].wrongs >> wrong & 1)) {
		printf("the fault was not found, or taken for another one\n");
		return EXIT_SUCCESS;
	}
	return stress_end();
}
