/*
 * The loop of a thread that hosts actors (src/thread/host.ts) and the queue of those that may be able to run
 * (src/thread/partition/ready-queue.ts), for spin. In the thread live FIRST, which takes records from a ring that another
 * thread fills, MIDDLE, and LAST, whose calls may be asynchronous; they hand on by links inside the thread. A
 * supervisor may ask the graph to stop. The ring and the doorbell are those of ring.pml; here a record is a count.
 * Bracketed names are the steps; the same names stand at the same places in the code.
 *
 * What goes wrong shows as
 *   - an assertion: an actor that can run is not noted when all are asked, so that it would wait for the next sleep;
 *     or records are lost;
 *   - an invalid end state: the thread sleeps for ever, that is a lost wake-up;
 *   - a cycle (pan -l): the thread is busy for ever with nothing to do.
 *
 * -DSTOP lets the supervisor stop the graph at any moment. -DBREAK_... breaks one step; spin must then find an error.
 */
#ifndef N
#define N 3                       /* records */
#endif
#ifndef CAP
#define CAP 2                     /* records in the ring */
#endif
#ifndef LIMIT
#define LIMIT 0                   /* packets that a link inside the thread takes before its producer is held back */
#endif
#define SPIN 2                    /* looks at the bell */

#define LAST 0                    /* furthest downstream */
#define MIDDLE 1
#define FIRST 2

byte ringed;                      /* records in the ring */
byte upper, lower;                /* packets in the link from FIRST to MIDDLE, and from MIDDLE to LAST */
byte sent, received;
bit noted[3];
bit busy;                         /* a call of LAST has not settled */
bit stopping;
bit rung, parked, asleep;         /* the thread's doorbell, as in ring.pml */
bit turning;                      /* the event loop has its turn */
bit ended;

#define canFirst (ringed > 0 && upper <= LIMIT && !stopping)
#define canMiddle (upper > 0 && lower <= LIMIT)
#define canLast (lower > 0 && !busy)
#define over ((stopping || received == N) && !busy)

inline alarm() {
	rung = 1;                               /* [alarm.1] */
	asleep = 0                              /* [alarm.2] */
}

inline ring() {
	if
	:: !parked                              /* [ring.1] */
	:: else ->
		if
		:: d_step { parked -> parked = 0 }; alarm()  /* [ring.2] */
		:: !parked
		fi
	fi
}

proctype producer() {
	do
	:: sent == N -> break
	:: stopping -> break
	:: sent < N && ringed < CAP ->
		atomic { ringed++; sent++ };            /* [publish.1] */
		ring()                                  /* [publish.2] */
	od
}

/* The event loop of the thread: what a module waits for comes when it has its turn. */
proctype loop() {
	do
	:: ended -> break
	:: atomic { busy && (turning || asleep) -> busy = 0
#ifndef BREAK_NO_NOTE_SETTLED
		; noted[LAST] = 1                       /* [note.settled] */
#endif
		};
#ifndef BREAK_SILENT_SETTLED
		alarm()
#endif
	od
}

proctype supervisor() {
#ifdef STOP
	if
	:: skip
	:: stopping = 1; alarm()
	fi
#else
	skip
#endif
}

/* a packet is taken from a link, whose producer is noted if it was held back */
inline takeFrom(between, giver) {
	if
#ifndef BREAK_NO_NOTE_ROOM
	:: between > LIMIT -> noted[giver] = 1         /* [note.room] */
#else
	:: between > LIMIT
#endif
	:: else
	fi;
	between--
}

inline offerTo(between, taker) {
	between++;
#ifndef BREAK_NO_NOTE_ARRIVAL
	noted[taker] = 1                        /* [note.arrival] */
#else
	skip
#endif
}

/* who has run is noted: it may have more to do */
inline again(actor) {
#ifndef BREAK_NO_NOTE_AGAIN
	noted[actor] = 1                        /* [take.again] */
#else
	noted[actor] = 0
#endif
}

inline step() {
	worked = 1;
	noted[FIRST] = 1;                       /* [take.outside] */
	if
	:: noted[LAST] && canLast ->
		takeFrom(lower, MIDDLE);
		received++;
		if
		:: busy = 1                             /* it waits for something */
		:: skip
		fi;
		again(LAST)
	:: else ->
		noted[LAST] = 0;                        /* [take.forget] */
		if
		:: noted[MIDDLE] && canMiddle -> takeFrom(upper, FIRST); offerTo(lower, LAST); again(MIDDLE)
		:: else ->
			noted[MIDDLE] = 0;
			if
			:: noted[FIRST] && canFirst -> ringed--; offerTo(upper, MIDDLE); again(FIRST)
			:: else -> noted[FIRST] = 0; worked = 0
			fi
		fi
	fi
}

/* All actors are asked. FIRST may be ready because of the other thread, the others only because of what was noted. */
inline lookAtAll() {
	d_step {
		assert((!canLast || noted[LAST]) && (!canMiddle || noted[MIDDLE]));
		found = (canLast || canMiddle || canFirst || over);
		if
		:: canFirst -> noted[FIRST] = 1
		:: else
		fi
	}
}

proctype host() {
	byte looks;
	bit worked, found;
	noted[LAST] = 1; noted[MIDDLE] = 1; noted[FIRST] = 1;
	do
	:: over -> break
	:: else ->
#ifndef BREAK_TICKET_AFTER_LOOK
		rung = 0;                               /* [park.1] */
#endif
		step();
		if
		:: worked ->
			if
			:: turning = 1; turning = 0            /* its event loop is due */
			:: skip
			fi
		:: else ->
			parked = 1;                             /* [spin.1] */
			lookAtAll();                            /* [spin.2] */
			looks = 0;
			do
			:: found || rung || looks == SPIN -> break  /* [spin.3] */
			:: else -> looks++
			od;
			parked = 0;                             /* [spin.4] */
			if
			:: found || rung -> turning = 1; turning = 0
			:: else ->
#ifndef BREAK_NO_ARM
				parked = 1;                             /* [park.2] */
#endif
#ifdef BREAK_NO_LAST_LOOK
				found = 0;
#else
				lookAtAll();                            /* [park.3] */
#endif
#ifdef BREAK_TICKET_AFTER_LOOK
				rung = 0;
#endif
				if
				:: found -> parked = 0                  /* [park.5] */
				:: else ->
					atomic {                                /* [park.4] */
						if
						:: !rung -> asleep = 1
						:: else
						fi
					};
					asleep == 0;
					parked = 0
				fi
			fi
		fi
	od;
	assert(stopping || (received == N && upper + lower == 0));
	ended = 1
}

init {
	atomic {
		run producer();
		run loop();
		run host();
		run supervisor()
	}
}
