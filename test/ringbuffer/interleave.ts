/**
 * Runs the ring's code, possibly with one of its steps taken out, under an Atomics that lets another thread's action
 * happen at a chosen moment: before the n-th atomic operation, or while the first thread sleeps. One real thread, so
 * every run is the same.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { transformSync } from 'esbuild';

export type Ring = typeof import('../../ringbuffer/index.js');

/** A change of source text by file name. */
export interface Edit {
  file: string;
  from: string;
  to: string;
}

const FOLDER = new URL('../../ringbuffer/', import.meta.url);
// Its timers come from modules of Node.
const ofNode = createRequire(import.meta.url);

/** The files of `ringbuffer/` as functions of Atomics, `require` and `exports`, which only the edited one is made anew for. */
const compiled = new Map<string, string>();

function compile(file: string, edit?: Edit): string {
  const source = readFileSync(new URL(file, FOLDER), 'utf8');
  const javascript = (text: string): string => transformSync(text, { loader: 'ts', format: 'cjs' }).code;
  if (edit?.file === file) {
    if (source.split(edit.from).length !== 2) throw new Error(`${file} does not hold once: ${edit.from}`);
    return javascript(source.replace(edit.from, () => edit.to));
  }
  if (!compiled.has(file)) compiled.set(file, javascript(source));
  return compiled.get(file)!;
}

/** Loads `ringbuffer/`, edited if asked for, and returns a function that gives it an Atomics from then on. */
export function loadRing(edit?: Edit): (atomics: Interleaver) => Ring {
  let current: Interleaver;
  // Loaded once: code that has run a thousand times is faster than a thousand codes that run once.
  const atomics: Pick<Interleaver, 'load' | 'store' | 'add' | 'or' | 'exchange' | 'notify' | 'wait' | 'waitAsync'> = {
    load: (words, index) => current.load(words, index),
    store: (words, index, value) => current.store(words, index, value),
    add: (words, index, value) => current.add(words, index, value),
    or: (words, index, value) => current.or(words, index, value),
    exchange: (words, index, value) => current.exchange(words, index, value),
    notify: () => current.notify(),
    wait: (words, index, value) => current.wait(words, index, value),
    waitAsync: (words, index, value) => current.waitAsync(words, index, value),
  };
  const loaded = new Map<string, object>();
  const load = (name: string): object => {
    if (name.startsWith('node:')) return ofNode(name) as object;
    const file = name.replace(/^\.\/(.*)\.js$/, '$1.ts');
    if (!loaded.has(file)) {
      const module = { exports: {} };
      loaded.set(file, module.exports);
      new Function('Atomics', 'require', 'module', 'exports', compile(file, edit))(
        atomics,
        load,
        module,
        module.exports,
      );
      loaded.set(file, module.exports);
    }
    return loaded.get(file)!;
  };
  const ring = load('./index.js') as Ring;
  return (interleaver) => {
    current = interleaver;
    return ring;
  };
}

/** The other thread dies: thrown out of its atomic operation. */
class Death extends Error {}

/** Stands in for `Atomics`. */
export class Interleaver {
  /** Atomic operations of the first thread so far. */
  operations = 0;
  /** Of these, those that are more than loads. */
  writes = 0;
  /** Sleeps that nothing would have ended. */
  lostWakeUps = 0;
  private other: (() => void) | undefined;
  private at = Number.POSITIVE_INFINITY;
  private inOther = false;
  private otherOperations = 0;
  private deathAt = Number.POSITIVE_INFINITY;
  private notified = false;

  /**
   * From now on: `other` runs as a whole before operation `at` of the first thread, at the latest when that sleeps.
   * It dies before its own operation `deathAt`.
   */
  plan(at: number, other: () => void): void {
    this.operations = 0;
    this.lostWakeUps = 0;
    this.at = at;
    this.other = other;
  }

  /** Runs `action` as a thread that dies before its operation `at`; true if it lived to its end. */
  runDying(at: number, action: () => void): boolean {
    this.deathAt = at;
    this.otherOperations = 0;
    try {
      action();
      return true;
    } catch (error) {
      if (error instanceof Death) return false;
      throw error;
    } finally {
      this.deathAt = Number.POSITIVE_INFINITY;
    }
  }

  load(words: Int32Array, index: number): number {
    this.step();
    return Atomics.load(words, index);
  }
  store(words: Int32Array, index: number, value: number): number {
    this.writes++;
    this.step();
    return Atomics.store(words, index, value);
  }
  add(words: Int32Array, index: number, value: number): number {
    this.writes++;
    this.step();
    return Atomics.add(words, index, value);
  }
  or(words: Int32Array, index: number, value: number): number {
    this.writes++;
    this.step();
    return Atomics.or(words, index, value);
  }
  exchange(words: Int32Array, index: number, value: number): number {
    this.writes++;
    this.step();
    return Atomics.exchange(words, index, value);
  }
  notify(): number {
    this.step();
    this.notified = true;
    return 1;
  }
  wait(words: Int32Array, index: number, value: number): 'ok' | 'not-equal' | 'timed-out' {
    this.step();
    if (Atomics.load(words, index) !== value) return 'not-equal';
    this.notified = false;
    this.runOther();
    if (this.notified) return 'ok';
    this.lostWakeUps++;
    return 'timed-out';
  }
  waitAsync(words: Int32Array, index: number, value: number) {
    const result = this.wait(words, index, value);
    if (result === 'not-equal') return { async: false as const, value: result };
    return { async: true as const, value: Promise.resolve(result) };
  }

  private step(): void {
    if (this.otherOperations++ >= this.deathAt) throw new Death();
    if (this.inOther) return;
    if (this.operations++ === this.at) this.runOther();
    if (this.operations > 1000) throw new Error('busy for ever');
  }

  private runOther(): void {
    const other = this.other;
    this.other = undefined;
    this.inOther = true;
    other?.();
    this.inOther = false;
  }
}

/** Calls `scene` with 0, 1, 2, …: the operation before which it lets the other thread act; ends after the last one. */
export async function everyMoment(scene: (at: number, atomics: Interleaver) => unknown): Promise<void> {
  for (let at = 0; ; at++) {
    const atomics = new Interleaver();
    try {
      await scene(at, atomics);
    } catch (error) {
      throw new Error(`the other thread acting before operation ${at}: ${(error as Error).message}`, { cause: error });
    }
    if (atomics.operations <= at) return;
  }
}
