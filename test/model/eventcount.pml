/* SPDX-License-Identifier: MIT */
/*
 * Eventcounts: lib/base/eventcount.c as lib/queue/send_recv.c and blocking.c use it.
 * No wake-up is lost.
 *
 * Modelled: senders and receivers that call magring_send() and magring_recv(), on
 * a ring of two cells with two eventcounts, and one thread that closes the queue. A
 * sleeper has a deadline or none, and may be cancelled asleep or just woken. A step
 * is one access to shared memory; `at` says which one comes next.
 *
 * Checked for all interleavings:
 *
 *	quiet    when nothing moves any more, no thread sleeps at an eventcount whose
 *	         condition holds
 *	close    whenever the queue is closed, every call ends; a thread that goes on
 *	         calling is told -EPIPE, and only when nothing that was sent is left
 *	word     WAKING > 0 only while there are sleepers; when all calls are over there
 *	         are none
 *
 * With HALTS all but `word` also if one thread stands still for good just before its fence_heavy().
 *
 * Store buffers: the plain store that ends a push or a pop (FULL, FREE) goes into its
 * thread's buffer of one entry and from there into memory at any later moment. The
 * thread's loads of eventcounts do not wait for that. Its changes of eventcounts do
 * (they are releases); its claims need not. fence_heavy() waits
 * for what was in any buffer when it began, and for no later store: a membarrier
 * reaches the processors one by one, and may reach each as early as that. Loads
 * are done in order, and so are stores: that is TSO. To forbid what weaker
 * processors add is the business of the acquires and releases in the C source.
 *
 * Abstractions. Each leaves every behaviour of the code possible:
 *
 *	- The epoch is not counted. A thread only compares it with its ticket, so
 *	  there is one bit per ticket: has the epoch moved since? (The code errs
 *	  when it moves by exactly 2^32 between enter and park.)
 *	- The CAS loops of eventcount.c are one step: a CAS that succeeds has computed the new
 *	  word from the very word that it replaces. A eventcount_notify() whose CAS fails
 *	  and that then finds nothing to do has its place in the word's order from its
 *	  fetch_add.
 *	- eventcount_has_waiters() and the eventcount_notify() after it are one step, at the moment of the
 *	  latter: had the sleeper gone in between, eventcount_notify() would do nothing. In
 *	  pass_wake_up_on(), eventcount_has_waiters() may answer true here when nobody waits.
 *	- A push is claim and publish. Looking at the cell and claiming it are one step:
 *	  a ready cell stays ready until its position is claimed, and if it was, the
 *	  CAS fails. An attempt in vain is one step at the moment when the cell is read:
 *	  what is read after that only decides for a retry. So here an attempt fails
 *	  whenever the cell is not finished: this ring hides messages behind a
 *	  stopped sender, and needs more from the eventcounts than ring.c does.
 *	- ring_may_push() and ring_may_pop() read the position first and the cell later,
 *	  so they may say true too often; here they may whenever any cell is free (full).
 *	- How often wakers meet nobody before they take FENCED and SEEN back is not counted:
 *	  they may whenever they do.
 *	- Time is not counted: a thread that sleeps with a deadline may find it over at
 *	  any moment, and so may one that was woken.
 *	- Spinning and yielding are attempts in vain, which change nothing.
 *	- FUTEX_WAKE wakes any sleeper: no order is assumed of the kernel.
 *
 * Not modelled: ARMED and the descriptor, for which see descriptor.pml; batches,
 * which for an eventcount are calls that do not notify in between.
 */
#ifndef SENDERS
#define SENDERS 1
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef SENDS
#define SENDS 2 /* of the first sender */
#endif
#ifndef SENDS_OF_OTHERS
#define SENDS_OF_OTHERS 1
#endif

#ifndef WAKING_MAX
#define WAKING_MAX 2 /* EVENTCOUNT_WAKING_MAX; with 1 two sleepers are enough to reach it */
#endif

