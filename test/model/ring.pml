/* SPDX-License-Identifier: MIT */
/*
 * The ring: the files of lib/queue from scan.c to ring_state.c in lib/meson.build.
 *
 * Modelled: ring_push_batch() and ring_pop_batch() with all that they call, line by
 * line, for senders and receivers on a ring of two to six cells, one message at
 * a time or (BATCH, the first of each) two, and the close bit in tail. A step is one
 * access to shared memory; `at` says which one comes next. A thread that is told
 * -EAGAIN sleeps until an operation of the other side has succeeded since its own
 * call began, which is all that an eventcount tells it.
 *
 * SPARE of the CELLS are spare: tail skips no position if more than so many
 * between head and tail were skipped then. RUN cells at most are challenged at
 * once (claim_max of the C source). With RECEIVES a receiver ends when it has
 * received so many messages, and senders that have more than fit are left
 * waiting.
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
 *	          For a sender: at some moment of the call no cell was `usable`,
 *	          that is, free for tail, or free behind it and what is before it
 *	          can be skipped, counted exactly.
 *	          -EPIPE for a receiver: nothing is out, nor comes out later
 *	quiet     when nothing moves any more, all senders have finished and
 *	          nothing is out, and ring_may_push() and ring_may_pop() say what is
 *	          true; after close, all receivers have finished too. With STOPS this
 *	          is so for all but a thread that was stopped for good at any step;
 *	          when it goes on after all, it finishes too. When all receivers
 *	          have ended (RECEIVES) or are stopped, a sender may be left
 *	          waiting, but then no cell is usable
 *	promise   when nothing moves any more, no thread is stopped in a call, and
 *	          no cell is usable, at least CELLS - SPARE messages are in the
 *	          ring. (So are they if a sender waits: by "quiet" no cell is
 *	          usable then.) And no position between head and tail is one whose
 *	          sender was skipped. With RECEIVES and STOPS this is judged
 *	          when the stopped threads have gone on, before the ring is closed
 *	margin    at any moment: of the positions between head and tail, SPARE at
 *	          most were skipped by tail; and which ones are skipped positions, by tail's
 *	          doing or by head's, is what recovery_skipped() makes of their
 *	          recovery words
 *	clean     when all have finished, no challenge is open, no cell quarantined
 *	progress  (a search for cycles) the graph of states has none. So nobody
 *	          goes on for ever while the messages are finitely many: that is
 *	          lock-free; and whoever is stopped, the others come to rest, which
 *	          "quiet" judges
 *
 * Store buffers (STORE_BUFFERS): the plain store of a state goes into its thread's
 * buffer of two entries and from there into memory at any later moment; the thread
 * itself reads it at once. A CAS, fetch-add or fetch-sub waits until the thread's
 * buffer is empty. fence_heavy() waits, for one cell in challenge after another,
 * for a moment at which no store to it is in any buffer; it says nothing about
 * later ones, or other cells. A store of tail or head goes into the buffer as well,
 * which then has three entries. That is TSO; what weaker processors add is the
 * business of the acquires and releases in the C source.
 *
 * Abstractions. Each leaves every behaviour of the code possible:
 *
 *	- Positions begin with 0 and do not wrap.
 *	- There is no pause_for_owner(). Who looks again has changed nothing, and is where it
 *	  would be had it been slower.
 *	- Of `challenges` and `resolved` the model keeps the difference, and for each thread
 *	  whether there was a challenge since it read what it compares them with.
 *	- ring_push() and ring_pop() are batches of one that begin anew if they meet
 *	  anything unusual.
 *	- A challenge and a batch have limits of their own (RUN, BATCH); in the C
 *	  source both are claim_max, which is less than the number of cells. RUN is,
 *	  too: if all cells were challenged at once, tail could come to
 *	  head + 2 * CELLS.
 *	- After a skip a thread reads its end of the ring at that moment.
 *	- What ring_counts() tells is not counted: challenges, quarantined cells,
 *	  skips.
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
#ifndef RECEIVES
#define RECEIVES 0 /* messages that a receiver takes before it ends; 0: all */
#endif
#ifndef HELD
#define HELD 0 /* positions that are claimed when all begins; see there */
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

#ifndef CELLS
#define CELLS 2
#endif
#ifndef SPARE
#define SPARE (CELLS - 1)
#endif
#ifndef RUN
#define RUN (CELLS - 1) /* so many cells are challenged at once, at most */
#endif
#if RUN > BATCH
#define CHALLENGES RUN
#else
#define CHALLENGES BATCH
#endif
#define CLOSED 32
#define CLOSING 64
#define POSITION 31
#define INDEX(position) ((position) % CELLS)
#define FREE(position) ((position) / CELLS * 2)
#define FULL(position) (FREE(position) + 1)

