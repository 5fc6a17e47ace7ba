/* SPDX-License-Identifier: MIT */
/*
 * How threads end: cancellation, clean-up handlers, what is specific to a thread;
 * forks, in whose child all other threads have ended; and abort().
 */
#include <unistd.h>

#include "kernel.h"
#include "shim.h"

#include <errno.h>

#undef abort
#undef memcpy
#undef write

/* Made by constructors, and so as old as the process. */
static void (*destructors[KEYS])(void *);
static unsigned int keys;
static bool deleted[KEYS];
static void (*child_handlers[8])(void);
static unsigned int child_handler_count;

__attribute__((noreturn)) static void end_cancelled(void)
{
	me->cancellable = false;
	me->cancel_disabled = true;
	while (me->cleanups != NULL) {
		struct cleanup *cleanup = me->cleanups;
		me->cleanups = cleanup->next;
		cleanup->run(cleanup->context);
	}
	engine_end_thread();
}

void kernel_check_cancelled(void)
{
	if (me->cancelled && me->cancellable && !me->cancel_disabled)
		end_cancelled();
}

int shim_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	(void)prepare, (void)parent;
	if (child_handler_count == 8)
		return ENOMEM;
	child_handlers[child_handler_count++] = child;
	return 0;
}

void sched_become_child(void)
{
	point();
	memory_drain(me);
	for (unsigned int i = 0; i < engine->count; i++)
		if (&engine->threads[i] != me)
			engine->threads[i].state = ENDED;
	/* Whatever other threads did, the child is a copy of: no race. */
	for (unsigned int i = 0; i < engine->count; i++) {
		memory_drain(&engine->threads[i]);
		clock_join(&me->clock, &engine->threads[i].clock);
	}
	for (unsigned int i = 0; i < child_handler_count; i++)
		child_handlers[i]();
}

/*
 * To set a key is a read of it, and must not race with the other two. To end is
 * none: POSIX has keys deleted beside threads that end.
 */
static void use_key(pthread_key_t key, bool write)
{
	if (!is_running())
		return;
	if (key >= keys || deleted[key])
		sched_fail("key %u is used by thread %u (%s), and it has been deleted", key, me->id,
			me->name);
	memory_plain((uintptr_t)&destructors[key], sizeof(destructors[key]), write);
}

int shim_key_create(pthread_key_t *ret_key, void (*run)(void *))
{
	if (keys == KEYS || kernel_refuses())
		return EAGAIN;
	destructors[keys] = run;
	memory_plain((uintptr_t)ret_key, sizeof(*ret_key), true);
	*ret_key = keys++;
	use_key(*ret_key, true);
	return 0;
}

int shim_key_delete(pthread_key_t key)
{
	use_key(key, true);
	destructors[key] = NULL;
	deleted[key] = true;
	return 0;
}

int shim_setspecific(pthread_key_t key, const void *value)
{
	if (kernel_refuses())
		return ENOMEM;
	use_key(key, false);
	me->specific[key] = (void *)(uintptr_t)value;
	return 0;
}

void kernel_thread_ends(void)
{
	for (unsigned int i = 0; i < keys; i++) {
		void *value = me->specific[i];
		me->specific[i] = NULL;
		if (value != NULL && destructors[i] != NULL)
			destructors[i](value);
	}
}

int shim_setcancelstate(int state, int *ret_old)
{
	if (!is_running())
		return 0;
	if (ret_old != NULL)
		*ret_old = me->cancel_disabled ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
	me->cancel_disabled = state == PTHREAD_CANCEL_DISABLE;
	return 0;
}

int shim_setcanceltype(int type, int *ret_old)
{
	if (ret_old != NULL)
		*ret_old = me->cancellable ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
	me->cancellable = type == PTHREAD_CANCEL_ASYNCHRONOUS;
	kernel_check_cancelled();
	return 0;
}

void sched_cancel(unsigned int id)
{
	struct thread *thread = &engine->threads[id];
	kernel_enter();
	thread->cancelled = true;
	if (thread->state == ASLEEP && thread->cancellable && !thread->cancel_disabled)
		engine_wake(thread, EINTR);
}

void shim_cleanup_push(struct shim_cleanup *cleanup)
{
	struct cleanup *entry = (struct cleanup *)(void *)cleanup;
	entry->next = me->cleanups;
	me->cleanups = entry;
}

void shim_cleanup_pop(int run)
{
	struct cleanup *entry = me->cleanups;
	me->cleanups = entry->next;
	if (run)
		entry->run(entry->context);
}

/* ----------------------------------------------------------------- aborts -- */

static bool may_abort;
static unsigned int aborts;
static char last_line[512]; /* to stderr */

void sched_expect_abort(void)
{
	may_abort = true;
}

unsigned int sched_aborts(void)
{
	return aborts;
}

const char *sched_last_line(void)
{
	return last_line;
}

ssize_t shim_write(int fd, const void *bytes, size_t count)
{
	if (!is_running() || fd != STDERR_FILENO)
		return write(fd, bytes, count);
	size_t kept = count < sizeof(last_line) ? count : sizeof(last_line) - 1;
	memcpy(last_line, bytes, kept);
	last_line[kept] = '\0';
	return (ssize_t)count;
}

void shim_abort(void)
{
	if (!is_running())
		abort();
	if (!may_abort)
		sched_fail("abort()%s%s", last_line[0] != '\0' ? ": " : "", last_line);
	aborts++;
	for (;;)
		engine_block(WAITING);
}
