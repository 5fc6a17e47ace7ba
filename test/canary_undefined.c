/* SPDX-License-Identifier: MIT */
/* Must fail under UndefinedBehaviorSanitizer, or no report of it would fail the suite. */
#include <criterion/criterion.h>
#include <limits.h>

Test(canary, overflows_an_int)
{
	volatile int most = INT_MAX;
	volatile int more = most + 1;
	cr_assert(more == INT_MIN);
}