#define WORD(owed, kind) ((owed) * 4 + (kind))
#define OWED(word) ((word) / 4)
#define KIND(word) ((word) % 4)
#define DONE 0
#define PENDING 1
#define SKIPPED 2

mtype:step = {
	READ, CLOSING_TOP, STOP, RESOLVED, COUNT, SINCE, KNOWN, CLEAR, READY, SINCE_KNOWN, CLAIM,
	CLOSING_SINCE, COUNTS, STORE, COPY, LOOK, RECOVERY, ANSWER, STATE, GIVE, GIVE_CHANGE, GIVE_RESOLVE,
	MOVED, OTHER_END, OTHER_TAIL, END_HEAVY, END_READ, END_CHANGE, SCAN, SCAN_RECOVERY, SCAN_AGAIN,
	STEPPED, HEAD_AGAIN, MOVED_LAST,
	ASK, ASK_STATE, ASK_CHANGE, ANNOUNCE, HEAVY, DECIDE, DECIDE_CHANGE, DECIDE_RESOLVE,
	SKIP, SKIP_CHANGE, SKIP_STATE, GO_OVER, OVER_SINCE, OVER_COUNTS,
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
byte unresolved;    /* challenges - resolved */
bool doubted;      /* ever */
byte calm;         /* set of threads: there was no challenge since the thread has read them */
byte state[CELLS];
byte recovery[CELLS];
byte message[CELLS]; /* 1 and more */

/* For the assertions. */
bool owned[CELLS];
bool doomed[CELLS];        /* the open challenge's answer may be SKIPPED, whatever comes */
bool unsure[CELLS];        /* published, but whether it stands depends on the answer */
bool out[CELLS];
short sent, claimed, received; /* sets of messages */
int voids;                    /* set of positions from head to tail */
int skipped;                  /* of these, the ones that tail has skipped */
byte lost;                    /* how many skipped positions */
hidden byte each, spent;
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
#define kind_at(position) KIND(recovery[INDEX(position)])

#define final ((end & CLOSED) -> (end & POSITION) : (tail & POSITION))
#define any2(of) (of(0) || of(1))
#if CELLS == 2
#define any(of) any2(of)
#elif CELLS == 3
#define any(of) (any2(of) || of(2))
#elif CELLS == 4
#define any(of) (any2(of) || of(2) || of(3))
#elif CELLS == 5
#define any(of) (any2(of) || of(2) || of(3) || of(4))
#elif CELLS == 6
#define any(of) (any2(of) || of(2) || of(3) || of(4) || of(5))
#endif
#define is_out(index) out[index]
#define any_out any(is_out)
/* A cell that was given back too late for its lap is free for a later position; if that
 * is not before head + CELLS, the cell comes into use when head has moved on. */
#define free_position(state, index) ((state) / 2 * CELLS + (index))
#define free_for(index) free_position(state[index], index)
#define usable(index) (state[index] % 2 == 0 && KIND(recovery[index]) != SKIPPED && \
	(free_for(index) == final || (free_for(index) > final && free_for(index) < head_there + CELLS && \
	lost + free_for(index) - final <= SPARE)))
#define any_usable any(usable)
#define unfinished(index) (KIND(recovery[index]) != DONE || owned[index])

/* recovery_skipped() of one position; `word` is the recovery word of its cell. */
#ifdef MUTANT_ANSWERED_COUNTED
#define skipped_by(word, position) (OWED(word) >= FREE(position) + (KIND(word) == SKIPPED -> 0 : 1))
#else
#define skipped_by(word, position) (OWED(word) >= FREE(position) + (KIND(word) == SKIPPED -> 0 : 2))
#endif

inline note()
{
	assert(head <= final && final <= head + CELLS + RUN && final < POSITION);
	voids = voids & (BIT(final) - BIT(head_there));
	skipped = skipped & voids;
	lost = 0;
	spent = 0;
	each = head_there;
	do
	:: each < final ->
		assert(skipped_by(recovery[INDEX(each)], each) == ((voids & BIT(each)) != 0));
		lost = lost + ((voids & BIT(each)) != 0);
		spent = spent + ((skipped & BIT(each)) != 0);
		each++
	:: else -> break
	od;
#ifndef MUTANT_NO_MARGIN /* "promise" is to reject it */
	assert(spent <= SPARE);
#endif
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
	:: (thread) < SENDERS && recovery[index] == WORD(value, PENDING) && doomed[index] -> unsure[index] = true
	:: (thread) < SENDERS && !(recovery[index] == WORD(value, PENDING) && doomed[index]) &&
			KIND(recovery[index]) != SKIPPED ->
		come_out(index)
	:: (thread) >= SENDERS || KIND(recovery[index]) == SKIPPED
	fi;
	owned[index] = false;
	state[index] = value;
	note()
}

