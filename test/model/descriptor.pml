/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: lib/base/eventcount_fd.c, lib/queue/descriptor.c, and FENCED, SEEN
 * and the epoch of lib/base/eventcount.c as armings use them. No signal is lost.
 *
 * Modelled: senders, pollers that call magring_recv() without waiting and
 * epoll_wait() between, one thread that closes the queue, and with BLOCKS a
 * receiver that blocks. One eventcount, that of the receivers. A step is one access
 * to shared memory or one system call; `at` says which one comes next.
 *
 * The pollers, by POLLERS_...:
 *
 *	LEVEL      each has a set of its own; or poll()
 *	EXCLUSIVE  the same with EPOLLEXCLUSIVE
 *	EDGE       each has a set of its own, with EPOLLET
 *	SHARED     one set for all, with EPOLLET
 *
 * Checked for all interleavings:
 *
 *	quiet   when nothing moves any more, no poller is asleep beside a message or a
 *	        close, and no sleeper is
 *	close   then every poller and sleeper ends, and nothing sent is left
 *	signal  there is one: the descriptor is armed, or the counter is 1, or one
 *	        thread has consumed the signal, or one is about to write it
 *	spin    with PROGRESS: the graph of states has no cycle but one. While a message
 *	        is claimed and not published in a closed queue, pollers come again
 *
 * With WORKS a poller may keep for ever what it got: `quiet` then is what the chain
 * of pollers is for. With HALTS one thread may stop for good between any two steps,
 * but not where all depend on it: a sender from its publishing to the end of its
 * call; a poller that has the signal; a poller whose arming still stands, until its
 * second check.
 *
 * Store buffers: as in eventcount.pml. A sender's message goes into memory at any
 * later moment, before the sender's next change of the eventcount or full fence at
 * the latest. fence_heavy() waits for what was in any buffer when it began. Pollers
 * have none: what they store is nobody's condition here.
 *
 * The kernel: epoll_wait() finds its descriptor on the set's ready list (`ready`), or
 * sleeps. What it finds there it looks at again, and takes it off the list if the
 * counter is 0, or if the set is edge-triggered. A write puts the descriptor on the
 * list of each set. With EPOLLEXCLUSIVE it does so until it has met a set in which
 * a thread sleeps. Any order of the sets is assumed, and one for each write: so
 * sets in which no thread sleeps may get it or not.
 *
 * Abstractions. Each leaves every behaviour of the code possible:
 *
 *	- The epoch is not counted, as in eventcount.pml: one bit per arming.
 *	- CAS loops are one step, as there. So is the waker's load after its fence with
 *	  the CAS that takes FENCED and SEEN back: if that succeeds, the word is as it
 *	  was read, and the answer the same as at the CAS.
 *	- eventcount_peek() and the loads up to the fence are one step: the last counts.
 *	- `passed` is cleared with the read() before: who reads it in between cannot
 *	  consume the signal. It is kept for each thread, and a thread may always find
 *	  that time has come to pass on again; with WORKS it always does.
 *	- Messages have places in an order, and one that is not published hides what is
 *	  behind it. The ring has room for all.
 *	- An attempt, and a look at the condition, is one step.
 *	- How often wakers meet nobody before they take FENCED back is not counted.
 *
 * Not modelled: the senders' descriptor, which is the same; the making of the eventfd;
 * EPOLLONESHOT; the sleepers' deadlines and cancellation, for which see eventcount.pml.
 */
#ifndef SENDERS
#define SENDERS 1
#endif
#ifndef POLLERS
#define POLLERS 2
#endif
#ifndef SENDS
#define SENDS 1 /* calls of the first sender */
#endif
#ifndef BATCH
#define BATCH 1 /* messages of a call, published at once */
#endif

#ifndef SENDS_OF_OTHERS
#define SENDS_OF_OTHERS 1
#endif

#define MOST 3 /* senders; and pollers with the sleeper */
#define NOBODY 255

#define SENDER 0
#define POLLER 1
#define BLOCKER 2

mtype:step = {
	WAIT, CALL, ARM_LOOK, ARM_READ, ARM, HEAVY, CHECK,
	PEEK, FENCE, CONDITION, NOTIFY, SIGNAL, DISARM, NOTIFY_FUTEX,
	HAS_SIGNAL, PASS_LOOK, PASS_READ, PASS_WRITE,
	COME_AGAIN, RETURN, /* from a call that got something */
	CLAIM, PUBLISH,
	ENTER, LOOK, PARK, ASLEEP, LEAVE,
	END
};

/* The ring. */
byte tail, head;
byte published; /* a set of places */
bool closed;

