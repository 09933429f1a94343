/**
 * What a thread does while it hosts actors: run whatever can run, and sleep on the thread's doorbell when nothing can.
 * The same loop serves a worker and, for `threads: 0` and modules that cannot leave it, the calling thread.
 *
 * No wake-up is lost: the ticket is read before the last look for work, and after arming the bell every link is looked
 * at again (`mayNotSleep` tries the rings anew). Every sleep ends: by a ring of a link's other side, by `alarm` when the
 * graph's state changes or a thread dies, or by this thread's own event loop (a settled call, a message), which rings
 * the bell too.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Doorbell } from '../../ringbuffer/index.js';
import type { Part } from './part.js';

export interface HostOptions {
  /** Looks at the links again that many times before it sleeps. */
  spin: number;
  /** Longest time in ms without giving the thread's event loop a turn, as far as the units of work allow it. */
  yieldAfter: number;
}

export class Host {
  private readonly parts = new Set<Part>();
  private turn = 0;
  private quitting = false;
  private lastYield = performance.now();
  private lastShow = 0;

  constructor(
    private readonly bell: Doorbell,
    private readonly options: HostOptions,
  ) {}

  add(part: Part): void {
    this.parts.add(part);
  }

  /** Wakes the loop from its own thread. */
  readonly wake = (): void => this.bell.alarm();

  /** Ends the loop once no part is left. */
  quit(): void {
    this.quitting = true;
    this.wake();
  }

  /** Runs until `quit`. */
  async run(): Promise<void> {
    for (;;) {
      const ticket = this.bell.ticket();
      if (this.step()) {
        await this.yieldIfDue();
        continue;
      }
      for (const part of this.parts) if (part.ended) this.parts.delete(part);
      if (this.quitting && this.parts.size === 0) return;
      if (this.spin() || this.showIdle()) {
        await this.yieldIfDue();
        continue;
      }
      this.bell.arm();
      if (this.mayNotSleep()) {
        this.bell.disarm();
        continue;
      }
      const wait = this.bell.waitAsync(ticket);
      if (wait === 'rung') continue;
      // `lastShow` is as of just now, and saves a look at the clock.
      for (const part of this.parts) part.fallAsleep(this.lastShow);
      await wait;
      this.lastYield = performance.now();
      for (const part of this.parts) part.wakeUp(this.lastYield);
    }
  }

  private step(): boolean {
    let worked = false;
    for (const part of this.parts) if (part.step(++this.turn)) worked = true;
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

  private spin(): boolean {
    for (let i = 0; i < this.options.spin; i++) if (this.hasWork()) return true;
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
  private async yieldIfDue(): Promise<void> {
    const now = performance.now();
    if (now - this.lastYield < this.options.yieldAfter) return;
    this.lastYield = now;
    if (now - this.lastShow >= 20) this.showIdle();
    await nextTick();
  }
}