/* The challenge that was open is answered. */
inline answered(index)
{
	if
	:: unsure[index] && KIND(recovery[index]) == DONE -> come_out(index)
	:: else
	fi;
	if
	:: KIND(recovery[index]) == SKIPPED && OWED(recovery[index]) % 2 == 1 ->
		/* A sender is skipped. */
		voids = voids | BIT(free_position(OWED(recovery[index]), index))
	:: else
	fi;
	unsure[index] = false;
	doomed[index] = false;
	note()
}

#ifdef STORE_BUFFERS
#define FIRST 4 /* worker 0 has this _pid */
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
#define in_buffer(thread) buffered(thread, cell)
#if defined(LAGS) && !defined(MUTANT_CLOSE_NO_HEAVY)
#define close_heavy_done (buffer[0] < MOVE && second[0] < MOVE && third[0] < MOVE)
#else
#define close_heavy_done true
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

/* A eventcount has fences of its own by which a sleeper is woken. */
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
#define has_space true
#define close_heavy_done true
#define put_end(value) skip
#define drained true
#define reads(position, wanted) is(position, wanted)
#define reads_later(index, wanted) (state[index] >= (wanted))
#endif

/* ------------------------------------------------------------- steps within a call -- */

inline notify_waiters()
{
	assert(unresolved > 0);
	unresolved--
}

inline announce(number)
{
	unresolved = unresolved + number;
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
	:: else -> at = RESOLVED
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
#define may_not_challenge (KIND(v) == SKIPPED || (KIND(v) == DONE && OWED(v) > wanted))
#define if_may_ask ASK_CHANGE
#else
#define may_not_challenge (KIND(v) == SKIPPED || (KIND(v) == DONE && OWED(v) >= wanted))
#define if_may_ask ASK_STATE
#endif

#define wants_two (is_sender -> next + 1 < SENDS : RECEIVES == 0 || next + 1 < RECEIVES)
#define batch (!last && BATCH == 2 && (me == 0 || me == SENDERS) && wants_two -> 2 : 1)

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
	:: i < n && is_receiver -> at = RECOVERY
	:: i == n && !some -> position = position + n; n = 0; i = 0; calm = calm & ~BIT(me); at = MOVED
	:: i == n && some ->
		woken = woken | (is_sender -> ALL_RECEIVERS : ALL_SENDERS);
		end_call();
		if
		:: is_sender && next == (me == 0 -> SENDS : SENDS_OF_OTHERS) -> end_thread()
		:: is_receiver && RECEIVES > 0 && next == RECEIVES -> end_thread()
		:: else -> at = READ
		fi
	fi
}

/* Where scan_ready() ends; `nearer`: the second one of scan_room(). */
#define next_position (position + 1)
#define affordable (position + SPARE - n)
#ifdef MUTANT_NO_LIMIT
#define until (is_sender -> position + CELLS : (other & POSITION))
#else
#define until (is_sender -> other + CELLS : (other & POSITION))
#endif
#define find_end (nearer -> affordable + 1 : until)
#define scan_end (next_position + 2 * CELLS < find_end -> next_position + 2 * CELLS : find_end)

#ifdef MUTANT_CLOSED_IN_VAIN
#define go_on_anyway false
#else
#define go_on_anyway (is_receiver && (other & CLOSED))
#endif

inline go_on_scanning()
{
	if
	:: scan >= scan_end && go_on_anyway -> scan = other & POSITION; challenge()
	:: scan >= scan_end && !go_on_anyway ->
		scan = 0; other = 0; n = 0; nearer = false;
		at = MOVED_LAST
	:: else -> at = SCAN
	fi
}

/* One is ready at `scan`. May a sender skip what is before it? */
inline found()
{
#ifdef MUTANT_COVER_NEARER
	assert(!nearer);
#endif
	if
#ifdef MUTANT_NO_MARGIN
	:: true -> challenge()
#else
	:: is_receiver || nearer || scan <= other + SPARE -> challenge()
	:: is_sender && !nearer && scan > other + SPARE -> go_on_counting()
#endif
	fi
}

inline go_on_counting()
{
	if
	:: other + i < position -> at = STEPPED
	:: else -> i = 0; at = HEAD_AGAIN
	fi
}

