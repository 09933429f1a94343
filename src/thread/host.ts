/**
 * What a thread does while it hosts actors: run whatever can run, and sleep on the thread's doorbell when nothing can.
 * The same loop serves a worker and, for `threads: 0` and modules that cannot leave it, the calling thread.
 *
 * A thread that has nothing to do arms its bell, looks at every link again, and then looks at nothing but the bell for a
 * moment before it sleeps: who has something for it rings, whether it spins or sleeps. So what it costs to spin does not
 * depend on what the thread hosts.
 *
 * No wake-up is lost: the ticket is read before the last look for work, and after arming the bell every link is looked
 * at again (`mayNotSleep` tries the rings anew). Every sleep ends: by a ring of a link's other side, by `alarm` when the
 * graph's state changes or a thread dies, or by this thread's own event loop (a settled call, a message), which rings
 * the bell too. docs/model/host.pml shows it.
 */
import { nextTurn, performance } from '../../ringbuffer/clock.js';
import type { Doorbell } from '../../ringbuffer/index.js';
import type { ThreadStop } from './thread-stop.js';

/** What a host runs: a partition of a graph (partition/partition.ts), or an actor that is called (call/call-server.ts). */
export interface Hosted {
  /** One unit of work. @returns false if there was nothing to do. */
  step(): boolean;
  /** Whether the host should call `step`. */
  hasWork(): boolean;
  /** The last look before the thread sleeps, with its bell armed. */
  mayNotSleep(): boolean;
  /** Called when nothing can run. @param now performance.now() @returns true if something can now. */
  showIdle(now: number): boolean;
  /** The thread goes to sleep, or has slept. @param now performance.now() @param ticket of the bell that wakes it */
  fallAsleep(now: number, ticket: number): void;
  wakeUp(now: number): void;
  /** Nothing happens here before the bell rings: the event loop is not needed for it to go on. */
  readonly dormant: boolean;
  /** It is over and may be forgotten. */
  readonly ended: boolean;
}

export interface HostOptions {
  /** Looks at its bell again that many times LOOKS before it sleeps, or for that many times LOOKS_TIME. */
  spin: number;
  /** Longest time in ms without giving the thread's event loop a turn, as far as the units of work allow it. */
  yieldAfter: number;
  /** The thread is ours alone: its event loop may stand still for a moment. */
  mayNap: boolean;
  /** How the thread is asked to come to rest; absent on a thread that is not ours. */
  rest?: ThreadStop;
}

/**
 * How long in ms a thread sleeps with its event loop standing still, before it sleeps with the event loop alive: to be
 * woken from the former is quicker, which counts when one call follows the other.
 */
const NAP = 1;

/** Looks at the bell that take as long as a look at a few links: a tenth of a microsecond or so, in compiled code. */
const LOOKS = 64;
/**
 * The same in ms. Code that is not compiled yet takes thirty times as long for a look: without a limit in time a young thread
 * would spin for most of a millisecond before each sleep, on the core that the one it waits for could have.
 */
const LOOKS_TIME = 1e-4;

export class Host {
  private readonly parts = new Set<Hosted>();
  private stepping = false;
  private quitting = false;
  private lastYield = performance.now();
  private turnAsked = false;
  private lastShow = 0;
  /** Slept without its event loop since it last worked. */
  private napped = false;

  constructor(
    private readonly bell: Doorbell,
    private readonly options: HostOptions,
  ) {}

  add(part: Hosted): void {
    this.parts.add(part);
  }

  /** Wakes the loop from its own thread. */
  readonly wake = (): void => this.bell.alarm();

  /** Gives the thread's event loop a turn after this step, whenever it had its last one. */
  readonly askTurn = (): void => {
    this.turnAsked = true;
  };

  /** Ends the loop once no part is left. */
  quit(): void {
    this.quitting = true;
    this.wake();
  }

  /**
   * Runs what can run now, at once, for the thread's own user instead of from the loop. Within a call of a module it does
   * nothing but wake the loop.
   */
  turn(): void {
    if (this.stepping) this.wake();
    else while (this.step());
  }

