/* SPDX-License-Identifier: MIT */
/* Must fail under AddressSanitizer, or no report of it would fail the suite. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

Test(canary, reads_beyond_an_allocation)
{
	volatile size_t size = 16;
	volatile unsigned char *bytes = calloc(size, 1);
	cr_assert_not_null((const void *)(uintptr_t)bytes);
	cr_assert_geq(bytes[size], 0);
	free((void *)(uintptr_t)bytes);
}