/* skip_stopped(), up to `scan`: the next so many at once. */
inline challenge()
{
	other = 0; nearer = false; i = 0;
	n = (scan - position < RUN -> scan - position : RUN);
	at = ASK
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
	:: is_receiver && other == position && kind_at(position) == SKIPPED -> scan = position + 1; challenge()
	:: is_receiver && other == position && kind_at(position) != SKIPPED -> answer_eagain()
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
	:: is_sender -> scan = position + 1; challenge()
#endif
	:: else -> scan = next_position; go_on_scanning()
	fi
}

/* close.c: this is the end, unless there is one; and tail is as in any closed ring. */
inline change_end(value)
{
	if
	:: end == CLOSING -> end = CLOSED | ((value) & POSITION)
	:: else
	fi
}

inline close_counts(claimed)
{
	change_end(claimed);
	tail = end;
	put_end(end)
}

/* The next cell of the challenge. */
inline next_challenge()
{
	v = 0;
	i++;
	if
	:: i < n -> at = ASK
	:: i == n && open_challenges > 0 -> i = 0; at = ANNOUNCE
	:: i == n && open_challenges == 0 -> i = 0; next_answer()
	fi
}

inline meet(word)
{
	met[i] = word;
	open_challenges++
}

/* A challenge that may not be answered SKIPPED. */
#ifdef MUTANT_NO_PREFIX
#define may_be_skipped (!clearing && OWED(met[i]) == wanted)
#else
#define may_be_skipped (!clearing && !rest && OWED(met[i]) == wanted)
#endif

/* From cell i on: the next challenge, or the next cell that may be a skipped position. */
inline next_answer()
{
	do
	:: i < n && met[i] == 0 && (clearing || rest) -> i++
	:: else -> break
	od;
	if
	:: i < n && met[i] != 0 -> at = DECIDE
	:: i < n && met[i] == 0 -> at = SKIP
	:: i == n && clearing -> clearing = false; at = KNOWN
	:: i == n && !clearing && (!rest || leading > 0) ->
		i = (rest -> leading : n);
		leading = 0; rest = false;
		at = GO_OVER
	:: i == n && rest && leading == 0 -> rest = false; top()
	fi
}

inline was_answered()
{
	v = 0;
	met[i] = 0;
	if
	:: clearing || rest -> i++; next_answer()
	:: else -> at = SKIP
	fi
}

/* Cell i is a skipped position, as all before it are. */
inline is_skipped()
{
	v = 0;
	i++;
#ifdef MUTANT_BEYOND_READY
	if
	:: i >= n -> at = SKIP
	:: else -> next_answer()
	fi
#else
	next_answer()
#endif
}

/* Cell i is not: the rest. */
inline not_skipped()
{
#ifdef MUTANT_BEYOND_READY
	n = (i > n -> i : n);
#endif
	leading = i;
	rest = true;
	next_answer()
}

