/**
 * Runs the ring's code, possibly with one of its steps taken out, under an Atomics that lets another thread's action
 * happen at a chosen moment: before the n-th atomic operation, or while the first thread sleeps. One real thread, so
 * every run is the same.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export type Ring = typeof import('../../ringbuffer/index.js');

/** A change of source text by file name. */
export interface Edit {
  file: string;
  from: string;
  to: string;
}

/** Bundles `ringbuffer/`, edited if asked for, and returns a function that loads it over a given Atomics. */
export async function loadRing(edit?: Edit): Promise<(atomics: Interleaver) => Ring> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../ringbuffer/index.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'node',
    globalName: 'ring',
    plugins: [
      {
        name: 'edit',
        setup({ onLoad }) {
          onLoad({ filter: /ringbuffer.*\.ts$/ }, ({ path }) => {
            const source = readFileSync(path, 'utf8');
            if (!edit || !path.endsWith(`/${edit.file}`)) return { contents: source, loader: 'ts' };
            if (source.split(edit.from).length !== 2) throw new Error(`${edit.file} does not hold once: ${edit.from}`);
            return { contents: source.replace(edit.from, () => edit.to), loader: 'ts' };
          });
        },
      },
    ],
  });
  const load = new Function('Atomics', 'require', `${outputFiles[0]!.text}\nreturn ring;`);
  // Its timers come from modules of Node.
  const require = createRequire(import.meta.url);
  return (atomics) => load(atomics, require) as Ring;
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