#define SENDER 0
#define RECEIVER 1
#define MOST 3 /* threads of one way */
#define THREADS 6
#define CAPACITY 2

#define FREE(position) ((position) / CAPACITY * 2)
#define FULL(position) ((position) / CAPACITY * 2 + 1)
#define INDEX(position) ((position) % CAPACITY)

mtype:step = {
	TRY, TRY_PUBLISH,    /* the attempt before any waiting */
	ENTER, HEAVY,
	LOOK, LOOK_PUBLISH,  /* the second look */
	PARK, ASLEEP, ASLEEP_UNTIL,
	LEAVE,
	AGAIN,               /* the attempt after it */
	NOTIFY, NOTIFY_FENCED, NOTIFY_FUTEX,
	PASS_ON, PASS_ON_FENCED, PASS_ON_WAKE, PASS_ON_FUTEX,
	RETURN, END
};

/* What a call, or a wait, ended with. */
#define DONE 0
#define EPIPE 1
#define ETIMEDOUT 2
#define ECANCELED 3
#define WOKEN 4

/* The ring. */
byte tail, head;
bool closed; /* the top bit of tail */
byte state[CAPACITY];

/* The eventcounts. */
byte waking[2]; /* wake-ups on their way */
byte sleepers[2];
bool fenced[2], seen[2];
byte ticket[THREADS]; /* NONE, or of the CURRENT epoch, or STALE */
bool asleep[THREADS]; /* in the kernel */

#define NONE 0
#define CURRENT 1
#define STALE 2

/* Memory. */
byte buffer[THREADS]; /* index + 1 of the cell whose state is to become the next one */
byte owed[THREADS];   /* a set: whose stores this thread's fence_heavy() waits for */

byte running = SENDERS + RECEIVERS;
byte standing; /* workers that stand still for good before their heavy fence: with HALTS */
byte stopped; /* receivers that have not been told -EPIPE but do not go on */

#define can_send (closed || state[INDEX(tail)] == FREE(tail))
#define can_receive (state[INDEX(head)] == FULL(head) || (closed && head == tail))
#define can(way) (((way) == SENDER && can_send) || ((way) == RECEIVER && can_receive))
/* What can be made of a position that is no longer true. */
#define may(way) (can(way) || ((way) == SENDER && !(state[0] & state[1] & 1)) || \
	((way) == RECEIVER && ((state[0] | state[1]) & 1)))
#define anybody_asleep(way) \
	(asleep[(way) * MOST] || asleep[(way) * MOST + 1] || asleep[(way) * MOST + 2])

/* FREE(lap) -> FULL(lap) -> FREE(lap + 1) */
inline drain(thread)
{
	state[buffer[thread] - 1] = state[buffer[thread] - 1] + 1;
	buffer[thread] = 0;
	owed[0] = owed[0] & ~(1 << (thread));
	owed[1] = owed[1] & ~(1 << (thread));
	owed[2] = owed[2] & ~(1 << (thread));
	owed[3] = owed[3] & ~(1 << (thread));
	owed[4] = owed[4] & ~(1 << (thread));
	owed[5] = owed[5] & ~(1 << (thread))
}

active proctype memory()
{
end:
	do
	:: d_step { buffer[0] -> drain(0) }
	:: d_step { buffer[1] -> drain(1) }
	:: d_step { buffer[2] -> drain(2) }
	:: d_step { buffer[3] -> drain(3) }
	:: d_step { buffer[4] -> drain(4) }
	:: d_step { buffer[5] -> drain(5) }
	od
}

/* The release in a change of an eventcount. */
inline drain_own()
{
	if
	:: buffer[me] -> drain(me)
	:: else
	fi
}

inline owe(thread)
{
	if
	:: buffer[thread] -> owed[me] = owed[me] | (1 << (thread))
	:: else
	fi
}

inline begin_heavy()
{
#ifdef MUTANT_NO_HEAVY
	skip
#else
	owe(0); owe(1); owe(2); owe(3); owe(4); owe(5)
#endif
}