/* recovery_claimable() has looked at i cells. */
inline counted()
{
	v = 0;
	if
	:: open_challenges > 0 -> clearing = true; i = 0; at = ANNOUNCE
	:: open_challenges == 0 && i > 0 -> at = SINCE_KNOWN
	:: open_challenges == 0 && i == 0 -> none()
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

inline put_end_if_alone(value)
{
	if
	:: alone -> put_end(value)
	:: else
	fi
}

/* If all were skipped positions, on to the next ones. */
inline gone_over()
{
#ifdef MUTANT_COVER_NEXT_RUN
	assert(i < n || position == scan);
#endif
	if
	:: i == n && position < scan -> challenge()
	:: else -> position = my_end; top()
	fi
}

#ifdef MUTANT_GIVEN_BACK_NOT_COUNTED
#define counts(word, position) (KIND(word) == SKIPPED && skipped_by(word, position))
#else
#define counts(word, position) skipped_by(word, position)
#endif

/* is_skipped(), with v, the recovery word */
#define lap FREE(position + i)
inline with_recovery()
{
	if
	:: KIND(v) == SKIPPED && OWED(v) >= lap -> is_skipped()
#ifdef MUTANT_SKIP_STAYS
	:: KIND(v) == SKIPPED && OWED(v) < lap -> is_skipped()
#else
	:: KIND(v) == SKIPPED && OWED(v) < lap -> at = SKIP_CHANGE
#endif
	:: KIND(v) != SKIPPED -> v = 0; at = SKIP_STATE
	fi
}

/* recovery_stands(), when there is no challenge to be answered. */
#ifdef MUTANT_NO_PARITY
#define passed_over (KIND(v) == SKIPPED && OWED(v) >= own)
#else
#define passed_over (KIND(v) == SKIPPED && OWED(v) >= own && (OWED(v) - own) % 2 == 0)
#endif
#ifdef MUTANT_NO_STATE_CHECK
#define if_skipped GIVE
#else
#define if_skipped STATE
#endif
inline stands()
{
	assert(KIND(v) != SKIPPED || OWED(v) >= own);
	if
	:: passed_over -> at = if_skipped
	:: else -> next_cell(true)
	fi
}

/* Give back as free in the lap after the last skipped position. */
#define given_back ((OWED(v) / 2 + 1) * 2)

/*
 * With HELD, so many receivers have claimed a position each, from 0 on, when all
 * begins, and the messages after these, up to CELLS - 2, were received. With
 * CLAIMED (and BATCH=2) the second sender has claimed position 0, the first one 1
 * and 2, and a message is at 3.
 */
#ifdef CLAIMED
#define begins (me < 2 -> STORE : READ)
#define begins_at (me == 0 -> 1 : 0)
#define begins_with (me < 2 -> 2 - me : 0)
#define begins_next 0
#else
#define holds (me >= SENDERS && me < SENDERS + HELD)
#define begins (holds -> STORE : READ)
#define begins_at (holds -> me - SENDERS : 0)
#define begins_with (holds -> 1 : 0)
#define begins_next (holds && RECEIVES > 0 -> 1 : 0)
#endif

proctype worker(byte me)
#ifdef STOPS
	provided (!(stopped & BIT(_pid - FIRST)))
#endif
{
	mtype:step at = begins;
	byte position = begins_at, other; /* what was read of the two ends */
	byte n = begins_with, i, next = begins_next, v, scan, leading;
	byte met[CHALLENGES], open_challenges; /* open ones, about cells from position on */
	bool some, last, clearing, rest, nearer;
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
		:: end == 0 -> at = RESOLVED
		:: else -> at = STOP
		fi }
	:: d_step { at == STOP && drained ->
		close_counts(tail);
		end_thread() } /* -EPIPE */

	/* count_claimable() */
	:: d_step { at == RESOLVED ->
		if
		:: unresolved == 0 -> calm = calm | BIT(me); at = COUNT
		:: else -> n = batch; at = KNOWN
		fi }
	/* There was a challenge between the two reads, and it is resolved already. */
	:: d_step { at == RESOLVED && unresolved == 0 && doubted -> n = batch; at = KNOWN }
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
	/* recovery_claimable(), of at most n */
	:: d_step { at == KNOWN ->
		calm = calm | BIT(me);
		i = 0;
#ifdef MUTANT_STATE_BEFORE_RECOVERY
		if
		:: reads(position, wanted) -> at = CLEAR
		:: else -> none()
		fi
#else
		at = CLEAR
#endif
		}
	:: d_step { at == CLEAR ->
		v = recovery[cell];
		if
#ifndef MUTANT_CLAIM_SKIPPED
		:: KIND(v) == SKIPPED -> counted()
		:: KIND(v) != SKIPPED -> at = READY
#else
		:: true -> at = READY
#endif
		fi }
	:: d_step { at == READY ->
		if
#ifdef MUTANT_STATE_BEFORE_RECOVERY
		:: false
		:: true ->
#else
		:: !reads(position + i, wanted) -> counted()
#ifndef MUTANT_LATER_CHALLENGE
		:: reads(position + i, wanted) && KIND(v) == PENDING && OWED(v) > wanted -> counted()
		:: reads(position + i, wanted) && !(KIND(v) == PENDING && OWED(v) > wanted) ->
#else
		:: reads(position + i, wanted) ->
#endif
#endif
			if
#ifndef MUTANT_CLAIM_WHILE_OPEN
			:: KIND(v) == PENDING -> meet(v)
#endif
			:: else
			fi;
			i++;
			if
			:: i == n -> counted()
#ifdef MUTANT_BATCH_AMONG_SKIPS
			:: else -> v = 0
#else
			:: else -> v = 0; at = CLEAR
#endif
			fi
		fi }
	:: d_step { at == SINCE_KNOWN ->
		if
#ifdef MUTANT_KNOWN_AT_FIRST
		:: last -> last = false; top()
		:: !last -> n = i; i = 0; at = CLAIM
#else
		:: is_calm && last -> last = false; top()
		:: is_calm && !last -> n = i; i = 0; at = CLAIM
		:: !is_calm -> at = KNOWN
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
				assert(!owned[INDEX(position + i)] && kind_at(position + i) != SKIPPED);
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
			next = (is_receiver && RECEIVES > 0 -> next + n : next);
			at = (alone_sender -> after_claim : STORE)
		:: else -> position = my_end; top()
		fi }

	/* A sender that is alone: was the ring closed before? close_counts() */
	:: d_step { at == CLOSING_SINCE ->
		if
		:: end == 0 -> at = STORE
		:: else -> at = COUNTS
		fi }
	:: d_step { at == COUNTS && drained ->
		close_counts(position + n);
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
			at = RECOVERY
		fi }
	/* recovery_stands() */
	:: d_step { at == RECOVERY ->
		v = recovery[cell];
		if
#ifndef MUTANT_OWNER_LEAVES_IT_OPEN
		:: v == WORD(own, PENDING) -> at = ANSWER
#endif
		:: else -> stands()
		fi }
	:: d_step { at == ANSWER && drained ->
		if
		:: recovery[cell] == v ->
			recovery[cell] = WORD(own, DONE);
			answered(cell);
			next_cell(true)
		:: else -> v = recovery[cell]; stands()
		fi }
	:: d_step { at == STATE ->
		if
#ifdef MUTANT_RESOLVE_FIRST
		:: reads(position + i, own) -> at = GIVE; notify_waiters()
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
#ifndef MUTANT_RECOVERY_FIRST
		state[cell] = given_back;
#endif
		note();
		at = GIVE_CHANGE }
	:: d_step { at == GIVE_CHANGE ->
		if
		:: recovery[cell] == v ->
			recovery[cell] = WORD(given_back, DONE);
			note();
			at = GIVE_RESOLVE
#ifdef MUTANT_GIVE_ONCE
		:: else -> at = GIVE_RESOLVE
#else
		:: else -> v = recovery[cell]; at = GIVE
#endif
		fi }
	:: d_step { at == GIVE_RESOLVE ->
#ifdef MUTANT_RECOVERY_FIRST
		state[cell] = given_back;
		note();
#endif
#ifndef MUTANT_RESOLVE_FIRST
		notify_waiters();
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
	/* close_end() */
	:: d_step { at == END_HEAVY && close_heavy_done -> at = END_READ }
	:: d_step { at == END_READ -> other = tail_there; at = END_CHANGE }
	:: d_step { at == END_CHANGE && drained ->
		change_end(other);
		other = end;
		with_other() }
	/* scan_ready() */
	:: d_step { at == SCAN ->
		if
		:: reads(scan, FREE(scan) + is_receiver) -> at = SCAN_RECOVERY
		:: else -> scan++; go_on_scanning()
		fi }
	:: d_step { at == SCAN_RECOVERY ->
		if
#ifdef MUTANT_SCAN_QUARANTINED
		:: false
#else
		:: kind_at(scan) == SKIPPED -> scan++; go_on_scanning()
#endif
#ifdef VARIANT_NO_THIRD_READ
		:: else -> found()
#else
		:: else -> at = SCAN_AGAIN
#endif
		fi }
	:: d_step { at == SCAN_AGAIN ->
		if
		:: reads(scan, FREE(scan) + is_receiver) -> found()
		:: else -> scan++; go_on_scanning()
		fi }
	/* recovery_skipped(), from `other`, where head is, to position */
	:: d_step { at == STEPPED ->
		n = (counts(recovery[INDEX(other + i)], other + i) && n < SPARE -> n + 1 : n);
		i++;
		go_on_counting() }
	:: d_step { at == HEAD_AGAIN ->
		if
#ifndef VARIANT_HEAD_NOT_REREAD
		:: head_there != other ->
#ifdef MUTANT_COVER_HEAD_MOVED
			assert(false);
#endif
			other = head_there; n = 0; scan = next_position; go_on_scanning()
#endif
		:: else ->
			if
			:: scan <= affordable -> challenge()
			:: else -> nearer = true; scan = next_position; go_on_scanning()
			fi
		fi }
	:: d_step { at == MOVED_LAST ->
		if
#ifdef MUTANT_NO_LAST_LOOK
		:: true -> answer_eagain()
#endif
#ifdef MUTANT_NO_LAST_MOVED
		:: true -> last = true; at = RESOLVED
#endif
#ifdef VARIANT_NO_LAST_COUNT
		:: my_end == position -> answer_eagain()
#endif
		:: my_end != position -> position = my_end; top()
		:: else -> last = true; at = RESOLVED
		fi }

	/* recovery_challenge(), of n cells: challenge() */
	:: d_step { at == ASK ->
		v = recovery[cell];
		if
#ifdef MUTANT_ASKER_DECIDES
		:: KIND(v) == PENDING -> next_challenge()
#else
		:: KIND(v) == PENDING -> meet(v); next_challenge()
#endif
#ifdef MUTANT_SENDER_NEVER_ASKS
		:: is_sender && KIND(v) != PENDING -> next_challenge()
		:: is_receiver && KIND(v) != PENDING && may_not_challenge -> next_challenge()
		:: is_receiver && KIND(v) != PENDING && !may_not_challenge -> at = if_may_ask
#elif defined(MUTANT_RECEIVER_NEVER_ASKS)
		:: is_receiver && KIND(v) != PENDING -> next_challenge()
		:: is_sender && KIND(v) != PENDING && may_not_challenge -> next_challenge()
		:: is_sender && KIND(v) != PENDING && !may_not_challenge -> at = if_may_ask
#else
		:: may_not_challenge -> next_challenge()
		:: KIND(v) != PENDING && !may_not_challenge -> at = if_may_ask
#endif
		fi }
	:: d_step { at == ASK_STATE ->
		if
		:: reads_later(cell, wanted) -> next_challenge()
		:: else -> at = ASK_CHANGE
		fi }
	:: d_step { at == ASK_CHANGE && drained ->
		if
		:: recovery[cell] == v ->
			recovery[cell] = WORD(wanted, PENDING);
			meet(WORD(wanted, PENDING))
		:: else ->
			v = recovery[cell];
			if
#ifndef MUTANT_ASKER_DECIDES
			:: KIND(v) == PENDING -> meet(v)
#endif
			:: else
			fi
		fi;
		next_challenge() }

	/* announce() */
	:: d_step { at == ANNOUNCE && drained ->
#ifdef MUTANT_ANNOUNCE_ONCE
		announce(1);
#elif !defined(MUTANT_ANNOUNCE_LATE)
		announce(open_challenges);
#endif
		open_challenges = 0;
#ifdef STORE_BUFFERS
		at = HEAVY }
	:: d_step { at == HEAVY && (met[i] == 0 || heavy_done) ->
		i++;
		if
		:: i == n -> i = 0; next_answer()
		:: else
		fi }
#else
		next_answer() }
#endif

	/* decide(), of cell i: v is what the challenge becomes */
	:: d_step { at == DECIDE ->
		if
#ifdef MUTANT_DECIDE_BLINDLY
		:: false
#elif defined(MUTANT_DECIDE_EXACTLY)
		:: state[cell] == OWED(met[i]) -> v = WORD(OWED(met[i]), DONE)
#elif defined(MUTANT_REST_UNANSWERED)
		:: !rest && reads_later(cell, OWED(met[i])) -> v = WORD(OWED(met[i]), DONE)
#else
		:: reads_later(cell, OWED(met[i])) -> v = WORD(OWED(met[i]), DONE)
#endif
		:: else ->
			if
#ifdef MUTANT_COVER_LEFT_OPEN
			:: rest -> assert(false)
#endif
			:: may_be_skipped ->
				doomed[cell] = doomed[cell] || recovery[cell] == met[i];
				v = WORD(OWED(met[i]), SKIPPED)
			:: else
			fi
		fi;
		at = (v != 0 -> DECIDE_CHANGE : DECIDE_RESOLVE) }
	:: d_step { at == DECIDE_CHANGE && drained ->
#ifdef MUTANT_ANNOUNCE_LATE
		announce(1);
#endif
		if
		:: recovery[cell] == met[i] ->
			recovery[cell] = v;
			answered(cell);
			if
			:: KIND(v) == DONE -> at = DECIDE_RESOLVE
			:: KIND(v) == SKIPPED -> was_answered()
			fi
#ifdef MUTANT_DECIDE_KEEPS
		:: else -> was_answered()
#else
		:: else -> at = DECIDE_RESOLVE
#endif
		fi }
	:: d_step { at == DECIDE_RESOLVE ->
#ifdef MUTANT_REST_UNRESOLVED
		if
		:: rest && KIND(recovery[cell]) == PENDING
		:: else -> notify_waiters()
		fi;
#else
		notify_waiters();
#endif
		was_answered() }

	/* is_skipped(), of cell i */
	:: d_step { at == SKIP ->
		v = recovery[cell];
		with_recovery() }
	:: d_step { at == SKIP_CHANGE && drained ->
		if
		:: recovery[cell] == v ->
			recovery[cell] = WORD(OWED(v) + (lap - OWED(v) + 1) / 2 * 2, SKIPPED);
			is_skipped()
#ifdef MUTANT_SKIP_ANYWAY
		:: else -> is_skipped()
#else
		:: else -> v = recovery[cell]; with_recovery()
#endif
		fi }
	:: d_step { at == SKIP_STATE ->
		if
#ifndef MUTANT_NO_LATE_SKIP
		:: reads_later(cell, wanted + 1) -> is_skipped()
#endif
		:: else -> not_skipped()
		fi }
	/* skip(), of i skipped positions */
	:: d_step { at == GO_OVER && (alone -> has_space : drained) ->
		if
		:: (my_end & (alone_sender -> POSITION : 255)) == position ->
			each = 0;
			do
			:: each < i && is_receiver ->
				assert(!(out[INDEX(position + each)] &&
					is(position + each, FULL(position + each))));
				each++
			:: each < i && is_sender ->
				voids = voids | BIT(position + each);
				skipped = skipped | BIT(position + each);
				each++
			:: each == i -> break
			od;
			position = position + i;
			if
			:: is_sender -> tail = position; put_end_if_alone(tail)
			:: is_receiver -> head = position; put_end_if_alone(head)
			fi;
			note();
			if
			:: alone_sender -> at = OVER_SINCE
			:: else -> gone_over()
			fi
		:: else -> assert(!alone); position = my_end; top()
		fi }
	:: d_step { at == OVER_SINCE ->
		if
		:: end == 0 -> gone_over()
		:: else -> at = OVER_COUNTS
		fi }
	:: d_step { at == OVER_COUNTS && drained ->
		close_counts(position);
#ifdef MUTANT_COVER_NEXT_RUN_CLOSED
		assert(end != (CLOSED | position) || i < n || position == scan);
#endif
		if
		:: end == (CLOSED | position) && i == n && position < scan -> challenge()
		:: else -> end_thread() /* -EPIPE */
		fi }

	:: d_step { at == WAIT && called -> at = READ }
	:: atomic { at == END -> ended = ended | BIT(me); break }
	od
}