/* The eventcount. */
#ifdef MUTANT_POLLED_WHEN_ARMED
#define POLLED_AT_FIRST false
#else
#define POLLED_AT_FIRST true
#endif
bool armed, fenced, seen, polled = POLLED_AT_FIRST;
byte waking, sleepers; /* with BLOCKS */
byte ticket[MOST];     /* NONE, or of the CURRENT epoch, or STALE */
bool asleep;           /* the sleeper, in the kernel */

#define NONE 0
#define CURRENT 1
#define STALE 2
#define WAKING_MAX 2

/* The descriptor and the kernel's sets. */
byte counter = 1;
byte consumed, signals; /* by threads that will give it back; about to be written */
bool ready[MOST] = true;
bool waits[MOST];       /* in epoll_wait(), or about to be */
bool passed[MOST];

/* Memory. */
byte buffer[MOST]; /* place + 1 of the sender's message */
byte owed[MOST];   /* a set: for whose stores this poller's fence_heavy() waits */

byte running; /* calls, or will */
byte armer = NOBODY;  /* of the arming that stands, until its second check */
byte halted = NOBODY; /* the poller that stands still, or MOST for a sender */
bool busy;            /* a poller works on what it got, for ever */

#define has_message ((published >> head) & 1)
#define can_receive (has_message || (closed && head == tail))
#define may_receive (has_message || closed)

inline drain(sender)
{
	published = published | (((1 << BATCH) - 1) << (buffer[sender] - 1));
	buffer[sender] = 0;
	owed[0] = owed[0] & ~(1 << (sender));
	owed[1] = owed[1] & ~(1 << (sender));
	owed[2] = owed[2] & ~(1 << (sender))
}

active proctype memory()
{
end:
	do
	:: d_step { buffer[0] -> drain(0) }
	:: d_step { buffer[1] -> drain(1) }
	:: d_step { buffer[2] -> drain(2) }
	od
}

/* The release in a sender's change of the eventcount. */
inline drain_own()
{
	if
	:: kind == SENDER && buffer[me] -> drain(me)
	:: else
	fi
}

inline owe(sender)
{
	if
	:: buffer[sender] -> owed[me] = owed[me] | (1 << (sender))
	:: else
	fi
}

inline begin_heavy()
{
#ifdef MUTANT_NO_HEAVY
	skip
#else
	owe(0); owe(1); owe(2)
#endif
}

inline outdate(thread)
{
	if
	:: ticket[thread] == CURRENT -> ticket[thread] = STALE
	:: else
	fi
}

inline move_epoch()
{
	outdate(0); outdate(1); outdate(2)
}

/* A waker that has met nobody, once too often. */
inline may_calm()
{
	if
	:: skip
	:: fenced = false; seen = false;
#ifndef MUTANT_CALM_KEEPS_EPOCH
		move_epoch()
#endif
	fi
}

/* What a write does to the sets. */
inline put_on_lists()
{
#if defined(POLLERS_LEVEL)
	skip
#elif defined(POLLERS_EXCLUSIVE)
	if
	:: waits[0] && !ready[0] -> ready[0] = true; others_may(1, 2)
	:: waits[1] && !ready[1] -> ready[1] = true; others_may(0, 2)
	:: waits[2] && !ready[2] -> ready[2] = true; others_may(0, 1)
	:: else -> ready[0] = true; ready[1] = true; ready[2] = true
	fi
#else
	ready[0] = true; ready[1] = true; ready[2] = true
#endif
}

inline may_be_listed(poller)
{
	if
	:: !waits[poller] -> ready[poller] = true
	:: skip
	fi
}

inline others_may(one, another)
{
	may_be_listed(one);
	may_be_listed(another)
}

inline write_signal()
{
	assert(counter == 0);
	counter = 1;
	put_on_lists()
}

#define may_read (counter == 1)

inline read_signal()
{
	assert(!armed && consumed == 0 && signals == 0);
	counter = 0;
	consumed++
}

/* ARMED is cleared: a signal is about to be written. */
inline disarm()
{
	assert(counter == 0 && consumed == 0 && signals == 0);
	armed = false;
	armer = NOBODY;
	signals++
}

/* eventcount_notify(), up to its system calls */
inline notify()
{
	drain_own();
	if
	:: waking < WAKING_MAX && sleepers > 0 -> waking++; move_epoch(); woken = true
	:: else
	fi;
	if
#ifdef MUTANT_SIGNAL_FIRST
	:: armed -> counter = 1; put_on_lists(); at = DISARM
#else
	:: armed -> disarm(); at = SIGNAL
#endif
	:: !armed && woken -> at = NOTIFY_FUTEX
	:: else -> at = then
	fi
}

