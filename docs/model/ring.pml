/*
 * The ring and the doorbell of ringbuffer/, for spin: P producers, each with a ring of CAP slots, one consumer that
 * waits for all of them on one doorbell; every producer has a doorbell of its own for room. docs/ring-protocol.md says
 * what is proved. Bracketed names are the steps; the same names stand at the same places in the code.
 *
 * Every statement is one sequentially consistent step, as JavaScript's Atomics are; plain accesses (the slots) may be
 * modelled the same way because the positions order them (no data race: that is what the assertions check).
 *
 * What goes wrong shows as
 *   - an assertion: unpublished data read, a record overwritten while read, lost or doubled; a claim beyond the room;
 *   - an invalid end state: somebody sleeps for ever, that is a lost wake-up;
 *   - a cycle (pan -l): somebody is busy for ever.
 *
 * -DABANDON lets the consumer leave any ring at any moment; -DPOISON lets a supervisor abort everything at any moment;
 * -DDEATH lets any one thread die at any step, whereupon the supervisor poisons the rings it leaves behind.
 * -DBREAK_... breaks one step; spin must then find an error.
 */
#ifndef P
#define P 2
#endif
#ifndef CAP
#define CAP 2
#endif
#ifndef N
#define N 3                       /* records per producer */
#endif

#define RING_SIZE 4               /* positions are free-running modulo this: compare by subtraction; >= 2 * CAP */
#define used(t, h) ((t - h + RING_SIZE) % RING_SIZE)

#define CLOSING   1
#define ABANDONED 2
#define POISONED  4

#define CONSUMER 0                /* doorbells: 0 the consumer's, 1 + p that of producer p */
#define BELL(p) (1 + p)

byte slot[P * CAP];               /* value 1..N of the record in the slot; 0: never written */
byte tail[P], head[P], state[P], want[P];
bit rung[P + 1];                  /* a doorbell's sequence has moved since its owner took the ticket */
bit parked[P + 1], asleep[P + 1];
bit dead[P + 1];                  /* set by the supervisor; the thread then makes no further step */
bit gone[P + 1];                  /* the thread has ended, one way or the other */

#define ended ((state[me] & (ABANDONED | POISONED)) != 0)  /* for the producer */
#define taken(p) (used(tail[p], head[p]) == 0 || (state[p] & (ABANDONED | POISONED)) != 0)
#if P == 1
#define allTaken taken(0)
#define allDone (done[0])
#elif P == 2
#define allTaken (taken(0) && taken(1))
#define allDone (done[0] && done[1])
#else
#define allTaken (taken(0) && taken(1) && taken(2))
#define allDone (done[0] && done[1] && done[2])
#endif

/* ---- doorbell ------------------------------------------------------------------------------------------------- */

inline takeTicket(b) {
	rung[b] = 0                             /* [park.1] */
}

inline alarm(b) {
#ifndef BREAK_NO_SEQUENCE
	rung[b] = 1;                            /* [alarm.1] */
#endif
#ifndef BREAK_NO_NOTIFY
	asleep[b] = 0                           /* [alarm.2] */
#else
	skip
#endif
}

inline ring(b) {
	if
	:: !parked[b]                           /* [ring.1] */
	:: else ->
#ifdef BREAK_CLEAR_AFTER_SEQUENCE
		rung[b] = 1;
		parked[b] = 0;
		asleep[b] = 0
#else
		if
		:: d_step { parked[b] -> parked[b] = 0 }; alarm(b)  /* [ring.2] */
		:: !parked[b]
		fi
#endif
	fi
}

inline arm(b) {
#ifndef BREAK_NO_ARM
	parked[b] = 1                           /* [park.2] */
#else
	skip
#endif
}

inline wait(b) {
	atomic {                                /* [park.4] */
		if
		:: !rung[b] -> asleep[b] = 1
		:: else
		fi
	};
	asleep[b] == 0;
	parked[b] = 0                           /* [park.5] */
}

/* ---- producer ------------------------------------------------------------------------------------------------- */