/* ring_may_pop(), ring_may_push(), when nothing moves. */
#ifdef MUTANT_SCAN_QUARANTINED
#define in_use(index) true
#else
#define in_use(index) (KIND(recovery[index]) != SKIPPED)
#endif
#define may_be_popped(index) (state[index] % 2 == 1 && free_for(index) >= head && \
	free_for(index) < final && in_use(index))
#define may_be_pushed(index) (state[index] % 2 == 0 && in_use(index) && \
	(free_for(index) == final || (free_for(index) > final && free_for(index) < head + CELLS && \
	lost + free_for(index) - final <= SPARE)))

#define over(set) (((set) & ~ended & ~stopped) == 0)

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

/* Nothing moves. */
inline judge_rest()
{
	assert(over(ALL_SENDERS) || (over(ALL_RECEIVERS) && !any_usable));
	assert(over(ALL_RECEIVERS) || !any_out);
	assert((any(may_be_popped)) == (any_out) && (any(may_be_pushed)) == (any_usable));
	assert(stopped || any_usable || final - head - lost >= CELLS - SPARE);
	assert(stopped || voids == skipped)
}

/* Closes when nothing moves any more, or (with EARLY) at any moment; judges. */
active proctype judge()
{
	byte there;
#if defined(STOPS) && RECEIVES /* all go on before the ring is closed */
	atomic { timeout -> judge_rest(); stopped = 0 }
#endif
	atomic {
		if
		:: EARLY && (HELD == 0 || tail > 0) /* init was first */
		:: timeout ->
			judge_rest()
		fi;
		if
		:: !SINGLE_SENDER -> set_closed(); woken = ALL
		/* close_begin(). Who stops in there has woken nobody, but they may look. */
		:: SINGLE_SENDER -> end = CLOSING; woken = (CLOSER_STOPS -> ALL : woken)
		fi
	}
	if
	:: SINGLE_SENDER && !CLOSER_STOPS && close_heavy_done ->
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
	assert(claimed == received && (RECEIVES > 0 || (sent == claimed && final == head && !any_out)));
	assert(unresolved == 0 && !any(unfinished))
}

init
{
	atomic {
		byte i;
		if
		:: HELD > 0 ->
			tail = CELLS - 1;
			head = CELLS - 1;
			for (i : HELD .. CELLS - 2) { state[i] = FREE(CELLS) }
			for (i : 0 .. HELD - 1) {
				state[i] = FULL(0);
				message[i] = SENDERS * SENDS + 1 + i;
				owned[i] = true;
				sent = sent | BIT(SENDERS * SENDS + i);
				calm = calm | BIT(SENDERS + i)
			}
			claimed = sent;
#ifdef LAGS
			late_tail = tail;
			late_head = head
#endif
		:: else
		fi;
#ifdef CLAIMED
		tail = 4;
		for (i : 0 .. 2) { owned[i] = true }
		state[3] = FULL(3);
		message[3] = SENDERS * SENDS + 1;
		out[3] = true;
		sent = BIT(SENDERS * SENDS);
		calm = BIT(0) | BIT(1);
#endif
		for (i : 0 .. THREADS - 1) { run worker(i) }
		i = 0
	}
}
