/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests of the order of stores, and of one location. See litmus_test.c
 * for the sources of the sets.
 */
#include "engine_test.h"
#include "shim.h"

#define THREAD(name) static void name(void *unused __attribute__((unused)))

/* Two stores in each thread, or a load and a store. */
THREAD(w22_0)
{
	W(x, 1, RLX);
	W(y, 2, RLX);
}
THREAD(w22_1)
{
	W(y, 1, RLX);
	W(x, 2, RLX);
}
THREAD(lb_0)
{
	r[0] = R(x, RLX);
	W(y, 1, RLX);
}
THREAD(lb_1)
{
	r[1] = R(y, RLX);
	W(x, 1, RLX);
}
THREAD(s_0)
{
	W(x, 2, RLX);
	W(y, 1, RLX);
}
THREAD(s_1)
{
	r[0] = R(y, RLX);
	W(x, 1, RLX);
}
THREAD(r_0)
{
	W(x, 1, RLX);
	W(y, 1, RLX);
}
THREAD(r_1)
{
	W(y, 2, RLX);
	r[0] = R(x, RLX);
}
THREAD(r_fence_0)
{
	W(x, 1, RLX);
	F(SC);
	W(y, 1, RLX);
}
THREAD(r_fence_1)
{
	W(y, 2, RLX);
	F(SC);
	r[0] = R(x, RLX);
}

/* Own stores are read early. */
THREAD(n6_0)
{
	W(x, 1, RLX);
	r[0] = R(x, RLX);
	r[1] = R(y, RLX);
}
THREAD(n6_1)
{
	W(y, 2, RLX);
	W(x, 2, RLX);
}
THREAD(n5_0)
{
	W(x, 1, RLX);
	r[0] = R(x, RLX);
}
THREAD(n5_1)
{
	W(x, 2, RLX);
	r[1] = R(x, RLX);
}

/* What x and y are in the end. */
static void last_xy(void)
{
	r[0] = R(x, RLX);
	r[1] = R(y, RLX);
}
static void last_x1(void)
{
	r[1] = R(x, RLX);
}
static void last_y1(void)
{
	r[1] = R(y, RLX);
}
static void last_x2(void)
{
	r[2] = R(x, RLX);
}

/* One location. */
THREAD(co_1)
{
	W(x, 1, RLX);
}
THREAD(co_2)
{
	W(x, 2, RLX);
}
THREAD(co_rr_01)
{
	r[0] = R(x, RLX);
	r[1] = R(x, RLX);
}
THREAD(co_rr_23)
{
	r[2] = R(x, RLX);
	r[3] = R(x, RLX);
}
THREAD(co_ww)
{
	W(x, 1, RLX);
	W(x, 2, RLX);
}
THREAD(co_wwr)
{
	W(x, 1, RLX);
	W(x, 2, RLX);
	r[2] = R(x, RLX);
}
THREAD(co_wr)
{
	W(x, 1, RLX);
	r[0] = R(x, RLX);
}
THREAD(co_rw)
{
	r[0] = R(x, RLX);
	W(x, 1, RLX);
}

/* The two stores have one order, which all threads see. */
static bool co_rr_allowed(enum sched_memory memory, const int *a)
{
	static const int place[2][3] = { { 0, 1, 2 }, { 0, 2, 1 } };
	(void)memory;
	for (int i = 0; i < 4; i++)
		if (a[i] > 2)
			return false;
	for (int i = 0; i < 2; i++)
		if (place[i][a[0]] <= place[i][a[1]] && place[i][a[2]] <= place[i][a[3]])
			return true;
	return false;
}

static const struct litmus all[] = {
	/* RC11 also allows 11, for the order of x and y: not shown. */
	{ LITMUS("2+2W"), { w22_0, w22_1 }, last_xy, 2, .outcomes = { "12 21 22" } },
	/* RC11 allows no 11 either; C11 does. */
	{ LITMUS("LB"), { lb_0, lb_1 }, .registers = 2, .outcomes = { "00 01 10" } },
	/* RC11 also allows 12: not shown. */
	{ LITMUS("S"), { s_0, s_1 }, last_x1, 2, .outcomes = { "01 02 11" } },
	{ LITMUS("R"), { r_0, r_1 }, last_y1, 2, .outcomes = { "01 11 12", "01 02 11 12" } },
	{ LITMUS("R seq_cst fences"), { r_fence_0, r_fence_1 }, last_y1, 2,
		.outcomes = { "01 11 12" } },
	{ LITMUS("n6"), { n6_0, n6_1 }, last_x2, 3,
		.outcomes = { "102 121 122 222", "101 102 121 122 222",
			"101 102 121 122 202 222" } },
	{ LITMUS("n5"), { n5_0, n5_1 }, .registers = 2, .outcomes = { "11 12 22" } },
	{ LITMUS("CoRR"), { co_1, co_rr_01 }, .registers = 2, .outcomes = { "00 01 11" } },
	{ LITMUS("CoRR2"), { co_1, co_2, co_rr_01, co_rr_23 }, .registers = 4, .seeds = 20000,
		.allowed = co_rr_allowed },
	{ LITMUS("CoWW"), { co_ww, co_rr_01 }, last_x2, 3,
		.outcomes = { "002 012 022 112 122 222" } },
	{ LITMUS("CoWWR"), { co_wwr, co_rr_01 }, .registers = 3,
		.outcomes = { "002 012 022 112 122 222" } },
	{ LITMUS("CoWR"), { co_wr, co_2 }, last_x1, 2, .outcomes = { "11 12 22" } },
	{ LITMUS("CoRW"), { co_rw, co_2 }, last_x1, 2, .outcomes = { "01 02 21" } },
};

void litmus_order_tests(void)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		litmus_check(&all[i]);
}
