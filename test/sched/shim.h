/* SPDX-License-Identifier: MIT */
/*
 * Comes before all else in the library's sources: what they ask of the system
 * goes to kernel.c and the files that it names. The system's headers come first,
 * so that only the library's own calls have other names.
 */
#ifndef MAGRING_SCHED_SHIM_H
#define MAGRING_SCHED_SHIM_H

#include "tuned.h"

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define backtrace shim_backtrace
#endif
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>

/* Of lib/tuning.h: small, so that a run comes to what happens after so many. */
#define EVENTCOUNT_FENCES_IN_VAIN 2
#define CHALLENGE_AFTER 1
#define POLLS_TO_BE_SURE 3

long shim_syscall(long number, ...);
int shim_eventfd(unsigned int value, int flags);
int shim_close(int fd);
int shim_clock_gettime(clockid_t clock, struct timespec *ret_time);
int shim_sched_yield(void);
long shim_sysconf(int name);
int shim_backtrace(void **ret_frames, int size);
int shim_nanosleep(const struct timespec *time, struct timespec *left);
void *shim_mmap(void *address, size_t bytes, int rights, int flags, int fd, off_t offset);
int shim_munmap(void *address, size_t bytes);
int shim_mprotect(void *address, size_t bytes, int rights);
int shim_madvise(void *address, size_t bytes, int advice);
void *shim_malloc(size_t bytes);
void *shim_calloc(size_t count, size_t bytes);
void *shim_realloc(void *memory, size_t bytes);
void *shim_aligned_alloc(size_t align, size_t bytes);
char *shim_strdup(const char *text);
void shim_free(void *memory);
int shim_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *unused);
int shim_mutex_destroy(pthread_mutex_t *mutex);
int shim_mutex_lock(pthread_mutex_t *mutex);
int shim_mutex_unlock(pthread_mutex_t *mutex);
int shim_once(pthread_once_t *once, void (*run)(void));
int shim_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int shim_key_create(pthread_key_t *ret_key, void (*run)(void *));
int shim_key_delete(pthread_key_t key);
int shim_setspecific(pthread_key_t key, const void *value);
int shim_setcancelstate(int state, int *ret_old);
int shim_setcanceltype(int type, int *ret_old);
ssize_t shim_write(int fd, const void *bytes, size_t count);
__attribute__((noreturn)) void shim_abort(void);

struct shim_cleanup {
	struct shim_cleanup *next;
	void (*run)(void *);
	void *context;
};
void shim_cleanup_push(struct shim_cleanup *cleanup);
void shim_cleanup_pop(int run);

/* gcc tells nobody of the accesses of these: tsan.c. */
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memset(void *to, int value, size_t bytes);
int shim_memcmp(const void *one, const void *other, size_t bytes);

/* The functions are found by their sections: unload.c. */
#define constructor section("sched_init"), constructor
#define destructor section("sched_fini"), destructor

#define memcpy __tsan_memcpy
#define memmove __tsan_memmove
#define memset __tsan_memset
#define memcmp shim_memcmp
#define syscall shim_syscall
#define eventfd(value, flags) shim_eventfd(value, flags)
#define close(fd) shim_close(fd)
#define write(fd, bytes, count) shim_write(fd, bytes, count)
#define abort() shim_abort()
#define clock_gettime shim_clock_gettime
#define sched_yield shim_sched_yield
#define nanosleep shim_nanosleep
#define sysconf shim_sysconf
#define mmap shim_mmap
#define munmap shim_munmap
#define mprotect shim_mprotect
#define madvise shim_madvise
#define malloc shim_malloc
#define calloc shim_calloc
#define realloc shim_realloc
#define aligned_alloc shim_aligned_alloc
#define strdup shim_strdup
#define free shim_free
#define pthread_mutex_init shim_mutex_init
#define pthread_mutex_destroy shim_mutex_destroy
#define pthread_mutex_lock shim_mutex_lock
#define pthread_mutex_unlock shim_mutex_unlock
#define pthread_once shim_once
#define pthread_atfork shim_atfork
#define pthread_key_create shim_key_create
#define pthread_key_delete shim_key_delete
#define pthread_setspecific shim_setspecific
#define pthread_setcancelstate shim_setcancelstate
#define pthread_setcanceltype shim_setcanceltype
#undef pthread_cleanup_push
#undef pthread_cleanup_pop
#define pthread_cleanup_push(function, argument) \
	do { \
		struct shim_cleanup shim_cleanup = { .run = (function), .context = (argument) }; \
	shim_cleanup_push(&shim_cleanup)
#define pthread_cleanup_pop(execute) \
	shim_cleanup_pop(execute); \
	} \
	while (0)

#endif