inline outdate(thread)
{
	if
	:: ticket[thread] == CURRENT -> ticket[thread] = STALE
	:: else
	fi
}

inline move_epoch(moved)
{
	outdate((moved) * MOST);
	outdate((moved) * MOST + 1);
	outdate((moved) * MOST + 2)
}

inline futex_wake_one(at_eventcount)
{
	if
	:: asleep[(at_eventcount) * MOST] -> asleep[(at_eventcount) * MOST] = false
	:: asleep[(at_eventcount) * MOST + 1] -> asleep[(at_eventcount) * MOST + 1] = false
	:: asleep[(at_eventcount) * MOST + 2] -> asleep[(at_eventcount) * MOST + 2] = false
	:: else
	fi
}

inline futex_wake_all(at_eventcount)
{
	asleep[(at_eventcount) * MOST] = false;
	asleep[(at_eventcount) * MOST + 1] = false;
	asleep[(at_eventcount) * MOST + 2] = false
}

#define wakes(eventcount) (waking[eventcount] < WAKING_MAX && sleepers[eventcount] > 0)

/* eventcount_notify(), but for the system call, which is the next step if there is one. */
inline wake(eventcount, next_if_woken, next)
{
#ifndef MUTANT_LOAD
	drain_own();
#endif
	if
	:: wakes(eventcount) ->
#ifdef MUTANT_LOAD
		drain_own(); /* the CAS at least */
#endif
		waking[eventcount]++;
#ifndef MUTANT_SAME_EPOCH
		move_epoch(eventcount);
#endif
		at = next_if_woken
	:: else -> at = next
	fi
}

/* A ring_push() or ring_pop(): a claim, or an error. */
inline attempt(if_claimed, if_epipe, if_eagain)
{
	if
	:: way == SENDER && closed -> why = EPIPE; at = if_epipe
	:: way == SENDER && !closed && can_send ->
		claimed = INDEX(tail) + 1; tail++; at = if_claimed
	:: way == SENDER && !can_send -> at = if_eagain
	:: way == RECEIVER && state[INDEX(head)] == FULL(head) ->
		claimed = INDEX(head) + 1; head++; at = if_claimed
	:: way == RECEIVER && state[INDEX(head)] != FULL(head) && can_receive ->
		why = EPIPE; at = if_epipe
	:: way == RECEIVER && !can_receive -> at = if_eagain
	fi
}

inline end_thread()
{
	why = DONE;
	quota = 0;
	running--
}

/* The call returns. Calls go on until -EPIPE, but a thread may stop before. */
inline return_from_call()
{
	if
	:: why == DONE && way == SENDER ->
		quota--;
		if
		:: quota > 0 -> at = TRY
		:: else -> at = END
		fi
	:: why == DONE && way == RECEIVER -> at = TRY
	:: why == DONE && way == RECEIVER -> at = END; stopped++
	:: why == ETIMEDOUT -> at = TRY
	:: why == ETIMEDOUT || why == ECANCELED ->
		at = END;
		if
		:: way == RECEIVER -> stopped++
		:: else
		fi
	:: why == EPIPE -> at = END
	fi;
	why = DONE;
	if
	:: at == END -> end_thread()
	:: else
	fi
}

/* VARIANT_... are no mutants: what they leave out is not needed. */
#ifdef MUTANT_NO_CHAIN
#define passes_on (why != DONE)
#elif defined(VARIANT_TIMEOUT_KEEPS)
#define passes_on (why != ETIMEDOUT)
#elif defined(MUTANT_CANCEL_KEEPS)
#define passes_on (why != ECANCELED)
#elif defined(MUTANT_EPIPE_KEEPS) || defined(MUTANT_CLOSE_WAKES_ONE_WITHOUT_CHAIN)
#define passes_on (why != EPIPE)
#else
#define passes_on true
#endif

#ifdef MUTANT_NO_SECOND_LOOK
#define SECOND_LOOK false
#else
#define SECOND_LOOK true
#endif

