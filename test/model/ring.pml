/* SPDX-License-Identifier: MIT */
/*
 * The ring: lib/ring.c, lib/ring_whole.c, lib/verdict.c and lib/closing.c.
 *
 * Modelled: ring_push_batch() and ring_pop_batch() with all that they call, line by
 * line, for senders and receivers on a ring of two or three cells, one message at a
 * time or (BATCH, the first of each) two, and the close bit in tail. A step is one
 * access to shared memory; `at` says which one comes next. A thread that is told
 * -EAGAIN sleeps until an operation of the other side has succeeded since its own
 * call began, which is all that a gate tells it.
 *
 * With SINGLE_SENDER, SINGLE_RECEIVER that side claims by a store; and who closes takes
 * some steps, between which it may stop for good (CLOSER_STOPS).
 *
 * Checked for all interleavings:
 *
 *	once      each message that was sent is received once, before any receiver
 *	          is told -EPIPE, and what is received was sent
 *	order     the messages of one sender are received in their order
 *	alone     from the claim to the store, or the giving back, nobody else
 *	          claims the cell, and no quarantined cell is claimed
 *	answers   -EAGAIN for a receiver: at some moment of the call no message was
 *	          `out`, that is, published for good and not claimed.
 *	          For a sender: at some moment of the call no cell was `usable`.
 *	          -EPIPE for a receiver: nothing is out, nor comes out later
 *	quiet     when nothing moves any more, all senders have finished and
 *	          nothing is out, and ring_may_push() and ring_may_pop() say what is
 *	          true; after close, all receivers have finished too. With STOPS this
 *	          is so for all but a thread that was stopped for good at any step;
 *	          when it goes on after all, it finishes too
 *	clean     when all have finished, no question is open, no cell quarantined
 *	progress  (a search for cycles) the graph of states has none. So nobody
 *	          goes on for ever while the messages are finitely many: that is
 *	          lock-free; and whoever is stopped, the others come to rest, which
 *	          "quiet" judges
 *
 * Store buffers (STORE_BUFFERS): the plain store of a state goes into its thread's
 * buffer of two entries and from there into memory at any later moment; the thread
 * itself reads it at once. A CAS, fetch-add or fetch-sub waits until the thread's
 * buffer is empty. fence_heavy() waits for a moment at which no store to the
 * cell in question is in any buffer; it says nothing about later ones, or other
 * cells. A store of tail or head goes into the buffer as well, which then has three
 * entries. That is TSO; what weaker processors add is the business of the acquires and
 * releases in the C source.
 *
 * Abstractions. Each leaves every behaviour of the code possible:
 *
 *	- Positions begin with 0 and do not wrap.
 *	- There is no bear_with(). Who looks again has changed nothing, and is where it
 *	  would be had it been slower.
 *	- Of `doubts` and `settled` the model keeps the difference, and for each thread
 *	  whether there was a doubt since it read what it compares them with.
 *	- ring_push() and ring_pop() are batches of one that begin anew if they meet
 *	  anything unusual.
 *	- Questions, quarantined cells and holes are not counted.
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef RECEIVERS
#define RECEIVERS 2
#endif
#ifndef SENDS
#define SENDS 1 /* of the first sender */
#endif
#ifndef SENDS_OF_OTHERS
#define SENDS_OF_OTHERS 1
#endif
#ifndef BATCH
#define BATCH 1 /* of the first sender and of the first receiver; 1 or 2 */
#endif
#ifndef SINGLE_SENDER
#define SINGLE_SENDER 0 /* the one sender is declared */
#endif
#ifndef SINGLE_RECEIVER
#define SINGLE_RECEIVER 0
#endif
#ifndef EARLY
#define EARLY 0 /* close at any moment, not when nothing moves any more */
#endif
#ifndef CLOSER_STOPS
#define CLOSER_STOPS 0 /* for good, having said CLOSING */
#endif
#define THREADS (SENDERS + RECEIVERS)
#define ALL_SENDERS ((1 << SENDERS) - 1)
#define ALL_RECEIVERS (((1 << RECEIVERS) - 1) << SENDERS)
#define ALL (ALL_SENDERS | ALL_RECEIVERS)

#ifndef CAPACITY
#define CAPACITY 2
#endif
#define CLOSED 32
#define CLOSING 64
#define POSITION 31
#define INDEX(position) ((position) % CAPACITY)
#define FREE(position) ((position) / CAPACITY * 2)
#define FULL(position) (FREE(position) + 1)

#define WORD(owed, kind) ((owed) * 4 + (kind))
#define OWED(word) ((word) / 4)
#define KIND(word) ((word) % 4)
#define DONE 0
#define ASKED 1
#define GONE 2

