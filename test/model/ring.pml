/* SPDX-License-Identifier: MIT */
/*
 * The ring: lib/ring.c.
 *
 * Modelled: senders and receivers on two cells, the first of each with batches of up to
 * two and the others with single calls (with ANY_BATCH, all as they choose), the
 * close bit in tail, and positions that wrap during the run. A step is one access to
 * shared memory; `at` says which one comes next. Writing a message takes from one
 * step to the next, and so does copying it out: what overlaps is seen. A thread
 * that is told -EAGAIN calls again when the call would succeed.
 *
 * Checked for all interleavings:
 *
 *	once      each message that was sent is received once, before any receiver
 *	          is told -EPIPE, and what is received was sent
 *	order     each receiver gets the messages of one sender in their order
 *	alone     one thread at a time touches the message in a cell
 *	answers   "full" and "empty", unless patience is over, are true at some
 *	          moment of the call; after -EPIPE nothing is left or comes
 *	progress  no thread is left waiting
 *
 * Abstractions. Each leaves every behaviour of the code possible:
 *
 *	- Positions are modulo 8, four laps, instead of 2^63. There are fewer messages
 *	  than positions, so that a position is never met twice. (The code errs when a
 *	  thread sleeps through 2^63 messages between a load and its CAS.)
 *	- While a claimed cell is unfinished, the thread that needs it sleeps until what
 *	  it looks at changes, instead of looking again. When patience is over the
 *	  answer is -EAGAIN, and the caller calls again: the same once more.
 *	- ring_push() and ring_pop() are batches of one with the steps in the same order,
 *	  but that they do not look whether the ring is closed: a closed tail is in no
 *	  lap.
 *	- Steps are sequentially consistent. What orders them in the code are the release
 *	  and acquire of [publish], [recycle] and [order]; MUTANT_PUBLISH_FIRST
 *	  and MUTANT_RECYCLE_FIRST show what happens without.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef SENDS
#define SENDS 2 /* of each sender, at most 3 */
#endif

/* How many messages a call is for, with `more` that could be. */
#ifdef ANY_BATCH
#define choose_batch(more) \
		if \
		:: want = 1 \
		:: (more) -> want = 2 \
		fi
#else
#define choose_batch(more) want = ((more) && me == 0 -> 2 : 1)
#endif

#define CAPACITY 2
#define POSITION 7
#define CLOSED 8
#define START 6

#define ADVANCE(position, count) (((position) + (count)) & POSITION)
#define INDEX(position) ((position) % CAPACITY)
#define FREE(position) (((position) & POSITION) / CAPACITY * 2)
#define FULL(position) (FREE(position) + 1)

#ifdef MUTANT_NO_LAP
#define cell_is(position, wanted) ((state[INDEX(position)] & 1) == ((wanted) & 1))
#else
#define cell_is(position, wanted) (state[INDEX(position)] == (wanted))
#endif
#ifdef MUTANT_SAME_LAP
#define FREE_NEXT(position) FREE(position)
#else
#define FREE_NEXT(position) FREE(ADVANCE(position, CAPACITY))
#endif

mtype:step = {
	READ, COUNT, CLAIM, BEGIN, FINISH, MOVED, OTHER_END, BEAR_WITH, WAIT, END
};

byte tail = START, head = START;
byte state[CAPACITY];
byte message[CAPACITY]; /* 4 * sender + number, 1 and more; UNFINISHED while written */
#define UNFINISHED 255

/* For the assertions. */
bool touched[CAPACITY];
short sent, received; /* sets of messages */
byte running = SENDERS + RECEIVERS;

inline touch(index)
{
	assert(!touched[index]);
	touched[index] = true
}

#ifdef MUTANT_CLOSE_BESIDE
bool closed;
#define is_closed(position) closed
#define set_closed() closed = true
#define tail_closed (tail | (closed -> CLOSED : 0))
#else
#define is_closed(position) ((position) & CLOSED)
#define set_closed() tail = tail | CLOSED
#define tail_closed tail
#endif

#ifdef MUTANT_NO_COMPARE
#define not_moved(end, position) true
#else
#define not_moved(end, position) ((end) == (position))
#endif

#ifdef MUTANT_NO_READY_CHECK
#define another_ready(ready) true
#else
#define another_ready(ready) (ready)
#endif

