/* SPDX-License-Identifier: MIT */
/*
 * Victims: threads that make one call on a ring an instruction at a time, and a world
 * that can be kept and put back.
 *
 * Each victim shares this program's memory but is a process of its own, because nobody
 * may trace a thread of his own process. All that a call can change is in `world`,
 * the victims' stacks among it, in the ring's cells and recovery, and in the victims'
 * registers: that is what is kept, and put back.
 */
#ifndef STOPPED_VICTIM_H
#define STOPPED_VICTIM_H

#include <elf.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "queue/ring_peek.h"
#include "tuning.h"
#include "queue/stopped.h"

#define VICTIMS 3
#define CELLS_MAX 256
#define BATCH 3
#define BATCH_MAX RING_CLAIM_MAX
#define MESSAGES 4096 /* of those who are no victims, in one world */
#define DEPTH 4       /* how many worlds are kept at a time */
#define STACK 8192
#define XSTATE_MAX 16384

enum op { PUSH, POP, PUSH_BATCH, POP_BATCH, CLOSE };

struct victim {
	enum op op;
	bool inside;         /* in a call that is not accounted for */
	volatile int result; /* of that call, 0 while it is not over */
	unsigned int steps;  /* of that call */
	uint64_t moved;      /* positions that tail (head) has moved in these */
	/* For the accounts. */
	bool may_fail;   /* at some moment of its call the ring was full (empty) */
	bool left_holes; /* where it was in the way, and receivers have not been since */
	uint64_t seen;   /* a bit for each of its messages that was received */
	uint64_t
		sent_before; /* of the others' messages, so many were sent when its call was over */
	size_t batch;        /* messages of a batch */
	struct magring_message messages[BATCH_MAX];
	_Alignas(64) unsigned char stack[STACK];
};

static struct world {
	struct ring ring;
	struct victim victims[VICTIMS];
	/* Messages 1 ... sent are those of the others. */
	uint64_t sent;
	uint64_t received;
	uint64_t newest; /* of those that were received by a call that is over */
	bool gone[MESSAGES];
	bool ended; /* a pop said -EPIPE */
} world;

/* What all can see. */
struct picture {
	struct ring ring;
	unsigned char cells[CELLS_MAX * sizeof(struct ring_cell)];
	unsigned char recovery[CELLS_MAX * sizeof(uint64_t)];
};

static struct {
	struct world world;
	struct picture picture;
	struct {
		uint64_t moment;
		struct user_regs_struct registers;
		size_t xstate_size;
		unsigned char xstate[XSTATE_MAX];
	} victims[VICTIMS];
} kept[DEPTH];

static struct {
	pid_t pid;
	uint64_t moment; /* the same, and the registers are */
} processes[VICTIMS];

static uint64_t moments;
static const char *scenario_name;

static inline bool op_sends(enum op op)
{
	return op == PUSH || op == PUSH_BATCH;
}

static inline bool sends(const struct victim *victim)
{
	return op_sends(victim->op);
}

static inline size_t count_of(const struct victim *victim)
{
	return victim->op == PUSH || victim->op == POP ? 1 : victim->batch;
}

/* What a story of a failure needs. */
static inline void show_world(void)
{
	static const char *const names[] = { "push", "pop", "push_batch", "pop_batch", "close" };
	fprintf(stderr,
		"  cells %zu, head %" PRIu64 " tail %#" PRIx64 " unresolved %" PRIu64
		", the others have sent %" PRIu64 "\n",
		ring_cells(&world.ring), atomic_load(&world.ring.head),
		atomic_load(&world.ring.tail), ring_peek_unresolved(&world.ring), world.sent);
	for (size_t i = 0; i < ring_cells(&world.ring); i++)
		fprintf(stderr, "  cell %zu: state %#" PRIx64 ", recovery word %#" PRIx64 "\n", i,
			atomic_load(&world.ring.cells[i].state),
			atomic_load(&world.ring.recovery[i]));
	for (int i = 0; i < VICTIMS; i++)
		if (world.victims[i].steps > 0)
			fprintf(stderr,
				"  victim %d: %s, %s after %u instructions, moved %" PRIu64
				", result %d\n",
				i, names[world.victims[i].op],
				world.victims[i].inside ? "stopped" : "back; stopped",
				world.victims[i].steps, world.victims[i].moved,
				world.victims[i].result);
}

/* ------------------------------------------------------------------ one step -- */

static inline int victim_call(struct victim *victim)
{
	switch (victim->op) {
	case PUSH:
		return ring_push(&world.ring, victim->messages);
	case POP:
		return ring_pop(&world.ring, victim->messages);
	case PUSH_BATCH:
		return ring_push_batch(&world.ring, victim->messages, victim->batch);
	case CLOSE:
		ring_close(&world.ring);
		return 1;
	default:
		return ring_pop_batch(&world.ring, victim->messages, victim->batch);
	}
}

static inline int victim_main(void *argument)
{
	struct victim *victim = argument;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		return 1;
	for (;;) {
		__asm__ volatile("int3" ::: "memory"); /* ready for a call */
		victim->result = victim_call(victim);
	}
}

