/* SPDX-License-Identifier: MIT */
/*
 * The caches: cache_enter() and cache_leave() of lib/pool/thread_cache.h, thread_reclaim()
 * of reclaim.c, thread_attach() and thread_detach_all() of thread_exit.c, as alloc.c uses them.
 *
 * Modelled: threads that allocate and free slabs of one class, each through its
 * cache if it has one and can enter it, else through the depot. A thread that
 * finds nothing reclaims what all caches hold, so every thread is an owner and a
 * reclaimer. At any time between two calls a thread may end: it hands its slabs to
 * the depot, gives up its cache, and begins anew as another thread that attaches to
 * whatever cache is free. A step is one access to shared memory; `at` says which
 * one comes next.
 *
 * Checked for all interleavings:
 *
 *	alone   one thread at a time is at work on a cache's magazines
 *	slabs   no slab is handed out twice or put back twice; when all threads have
 *	        ended, each slab is in exactly one cache or in the depot
 *
 * Store buffers: plain stores (busy, the magazines, the end of revoked, the end of
 * owner) go into the thread's first-in-first-out buffer of three entries, and from
 * there into memory at any later moment; the thread itself reads its own newest
 * store. A CAS waits until the thread's buffer is empty, and so does putting
 * slabs into the depot, which is a release. fence_heavy() waits for what was in
 * any buffer when it began, and for no later store: a membarrier reaches the
 * processors one by one, and may reach each as early as that. This is TSO; to
 * forbid what weaker processors add is the business of the acquires and releases
 * in the C source.
 *
 * Abstractions. Each leaves every behaviour of the code possible that matters here:
 *
 *	- The magazines of a cache are a set of slabs, read as a whole in one step and
 *	  written as a whole in a later one. Two threads at work on them at once would
 *	  lose or double slabs here as well as there.
 *	- The depot is a set of slabs with atomic put and take. Refilling an empty cache
 *	  is left out: the slab that was wanted comes from the depot directly.
 *	- Which slab is taken out of a set is fixed: slabs are alike.
 *	- There are two caches. A thread for which none is free does without, as one
 *	  for which memory is used up.
 *	- That a mark in `revoked` is one's own need not be read again.
 *
 * Not modelled: the list of caches (it only grows), RCU, the counters.
 */
#ifndef THREADS
#define THREADS 2
#endif
#ifndef SLABS
#define SLABS 2
#endif
#define CACHES 2
#define ALL ((1 << SLABS) - 1)
#define LOWEST(set) ((set) & -(set))

mtype:step = {
	IDLE, ATTACH, ATTACH_STORE,
	ENTER, CHECK, LEAVE_REVOKED, LOOK, WRITE, GIVE, LEAVE,
	DEPOT,
	REVOKE, HEAVY, BUSY, EMPTY_LOOK, EMPTY_WRITE, EMPTY_GIVE, RETURN,
	DETACH, DETACHED, END
};
mtype:task = { NOTHING, ALLOC, FREE, FLUSH };
mtype:address = { BUSY_WORD, REVOKED_WORD, OWNER_WORD, ROUNDS_WORD };

/* Memory. Threads are 1 ... THREADS here, so that 0 is nobody. */
bool busy[CACHES];
byte revoked[CACHES];
byte owner[CACHES];
byte rounds[CACHES]; /* a set of slabs: the magazines */
byte depot = ALL;

chan buffer1 = [3] of { mtype:address, byte, byte };
chan buffer2 = [3] of { mtype:address, byte, byte };
chan buffer3 = [3] of { mtype:address, byte, byte };
byte newest[4]; /* what the last ROUNDS_WORD in the thread's buffer says */
byte owed[16]; /* [4 * x + y]: how many stores of y the fence_heavy() of x waits for */

/* For the assertions. */
byte held[4];
byte inside[CACHES];
byte running = THREADS;

/* `mine` is one more than the index of the thread's cache, or 0. */
#define cache (mine - 1)

inline count_down(debt)
{
	if
	:: owed[debt] > 0 -> owed[debt]--
	:: else
	fi
}

inline drain(thread, buffer)
{
	buffer?word, index, value;
	if
	:: word == BUSY_WORD -> busy[index] = value
	:: word == REVOKED_WORD -> revoked[index] = value
	:: word == OWNER_WORD -> owner[index] = value
	:: word == ROUNDS_WORD ->
		rounds[index] = value;
		newest[thread] = 0
	fi;
	count_down(4 + thread);
	count_down(8 + thread);
	count_down(12 + thread);
	word = BUSY_WORD; index = 0; value = 0
}