mtype:step = {
	READ, CLOSING_TOP, STOP, SETTLED, COUNT, SINCE, KNOWN, CLEAR, READY, SINCE_KNOWN, CLAIM,
	CLOSING_SINCE, COUNTS, STORE, COPY, LOOK, VERDICT, ANSWER, STATE, GIVE, GIVE_CHANGE, GIVE_SETTLE,
	MOVED, OTHER_END, OTHER_TAIL, END_HEAVY, END_READ, END_CHANGE, SCAN, SCAN_VERDICT, SCAN_AGAIN, MOVED_LAST,
	HOLE, HOLE_CHANGE, HOLE_STATE, GO_OVER, OVER_SINCE, OVER_COUNTS, ASK, ASK_CHANGE,
	DOUBT, HEAVY, DECIDE, DECIDE_CHANGE, DECIDE_SETTLE,
	WAIT, END
};

/* The ring. */
byte tail, head;
byte end;          /* SINGLE_SENDER: 0, CLOSING, or CLOSED and a position */
#if defined(STORE_BUFFERS) && (SINGLE_SENDER || SINGLE_RECEIVER)
#define LAGS
byte late_tail, late_head; /* what is in memory, behind what their one thread has stored */
#define tail_there (SINGLE_SENDER -> late_tail : tail)
#define head_there (SINGLE_RECEIVER -> late_head : head)
#else
#define tail_there tail
#define head_there head
#endif
byte unsettled;    /* doubts - settled */
bool doubted;      /* ever */
byte calm;         /* set of threads: there was no doubt since the thread has read them */
byte state[CAPACITY];
byte verdict[CAPACITY];
byte message[CAPACITY]; /* 1 and more */

/* For the assertions. */
bool owned[CAPACITY];
bool doomed[CAPACITY];        /* the open question's answer may be GONE, whatever comes */
bool unsure[CAPACITY];        /* published, but whether it stands depends on the answer */
bool out[CAPACITY];
byte sent, claimed, received; /* sets of messages */
byte saw = ALL;               /* set of threads: during the call nothing was out (usable) */
byte woken = ALL;             /* set of threads: the other side has succeeded */
byte ended;
bool told_epipe;
byte stopped; /* a set */

#define BIT(number) (1 << (number))
#ifdef MUTANT_NO_LAP
#define is(position, wanted) (state[INDEX(position)] % 2 == (wanted) % 2)
#else
#define is(position, wanted) (state[INDEX(position)] == (wanted))
#endif
#define kind_at(position) KIND(verdict[INDEX(position)])

#define final ((end & CLOSED) -> (end & POSITION) : (tail & POSITION))
#if CAPACITY == 2
#define any(of) (of(0) || of(1))
#else
#define any(of) (of(0) || of(1) || of(2))
#endif
#define is_out(index) out[index]
#define any_out any(is_out)
/* A cell that was given back too late for its lap is free for a later position; if that
 * is not before head + CAPACITY, the cell comes into use when head has moved on. */
#define free_for(index) (state[index] / 2 * CAPACITY + (index))
#define usable(index) (state[index] % 2 == 0 && KIND(verdict[index]) != GONE && \
	free_for(index) >= final && (free_for(index) < head_there + CAPACITY || free_for(index) == final))
#define any_usable any(usable)
#define unfinished(index) (KIND(verdict[index]) != DONE || owned[index])

inline note()
{
	assert(head <= final && final < head + 2 * CAPACITY && final < POSITION);
	saw = saw | ((any_usable) -> 0 : ALL_SENDERS);
	saw = saw | ((any_out) -> 0 : ALL_RECEIVERS)
}

#define is_sender (me < SENDERS)
#define is_receiver (me >= SENDERS)
#define alone ((is_sender && SINGLE_SENDER) || (is_receiver && SINGLE_RECEIVER))
#define alone_sender (is_sender && SINGLE_SENDER)
#ifdef MUTANT_CLOSE_BESIDE
bool closed;
#define set_closed() closed = true
#define is_closed closed
#define other_end (is_receiver -> (tail | (closed -> CLOSED : 0)) : head)
#else
#define set_closed() tail = tail | CLOSED
#define is_closed (position >= CLOSED)
#define other_end (is_receiver -> tail_there : head_there)
#endif
#define my_end (is_receiver -> head : tail)
#define wanted (FREE(position + i) + is_receiver)
#define own (FULL(position + i) + is_receiver)
#define cell INDEX(position + i)
#ifdef MUTANT_SAME_LAP
#define stored (FULL(position + i) - is_receiver)
#else
#define stored own
#endif
#if defined(MUTANT_NO_COMPARE) || defined(MUTANT_TWO_SENDERS) || defined(MUTANT_TWO_RECEIVERS)
#define unmoved true
#else
#define unmoved (my_end == position)
#endif

/* ----------------------------------------------------------------- store buffers -- */

inline come_out(index)
{
	assert(!out[index] && !told_epipe);
	out[index] = true
}

/* The state that the thread owed gets into memory. */
inline arrive(thread, index, value)
{
	if
	:: (thread) < SENDERS && verdict[index] == WORD(value, ASKED) && doomed[index] -> unsure[index] = true
	:: (thread) < SENDERS && !(verdict[index] == WORD(value, ASKED) && doomed[index]) &&
			KIND(verdict[index]) != GONE ->
		come_out(index)
	:: (thread) >= SENDERS || KIND(verdict[index]) == GONE
	fi;
	owned[index] = false;
	state[index] = value;
	note()
}