/* ring_pop() */
inline attempt(if_got, if_epipe, if_eagain)
{
	if
	:: has_message -> head++; at = if_got
	:: closed && head == tail -> at = if_epipe
	:: !can_receive -> at = if_eagain
	fi
}

inline heavy_or(next)
{
	ticket[me] = CURRENT;
#ifndef MUTANT_KEEPS_UNFENCED
	fenced = true;
#endif
	if
	:: !seen -> begin_heavy(); at = HEAVY
	:: seen -> at = next
	fi
#ifdef MUTANT_SEEN_BEFORE_HEAVY
	;seen = true
#endif
}

#ifdef MUTANT_NO_WAKERS_FENCE
#define fence_passed true
#else
#define fence_passed (kind != SENDER || buffer[me] == 0)
#endif

#ifdef MUTANT_NO_SECOND_CHECK
#define second_check false
#else
#define second_check may_receive
#endif

#ifdef MUTANT_SEEN_ANY_EPOCH
#define epoch_is_own true
#else
#define epoch_is_own (ticket[me] == CURRENT)
#endif

#ifdef MUTANT_NO_PASS_ON
#define passes_on false
#else
#define passes_on (polled && !armed)
#endif

#ifdef WORKS
#define may_be_early false
#define may_keep true
#else
#define may_be_early passed[me]
#define may_keep false
#endif

/* Edge-triggered pollers call until there is nothing. */
#if defined(POLLERS_EDGE) || defined(POLLERS_SHARED)
#define may_poll false
#else
#define may_poll (kind == POLLER)
#endif

#ifdef POLLERS_SHARED
#define MINE 0
#else
#define MINE me
#endif

#define responsible (at == ARM || at == SIGNAL || at == NOTIFY_FUTEX || at == PASS_WRITE || \
	(kind == SENDER && at != CLAIM && at != PUBLISH))