  /**
   * Prepares the thread for blocking: shows why nothing runs, and announces that it sleeps.
   * @returns false if there was something to do after all.
   */
  prepareToBlock(): boolean {
    if (this.showIdle()) return false;
    this.bell.arm();
    if (!this.mayNotSleep()) return true;
    this.bell.disarm();
    return false;
  }

  /** Runs until `quit`. */
  async run(): Promise<void> {
    const { rest } = this.options;
    for (;;) {
      const ticket = this.bell.ticket();
      // After the ticket: a request that comes later ends the sleep.
      if (rest?.asked) rest.stay();
      if (this.step()) {
        this.napped = false;
        if (this.yieldIsDue()) await this.yield();
        continue;
      }
      for (const part of this.parts) if (part.ended) this.parts.delete(part);
      if (this.quitting && this.parts.size === 0) return;
      if (this.spin(ticket) || this.showIdle()) {
        if (this.yieldIsDue()) await this.yield();
        continue;
      }
      this.bell.arm();
      if (this.mayNotSleep()) {
        this.bell.disarm();
        continue;
      }
      if (this.mayNap()) {
        this.napped = true;
        // Whatever ended the nap may be a message, which only the event loop delivers; a call is seen at once.
        if (this.bell.nap(ticket, NAP) === 'timed-out' || !this.hasWork()) await this.yield();
        continue;
      }
      const wait = this.bell.waitAsync(ticket);
      if (wait === 'rung') continue;
      // `lastShow` is as of just now, and saves a look at the clock.
      for (const part of this.parts) part.fallAsleep(this.lastShow, ticket);
      await wait;
      this.lastYield = performance.now();
      for (const part of this.parts) part.wakeUp(this.lastYield);
    }
  }

  private step(): boolean {
    let worked = false;
    this.stepping = true;
    try {
      for (const part of this.parts) if (part.step()) worked = true;
    } finally {
      this.stepping = false;
    }
    return worked;
  }

  private hasWork(): boolean {
    for (const part of this.parts) if (part.hasWork() || part.ended) return true;
    return this.quitting && this.parts.size === 0;
  }

  private mayNotSleep(): boolean {
    for (const part of this.parts) if (part.mayNotSleep() || part.ended) return true;
    return this.quitting && this.parts.size === 0;
  }

  /** Waits for a moment without sleeping. @returns true if there is something to do. */
  private spin(ticket: number): boolean {
    const { bell } = this;
    const { spin } = this.options;
    if (spin === 0) return false;
    // [spin.1] from here on whoever has something for this thread moves the sequence
    bell.arm();
    // [spin.2] what came before rang nobody
    let found = this.hasWork();
    const end = performance.now() + spin * LOOKS_TIME;
    // [spin.3] nothing else has to be looked at
    for (let rounds = spin; !found && rounds > 0; rounds--) {
      found = this.isRung(ticket);
      if (performance.now() >= end) break;
    }
    // [spin.4] what comes now rings nobody, so a thread that goes on to sleep arms and looks again
    bell.disarm();
    return found;
  }

  /** @returns whether the bell was rung since `ticket`, or is within LOOKS looks. */
  private isRung(ticket: number): boolean {
    for (let looks = LOOKS; looks > 0; looks--) if (this.bell.ticket() !== ticket) return true;
    return false;
  }

  private showIdle(): boolean {
    this.lastShow = performance.now();
    let relieved = false;
    for (const part of this.parts) if (part.showIdle(this.lastShow)) relieved = true;
    return relieved;
  }

  /**
   * The event loop needs its turns (timers and I/O of modules, messages), and a thread that never idles must still
   * show which of its actors are stuck: they may be part of a deadlock that its other actors keep it from seeing.
   */
  private yieldIsDue(): boolean {
    return this.turnAsked || performance.now() - this.lastYield >= this.options.yieldAfter;
  }

  private async yield(): Promise<void> {
    const now = performance.now();
    this.lastYield = now;
    this.turnAsked = false;
    if (now - this.lastShow >= 20) this.showIdle();
    await nextTurn();
  }

  private mayNap(): boolean {
    if (this.napped || this.parts.size === 0 || !this.options.mayNap) return false;
    for (const part of this.parts) if (!part.dormant) return false;
    return true;
  }
}
