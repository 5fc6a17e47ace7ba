/* SPDX-License-Identifier: MIT */
/* Must fail under AddressSanitizer, or no leak that it reports would fail the suite. */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(canary, leaks)
{
	void *volatile lost = malloc(10);
	cr_assert_not_null(lost);
	lost = NULL;
}
