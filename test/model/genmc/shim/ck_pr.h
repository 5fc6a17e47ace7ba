/* SPDX-License-Identifier: MIT */
/* Instead of ConcurrencyKit's, which is inline assembly. */
static inline void ck_pr_stall(void) {}