/* The full fence of a waker has passed. */
#ifdef MUTANT_NO_WAKERS_FENCE
#define fence_passed true
#else
#define fence_passed (buffer[me] == 0)
#endif

/*
 * What makes a waker that meets nobody pass its fence. eventcount_may_have_waiters()
 * heeds SEEN, too (and POLLED), but then eventcount_has_waiters_fenced() asks for FENCED.
 */
#ifdef VARIANT_HEED_SEEN
#define heeds(eventcount) (fenced[eventcount] || seen[eventcount])
#else
#define heeds(eventcount) fenced[eventcount]
#endif

/* A waker that has met nobody, once too often. */
inline may_calm(eventcount)
{
	if
	:: skip
	:: fenced[eventcount] = false; seen[eventcount] = false
	fi
}

proctype worker(byte me; bit way)
{
	mtype:step at = TRY;
	byte claimed, why, quota = (way == SENDER -> (me == 0 -> SENDS : SENDS_OF_OTHERS) : 0);
	do
	:: atomic { at == TRY -> attempt(TRY_PUBLISH, END, ENTER);
		if
		:: at == END -> end_thread()
		:: else
		fi }
	:: atomic { (at == TRY_PUBLISH || at == LOOK_PUBLISH) && buffer[me] == 0 ->
		buffer[me] = claimed;
		claimed = 0;
		at = (at == LOOK_PUBLISH -> LEAVE : NOTIFY) }

	/* eventcount_await() */
	:: d_step { at == ENTER ->
		drain_own();
		sleepers[way]++;
		waking[way] = (waking[way] == WAKING_MAX -> WAKING_MAX - 1 : waking[way]);
		ticket[me] = CURRENT;
		if
		:: !seen[way] -> begin_heavy(); at = HEAVY
		:: seen[way] -> at = (SECOND_LOOK -> LOOK : PARK) /* the full fence: its buffer is empty */
		fi;
		fenced[way] = true;
#ifdef MUTANT_SEEN_BEFORE_HEAVY
		seen[way] = true
#endif
		}
	:: d_step { at == HEAVY && owed[me] == 0 ->
		assert(buffer[me] == 0); /* since it entered */
		seen[way] = true;
		at = (SECOND_LOOK -> LOOK : PARK) }
#ifdef HALTS
	:: atomic { at == HEAVY && standing == 0 -> standing++; break }
#endif
	:: atomic { at == LOOK -> attempt(LOOK_PUBLISH, LEAVE, PARK) }
	:: atomic { at == PARK ->
		if
		:: ticket[me] == STALE -> why = WOKEN; at = LEAVE
		:: ticket[me] == STALE -> why = ETIMEDOUT; at = LEAVE
		:: ticket[me] == CURRENT -> asleep[me] = true; at = ASLEEP
		:: ticket[me] == CURRENT -> asleep[me] = true; at = ASLEEP_UNTIL
		fi }
	:: atomic { (at == ASLEEP || at == ASLEEP_UNTIL) && !asleep[me] ->
		if
		:: why = WOKEN
		:: why = ETIMEDOUT
		:: why = ECANCELED
		fi;
		at = LEAVE }
	:: atomic { at == ASLEEP_UNTIL && asleep[me] ->
		asleep[me] = false;
		if
		:: why = ETIMEDOUT
		:: why = ECANCELED
		fi;
		at = LEAVE }
	:: d_step { at == LEAVE ->
		drain_own();
		assert(sleepers[way] > 0);
		sleepers[way]--;
		ticket[me] = NONE;
#ifndef MUTANT_KEEP_WAKING
		if
		:: waking[way] > 0 -> waking[way]--
		:: else
		fi;
		if
		:: waking[way] > sleepers[way] -> waking[way] = sleepers[way]
		:: else
		fi;
#endif
		if
		:: why == WOKEN || why == ETIMEDOUT -> at = AGAIN
		:: why == DONE -> at = NOTIFY
		:: else -> at = PASS_ON
		fi;
#ifdef MUTANT_TIMEOUT_LEAVES
		if
		:: why == ETIMEDOUT -> at = RETURN
		:: else
		fi
#endif
		}
#ifdef MUTANT_TIMEOUT_LEAVES
	:: atomic { at == RETURN -> return_from_call() }
#endif
	:: atomic { at == AGAIN -> attempt(TRY_PUBLISH, PASS_ON, (why == WOKEN -> ENTER : PASS_ON));
		if
		:: at == PASS_ON
		:: else -> why = DONE
		fi }

	/* notify_waiters() and pass_wake_up_on() */
	:: atomic { at == NOTIFY ->
		if
		:: sleepers[1 - way] > 0 -> wake(1 - way, NOTIFY_FUTEX, PASS_ON)
		:: sleepers[1 - way] == 0 && heeds(1 - way) -> at = NOTIFY_FENCED
		:: sleepers[1 - way] == 0 && !heeds(1 - way) -> at = PASS_ON
		fi }
	:: atomic { at == NOTIFY_FENCED && fence_passed ->
		if
		:: sleepers[1 - way] > 0 ->
#ifdef MUTANT_CALM_BESIDE_SLEEPERS
			may_calm(1 - way);
#endif
			at = NOTIFY
		:: sleepers[1 - way] == 0 -> may_calm(1 - way); at = PASS_ON
		fi }
	:: atomic { at == NOTIFY_FUTEX -> futex_wake_one(1 - way); at = PASS_ON }
	:: atomic { at == PASS_ON ->
		if
		:: passes_on && may(way) -> at = PASS_ON_WAKE
		:: passes_on && sleepers[way] == 0 && heeds(way) -> at = PASS_ON_FENCED
		:: !passes_on || !can(way) || (sleepers[way] == 0 && !heeds(way)) -> return_from_call()
		fi }
	:: atomic { at == PASS_ON_FENCED && fence_passed ->
		if
		:: may(way) -> at = PASS_ON_WAKE
		:: sleepers[way] == 0 -> may_calm(way); return_from_call()
		:: sleepers[way] > 0 && !can(way) -> return_from_call()
		fi }
	:: atomic { at == PASS_ON_WAKE -> wake(way, PASS_ON_FUTEX, END);
		if
		:: at == END -> return_from_call()
		:: else
		fi }
	:: atomic { at == PASS_ON_FUTEX -> futex_wake_one(way); return_from_call() }
	:: at == END -> break
	od
}