active proctype memory()
{
	mtype:address word = BUSY_WORD;
	byte index, value;
end:
	do
	:: d_step { nempty(buffer1) -> drain(1, buffer1) }
	:: d_step { nempty(buffer2) -> drain(2, buffer2) }
	:: d_step { nempty(buffer3) -> drain(3, buffer3) }
	od
}

/* At most one store to magazines fits into a buffer, because between two of them
 * there are three other stores. */
#define load_rounds(index) (buffer??[ROUNDS_WORD, eval(index), _] -> newest[me] : rounds[index])

inline store_rounds(index, set)
{
	buffer!ROUNDS_WORD, index, set;
	newest[me] = set
}

inline into_depot(set)
{
	assert((depot & (set)) == 0);
	depot = depot | (set)
}

inline hand_out(set)
{
	assert(((held[1] | held[2] | held[3]) & (set)) == 0);
	held[me] = held[me] | (set)
}

inline go_in(index)
{
	inside[index]++;
	assert(inside[index] == 1)
}

/* thread_detach_all(): flush, then give up the cache. */
#ifdef MUTANT_DETACH_FIRST
#define to_end DETACH
#define after_detach ENTER
#define after_flush DETACHED
#else
#define to_end ENTER
#define after_flush DETACH
#define after_detach DETACHED
#endif