/* leaves room = 1 when k slots are free, or when there is no point in waiting for them */
inline lookForRoom() {
	if
	:: ended -> room = 1
	:: else ->
		d_step { seen = head[me]; room = (used(next, seen) + k <= CAP) }  /* [claim.2] */
	fi
}

inline wantSpace() {
#ifndef BREAK_NO_ANNOUNCEMENT
	want[me] = k;                           /* [want.1] */
#endif
#ifdef BREAK_NO_RECHECK_SPACE
	room = 0;
#else
	lookForRoom();                          /* [want.2] */
#endif
	if
	:: room -> want[me] = 0                 /* [want.3] */
	:: else
	fi
}

proctype producer(byte me) {
	byte next, seen, k, n;
	bit room;
	{
		do
		:: n == N -> break
		:: n < N ->
			if
			:: k = 1
			:: n + 2 <= N && CAP >= 2 -> k = 2  /* two claims, one commit; or one large record */
			fi;
			do
			:: state[me] != 0 -> goto leave     /* [claim.1] */
			:: true ->                          /* or sees it too late, a plain load as it is */
#ifdef BREAK_NO_ROOM_CHECK
				break
#else
				if
				:: used(next, seen) + k <= CAP -> break
				:: else -> seen = head[me]      /* [claim.2] */
				fi;
				if
				:: used(next, seen) + k <= CAP -> break
				:: else
				fi;
				takeTicket(BELL(me));
				lookForRoom();
				if
				:: room && ended -> goto leave
				:: room && !ended
				:: else ->
					arm(BELL(me));
					wantSpace();                /* [park.3] */
					if
					:: room -> parked[BELL(me)] = 0;  /* [park.5] */
						if
						:: ended -> goto leave
						:: else
						fi
					:: else -> wait(BELL(me))
					fi
				fi
#endif
			od;
#ifdef BREAK_RING_BEFORE_PUBLISH
			ring(CONSUMER);
#endif
#ifdef BREAK_PUBLISH_BEFORE_WRITE
			tail[me] = (next + k) % RING_SIZE;
#endif
			do
			:: k == 0 -> break
			:: k > 0 -> d_step {
				slot[me * CAP + next % CAP] = n + 1;  /* [claim.3] */
				next = (next + 1) % RING_SIZE; n++; k-- }
			od;
#ifndef BREAK_PUBLISH_BEFORE_WRITE
			tail[me] = next;                    /* [publish.1] */
#endif
#ifndef BREAK_RING_BEFORE_PUBLISH
			ring(CONSUMER)                      /* [publish.2] */
#endif
		od;
		if
		:: skip
		:: skip -> allTaken                        /* or later: the alarm of closing must not make up for a lost ring */
		fi;
#ifndef BREAK_NO_CLOSE
		atomic { state[me] = state[me] | CLOSING };  /* [close.1] */
#endif
#ifndef BREAK_SILENT_CLOSE
		alarm(CONSUMER);                        /* [close.2] */
#endif
leave:	skip
	}
#ifdef DEATH
	unless { dead[BELL(me)] }
#endif
	;
	gone[BELL(me)] = 1
}

/* ---- consumer ------------------------------------------------------------------------------------------------- */

inline release(p) {
#ifndef BREAK_WANT_BEFORE_RELEASE
	head[p] = (head[p] + 1) % RING_SIZE;    /* [release.1] */
#endif
	if
	:: want[p] == 0                         /* [release.2] */
#ifdef BREAK_WANT_BEFORE_RELEASE
		-> head[p] = (head[p] + 1) % RING_SIZE
	:: else ->
		head[p] = (head[p] + 1) % RING_SIZE;
#else
	:: else ->
#endif
		if
		:: CAP - used(tail[p], head[p]) < want[p]  /* [release.3] */
		:: else ->
			if
			:: d_step { want[p] != 0 -> want[p] = 0 };  /* [release.4] */
				ring(BELL(p))               /* [release.5] */
			:: want[p] == 0
			fi
		fi
	fi
}

