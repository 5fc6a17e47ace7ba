/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests of read-modify-writes, of compare and swap, and of the release
 * sequences that they carry on. See litmus_test.c for the sources of the sets.
 * On x86 each of them is locked, and empties the store buffer.
 */
#include "engine_test.h"
#include "shim.h"

#include <ck_pr.h>

#define THREAD(name) static void name(void *unused __attribute__((unused)))
#define ADD1(location, order) ((int)atomic_fetch_add_explicit(&(location), 1, order))

static int cas(_Atomic int *location, int expected, int desired, memory_order order,
	memory_order failure)
{
	atomic_compare_exchange_strong_explicit(location, &expected, desired, order, failure);
	return expected;
}

/* SB with a locked instruction instead of the store, or after it. */
#define SB(name, store_x, store_y) \
	THREAD(name##_0) \
	{ \
		store_x; \
		r[0] = R(y, RLX); \
	} \
	THREAD(name##_1) \
	{ \
		store_y; \
		r[1] = R(x, RLX); \
	}
SB(sb_add, ADD1(x, RLX), ADD1(y, RLX))
SB(sb_other, (W(x, 1, RLX), ADD1(z, RLX)), (W(y, 1, RLX), ADD1(z, RLX)))
SB(sb_failed, (W(x, 1, RLX), cas(&z, 9, 8, RLX, RLX)), (W(y, 1, RLX), cas(&z, 9, 8, RLX, RLX)))
SB(sb_sc, atomic_exchange_explicit(&x, 1, SC), atomic_exchange_explicit(&y, 1, SC))

/* A release sequence: y is 1 by its head, 3 by an addition, 2 by that alone. */
THREAD(seq_0)
{
	W(x, 1, RLX);
	W(y, 1, REL);
}
THREAD(seq_1)
{
	atomic_fetch_add_explicit(&y, 2, RLX);
}
THREAD(seq_cas_1)
{
	r[2] = cas(&y, 1, 3, RLX, RLX);
}
THREAD(seq_store_1)
{
	if (R(y, RLX) == 1)
		W(y, 3, RLX);
}
THREAD(seq_2)
{
	r[0] = R(y, ACQ);
	r[1] = R(x, RLX);
}

/* A CAS that fails is a load, of the order that it has for that. */
#define CAS_LOAD(name, order, failure) \
	THREAD(name) \
	{ \
		r[0] = cas(&y, 9, 8, order, failure); \
		r[1] = R(x, RLX); \
	}
CAS_LOAD(cas_acq_1, AR, ACQ)
CAS_LOAD(cas_rlx_1, AR, RLX)

THREAD(old_0)
{
	W(x, 1, RLX);
	W(y, 1, RLX);
}
THREAD(old_1)
{
	r[0] = R(y, RLX);
	r[1] = cas(&x, 9, 8, RLX, RLX);
}

/* Messages passed by read-modify-writes. */
THREAD(rmw_mp_0)
{
	W(x, 1, RLX);
	ADD1(y, REL);
}
THREAD(rmw_mp_rlx_0)
{
	W(x, 1, RLX);
	ADD1(y, RLX);
}
THREAD(rmw_mp_1)
{
	r[0] = ADD1(y, ACQ) & 1;
	r[1] = R(x, RLX);
}

/* A fence after a relaxed read-modify-write acquires. */
THREAD(rmw_fence_1)
{
	r[0] = ADD1(y, RLX) & 1;
	F(ACQ);
	r[1] = R(x, RLX);
}

/* One change excludes the other. */
THREAD(add_0)
{
	r[0] = ADD1(x, RLX);
}
THREAD(add_1)
{
	r[1] = ADD1(x, RLX);
}
static void last_x(void)
{
	r[2] = R(x, RLX);
}
#define TRY(name, i, kind) \
	THREAD(name) \
	{ \
		int expected = 0; \
		r[i] = atomic_compare_exchange_##kind##_explicit(&x, &expected, i + 1, RLX, RLX); \
	}
TRY(strong_0, 0, strong)
TRY(strong_1, 1, strong)
TRY(weak_0, 0, weak)
TRY(weak_1, 1, weak)

/* Both words change, or none. */
static _Alignas(16) _Atomic(uint64_t) words[2];
static bool cas2(uint64_t first, uint64_t second, uint64_t to)
{
	_Alignas(16) uint64_t expected[2] = { first, second }, desired[2] = { to, to };
	return ck_pr_cas_ptr_2(words, expected, desired);
}
THREAD(cas2_0)
{
	r[0] = cas2(0, 0, 1);
}
THREAD(cas2_1)
{
	r[1] = cas2(0, 0, 2);
}
THREAD(cas2_half)
{
	r[1] = cas2(1, 0, 2) || cas2(0, 1, 2);
}
static void last_words(void)
{
	r[2] = R(words[0], RLX);
	r[3] = R(words[1], RLX);
}
SB(sb_cas2, (W(x, 1, RLX), cas2(0, 0, 0)), (W(y, 1, RLX), cas2(0, 0, 0)))

#define SB_ALL "00 01 10 11"
#define SB_SC "01 10 11"
#define MP_ALL "00 01 10 11"
#define MP_SC "00 01 11"

static const struct litmus all[] = {
	/* Relaxed ones are ordered on x86 only. */
	{ LITMUS("SB of additions"), { sb_add_0, sb_add_1 }, .registers = 2,
		.outcomes = { SB_SC, NULL, SB_ALL } },
	{ LITMUS("SB locked elsewhere"), { sb_other_0, sb_other_1 }, .registers = 2,
		.outcomes = { SB_SC, NULL, SB_ALL } },
	{ LITMUS("SB failed CAS"), { sb_failed_0, sb_failed_1 }, .registers = 2,
		.outcomes = { SB_SC, NULL, SB_ALL } },
	{ LITMUS("SB locked, two words"), { sb_cas2_0, sb_cas2_1 }, .registers = 2,
		.outcomes = { SB_SC, NULL, SB_ALL } },
	/* RC11 does not order a relaxed load with the seq_cst exchange before it. */
	{ LITMUS("SB seq_cst exchange"), { sb_sc_0, sb_sc_1 }, .registers = 2,
		.outcomes = { SB_SC, NULL, SB_ALL } },
	{ LITMUS("release sequence"), { seq_0, seq_1, seq_2 }, .registers = 2,
		.outcomes = { "00 01 11 20 21 31" } },
	{ LITMUS("release sequence, CAS"), { seq_0, seq_cas_1, seq_2 }, .registers = 2,
		.outcomes = { "00 01 11 31" } },
	{ LITMUS("release sequence, broken"), { seq_0, seq_store_1, seq_2 }, .registers = 2,
		.outcomes = { "00 01 11 31", NULL, "00 01 11 30 31" } },
	{ LITMUS("MP failed CAS acquires"), { seq_0, cas_acq_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP failed CAS is relaxed"), { seq_0, cas_rlx_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("failed CAS reads old value"), { old_0, old_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP changes"), { rmw_mp_0, rmw_mp_1 }, .registers = 2, .outcomes = { MP_SC } },
	{ LITMUS("MP changes, relaxed"), { rmw_mp_rlx_0, rmw_mp_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP changes, fence"), { rmw_mp_0, rmw_fence_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("additions"), { add_0, add_1 }, last_x, 3, .outcomes = { "012 102" } },
	{ LITMUS("strong CAS"), { strong_0, strong_1 }, last_x, 3, .outcomes = { "101 012" } },
	{ LITMUS("weak CAS"), { weak_0, weak_1 }, last_x, 3,
		.outcomes = { "101 012", NULL, "000 101 012" } },
	{ LITMUS("two words"), { cas2_0, cas2_1 }, last_words, 4, .outcomes = { "1011 0122" } },
	{ LITMUS("two words, one differs"), { cas2_0, cas2_half }, last_words, 4,
		.outcomes = { "1011" } },
};

void litmus_rmw_tests(void)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		litmus_check(&all[i]);
}