/* The question that was open is answered. */
inline answered(index)
{
	if
	:: unsure[index] && KIND(verdict[index]) == DONE -> come_out(index)
	:: else
	fi;
	unsure[index] = false;
	doomed[index] = false;
	note()
}

#ifdef STORE_BUFFERS
#define FIRST 4 /* worker 0 has this _pid */
#define to_fence HEAVY
byte buffer[THREADS]; /* index + 1 of the cell whose state is to become the next one */
byte second[THREADS]; /* and after it, of this one */
#ifdef LAGS
byte third[THREADS];
#define MOVE 16 /* and what tail, or head, is to become */
#define buffered(thread, index) \
	(buffer[thread] == (index) + 1 || second[thread] == (index) + 1 || third[thread] == (index) + 1)
#define has_space (third[me] == 0)
#define put_end(value) put(MOVE + (value))
#else
#define buffered(thread, index) (buffer[thread] == (index) + 1 || second[thread] == (index) + 1)
#define has_space (second[me] == 0)
#define put_end(value) skip
#endif
#define drained (buffer[me] == 0)
#define reads(position, wanted) \
	(state[INDEX(position)] + buffered(me, INDEX(position)) == (wanted))
#define reads_later(index, wanted) (state[index] + buffered(me, index) >= (wanted))
#define in_buffer(thread) buffered(thread, asked)
#if defined(LAGS) && !defined(MUTANT_CLOSE_NO_HEAVY)
#define closing_heavy_done (buffer[0] < MOVE && second[0] < MOVE && third[0] < MOVE)
#else
#define closing_heavy_done true
#endif
#ifdef MUTANT_NO_HEAVY
#define heavy_done true
#else
#define heavy_done (!in_buffer(0) && !in_buffer(1) && !in_buffer(THREADS - 2) && !in_buffer(THREADS - 1))
#endif

inline put(entry)
{
	if
	:: buffer[me] == 0 -> buffer[me] = entry
#ifdef LAGS
	:: buffer[me] != 0 && second[me] != 0 -> third[me] = entry
#endif
	:: buffer[me] != 0 && second[me] == 0 -> second[me] = entry
	fi
}

/* A gate has fences of its own by which a sleeper is woken. */
inline drain(thread)
{
	if
#ifdef LAGS
	:: buffer[thread] >= MOVE && (thread) < SENDERS -> late_tail = buffer[thread] - MOVE
	:: buffer[thread] >= MOVE && (thread) >= SENDERS -> late_head = buffer[thread] - MOVE
	:: buffer[thread] < MOVE ->
#else
	:: true ->
#endif
		arrive(thread, (buffer[thread] - 1), state[buffer[thread] - 1] + 1);
		woken = woken | ((thread) < SENDERS -> ALL_RECEIVERS : ALL_SENDERS)
	fi;
	buffer[thread] = second[thread];
#ifdef LAGS
	second[thread] = third[thread];
	third[thread] = 0
#else
	second[thread] = 0
#endif
}

active proctype memory()
{
end_memory:
	do
	:: d_step { buffer[0] -> drain(0) }
	:: d_step { buffer[1] -> drain(1) }
	:: d_step { buffer[THREADS - 2] -> drain(THREADS - 2) }
	:: d_step { buffer[THREADS - 1] -> drain(THREADS - 1) }
	od
}
#else
#define FIRST 3
#define to_fence DECIDE
#define has_space true
#define closing_heavy_done true
#define put_end(value) skip
#define drained true
#define reads(position, wanted) is(position, wanted)
#define reads_later(index, wanted) (state[index] >= (wanted))
#endif

/* ------------------------------------------------------------- steps within a call -- */

inline settle()
{
	assert(unsettled > 0);
	unsettled--
}

inline doubt()
{
	unsettled++;
	doubted = true;
	calm = 0
}

#define is_calm (calm & BIT(me))

inline end_call()
{
	position = 0; other = 0; n = 0; i = 0; scan = 0; some = false; last = false;
	calm = calm & ~BIT(me);
	saw = saw | BIT(me)
}

inline end_thread()
{
	end_call();
	next = 0;
	woken = woken | BIT(me);
	at = END
}

inline answer_eagain()
{
	assert(saw & BIT(me));
	end_call();
	at = WAIT
}

inline top()
{
	other = 0; n = 0; i = 0; scan = 0;
	calm = calm & ~BIT(me);
	if
	:: is_sender && is_closed -> end_thread() /* -EPIPE */
	:: alone_sender && !is_closed -> at = CLOSING_TOP
	:: else -> at = SETTLED
	fi
}

/* count_claimable() says none. */
inline none()
{
	if
	:: last -> answer_eagain()
	:: else -> n = 0; i = 0; calm = calm & ~BIT(me); at = MOVED
	fi
}

/* A thread that was stopped may owe somebody a wake-up; that is no matter of the ring. */
#ifdef STOPS
#define called ((woken & BIT(me)) || (is_sender && any_usable) || (is_receiver && any_out))
#else
#define called (woken & BIT(me))
#endif