/* takes one record of ring p, or finds that it has ended, or leaves it */
inline look(p) {
	if
	:: done[p]
	:: !done[p] && (state[p] & POISONED) != 0 -> done[p] = 1; found = 1
#ifdef ABANDON
	:: !done[p] ->
#ifndef BREAK_NO_ABANDON
		atomic { state[p] = state[p] | ABANDONED };  /* [abandon.1] */
#endif
#ifndef BREAK_SILENT_ABANDON
		alarm(BELL(p));                     /* [abandon.2] */
#endif
		done[p] = 1; found = 1
#endif
	:: !done[p] && (state[p] & POISONED) == 0 ->
#ifdef BREAK_END_POSITION_FIRST
		drained = (tail[p] == head[p]);
		closing = ((state[p] & CLOSING) != 0);
#else
		closing = ((state[p] & CLOSING) != 0);  /* [end.1] */
		drained = (tail[p] == head[p]);       /* [end.2] and [peek.1] */
#endif
		if
		:: !drained ->
			found = 1;
			assert(used(tail[p], head[p]) <= CAP);
#ifdef BREAK_RELEASE_BEFORE_READ
			release(p);
			assert(slot[p * CAP + (head[p] + RING_SIZE - 1) % RING_SIZE % CAP] == received[p] + 1);
#else
			assert(slot[p * CAP + head[p] % CAP] == received[p] + 1);  /* [peek.2] */
			assert(slot[p * CAP + head[p] % CAP] == received[p] + 1);  /* and until it is released */
			release(p);
#endif
			received[p]++
		:: drained && closing -> assert(received[p] == N); done[p] = 1; found = 1
		:: drained && !closing
		fi
	fi
}

inline lookAtAll() {
	found = 0;
	q = 0;
	do
	:: q == P -> q = 0; break
	:: q < P -> look(q); q++
	od
}

proctype consumer() {
	byte received[P], q;
	bit done[P], found, closing, drained;
	{
		do
		:: allDone -> break
		:: else ->
#ifndef BREAK_TICKET_AFTER_LOOK
			takeTicket(CONSUMER);
#endif
			lookAtAll();
			if
			:: found
			:: else ->
				arm(CONSUMER);
#ifndef BREAK_NO_RECHECK_RECORDS
				lookAtAll();                    /* [park.3] */
#endif
#ifdef BREAK_TICKET_AFTER_LOOK
				takeTicket(CONSUMER);
#endif
				if
				:: found -> parked[CONSUMER] = 0  /* [park.5] */
				:: else -> wait(CONSUMER)
				fi
			fi
		od
	}
#ifdef DEATH
	unless { dead[CONSUMER] }
#endif
	;
	gone[CONSUMER] = 1
}

/* ---- the rest of the program ---------------------------------------------------------------------------------- */

#ifdef BREAK_POLITE_POISON
#define call(b) ring(b)
#else
#define call(b) alarm(b)
#endif

inline poison(p) {
#ifndef BREAK_NO_POISON
	atomic { state[p] = state[p] | POISONED };  /* [poison.1] */
#endif
#ifndef BREAK_SILENT_POISON
	call(CONSUMER);                         /* [poison.2] */
	call(BELL(p))                           /* [poison.2] */
#else
	skip
#endif
}

inline poisonAll() {
	q = 0;
	do
	:: q == P -> q = 0; break
	:: q < P -> poison(q); q++
	od
}

proctype supervisor() {
	byte q;
	if
	:: skip                                 /* nothing happens */
#ifdef POISON
	:: poisonAll()                          /* the graph is aborted */
#endif
#ifdef DEATH
	:: !gone[CONSUMER] -> dead[CONSUMER] = 1; gone[CONSUMER]; poisonAll()
	:: !gone[BELL(0)] -> dead[BELL(0)] = 1; gone[BELL(0)]; poison(0)
#endif
	fi
}

init {
	byte p;
	atomic {
		run consumer();
		do
		:: p == P -> break
		:: p < P -> run producer(p); p++
		od;
#if defined(POISON) || defined(DEATH)
		run supervisor()
#endif
	}
}
