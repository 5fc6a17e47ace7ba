/* SPDX-License-Identifier: MIT */
/* Instead of liburcu's: no thread ends while others look at its cache. */
#define urcu_bp_read_lock() ((void)0)
#define urcu_bp_read_unlock() ((void)0)
#define urcu_bp_synchronize_rcu() ((void)0)
