/* SPDX-License-Identifier: MIT */
/*
 * No false report: for neighbours in memory, for memory that is used again, and
 * for atomic accesses after plain ones to the same memory.
 */
#include "engine_test.h"
#include "shim.h"

#define THREAD(name) static void name(void *unused __attribute__((unused)))
#define USE(value) __asm__ volatile("" ::"r"(value) : "memory")

static _Alignas(8) struct {
	uint32_t word[2];
	uint16_t half[2];
	uint8_t byte[4];
	_Atomic uint8_t flag[2];
	_Atomic uint16_t small[1];
} fields;

#define WRITE(name, field) \
	THREAD(name) \
	{ \
		field = 1; \
		USE(*(volatile uint8_t *)&field); \
	}
WRITE(write_word_0, fields.word[0])
WRITE(write_word_1, fields.word[1])
WRITE(write_half_0, fields.half[0])
WRITE(write_half_1, fields.half[1])
WRITE(write_byte_0, fields.byte[0])
WRITE(write_byte_1, fields.byte[1])
WRITE(write_byte_3, fields.byte[3])
THREAD(write_bytes)
{
	*(uint32_t *)(void *)fields.byte = 1;
}
THREAD(write_half_of_bytes)
{
	*(uint16_t *)(void *)&fields.byte[2] = 1;
}

/* Two flags beside each other, each of which carries a message. */
static int data[2];
THREAD(send_both)
{
	data[0] = 1;
	W(fields.flag[0], 1, REL);
	data[1] = 1;
	W(fields.flag[1], 1, REL);
}
THREAD(recv_0)
{
	if (R(fields.flag[0], ACQ) == 1)
		USE(*(volatile int *)&data[0]);
}
THREAD(recv_1)
{
	if (R(fields.flag[1], ACQ) == 1)
		USE(*(volatile int *)&data[1]);
}
THREAD(plain_beside_flag)
{
	*(uint8_t *)&fields.flag[0] = 1;
}
THREAD(use_flag_1)
{
	W(fields.flag[1], 1, REL);
}

/* A word of a stack that others see, and then the next of another size. */
static _Atomic(uintptr_t) shown;
__attribute__((noinline)) static void show_int(void)
{
	_Atomic int word[4];
	for (int i = 0; i < 4; i++)
		atomic_init(&word[i], 0);
	W(shown, (uintptr_t)&word[0], REL);
	while (R(word[0], ACQ) == 0)
		sched_yield();
	W(shown, 0, RLX);
}
__attribute__((noinline)) static void show_long(void)
{
	_Atomic uint64_t word[2];
	for (int i = 0; i < 2; i++)
		atomic_init(&word[i], 0);
	W(shown, (uintptr_t)&word[0] + 1, REL);
	while (R(word[0], ACQ) == 0)
		sched_yield();
	W(shown, 0, RLX);
}
__attribute__((noinline)) static void plain_frame(void)
{
	volatile int word[4] = { 1, 2, 3, 4 };
	USE(word[3]);
}
THREAD(owner)
{
	show_int();
	plain_frame();
	show_long();
	plain_frame();
	show_int();
}
THREAD(visitor)
{
	for (int i = 0; i < 3; i++) {
		uintptr_t where;
		while ((where = (uintptr_t)atomic_load_explicit(&shown, ACQ)) == 0 ||
			(where & 1) != (i == 1))
			sched_yield();
		if (i == 1) {
			W(*(_Atomic uint64_t *)(where - 1), 1, REL);
		} else {
			W(*(_Atomic int *)where, 1, REL);
		}
	}
}

/* Stores of an atomic variable, and then plain ones by the same thread. */
static struct {
	uint64_t before;
	_Atomic uint64_t value;
	uint64_t after;
} object;
THREAD(clear_object)
{
	W(object.value, 5, RLX);
	memset(&object, 0, sizeof(object));
	r[0] = R(object.value, RLX);
	W(object.value, 6, RLX);
	uint64_t copy[3];
	memcpy(copy, &object, sizeof(copy));
	sched_require(r[0] == 0 && copy[1] == 6, "object: %d, %lu", r[0], (unsigned long)copy[1]);
	W(object.value, 7, RLX);
	*((uint32_t *)(void *)&object.value + 1) = 8;
	sched_require(R(object.value, RLX) == 7, "object: not 7");
}
THREAD(use_nothing)
{
	W(x, 1, RLX);
	W(x, 2, RLX);
}

/* A mutex for each of many objects. */
THREAD(many_locks)
{
	for (int i = 0; i < 200; i++) {
		pthread_mutex_t *mutex = malloc(sizeof(*mutex));
		pthread_mutex_init(mutex, NULL);
		pthread_mutex_lock(mutex);
		pthread_mutex_unlock(mutex);
		pthread_mutex_destroy(mutex);
		free(mutex);
	}
}

static void too_large(void)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2, (size_t)1 << 40 };
	for (int i = 0; i < 4; i++) {
		sched_require(malloc(sizes[i]) == NULL, "malloc() of %zu", sizes[i]);
		sched_require(calloc(sizes[i], 16) == NULL, "calloc() of 16 * %zu", sizes[i]);
	}
	/* All there is, to its end. */
	size_t taken = 0;
	for (char *last; (last = malloc((size_t)1 << 20)) != NULL; taken++)
		last[((size_t)1 << 20) - 1] = 1;
	sched_require(taken > 100, "%zu MiB", taken);
}

#define ALONE(label, function) .program = { .name = label, .about = "", .run = function }

static const struct fault faults[] = {
	{ FAULT("neighbours of 4 bytes"), { write_word_0, write_word_1 }, NEVER, NULL },
	{ FAULT("neighbours of 2 bytes"), { write_half_0, write_half_1 }, NEVER, NULL },
	{ FAULT("neighbours of 1 byte"), { write_byte_0, write_byte_1, write_byte_3 }, NEVER,
		NULL },
	{ FAULT("1 byte and 2"), { write_byte_0, write_half_of_bytes }, NEVER, NULL },
	{ FAULT("the same byte"), { write_byte_1, write_byte_0, write_byte_1 }, ALWAYS, "race" },
	{ FAULT("a byte of 2"), { write_byte_3, write_byte_0, write_half_of_bytes }, ALWAYS,
		"race" },
	{ FAULT("a byte of 4"), { write_byte_3, write_bytes }, ALWAYS, "race" },
	{ FAULT("two flags of 1 byte"), { send_both, recv_0, recv_1 }, NEVER, NULL },
	{ FAULT("plain beside a flag"), { plain_beside_flag, use_flag_1 }, NEVER, NULL },
	{ FAULT("plain on a flag"), { plain_beside_flag, recv_0 }, ALWAYS, "race" },
	{ FAULT("frames of a stack"), { owner, visitor }, NEVER, NULL },
	{ FAULT("plain after atomic"), { clear_object, use_nothing }, NEVER, NULL },
	{ FAULT("many locks"), { many_locks }, NEVER, NULL },
};
static const struct fault large = { ALONE("too large", too_large), .often = NEVER };

void reuse_tests(void)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		fault_check(&faults[i]);
	run_many(&large.program, SCHED_SC, RANDOM, 3, NULL);
	check(tally->failed == 0, "too large: %s", tally->failure);
}