proctype worker(byte me; chan buffer)
{
	mtype:step at = IDLE;
	mtype:task job = NOTHING;
	byte mine, slabs, rest, i;
	byte marked; /* set of caches that this thread has revoked */
	bool reclaimed;
	do
	/* Between calls. */
	:: atomic { at == IDLE ->
		reclaimed = false;
		if
		:: held[me] != ALL -> job = ALLOC; at = ATTACH
		:: held[me] != 0 -> job = FREE; at = ATTACH
		:: held[me] == 0 && mine > 0 -> job = FLUSH; at = to_end
		:: held[me] == 0 && mine == 0 -> at = END
		fi }

	/* thread_attach() */
	:: atomic { at == ATTACH && (mine > 0 || empty(buffer)) ->
		if
		:: mine > 0 -> at = ENTER
		:: mine == 0 && owner[0] == 0 -> mine = 1
		:: mine == 0 && owner[1] == 0 -> mine = 2
		:: mine == 0 && owner[0] != 0 && owner[1] != 0 -> at = DEPOT
		fi;
		if
		:: at == ATTACH ->
#ifdef MUTANT_PLAIN_ATTACH
			at = ATTACH_STORE
#else
			owner[cache] = me;
			at = ENTER
#endif
		:: else
		fi }
#ifdef MUTANT_PLAIN_ATTACH
	:: d_step { at == ATTACH_STORE -> owner[cache] = me; at = ENTER }
#endif

	/* cache_enter() */
	:: atomic { at == ENTER && nfull(buffer) -> buffer!BUSY_WORD, cache, 1; at = CHECK }
	:: atomic { at == CHECK ->
		if
#ifdef MUTANT_IGNORE_REVOKED
		:: true -> go_in(cache); at = LOOK
#else
		:: revoked[cache] == 0 -> go_in(cache); at = LOOK
		:: revoked[cache] != 0 -> at = LEAVE_REVOKED
#endif
		fi }
	:: atomic { at == LEAVE_REVOKED && nfull(buffer) ->
		buffer!BUSY_WORD, cache, 0;
		at = (job == FLUSH -> after_flush : DEPOT) }

	/* At work on the magazines. */
	:: atomic { at == LOOK ->
		rest = load_rounds(cache);
		if
		:: job == ALLOC -> slabs = LOWEST(rest); rest = rest & ~slabs
		:: job == FREE -> slabs = LOWEST(held[me]); rest = rest | slabs
		:: job == FLUSH -> slabs = rest; rest = 0
		fi;
		if
		:: slabs == 0 -> at = LEAVE
		:: else -> at = WRITE
		fi;
#ifdef MUTANT_LEAVE_FIRST
		buffer!BUSY_WORD, cache, 0
#endif
		}
	:: atomic { at == WRITE && nfull(buffer) ->
		store_rounds(cache, rest);
		rest = 0;
		if
		:: job == ALLOC -> hand_out(slabs); at = LEAVE
		:: job == FREE -> held[me] = held[me] & ~slabs; at = LEAVE
		:: job == FLUSH -> at = GIVE
		fi }
	:: atomic { at == GIVE && empty(buffer) ->
		into_depot(slabs);
		at = LEAVE }

	/* cache_leave() */
	:: atomic { at == LEAVE && nfull(buffer) ->
		buffer!BUSY_WORD, cache, 0;
		inside[cache]--;
		if
		:: job == FLUSH -> at = after_flush
		:: job == ALLOC && slabs == 0 -> at = DEPOT
		:: else -> at = IDLE
		fi;
		slabs = 0; rest = 0 }

	/* Without the cache. */
	:: atomic { at == DEPOT && job == FREE && empty(buffer) ->
		slabs = LOWEST(held[me]);
		into_depot(slabs);
		held[me] = held[me] & ~slabs;
		slabs = 0;
		at = IDLE }
	:: atomic { at == DEPOT && job == ALLOC ->
		if
		:: depot != 0 ->
			slabs = LOWEST(depot);
			depot = depot & ~slabs;
			hand_out(slabs);
			slabs = 0;
			at = IDLE
		:: depot == 0 && !reclaimed -> at = REVOKE
		:: depot == 0 && reclaimed -> at = IDLE /* -ENOBUFS */
		fi }

	/* thread_reclaim() */
	:: atomic { at == REVOKE && empty(buffer) ->
		if
		:: revoked[i] == 0 -> revoked[i] = me; marked = marked | (1 << i)
		:: else
#ifdef MUTANT_EMPTY_UNMARKED
			-> marked = marked | (1 << i)
#endif
		fi;
		i++;
		if
		:: i == CACHES ->
			i = 0;
			at = HEAVY;
#ifndef MUTANT_NO_HEAVY
			owed[4 * me + 1] = len(buffer1);
			owed[4 * me + 2] = len(buffer2);
			owed[4 * me + 3] = len(buffer3)
#endif
		:: else
		fi }
	:: atomic { at == HEAVY && owed[4 * me + 1] == 0 && owed[4 * me + 2] == 0 && owed[4 * me + 3] == 0 -> at = BUSY }
	:: atomic { at == BUSY ->
		if
		:: i == CACHES -> i = 0; reclaimed = true; at = DEPOT
		:: i < CACHES && (marked & (1 << i)) == 0 -> i++
#ifdef MUTANT_IGNORE_BUSY
		:: i < CACHES && (marked & (1 << i)) ->
#else
		:: i < CACHES && (marked & (1 << i)) && busy[i] -> at = RETURN
		:: i < CACHES && (marked & (1 << i)) && !busy[i] ->
#endif
#ifdef MUTANT_RETURN_FIRST
			buffer!REVOKED_WORD, i, 0;
#endif
			go_in(i);
			at = EMPTY_LOOK
		fi }
	:: atomic { at == EMPTY_LOOK ->
		slabs = load_rounds(i);
		at = EMPTY_WRITE }
	:: atomic { at == EMPTY_WRITE && nfull(buffer) ->
		store_rounds(i, 0);
		at = EMPTY_GIVE }
	:: atomic { at == EMPTY_GIVE && empty(buffer) ->
		into_depot(slabs);
		slabs = 0;
		inside[i]--;
		at = RETURN }
	:: atomic { at == RETURN && nfull(buffer) ->
		buffer!REVOKED_WORD, i, 0;
		marked = marked & ~(1 << i);
		i++;
		at = BUSY }

	/* thread_detach_all(). The end of a thread empties its buffer. */
	:: atomic { at == DETACH && nfull(buffer) -> buffer!OWNER_WORD, cache, 0; at = after_detach }
	:: atomic { at == DETACHED && empty(buffer) -> mine = 0; job = NOTHING; at = IDLE }
	:: atomic { at == END -> at = IDLE; job = NOTHING; running--; break }
	od
}

active proctype judge()
{
	timeout;
	assert(running == 0);
	assert((depot | rounds[0] | rounds[1]) == ALL);
	assert((depot & rounds[0]) == 0 && (depot & rounds[1]) == 0 && (rounds[0] & rounds[1]) == 0)
}

init
{
	atomic {
		run worker(1, buffer1);
		run worker(2, buffer2);
#if THREADS > 2
		run worker(3, buffer3)
#endif
	}
}