#ifdef MUTANT_ASK_TWICE
#define may_not_ask (KIND(v) == GONE || (KIND(v) == DONE && OWED(v) > wanted))
#else
#define may_not_ask (KIND(v) == GONE || (KIND(v) == DONE && OWED(v) >= wanted))
#endif

#define batch (!last && BATCH == 2 && (me == 0 || me == SENDERS) && (is_receiver || next + 1 < SENDS) -> 2 : 1)

/* publish() or recycle() is done: the next cell of the claim, or the end of it. */
inline next_cell(stands)
{
	v = 0;
	if
	:: is_sender && (stands) ->
		sent = sent | BIT(me * SENDS + next);
		next++;
		some = true
	:: is_sender && !(stands)
#ifdef MUTANT_BATCH_DROPS
		-> next++; some = true
#endif
	:: is_receiver -> some = true
	fi;
	i++;
	if
	:: i < n && is_sender -> at = STORE
	:: i < n && is_receiver -> at = VERDICT
	:: i == n && !some -> position = position + n; n = 0; i = 0; calm = calm & ~BIT(me); at = MOVED
	:: i == n && some ->
		woken = woken | (is_sender -> ALL_RECEIVERS : ALL_SENDERS);
		end_call();
		if
		:: is_sender && next == (me == 0 -> SENDS : SENDS_OF_OTHERS) -> end_thread()
		:: else -> at = READ
		fi
	fi
}

/* Where ready_find() ends. */
#define next_position (position + 1)
#ifdef MUTANT_NO_LIMIT
#define until (is_sender -> position + CAPACITY : (other & POSITION))
#else
#define until (is_sender -> other + CAPACITY : (other & POSITION))
#endif
#define scan_end (next_position + 2 * CAPACITY < until -> next_position + 2 * CAPACITY : until)

#ifdef MUTANT_CLOSED_IN_VAIN
#define go_on_anyway false
#else
#define go_on_anyway (is_receiver && (other & CLOSED))
#endif

inline go_on_scanning()
{
	if
	:: scan >= scan_end && go_on_anyway -> scan = other & POSITION; other = 0; at = HOLE
	:: scan >= scan_end && !go_on_anyway -> scan = 0; other = 0; at = MOVED_LAST
	:: else -> at = SCAN
	fi
}

/* What was read of the other end: is there anything to be looked for? */
inline with_other()
{
	if
	:: is_receiver && other == (position | CLOSED) -> /* -EPIPE */
		assert((sent & ~claimed) == 0 && !any_out);
		told_epipe = true;
		end_thread()
#ifdef MUTANT_BEYOND_TAIL
	:: is_receiver && other == position && kind_at(position) == GONE -> scan = position + 1; at = HOLE
	:: is_receiver && other == position && kind_at(position) != GONE -> answer_eagain()
#else
	:: is_receiver && other == position -> answer_eagain()
#endif
#ifdef MUTANT_NO_ROOM_BEHIND
	:: is_sender -> other = 0; at = MOVED_LAST
#endif
#ifdef MUTANT_NO_MESSAGE_BEHIND
	:: is_receiver && (other & POSITION) != position && !(other & CLOSED) -> other = 0; at = MOVED_LAST
#endif
#ifdef MUTANT_NEED_NO_ROOM
	:: is_sender -> other = 0; scan = position + 1; at = HOLE
#endif
	:: else -> scan = next_position; go_on_scanning()
	fi
}

/* closing.c: this is the end, unless there is one; and tail is as in any closed ring. */
inline change_end(value)
{
	if
	:: end == CLOSING -> end = CLOSED | ((value) & POSITION)
	:: else
	fi
}

inline closing_counts(claimed)
{
	change_end(claimed);
	tail = end;
	put_end(end)
}

/* The next cell, if there is one on the way to `scan`: is it a hole as well? */
inline next_hole()
{
	i++;
	if
#ifdef MUTANT_BEYOND_READY
	:: at = HOLE
#else
	:: position + i < scan -> at = HOLE
#endif
	:: else -> at = GO_OVER
	fi
}

/* The message is written into the cell, or copied out of it. */
inline copy()
{
	if
	:: is_sender ->
		assert(message[cell] == 0);
		message[cell] = me * SENDS + next + 1
	:: is_receiver ->
		assert(message[cell] != 0 && !(received & BIT(message[cell] - 1)));
		received = received | BIT(message[cell] - 1);
		message[cell] = 0
	fi
}
#ifdef MUTANT_CLAIM_COUNTS_ANYWAY
#define after_claim STORE
#else
#define after_claim CLOSING_SINCE
#endif
#ifdef MUTANT_STATE_FIRST
#define after_store COPY
#else
#define after_store LOOK
#endif

inline decided()
{
	v = 0; asked = 0;
	if
	:: clearing -> clearing = false; at = CLEAR
	:: else -> top()
	fi
}

/* verdict_stands(), when there is no question to be answered. */
#ifdef MUTANT_NO_PARITY
#define passed_over (KIND(v) == GONE && OWED(v) >= own)
#else
#define passed_over (KIND(v) == GONE && OWED(v) >= own && (OWED(v) - own) % 2 == 0)
#endif
#ifdef MUTANT_NO_STATE_CHECK
#define if_passed_over GIVE
#else
#define if_passed_over STATE
#endif
inline stands()
{
	assert(KIND(v) != GONE || OWED(v) >= own);
	if
	:: passed_over -> at = if_passed_over
	:: else -> next_cell(true)
	fi
}