/* Until it has stopped: by which signal; 0 if it has ended. */
static inline int victim_wait(int number)
{
	int status;
	while (waitpid(processes[number].pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return 0;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

/* False if processes cannot be traced here. */
static inline bool victims_start(void)
{
	for (int i = 0; i < VICTIMS; i++) {
		/* A thread but for its process id; membarrier goes by the memory. */
		processes[i].pid = clone(victim_main, world.victims[i].stack + STACK,
			CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, &world.victims[i]);
		processes[i].moment = ++moments;
		if (processes[i].pid < 0 || victim_wait(i) != SIGTRAP ||
			ptrace(PTRACE_SETOPTIONS, processes[i].pid, NULL,
				(void *)(uintptr_t)PTRACE_O_EXITKILL) != 0)
			return false;
	}
	return true;
}

static inline bool is_fault(int signal_number)
{
	return signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGILL ||
		signal_number == SIGFPE || signal_number == SIGABRT || signal_number == SIGSYS;
}

static inline void victim_go_on(int number, enum __ptrace_request how)
{
	struct victim *victim = &world.victims[number];
	_Atomic(uint64_t) *end = sends(victim) ? &world.ring.tail : &world.ring.head;
	uint64_t before = atomic_load(end);
	int signal_number;
	processes[number].moment = ++moments;
	do /* again after a signal from outside, which the program will have got as well */
		signal_number = ptrace(how, processes[number].pid, NULL, NULL) == 0
			? victim_wait(number)
			: 0;
	while (signal_number != 0 && signal_number != SIGTRAP && !is_fault(signal_number));
	if (signal_number != SIGTRAP) {
		fprintf(stderr, "%s: victim %d: %s\n", stress_name, number,
			signal_number != 0 ? strsignal(signal_number) : "lost");
		stress_show();
		abort();
	}
	victim->moved += (atomic_load(end) - before) & (((uint64_t)1 << 62) - 1);
	stress_alive();
}

/* One instruction; false when the call is over. */
static inline bool step(int number)
{
	world.victims[number].steps++;
	victim_go_on(number, PTRACE_SINGLESTEP);
	return world.victims[number].result == 0;
}

/* ------------------------------------------------------------ keep, put back -- */

static inline void take_picture(struct picture *picture)
{
	memcpy(&picture->ring, &world.ring, sizeof(world.ring));
	memcpy(picture->cells, world.ring.cells,
		ring_cells(&world.ring) * sizeof(struct ring_cell));
	memcpy(picture->recovery, world.ring.recovery, ring_cells(&world.ring) * sizeof(uint64_t));
}

/* Whether the ring is not as in the picture. Then it is taken anew. */
static inline bool has_changed(struct picture *picture)
{
	size_t cells = ring_cells(&world.ring);
	if (memcmp(&picture->ring, &world.ring, sizeof(world.ring)) == 0 &&
		memcmp(picture->cells, world.ring.cells, cells * sizeof(struct ring_cell)) == 0 &&
		memcmp(picture->recovery, world.ring.recovery, cells * sizeof(uint64_t)) == 0)
		return false;
	take_picture(picture);
	return true;
}

static inline void keep(int depth)
{
	memcpy(&kept[depth].world, &world, sizeof(world));
	take_picture(&kept[depth].picture);
	for (int i = 0; i < VICTIMS; i++) {
		struct iovec xstate = { .iov_base = kept[depth].victims[i].xstate,
			.iov_len = XSTATE_MAX };
		if (kept[depth].victims[i].moment == processes[i].moment)
			continue;
		kept[depth].victims[i].moment = processes[i].moment;
		if (ptrace(PTRACE_GETREGS, processes[i].pid, NULL,
			    &kept[depth].victims[i].registers) != 0 ||
			ptrace(PTRACE_GETREGSET, processes[i].pid, (void *)NT_X86_XSTATE,
				&xstate) != 0)
			abort();
		kept[depth].victims[i].xstate_size = xstate.iov_len;
	}
}

static inline void put_back(int depth)
{
	memcpy(&world, &kept[depth].world, sizeof(world));
	memcpy(world.ring.cells, kept[depth].picture.cells,
		ring_cells(&world.ring) * sizeof(struct ring_cell));
	memcpy(world.ring.recovery, kept[depth].picture.recovery,
		ring_cells(&world.ring) * sizeof(uint64_t));
	for (int i = 0; i < VICTIMS; i++) {
		struct iovec xstate = { .iov_base = kept[depth].victims[i].xstate,
			.iov_len = kept[depth].victims[i].xstate_size };
		if (kept[depth].victims[i].moment == processes[i].moment)
			continue;
		processes[i].moment = kept[depth].victims[i].moment;
		if (ptrace(PTRACE_SETREGS, processes[i].pid, NULL,
			    &kept[depth].victims[i].registers) != 0 ||
			ptrace(PTRACE_SETREGSET, processes[i].pid, (void *)NT_X86_XSTATE,
				&xstate) != 0)
			abort();
	}
}

/* Whether the victim was twice at this instruction already since the ring changed: it
 * goes round in a loop. */
static inline bool goes_round(int number)
{
	static struct {
		struct picture picture;
		unsigned char times[1 << 16]; /* by the lower half of the address */
	} last[VICTIMS];
	struct user_regs_struct registers;
	if (ptrace(PTRACE_GETREGS, processes[number].pid, NULL, &registers) != 0)
		abort();
	if (has_changed(&last[number].picture))
		memset(last[number].times, 0, sizeof(last[number].times));
	unsigned char *times = &last[number].times[registers.rip % sizeof(last[number].times)];
	if (*times == 2)
		return true;
	++*times;
	return false;
}

#endif
