/*
 * How a branch joins a running graph (src/thread/change/arrivals.ts, src/scheduler/change/growing.ts), for spin. The thread
 * that built the graph (main) orders, thread A runs a producer that is there, thread B gets a consumer. Each thread does an
 * order between two of its steps, and sleeps on its doorbell when it has nothing to do; the doorbell is the one of ring.pml,
 * with its last look after arming. Bracketed names are the steps.
 *
 * What must hold: a packet is sent on the new link only when its consumer's end exists; everything sent after the producer has
 * joined is taken, the end included; nobody sleeps for ever, whenever the producer ends; and main need do nothing after it
 * has posted the joins.
 *
 * -DBREAK_... breaks one step; spin must then find an error.
 */
#ifndef N
#define N 2                       /* packets of the producer */
#endif
#ifndef CAP
#define CAP 1                     /* packets that the new link takes before its producer is held back */
#endif

#define NONE 0
#define GROW 1
#define JOIN 2

byte orderA, orderB;              /* the order that waits for the thread */
byte answers;                     /* of grow */
bit joinedA;                      /* the producer sends on the new link */
bit madeB, joinedB;               /* the consumer's end exists; the consumer takes part */
bit notedB;                       /* B has been told, or knows, that it may have something to do */
byte made, sent, taken;           /* packets: made by the producer, sent on the new link, taken from it */
byte first;                       /* made before the producer joined */
bit ended;                        /* the producer has ended, and its end is on the new link if it had joined */
bit endTaken;
bit parkedA, rungA, parkedB, rungB;
bit overA, overB;

inline ringA() { if :: parkedA -> parkedA = 0; rungA = 1 :: else fi }
inline ringB() { if :: parkedB -> parkedB = 0; rungB = 1 :: else fi }

proctype Main() {
	atomic { orderA = GROW; ringA() }
	atomic { orderB = GROW; ringB() }
#ifdef BREAK_JOIN_BEFORE_GROW
	skip
#else
	(answers == 2)                          /* [main.wait] every thread has answered */
#endif
	;
	(orderA == NONE);
	atomic { orderA = JOIN; ringA() }       /* [main.join] all at once: main may be busy from here on */
#ifdef BREAK_JOIN_ONE
	(overA)                                 /* the other one waits for something that main hears of */
#endif
	;
	(orderB == NONE);
	atomic { orderB = JOIN; ringB() }
}

#define roomA (!joinedA || sent - taken < CAP)
#define workA (orderA != NONE || (!ended && roomA))

proctype A() {
	do
	:: atomic { orderA == GROW -> orderA = NONE; answers++ }
	:: atomic { orderA == JOIN -> orderA = NONE; joinedA = 1; first = made;
			if
			:: ended -> ringB()             /* [join.late] the end is all that it gets */
			:: else
			fi }
	:: orderA == NONE && !ended && made < N && roomA -> /* one packet between two orders */
		atomic {
			made++;
			if
			:: joinedA -> assert(madeB); sent++; ringB()    /* [send] */
			:: else
			fi
		}
	:: orderA == NONE && !ended && (made == N || made > 0) ->
		atomic { ended = 1; if :: joinedA -> ringB() :: else fi }
	:: ended && joinedA && orderA == NONE -> break
	:: !workA ->
		parkedA = 1;                            /* [sleep.arm] */
		if
		:: workA || (ended && joinedA) -> parkedA = 0     /* [sleep.look] */
		:: else -> rungA -> rungA = 0
		fi
	od;
	overA = 1
}

#define offeredB (sent > taken || (ended && joinedA && !endTaken))
#define workB (orderB != NONE || (joinedB && offeredB))

proctype B() {
	do
	:: atomic { orderB == GROW -> orderB = NONE; madeB = 1; answers++ }
	:: atomic { orderB == JOIN -> orderB = NONE; joinedB = 1;
			notedB = 1                      /* [join.look] what was sent before it took part is found */
		}
	:: joinedB && notedB && orderB == NONE ->
		if
		:: atomic { sent > taken -> taken++; ringA() }    /* [take] */
		:: atomic { sent == taken && ended && joinedA -> endTaken = 1; break }
		:: else -> notedB = 0                   /* [forget] until something happens */
		fi
	:: orderB == NONE && !(joinedB && notedB) ->
		parkedB = 1;                            /* [sleep.arm] */
		if
#ifdef BREAK_NO_LOOK
		:: orderB != NONE -> parkedB = 0
#else
		:: workB -> parkedB = 0; notedB = joinedB     /* [sleep.look] every link is looked at, whatever was noted */
#endif
		:: else -> rungB -> rungB = 0; notedB = joinedB
		fi
	od;
	overB = 1;
	assert(endTaken && taken == sent && sent == made - first)
}

init { atomic { run Main(); run A(); run B() } }