/* Give back as free in the lap after the last hole. */
#define given_back ((OWED(v) / 2 + 1) * 2)

/* With HELD, the first receiver has claimed position 0 when all begins, and the messages
 * after it, up to CAPACITY - 2, were received. */
#ifdef HELD
#define begins (me == SENDERS -> STORE : READ)
#define begins_with (me == SENDERS -> 1 : 0)
#else
#define begins READ
#define begins_with 0
#endif

proctype worker(byte me)
#ifdef STOPS
	provided (!(stopped & BIT(_pid - FIRST)))
#endif
{
	mtype:step at = begins;
	byte position, other; /* what was read of the two ends */
	byte n = begins_with, i, next, v, asked, scan;
	bool some, last, clearing;
	do
	:: d_step { at == READ ->
		saw = saw & ~BIT(me);
		note();
		woken = woken & ~BIT(me);
		position = my_end;
		top() }

	/* A sender that is alone finds the ring closing. */
	:: d_step { at == CLOSING_TOP ->
		if
		:: end == 0 -> at = SETTLED
		:: else -> at = STOP
		fi }
	:: d_step { at == STOP && drained ->
		closing_counts(tail);
		end_thread() } /* -EPIPE */

	/* count_claimable() */
	:: d_step { at == SETTLED ->
		if
		:: unsettled == 0 -> calm = calm | BIT(me); at = COUNT
		:: else -> n = batch; at = KNOWN
		fi }
	/* There was a doubt between the two reads, and it is settled already. */
	:: d_step { at == SETTLED && unsettled == 0 && doubted -> n = batch; at = KNOWN }
	:: d_step { at == COUNT ->
		if
		:: reads(position + i, wanted) ->
			i++;
			n = i;
			if
			:: n == batch -> i = 0; at = SINCE
			:: else
			fi
#ifdef MUTANT_NO_READY_CHECK
		:: !reads(position + i, wanted) && i > 0 -> i = 0; n = batch; at = SINCE
#else
		:: !reads(position + i, wanted) && i > 0 -> i = 0; at = SINCE
#endif
		:: !reads(position + i, wanted) && i == 0 -> none()
		fi }
	:: d_step { at == SINCE ->
#ifdef MUTANT_NO_SINCE
		if
		:: last -> last = false; top()
		:: else -> at = CLAIM
		fi
#else
		if
		:: is_calm && last -> last = false; top()
		:: is_calm && !last -> at = CLAIM
		:: else -> at = KNOWN
		fi
#endif
		}
	/* verdict_count(), of at most n */
	:: d_step { at == KNOWN ->
		calm = calm | BIT(me);
		i = 0;
#ifdef MUTANT_STATE_BEFORE_VERDICT
		if
		:: reads(position, wanted) -> at = CLEAR
		:: else -> none()
		fi
#else
		at = CLEAR
#endif
		}
	:: d_step { at == CLEAR ->
		v = verdict[cell];
		if
		:: KIND(v) == ASKED ->
#ifdef MUTANT_CLAIM_WHILE_OPEN
			v = DONE
#else
			clearing = true;
			asked = cell;
			at = DOUBT
#endif
#ifdef MUTANT_CLAIM_GONE
		:: KIND(v) == GONE -> v = DONE
#else
		:: KIND(v) == GONE -> v = 0; n = i; at = SINCE_KNOWN
#endif
		:: KIND(v) == DONE
		fi;
		if
		:: at == CLEAR && KIND(v) == DONE -> v = 0; at = READY
		:: else
		fi }
	:: d_step { at == READY ->
		if
#ifdef MUTANT_STATE_BEFORE_VERDICT
		:: true -> n = 1; at = SINCE_KNOWN
#endif
		:: reads(position + i, wanted) ->
			i++;
			if
			:: i == n -> at = SINCE_KNOWN
#ifdef MUTANT_BATCH_AMONG_HOLES
			:: else
#else
			:: else -> at = CLEAR
#endif
			fi
		:: else -> n = i; at = SINCE_KNOWN
		fi }
	:: d_step { at == SINCE_KNOWN ->
		i = 0;
		if
		:: n == 0 -> none()
#ifdef MUTANT_KNOWN_AT_FIRST
		:: n > 0 && last -> last = false; top()
		:: n > 0 && !last -> at = CLAIM
#else
		:: n > 0 && is_calm && last -> last = false; top()
		:: n > 0 && is_calm && !last -> at = CLAIM
		:: n > 0 && !is_calm -> at = KNOWN
#endif
		fi }

	:: d_step { at == CLAIM && (alone -> has_space : drained) ->
		assert(!alone || unmoved);
		if
		:: unmoved ->
#ifdef MUTANT_TWO_SENDERS
			tail = (is_sender -> position : tail);
#endif
#ifdef MUTANT_TWO_RECEIVERS
			head = (is_receiver -> position : head);
#endif
			do
			:: i < n ->
				assert(!owned[INDEX(position + i)] && kind_at(position + i) != GONE);
				owned[INDEX(position + i)] = true;
				if
				:: is_sender -> tail++
				:: is_receiver ->
					assert(out[INDEX(position + i)] && message[INDEX(position + i)] != 0);
					out[INDEX(position + i)] = false;
					v = message[INDEX(position + i)] - 1;
					assert(!(claimed & BIT(v)));
					claimed = claimed | BIT(v);
					assert(v % SENDS == 0 || (claimed & BIT(v - 1)));
					v = 0;
					head++
				fi;
				i++
			:: else -> i = 0; break
			od;
			if
			:: alone && is_sender -> put_end(tail)
			:: alone && is_receiver -> put_end(head)
			:: else
			fi;
			note();
			at = (alone_sender -> after_claim : STORE)
		:: else -> position = my_end; top()
		fi }

	/* A sender that is alone: was the ring closed before? closing_counts() */
	:: d_step { at == CLOSING_SINCE ->
		if
		:: end == 0 -> at = STORE
		:: else -> at = COUNTS
		fi }
	:: d_step { at == COUNTS && drained ->
		closing_counts(position + n);
		if
		:: end == (CLOSED | (position + n)) -> at = STORE
		:: else ->
			do
			:: i < n -> owned[INDEX(position + i)] = false; i++
			:: else -> break
			od;
			end_thread() /* -EPIPE */
		fi }

	/* publish(), recycle() */
	:: d_step { at == STORE && has_space ->
#ifdef MUTANT_KNOWN_AFTER_CLAIM
		calm = calm | BIT(me);
#endif
#ifndef MUTANT_STATE_FIRST
		copy();
#endif
#ifdef STORE_BUFFERS
		put(cell + 1);
#else
		arrive(me, cell, stored);
#endif
		if
		:: is_receiver && i + 1 < n -> i++
		:: else -> at = after_store
		fi }
#ifdef MUTANT_STATE_FIRST
	:: d_step { at == COPY -> copy(); at = LOOK }
#endif
	/* A receiver has finished all of its claim before it looks. */
	:: d_step { at == LOOK ->
		if
#ifdef MUTANT_OWNER_LOOKS_AWAY
		:: true ->
#else
		:: is_calm ->
#endif
			i = (is_receiver -> n - 1 : i);
			next_cell(true)
		:: else ->
			i = (is_receiver -> 0 : i);
#ifdef MUTANT_BATCH_LOOKS_AT_LAST
			i = (is_receiver -> n - 1 : i);
#endif
			at = VERDICT
		fi }
	/* verdict_stands() */
	:: d_step { at == VERDICT ->
		v = verdict[cell];
		if
#ifndef MUTANT_OWNER_LEAVES_IT_OPEN
		:: v == WORD(own, ASKED) -> at = ANSWER
#endif
		:: else -> stands()
		fi }
	:: d_step { at == ANSWER && drained ->
		if
		:: verdict[cell] == v ->
			verdict[cell] = WORD(own, DONE);
			answered(cell);
			next_cell(true)
		:: else -> v = verdict[cell]; stands()
		fi }
	:: d_step { at == STATE ->
		if
#ifdef MUTANT_SETTLE_FIRST
		:: reads(position + i, own) -> at = GIVE; settle()
#else
		:: reads(position + i, own) -> at = GIVE
#endif
		:: else -> next_cell(true)
		fi }
	:: d_step { at == GIVE && drained ->
#ifdef MUTANT_COVER_TWO_LAPS
		assert(OWED(v) < own + 4);
#endif
		if
		:: is_sender -> message[cell] = 0
		:: else
		fi;
#ifndef MUTANT_VERDICT_FIRST
		state[cell] = given_back;
#endif
		note();
		at = GIVE_CHANGE }
	:: d_step { at == GIVE_CHANGE ->
		if
		:: verdict[cell] == v ->
			verdict[cell] = WORD(given_back, DONE);
			note();
			at = GIVE_SETTLE
#ifdef MUTANT_GIVE_ONCE
		:: else -> at = GIVE_SETTLE
#else
		:: else -> v = verdict[cell]; at = GIVE
#endif
		fi }
	:: d_step { at == GIVE_SETTLE ->
#ifdef MUTANT_VERDICT_FIRST
		state[cell] = given_back;
		note();
#endif
#ifndef MUTANT_SETTLE_FIRST
		settle();
#endif
		next_cell(false) }

	/* Nothing is ready. */
	:: d_step { at == MOVED ->
		if
		:: my_end != position -> position = my_end; top()
		:: else -> at = OTHER_END
		fi }
	:: d_step { at == OTHER_END ->
		if
		:: is_receiver && SINGLE_SENDER && end == 0 -> at = OTHER_TAIL
#ifdef MUTANT_NOBODY_HELPS
		:: is_receiver && SINGLE_SENDER && end == CLOSING -> at = OTHER_TAIL
#elif defined(MUTANT_END_IS_TAIL)
		:: is_receiver && SINGLE_SENDER && end != 0 -> other = CLOSED | (tail_there & POSITION); with_other()
#else
		:: is_receiver && SINGLE_SENDER && end == CLOSING -> at = END_HEAVY
#endif
#ifndef MUTANT_END_IS_TAIL
		:: is_receiver && SINGLE_SENDER && end != 0 && end != CLOSING -> other = end; with_other()
#endif
		:: is_sender || !SINGLE_SENDER -> other = other_end; with_other()
		fi }
	:: d_step { at == OTHER_TAIL -> other = tail_there; with_other() }
	/* closing_end() */
	:: d_step { at == END_HEAVY && closing_heavy_done -> at = END_READ }
	:: d_step { at == END_READ -> other = tail_there; at = END_CHANGE }
	:: d_step { at == END_CHANGE && drained ->
		change_end(other);
		other = end;
		with_other() }
	/* ready_find() */
	:: d_step { at == SCAN ->
		if
		:: reads(scan, FREE(scan) + is_receiver) -> at = SCAN_VERDICT
		:: else -> scan++; go_on_scanning()
		fi }
	:: d_step { at == SCAN_VERDICT ->
		if
#ifdef MUTANT_SCAN_QUARANTINED
		:: false
#else
		:: kind_at(scan) == GONE -> scan++; go_on_scanning()
#endif
#ifdef VARIANT_NO_THIRD_READ
		:: else -> other = 0; at = HOLE
#else
		:: else -> at = SCAN_AGAIN
#endif
		fi }
	:: d_step { at == SCAN_AGAIN ->
		if
		:: reads(scan, FREE(scan) + is_receiver) -> other = 0; at = HOLE
		:: else -> scan++; go_on_scanning()
		fi }
	:: d_step { at == MOVED_LAST ->
		if
#ifdef MUTANT_NO_LAST_LOOK
		:: true -> answer_eagain()
#endif
#ifdef MUTANT_NO_LAST_MOVED
		:: true -> last = true; at = SETTLED
#endif
#ifdef VARIANT_NO_LAST_COUNT
		:: my_end == position -> answer_eagain()
#endif
		:: my_end != position -> position = my_end; top()
		:: else -> last = true; at = SETTLED
		fi }

	/* make_way(), up to `scan`: verdict_hole() */
#define lap FREE(position + i)
	:: d_step { at == HOLE ->
		v = verdict[cell];
		if
		:: KIND(v) == GONE && OWED(v) >= lap -> v = 0; next_hole()
#ifdef MUTANT_HOLE_STAYS
		:: KIND(v) == GONE && OWED(v) < lap -> v = 0; next_hole()
#else
		:: KIND(v) == GONE && OWED(v) < lap -> at = HOLE_CHANGE
#endif
		:: KIND(v) != GONE -> v = 0; at = HOLE_STATE
		fi }
	:: d_step { at == HOLE_CHANGE && drained ->
		if
		:: verdict[cell] == v ->
			verdict[cell] = WORD(OWED(v) + (lap - OWED(v) + 1) / 2 * 2, GONE);
			v = 0;
			next_hole()
#ifdef MUTANT_HOLE_ANYWAY
		:: else -> v = 0; next_hole()
#else
		:: else -> v = 0; at = HOLE
#endif
		fi }
	:: d_step { at == HOLE_STATE ->
		if
#ifndef MUTANT_NO_LATE_HOLE
		:: reads_later(cell, wanted + 1) -> next_hole()
#endif
		:: else ->
			if
			:: i > 0 -> at = GO_OVER
#ifdef MUTANT_SENDER_NEVER_ASKS
			:: i == 0 && is_sender -> top()
			:: i == 0 && is_receiver -> scan = 0; at = ASK
#elif defined(MUTANT_RECEIVER_NEVER_ASKS)
			:: i == 0 && is_receiver -> top()
			:: i == 0 && is_sender -> scan = 0; at = ASK
#else
			:: i == 0 -> scan = 0; at = ASK
#endif
			fi
		fi }
	:: d_step { at == GO_OVER && (alone -> has_space : drained) ->
		do
		/* Where it thinks that tail is, it finds out later. */
		:: alone_sender -> assert(unmoved); tail = tail + i; i = 0; break
		:: my_end == position && i > 0 && is_receiver ->
			assert(!(out[INDEX(position)] && is(position, FULL(position))));
			position++;
			head++;
			i--
		:: my_end == position && i > 0 && is_sender -> position++; tail++; i--
		:: else -> break
		od;
		if
		:: alone && is_sender -> put_end(tail)
		:: alone && is_receiver -> put_end(head)
		:: else
		fi;
		note();
		if
		:: alone_sender -> at = OVER_SINCE
		:: else -> position = my_end; top()
		fi }
	:: d_step { at == OVER_SINCE ->
		if
		:: end == 0 -> top()
		:: else -> at = OVER_COUNTS
		fi }
	:: d_step { at == OVER_COUNTS && drained -> closing_counts(tail); end_thread() }

	/* verdict_ask() */
	:: d_step { at == ASK ->
		v = verdict[cell];
		assert(KIND(v) != GONE || OWED(v) >= wanted);
		if
#ifdef MUTANT_ASKER_DECIDES
		:: KIND(v) == ASKED -> v = 0; top()
#else
		:: KIND(v) == ASKED -> asked = cell; at = DOUBT
#endif
		:: may_not_ask -> v = 0; top()
		:: else -> at = ASK_CHANGE
		fi }
	:: d_step { at == ASK_CHANGE && drained ->
		if
		:: verdict[cell] == v ->
			v = WORD(wanted, ASKED);
			verdict[cell] = v;
			asked = cell;
			at = DOUBT
		:: else -> v = 0; top()
		fi }

	/* decide(): v, the question, becomes the answer */
	:: d_step { at == DOUBT && drained ->
#ifndef MUTANT_DOUBT_LATE
		doubt();
#endif
		at = to_fence }
#ifdef STORE_BUFFERS
	:: d_step { at == HEAVY && heavy_done -> at = DECIDE }
#endif
	:: d_step { at == DECIDE ->
		if
#ifdef MUTANT_DECIDE_BLINDLY
		:: false
#elif defined(MUTANT_DECIDE_EXACTLY)
		:: state[asked] == OWED(v) -> v = WORD(OWED(v), DONE)
#else
		:: reads_later(asked, OWED(v)) -> v = WORD(OWED(v), DONE)
#endif
		:: else ->
			doomed[asked] = doomed[asked] || verdict[asked] == v;
			v = WORD(OWED(v), GONE)
		fi;
		at = DECIDE_CHANGE }
	:: d_step { at == DECIDE_CHANGE && drained ->
#ifdef MUTANT_DOUBT_LATE
		doubt();
#endif
		if
		:: verdict[asked] == WORD(OWED(v), ASKED) ->
			verdict[asked] = v;
			answered(asked);
			if
			:: KIND(v) == DONE -> at = DECIDE_SETTLE
			:: KIND(v) == GONE -> decided()
			fi
#ifdef MUTANT_DECIDE_KEEPS
		:: else -> decided()
#else
		:: else -> at = DECIDE_SETTLE
#endif
		fi }
	:: d_step { at == DECIDE_SETTLE -> settle(); decided() }

	:: d_step { at == WAIT && called -> at = READ }
	:: atomic { at == END -> ended = ended | BIT(me); break }
	od
}