/* eventcount_notify_all() */
inline wake_all(eventcount)
{
	d_step { move_epoch(eventcount) };
	atomic {
#if defined(MUTANT_CLOSE_WAKES_ONE_WITHOUT_CHAIN) || defined(VARIANT_CLOSE_WAKES_ONE)
		futex_wake_one(eventcount)
#else
		futex_wake_all(eventcount)
#endif
	}
}

/* Closes the queue at any moment, or when nothing else happens any more. */
active proctype closer()
{
	bool early;
	if
	:: early = false
	:: early = true
	fi;
	if
	:: early
	:: !early ->
		timeout;
		assert(!anybody_asleep(SENDER) || !can_send);
		assert(!anybody_asleep(RECEIVER) || !can_receive)
	fi;
	closed = true;
#ifndef MUTANT_CLOSE_KEEPS_SENDERS
	wake_all(SENDER);
#endif
#ifndef MUTANT_CLOSE_KEEPS_RECEIVERS
	wake_all(RECEIVER);
#endif
	timeout;
	assert(running == standing);
	assert(head == tail || stopped >= RECEIVERS - standing);
#ifndef HALTS
	assert(sleepers[SENDER] == 0 && sleepers[RECEIVER] == 0);
	assert(waking[SENDER] == 0 && waking[RECEIVER] == 0)
#endif
}

init
{
	atomic {
		byte i;
		for (i : 0 .. SENDERS - 1) { run worker(SENDER * MOST + i, SENDER) }
		for (i : 0 .. RECEIVERS - 1) { run worker(RECEIVER * MOST + i, RECEIVER) }
		i = 0
	}
}