proctype sender(byte me)
{
	mtype:step at = READ;
	byte position, n, want;
	byte next = 1; /* number of the next message */
	bool true_answer;
	do
	:: atomic { at == READ ->
		position = tail;
		at = COUNT;
		choose_batch(next < SENDS) }
	/* count_free(), a cell each time. */
	:: atomic { at == COUNT ->
		if
		:: is_closed(position) -> at = END
		:: !is_closed(position) && n == 0 && !cell_is(position, FREE(position)) -> at = MOVED
		:: !is_closed(position) && n == 0 && cell_is(position, FREE(position)) ->
			n = 1;
			at = (n == want -> CLAIM : COUNT)
		:: !is_closed(position) && n == 1 ->
			if
			:: another_ready(cell_is(position + 1, FREE(position + 1))) -> n = 2
			:: else
			fi;
			at = CLAIM
		fi }
	:: atomic { at == CLAIM ->
		if
		:: not_moved(tail, position) -> tail = ADVANCE(position, n); at = BEGIN
		:: else -> position = tail; n = 0; at = COUNT
		fi }
	/* publish() */
	:: d_step { at == BEGIN ->
		touch(INDEX(position));
		message[INDEX(position)] = UNFINISHED;
#ifdef MUTANT_PUBLISH_FIRST
		state[INDEX(position)] = FULL(position);
#endif
		at = FINISH }
	:: d_step { at == FINISH ->
		message[INDEX(position)] = 4 * me + next;
		touched[INDEX(position)] = false;
		state[INDEX(position)] = FULL(position);
		sent = sent | (1 << (4 * me + next));
		next++;
		position = ADVANCE(position, 1);
		n--;
		if
		:: n > 0 -> at = BEGIN
		:: n == 0 && next <= SENDS -> at = READ; position = 0; want = 0
		:: n == 0 && next > SENDS -> at = END
		fi }
	:: d_step { at == MOVED ->
		if
		:: tail != position -> position = tail; at = COUNT
		:: else ->
			true_answer = ADVANCE(head, CAPACITY) == position;
			at = OTHER_END
		fi }
	:: atomic { at == OTHER_END ->
		if
		:: ADVANCE(head, CAPACITY) == position ->
			assert(true_answer); /* -EAGAIN: full */
			position = 0; want = 0;
			at = WAIT
		:: else -> at = BEAR_WITH
		fi;
		true_answer = false }
	:: atomic { at == BEAR_WITH && (tail != position || cell_is(position, FREE(position))) -> at = COUNT }
	:: atomic { at == WAIT && (tail_closed & CLOSED || cell_is(tail, FREE(tail))) -> at = READ }
	:: atomic { at == END -> position = 0; n = 0; want = 0; next = 1; running--; break }
	od
}

proctype receiver(byte me)
{
	mtype:step at = READ;
	byte position, n, want, got;
	byte last[SENDERS];
	bool true_answer;
	do
	:: atomic { at == READ ->
		position = head;
		at = COUNT;
		choose_batch(true) }
	/* count_full(), a cell each time. */
	:: atomic { at == COUNT ->
		if
		:: n == 0 && !cell_is(position, FULL(position)) -> at = MOVED
		:: n == 0 && cell_is(position, FULL(position)) ->
			n = 1;
			at = (n == want -> CLAIM : COUNT)
		:: n == 1 ->
			if
			:: another_ready(cell_is(position + 1, FULL(position + 1))) -> n = 2
			:: else
			fi;
			at = CLAIM
		fi }
	:: atomic { at == CLAIM ->
		if
		:: not_moved(head, position) -> head = ADVANCE(position, n); at = BEGIN
		:: else -> position = head; n = 0; at = COUNT
		fi }
	/* recycle() */
	:: d_step { at == BEGIN ->
		touch(INDEX(position));
		got = message[INDEX(position)];
#ifdef MUTANT_RECYCLE_FIRST
		state[INDEX(position)] = FREE_NEXT(position);
#endif
		at = FINISH }
	:: d_step { at == FINISH ->
		assert(got == message[INDEX(position)] && got != UNFINISHED);
		touched[INDEX(position)] = false;
		state[INDEX(position)] = FREE_NEXT(position);
		assert((sent & (1 << got)) && !(received & (1 << got)));
		received = received | (1 << got);
		assert(got % 4 > last[got / 4]);
		last[got / 4] = got % 4;
		got = 0;
		position = ADVANCE(position, 1);
		n--;
		if
		:: n > 0 -> at = BEGIN
		:: else -> at = READ; position = 0; want = 0
		fi }
	:: d_step { at == MOVED ->
		if
		:: head != position -> position = head; at = COUNT
		:: else ->
			true_answer = (tail & POSITION) == position;
			at = OTHER_END
		fi }
	:: atomic { at == OTHER_END ->
		if
		:: (tail & POSITION) == position && (tail_closed & CLOSED) -> at = END /* -EPIPE */
		:: (tail & POSITION) == position && !(tail_closed & CLOSED) ->
			assert(true_answer); /* -EAGAIN: empty */
			position = 0; want = 0;
			at = WAIT
		:: else -> at = BEAR_WITH
		fi;
		true_answer = false }
	:: atomic { at == BEAR_WITH && (head != position || cell_is(position, FULL(position))) -> at = COUNT }
	:: atomic { at == WAIT && (cell_is(head, FULL(head)) || tail_closed == (head | CLOSED)) -> at = READ }
	:: atomic { at == END -> position = 0; want = 0; running--; break }
	od
}

/* Closes at any moment, or when nothing else happens any more; judges at the end. */
active proctype closer()
{
	bool early;
	if
	:: early = false
	:: early = true
	fi;
	if
	:: early
	:: !early -> timeout; assert(running == RECEIVERS)
	fi;
	set_closed();
	timeout;
	assert(running == 0);
	assert(sent == received && (tail & POSITION) == head)
}

init
{
	atomic {
		byte i;
		state[INDEX(START)] = FREE(START);
		state[INDEX(START + 1)] = FREE(START + 1);
		for (i : 0 .. SENDERS - 1) { run sender(i) }
		for (i : 0 .. RECEIVERS - 1) { run receiver(i) }
		i = 0
	}
}