/* ring_may_pop(), ring_may_push(), when nothing moves. */
#ifdef MUTANT_SCAN_QUARANTINED
#define in_use(index) true
#else
#define in_use(index) (KIND(verdict[index]) != GONE)
#endif
#define may_be_popped(index) (state[index] % 2 == 1 && free_for(index) >= head && \
	free_for(index) < final && in_use(index))
#define may_be_pushed(index) (state[index] % 2 == 0 && in_use(index) && \
	(free_for(index) == final || (free_for(index) > final && free_for(index) < head + CAPACITY)))

#define over(set) (((set) & ~ended & ~stopped) == 0)
#define nobody_receives ((stopped & ALL_RECEIVERS) == ALL_RECEIVERS)

#ifdef STOPS
/* Stops the thread STOPS at any step; and ALSO_STOPS after it. */
active proctype stopper()
{
	stopped = BIT(STOPS);
#ifdef ALSO_STOPS
	stopped = stopped | BIT(ALSO_STOPS)
#endif
}
#endif

/* Closes when nothing moves any more, or (with EARLY) at any moment; judges. */
active proctype judge()
{
	byte there;
	atomic {
		if
		:: EARLY
		:: timeout ->
			assert(over(ALL_SENDERS) || nobody_receives);
			assert(!any_out || nobody_receives);
			assert((any(may_be_popped)) == (any_out) && (any(may_be_pushed)) == (any_usable))
		fi;
		if
		:: !SINGLE_SENDER -> set_closed(); woken = ALL
		/* closing_begin(). Who stops in there has woken nobody, but they may look. */
		:: SINGLE_SENDER -> end = CLOSING; woken = (CLOSER_STOPS -> ALL : woken)
		fi
	}
	if
	:: SINGLE_SENDER && !CLOSER_STOPS && closing_heavy_done ->
		there = tail_there;
		d_step {
			change_end(there);
			there = 0;
			woken = ALL
		}
		timeout
	:: (!SINGLE_SENDER || CLOSER_STOPS) && timeout
	fi;
	assert(over(ALL));
#ifdef STOPS
	stopped = 0;
	timeout;
#endif
	assert(ended == ALL);
	assert(sent == claimed && claimed == received && final == head);
	assert(unsettled == 0 && !any(unfinished) && !any_out)
}

init
{
	atomic {
		byte i;
#ifdef HELD
		tail = CAPACITY - 1;
		head = CAPACITY - 1;
		for (i : 1 .. CAPACITY - 2) { state[i] = FREE(CAPACITY) }
		state[0] = FULL(0);
		message[0] = SENDERS * SENDS + 1;
		owned[0] = true;
		sent = BIT(SENDERS * SENDS);
		claimed = sent;
		calm = BIT(SENDERS);
#endif
		for (i : 0 .. THREADS - 1) { run worker(i) }
		i = 0
	}
}
