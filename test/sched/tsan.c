/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls before an access to memory, and instead of an atomic
 * operation, in sources that it compiles for ThreadSanitizer. The names and
 * types are those of its runtime library. shim_cas2() is for shim/ck_pr.h.
 */
#include "engine.h"

#include <string.h>

#define HERE() trace_at(__builtin_return_address(0))

void __tsan_init(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
	(void)pc;
	if (is_running() && engine->unloaded)
		sched_fail("thread %u (%s) runs code that is not there any more", me->id, me->name);
}
void __tsan_func_exit(void);
void __tsan_func_exit(void) {}
void __tsan_vptr_update(void **vptr, void *value);
void __tsan_vptr_update(void **vptr, void *value)
{
	(void)vptr, (void)value;
}
void __tsan_acquire(void *address);
void __tsan_acquire(void *address)
{
	(void)address, memory_fence(__ATOMIC_ACQUIRE);
}
void __tsan_release(void *address);
void __tsan_release(void *address)
{
	(void)address, memory_fence(__ATOMIC_RELEASE);
}

#define PLAIN(bytes) \
	void __tsan_read##bytes(void *address); \
	void __tsan_read##bytes(void *address) \
	{ \
		HERE(); \
		memory_plain((uintptr_t)address, bytes, false); \
	} \
	void __tsan_write##bytes(void *address); \
	void __tsan_write##bytes(void *address) \
	{ \
		HERE(); \
		memory_plain((uintptr_t)address, bytes, true); \
	} \
	void __tsan_unaligned_read##bytes(void *address); \
	void __tsan_unaligned_read##bytes(void *address) \
	{ \
		HERE(); \
		memory_plain((uintptr_t)address, bytes, false); \
	} \
	void __tsan_unaligned_write##bytes(void *address); \
	void __tsan_unaligned_write##bytes(void *address) \
	{ \
		HERE(); \
		memory_plain((uintptr_t)address, bytes, true); \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t bytes);
void __tsan_read_range(void *address, size_t bytes)
{
	HERE();
	memory_plain((uintptr_t)address, bytes, false);
}

void __tsan_write_range(void *address, size_t bytes);
void __tsan_write_range(void *address, size_t bytes)
{
	HERE();
	memory_plain((uintptr_t)address, bytes, true);
}

void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	HERE();
	memory_plain((uintptr_t)from, bytes, false);
	memory_plain((uintptr_t)to, bytes, true);
	return memmove(to, from, bytes);
}

void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	return __tsan_memcpy(to, from, bytes);
}

void *__tsan_memset(void *to, int value, size_t bytes);
void *__tsan_memset(void *to, int value, size_t bytes)
{
	HERE();
	memory_plain((uintptr_t)to, bytes, true);
	return memset(to, value, bytes);
}

int shim_memcmp(const void *one, const void *other, size_t bytes);
int shim_memcmp(const void *one, const void *other, size_t bytes)
{
	HERE();
	memory_plain((uintptr_t)one, bytes, false);
	memory_plain((uintptr_t)other, bytes, false);
	return memcmp(one, other, bytes);
}

#define RMW(bits, name, kind) \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *a, \
		uint##bits##_t value, int order); \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *a, \
		uint##bits##_t value, int order) \
	{ \
		HERE(); \
		return (uint##bits##_t)memory_rmw((uintptr_t)a, bits / 8, kind, value, order); \
	}

#define CAS(bits, name, weak) \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *a, \
		uint##bits##_t *expected, uint##bits##_t desired, int order, int failure); \
	int __tsan_atomic##bits##_compare_exchange_##name(volatile uint##bits##_t *a, \
		uint##bits##_t *expected, uint##bits##_t desired, int order, int failure) \
	{ \
		HERE(); \
		uint64_t value = *expected; \
		bool done = \
			memory_cas((uintptr_t)a, bits / 8, &value, desired, order, failure, weak); \
		*expected = (uint##bits##_t)value; \
		return done; \
	}

/* clang's: returns what was there. */
#define CAS_VALUE(bits) \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *a, \
		uint##bits##_t expected, uint##bits##_t desired, int order, int failure); \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(volatile uint##bits##_t *a, \
		uint##bits##_t expected, uint##bits##_t desired, int order, int failure) \
	{ \
		HERE(); \
		uint64_t value = expected; \
		memory_cas((uintptr_t)a, bits / 8, &value, desired, order, failure, false); \
		return (uint##bits##_t)value; \
	}

#define ATOMIC(bits) \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *a, int order); \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *a, int order) \
	{ \
		HERE(); \
		return (uint##bits##_t)memory_load((uintptr_t)a, bits / 8, order); \
	} \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *a, uint##bits##_t value, \
		int order); \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *a, uint##bits##_t value, \
		int order) \
	{ \
		HERE(); \
		memory_store((uintptr_t)a, bits / 8, value, order); \
	} \
	RMW(bits, exchange, EXCHANGE) \
	RMW(bits, fetch_add, ADD) \
	RMW(bits, fetch_sub, SUB) \
	RMW(bits, fetch_and, AND) \
	RMW(bits, fetch_or, OR) \
	RMW(bits, fetch_xor, XOR) \
	CAS(bits, strong, false) \
	CAS(bits, weak, true) \
	CAS_VALUE(bits)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	HERE();
	memory_fence(order);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

bool shim_cas2(void *address, const void *expected, const void *desired);
bool shim_cas2(void *address, const void *expected, const void *desired)
{
	HERE();
	return memory_cas2((uintptr_t)address, expected, desired);
}
