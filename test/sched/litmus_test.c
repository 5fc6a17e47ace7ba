/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests of loads, stores and fences. An outcome is the digits of the
 * registers. The sets are those of
 *
 *	SC    the interleavings
 *	TSO   Sewell et al., "x86-TSO: a rigorous and usable programmer's model
 *	      for x86 multiprocessors", 2010. n5 and n6 are its names
 *	WEAK  RC11: Lahav et al., "Repairing sequential consistency in C/C++11",
 *	      2017, without what memory.c says that it does not show
 *
 * The other names are those of Alglave, Maranget and Tautschnig, "Herding cats",
 * 2014.
 */
#include "engine_test.h"
#include "shim.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>

#define THREAD(name) static void name(void *unused __attribute__((unused)))
#define HEAVY() syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)
#define LIGHT() atomic_signal_fence(SC)

/* Store buffering: each thread stores, and loads what the other has stored. */
#define SB(name, store_order, between, load_order) \
	THREAD(name##_0) \
	{ \
		W(x, 1, store_order); \
		between; \
		r[0] = R(y, load_order); \
	} \
	THREAD(name##_1) \
	{ \
		W(y, 1, store_order); \
		between; \
		r[1] = R(x, load_order); \
	}
SB(sb, RLX, (void)0, RLX)
SB(sb_ra, REL, (void)0, ACQ)
SB(sb_fence, RLX, F(SC), RLX)
SB(sb_acq_rel, RLX, F(AR), RLX)
SB(sb_sc, SC, (void)0, SC)
SB(sb_light, RLX, LIGHT(), RLX)
SB(sb_heavy, RLX, HEAVY(), RLX)

static pthread_mutex_t mutex;
SB(sb_lock, RLX, (pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex)), RLX)

/* Message passing: x is the message, y says that it is there. */
THREAD(mp_0)
{
	W(x, 1, RLX);
	W(y, 1, RLX);
}
THREAD(mp_rel_0)
{
	W(x, 1, RLX);
	W(y, 1, REL);
}
THREAD(mp_fence_0)
{
	W(x, 1, RLX);
	F(REL);
	W(y, 1, RLX);
}
THREAD(mp_sc_fence_0)
{
	W(x, 1, RLX);
	F(SC);
	W(y, 1, RLX);
}
THREAD(mp_sc_store_0)
{
	W(x, 1, RLX);
	W(y, 1, SC);
}
THREAD(mp_wrong_fence_0)
{
	W(x, 1, RLX);
	F(ACQ);
	W(y, 1, RLX);
}
THREAD(mp_again_0) /* y is stored again, without release */
{
	W(x, 1, RLX);
	W(y, 1, REL);
	W(y, 2, RLX);
}
THREAD(mp_1)
{
	r[0] = R(y, RLX);
	r[1] = R(x, RLX);
}
THREAD(mp_acq_1)
{
	r[0] = R(y, ACQ);
	r[1] = R(x, RLX);
}
THREAD(mp_fence_1)
{
	r[0] = R(y, RLX);
	F(ACQ);
	r[1] = R(x, RLX);
}
THREAD(mp_wrong_fence_1)
{
	r[0] = R(y, RLX);
	F(REL);
	r[1] = R(x, RLX);
}
THREAD(mp_sc_fence_1)
{
	r[0] = R(y, RLX);
	F(SC);
	r[1] = R(x, RLX);
}

/* One thread stores, one passes on what it has read, one reads both. */
THREAD(wrc_0)
{
	W(x, 1, RLX);
}
#define WRC(name, acquire, release) \
	THREAD(name##_1) \
	{ \
		r[0] = R(x, acquire); \
		W(y, r[0], release); \
	} \
	THREAD(name##_2) \
	{ \
		r[1] = R(y, acquire); \
		r[2] = R(x, RLX); \
	}
WRC(wrc, RLX, RLX)
WRC(wrc_ra, ACQ, REL)

/* Two threads read the stores of two others. */
THREAD(iriw_0)
{
	W(x, 1, REL);
}
THREAD(iriw_1)
{
	W(y, 1, REL);
}
#define IRIW(name, between) \
	THREAD(name##_2) \
	{ \
		r[0] = R(x, ACQ); \
		between; \
		r[1] = R(y, ACQ); \
	} \
	THREAD(name##_3) \
	{ \
		r[2] = R(y, ACQ); \
		between; \
		r[3] = R(x, ACQ); \
	}
IRIW(iriw, (void)0)
IRIW(iriw_fence, F(SC))

static bool iriw_allowed(enum sched_memory memory, const int *a)
{
	for (int i = 0; i < 4; i++)
		if (a[i] > 1)
			return false;
	return memory == SCHED_WEAK || !(a[0] == 1 && a[1] == 0 && a[2] == 1 && a[3] == 0);
}

static bool iriw_fence_allowed(enum sched_memory memory, const int *a)
{
	(void)memory;
	return iriw_allowed(SCHED_SC, a);
}

#define SB_ALL "00 01 10 11"
#define SB_SC "01 10 11"
#define MP_ALL "00 01 10 11"
#define MP_SC "00 01 11"

static const struct litmus litmus_sb[] = {
	{ LITMUS("SB"), { sb_0, sb_1 }, .registers = 2, .outcomes = { SB_SC, SB_ALL } },
	{ LITMUS("SB release acquire"), { sb_ra_0, sb_ra_1 }, .registers = 2,
		.outcomes = { SB_SC, SB_ALL } },
	{ LITMUS("SB acq_rel fences"), { sb_acq_rel_0, sb_acq_rel_1 }, .registers = 2,
		.outcomes = { SB_SC, SB_ALL } },
	{ LITMUS("SB seq_cst fences"), { sb_fence_0, sb_fence_1 }, .registers = 2,
		.outcomes = { SB_SC } },
	{ LITMUS("SB one seq_cst fence"), { sb_fence_0, sb_1 }, .registers = 2,
		.outcomes = { SB_SC, SB_ALL } },
	{ LITMUS("SB seq_cst accesses"), { sb_sc_0, sb_sc_1 }, .registers = 2,
		.outcomes = { SB_SC } },
	{ LITMUS("SB light and heavy fence"), { sb_light_0, sb_heavy_1 }, .registers = 2,
		.outcomes = { SB_SC } },
	{ LITMUS("SB heavy and light fence"), { sb_heavy_0, sb_light_1 }, .registers = 2,
		.outcomes = { SB_SC } },
	{ LITMUS("SB light fences"), { sb_light_0, sb_light_1 }, .registers = 2,
		.outcomes = { SB_SC, SB_ALL } },
	{ LITMUS("SB lock and unlock"), { sb_lock_0, sb_lock_1 }, .registers = 2,
		.outcomes = { SB_SC } },
};

static const struct litmus litmus_mp[] = {
	{ LITMUS("MP"), { mp_0, mp_1 }, .registers = 2, .outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP release"), { mp_rel_0, mp_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP acquire"), { mp_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP release acquire"), { mp_rel_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP release, fence"), { mp_rel_0, mp_fence_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP fence, acquire"), { mp_fence_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP fences"), { mp_fence_0, mp_fence_1 }, .registers = 2, .outcomes = { MP_SC } },
	{ LITMUS("MP seq_cst fences"), { mp_sc_fence_0, mp_sc_fence_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP seq_cst fence, acquire"), { mp_sc_fence_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP release, seq_cst fence"), { mp_rel_0, mp_sc_fence_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP seq_cst store"), { mp_sc_store_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC } },
	{ LITMUS("MP the writer's fence acquires"), { mp_wrong_fence_0, mp_acq_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	{ LITMUS("MP the reader's fence releases"), { mp_rel_0, mp_wrong_fence_1 }, .registers = 2,
		.outcomes = { MP_SC, NULL, MP_ALL } },
	/* C11 would order it, but C++20, RC11 and hardware do not. */
	{ LITMUS("MP stored again"), { mp_again_0, mp_acq_1 }, .registers = 2,
		.outcomes = { "00 01 11 21", NULL, "00 01 11 20 21" } },
	{ LITMUS("WRC"), { wrc_0, wrc_1, wrc_2 }, .registers = 3,
		.outcomes = { "000 001 100 101 111", NULL, "000 001 100 101 110 111" } },
	{ LITMUS("WRC release acquire"), { wrc_0, wrc_ra_1, wrc_ra_2 }, .registers = 3,
		.outcomes = { "000 001 100 101 111" } },
	{ LITMUS("IRIW acquire"), { iriw_0, iriw_1, iriw_2, iriw_3 }, .registers = 4,
		.allowed = iriw_allowed },
	{ LITMUS("IRIW seq_cst fences"), { iriw_0, iriw_1, iriw_fence_2, iriw_fence_3 },
		.registers = 4, .allowed = iriw_fence_allowed },
};

void litmus_tests(void)
{
	for (size_t i = 0; i < sizeof(litmus_sb) / sizeof(litmus_sb[0]); i++)
		litmus_check(&litmus_sb[i]);
	for (size_t i = 0; i < sizeof(litmus_mp) / sizeof(litmus_mp[0]); i++)
		litmus_check(&litmus_mp[i]);
}