proctype thread(byte me; byte kind)
{
	mtype:step at = (kind == SENDER -> CLAIM : CALL), then = END;
	byte claimed, calls = (me == 0 -> SENDS : SENDS_OF_OTHERS);
	bool woken;
end:
	do
	/* magring_send() */
	:: atomic { at == CLAIM ->
		then = CLAIM;
		if
		:: closed || calls == 0 -> at = END
		:: else -> calls--; claimed = tail + 1; tail = tail + BATCH; at = PUBLISH
		fi }
	:: atomic { at == PUBLISH && buffer[me] == 0 ->
		buffer[me] = claimed; claimed = 0; at = PEEK }

	/* eventcount_has_waiters() and eventcount_notify() */
	:: atomic { at == PEEK ->
		if
		:: armed || sleepers > 0 -> at = (kind == SENDER -> NOTIFY : CONDITION)
		:: !armed && sleepers == 0 && fenced -> at = FENCE
		:: !armed && sleepers == 0 && !fenced -> at = then
		fi }
	:: atomic { at == FENCE && fence_passed ->
		if
		:: armed || sleepers > 0 -> at = (kind == SENDER -> NOTIFY : CONDITION)
		:: !armed && sleepers == 0 -> may_calm(); at = then
		fi }
	:: atomic { at == CONDITION -> at = (may_receive -> NOTIFY : then) }
	:: atomic { at == NOTIFY -> notify() }
	:: atomic { at == SIGNAL ->
		signals--;
		write_signal();
		at = (woken -> NOTIFY_FUTEX : then) }
#ifdef MUTANT_SIGNAL_FIRST
	:: atomic { at == DISARM -> armed = false; at = (woken -> NOTIFY_FUTEX : then) }
#endif
	:: atomic { at == NOTIFY_FUTEX -> woken = false; asleep = false; at = then }

	/* magring_recv() */
	:: atomic { at == CALL ->
		attempt(PEEK, PASS_READ, (kind == BLOCKER -> ENTER : (closed -> COME_AGAIN : ARM_LOOK)));
		then = (at == PEEK -> HAS_SIGNAL : (at == PASS_READ -> END : WAIT));
#ifdef MUTANT_EPIPE_KEEPS
		at = (at == PASS_READ -> END : at)
#endif
		}
	:: at == COME_AGAIN ->
progress:	at = ARM_LOOK

	/* descriptor_pass_on(); with -EPIPE from PASS_READ on */
	:: atomic { at == HAS_SIGNAL -> then = RETURN; at = (passes_on -> PASS_LOOK : RETURN) }
	:: atomic { at == PASS_LOOK ->
		if
		:: may_receive -> at = PASS_READ
		:: !may_receive || may_be_early -> at = RETURN
		fi }
	:: atomic { at == PASS_READ ->
		if
#ifdef MUTANT_PASS_WITHOUT_READ
		:: at = PASS_WRITE; consumed++
#else
		:: may_read -> read_signal(); passed[me] = true; at = PASS_WRITE
		:: !may_read -> at = then
#endif
		fi }
	:: atomic { at == PASS_WRITE -> consumed--; write_signal(); at = then }
	:: atomic { at == RETURN ->
		if
		:: at = CALL
		:: may_poll -> at = WAIT
		:: may_keep -> at = END; busy = true
		fi }

	/* eventcount_arm() */
	:: atomic { at == ARM_LOOK -> at = (armed -> WAIT : ARM_READ) }
	:: atomic { at == ARM_READ ->
		if
		:: may_read ->
			read_signal();
			passed[0] = false; passed[1] = false; passed[2] = false;
			at = ARM
#ifdef MUTANT_ARM_ANYWAY
		:: !may_read -> consumed++; at = ARM
#else
		:: !may_read -> at = WAIT
#endif
		fi }
	:: atomic { at == ARM ->
		assert(!armed && counter == 0 && consumed == 1 && signals == 0);
		consumed--;
		armed = true; polled = true; armer = me;
		heavy_or(CHECK) }
	:: atomic { at == HEAVY && owed[me] == 0 ->
		seen = seen || kind == BLOCKER || epoch_is_own;
		at = (kind == BLOCKER -> LOOK : CHECK) }
	:: atomic { at == CHECK ->
		ticket[me] = NONE;
		armer = (armer == me && !second_check -> NOBODY : armer);
		at = (second_check -> NOTIFY : WAIT) }

	/* epoll_wait() */
	:: atomic { at == WAIT && !waits[me] -> waits[me] = true }
#ifdef POLLERS_LEVEL
	:: atomic { at == WAIT && waits[me] && counter > 0 -> waits[me] = false; at = CALL }
#else
	:: atomic { at == WAIT && waits[me] && ready[MINE] ->
#ifdef POLLERS_EXCLUSIVE
		ready[MINE] = counter > 0;
#else
		ready[MINE] = false;
#endif
		if
		:: counter > 0 -> waits[me] = false; at = CALL
		:: else
		fi }
#endif

	/* eventcount_await() */
	:: atomic { at == ENTER ->
		sleepers++;
		waking = (waking == WAKING_MAX -> WAKING_MAX - 1 : waking);
		heavy_or(LOOK) }
	:: atomic { at == LOOK ->
		claimed = has_message;
		attempt(LEAVE, LEAVE, PARK) }
	:: atomic { at == PARK ->
		if
		:: ticket[me] == STALE -> at = LEAVE
		:: ticket[me] == CURRENT -> asleep = true; at = ASLEEP
		fi }
	:: atomic { at == ASLEEP && !asleep -> at = LEAVE }
	:: atomic { at == LEAVE ->
		sleepers--;
		waking = 0; /* there is one sleeper */
		ticket[me] = NONE;
		then = HAS_SIGNAL;
		at = (claimed -> PEEK : CALL);
		claimed = 0 }
#ifdef HALTS
	:: atomic { halted == NOBODY && at != END && !responsible ->
		halted = (kind == SENDER -> MOST : me);
		waits[me] = waits[me] && kind == SENDER;
		running--;
		break }
#endif
	:: atomic { at == END -> running--; break }
	od
}

#define anybody_waits (waits[0] || waits[1] || waits[2] || asleep)
#define excused (halted != NOBODY && armer == halted)

/* Closes the queue at any moment, or when nothing else happens any more. */
active proctype closer()
{
	bool early, was_armed;
	if
	:: early = false
	:: early = true
	fi;
	if
	:: early
	:: !early ->
		timeout;
		assert(excused || !can_receive || !anybody_waits);
		assert(armed + counter == 1)
	fi;
	closed = true;
	/* eventcount_notify_all() */
	atomic {
		move_epoch();
		was_armed = armed;
		if
		:: armed -> disarm()
		:: else
		fi
	}
	if
	:: atomic { was_armed -> signals--; write_signal() }
	:: !was_armed
	fi;
	asleep = false;
#ifndef MUTANT_CLOSE_KEEPS
	/* eventcount_pass_fd_on() */
	if
	:: atomic { may_read -> read_signal() }
		atomic { consumed--; write_signal() }
	:: !may_read
	fi;
#endif
	timeout;
	assert(excused || (!anybody_waits && running == 0));
	assert(excused || head == tail || busy || halted != NOBODY);
	assert(armed + counter == 1)
}

init
{
	atomic {
		byte i;
		for (i : 0 .. SENDERS - 1) { run thread(i, SENDER); running++ }
		for (i : 0 .. POLLERS - 1) { run thread(i, POLLER); running++ }
		i = 0;
#ifdef BLOCKS
		run thread(POLLERS, BLOCKER); running++
#endif
	}
}
