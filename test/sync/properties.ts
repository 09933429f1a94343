/** What holds for every policy and every input, on random cases; each check throws with the seed that shows it. */
import * as assert from 'uvu/assert';
import {
  type SyncEvent,
  Synchronizer,
  type SynchronizerOptions,
  type SyncMode,
  type SyncOutput,
} from '../../src/sync/index.js';
import { type Case, Dice, randomArrivals, randomCase } from './cases.js';
import { type Arrival, expectedOutputs } from './model.js';
import { type Shown, TensorMux } from './nnstreamer.js';

/** A buffer's value: where it came from. */
interface Origin {
  pad: number;
  place: number;
}

/** How many references to each value are out, and what happened to the buffers. */
class Books {
  readonly events: SyncEvent[] = [];
  cloned = 0;
  readonly released = new Map<Origin, number>();

  options(): Pick<SynchronizerOptions<Origin>, 'clone' | 'release' | 'trace'> {
    return {
      clone: (value) => {
        this.cloned++;
        return value;
      },
      release: (value) => {
        this.released.set(value, (this.released.get(value) ?? 0) + 1);
      },
      trace: (event) => {
        this.events.push(event);
      },
    };
  }
}

function optionsOf({ mode, pads, basePad, duration, endsWithAny }: Case): SynchronizerOptions<Origin> {
  return {
    mode,
    pads: pads.length,
    ...(mode === 'basepad' && { option: { basePad, duration } }),
    ...(mode === 'refresh' && { end: endsWithAny ? 'any' : 'all' }),
  };
}

type Machine = Synchronizer<Origin, null>;

function arrive(synchronizer: Machine, { pads }: Case, { pad, place }: Arrival): SyncOutput<Origin, null>[] {
  if (place === undefined) return synchronizer.end(pad);
  const pts = pads[pad]![place]!;
  return synchronizer.push(pad, { pts, duration: pts + 1n, value: { pad, place } });
}

function run(synchronizer: Machine, one: Case, arrivals: readonly Arrival[]): SyncOutput<Origin, null>[] {
  return arrivals.flatMap((arrival) => arrive(synchronizer, one, arrival));
}

/** One case of a policy. */
export function checkCase(mode: SyncMode, seed: number): void {
  const dice = new Dice(seed);
  const one = randomCase(mode, dice);
  try {
    checkOutputs(one, dice);
    checkProgram(one);
    checkTimeouts(one, dice);
    checkLimits(one, dice);
  } catch (error) {
    throw new Error(`${mode}, seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
}

function checkOutputs(one: Case, dice: Dice): void {
  const { mode, pads, arrivals } = one;
  const books = new Books();
  const synchronizer: Machine = new Synchronizer<Origin, null>({ ...optionsOf(one), ...books.options() });
  const outputs = run(synchronizer, one, arrivals);
  const expected = expectedOutputs(one, pads, arrivals);
  const rows = outputs.map(({ pts, inputs }) => ({ pts, places: inputs.map((input) => input?.value.place) }));
  assert.equal(rows, expected.rows, 'the outputs are those of the rules');
  assert.is(synchronizer.finished, expected.ended, 'the end is that of the rules');
  assert.ok(synchronizer.finished, 'the output ends when all pads have ended');

  checkRows(one, outputs, mode !== 'basepad' || rises(pads[one.basePad]!));
  checkPromises(one, outputs, books);
  checkBooks(one, synchronizer, outputs, books);

  if (mode !== 'refresh') {
    const otherwise = run(new Synchronizer<Origin, null>(optionsOf(one)), one, randomArrivals(pads, dice));
    assert.equal(otherwise, outputs, 'the order of arrival changes nothing');
  }
  synchronizer.reset();
  const again = run(synchronizer, one, arrivals);
  assert.equal(again, outputs, 'after a reset it does the same again');
}

/** The same outputs at the same arrivals as NNStreamer's program, for what it can do: PTS and durations of its types. */
function checkProgram(one: Case): void {
  const { mode, pads, arrivals, basePad, duration, endsWithAny } = one;
  const known = duration < 2n ** 32n && pads.flat().every((pts) => pts >= 0n && pts < 2n ** 63n);
  if (!known || !endsWithAny) return;
  const program = new TensorMux(mode, pads.length, basePad, duration).watch(pads, arrivals);
  const synchronizer: Machine = new Synchronizer<Origin, null>(optionsOf(one));
  const rows: Shown[] = [];
  let end: number | undefined;
  for (const [at, arrival] of arrivals.entries()) {
    for (const { pts, inputs } of arrive(synchronizer, one, arrival)) {
      rows.push({ pts, places: inputs.map((input) => input!.value.place), at });
    }
    if (synchronizer.finished) end ??= at;
  }
  assert.equal(rows, program.rows, 'the outputs are those of the program');
  // Ours: the end, where the program goes on with a pad that has ended without ever delivering, some of it in a loop.
  if (mode === 'refresh' && pads.some((pad) => pad.length === 0)) return;
  assert.is(program.hung, undefined);
  // Ours: the end, where the program never tells it because the last pad ended in the middle of a round.
  assert.is(end, program.end ?? arrivals.length - 1, 'the end comes where it does in the program');
}

/** What every output looks like, whatever the policy. */
function checkRows({ pads, mode }: Case, outputs: readonly SyncOutput<Origin, null>[], ordered: boolean): void {
  const newest = pads.map(() => -1);
  for (const { pts, duration, inputs } of outputs) {
    assert.is(inputs.length, pads.length, 'one entry per pad');
    inputs.forEach((input, pad) => {
      if (input === null) {
        assert.is(newest[pad], -1, 'a pad that delivered is never left out');
        return;
      }
      const { place } = input.value;
      assert.is(input.value.pad, pad, 'entries are in pad order');
      assert.is(input.pts, pads[pad]![place], 'with the PTS of the buffer');
      assert.ok(place >= newest[pad]!, 'no buffer is used after a newer one of its pad');
      assert.is(input.reused, place === newest[pad], 'and is marked as reused from the second time on');
      newest[pad] = place;
    });
    if (duration !== undefined) assert.is(duration, pts + 1n, 'the duration is that of the buffer whose PTS it is');
    else assert.not.equal(mode, 'basepad', 'the base buffer has a duration');
  }
  for (let i = 1; ordered && i < outputs.length; i++) {
    assert.ok(outputs[i]!.pts >= outputs[i - 1]!.pts, 'the outputs do not go back in time');
  }
}

/** What each policy keeps. */
function checkPromises(one: Case, outputs: readonly SyncOutput<Origin, null>[], books: Books): void {
  const { mode, pads, basePad } = one;
  if (mode === 'nosync') {
    assert.is(outputs.length, Math.min(...pads.map((pad) => pad.length)), 'as many outputs as the shortest pad has');
    outputs.forEach(({ inputs }, k) => {
      for (const input of inputs) assert.is(input?.value.place, k, 'the k-th output is the k-th buffer of every pad');
    });
  } else if (mode === 'basepad' && rises(pads[basePad]!)) {
    outputs.forEach(({ pts, inputs }, k) => {
      assert.is(pts, pads[basePad]![k], 'one output per buffer of the base pad');
      assert.is(inputs[basePad]?.value.place, k, 'with that buffer');
    });
  } else if (mode === 'refresh' && outputs.length > 0) {
    const first = outputs[0]!.inputs.map((input) => input!.value.place);
    for (const event of books.events) {
      if (event.kind !== 'drop' || event.reason === 'end') continue;
      const before = pads[event.pad]!.indexOf(event.pts);
      assert.ok(before < first[event.pad]!, 'nothing is lost between the first output and the end');
    }
  } else if (mode === 'slowest') {
    const fewest = Math.min(...pads.map((pad) => pad.length));
    assert.ok(outputs.length <= fewest, 'no more outputs than the slowest pad has buffers');
    if (pads.every((pad) => equal(pad, pads[0]!) && rises(pad))) {
      assert.is(outputs.length, fewest, 'pads in step lose nothing');
    }
  }
}

/** Counters, events and references agree with what came out. */
function checkBooks(
  one: Case,
  synchronizer: Machine,
  outputs: readonly SyncOutput<Origin, null>[],
  books: Books,
): void {
  const { mode, pads } = one;
  const keeps = mode !== 'nosync';
  synchronizer.counters.forEach(({ received, used, dropped, reused, absent }, pad) => {
    const entries = outputs.map(({ inputs }) => inputs[pad]!);
    assert.is(received, pads[pad]!.length);
    assert.is(used, entries.filter((entry) => !entry.reused).length);
    assert.is(reused, entries.filter((entry) => entry.reused).length);
    assert.is(dropped, received - used);
    assert.is(absent, 0);
    const of = (kind: SyncEvent['kind']) => books.events.filter((event) => event.kind === kind && event.pad === pad);
    assert.is(of('drop').length, dropped, 'every drop is told');
    assert.is(of('reuse').length, reused, 'every reuse is told');
  });
  const total = pads.reduce((sum, pad) => sum + pad.length, 0);
  const handedOver = keeps ? 0 : outputs.length * pads.length;
  assert.is(books.cloned, keeps ? outputs.length * pads.length : 0, 'an output has references of its own');
  assert.is(books.released.size, total - handedOver, 'every value is released');
  for (const times of books.released.values()) assert.is(times, 1, 'and only once');
}

/** With timeouts: everything still ends, nobody waits for who is silent, and what comes out is well formed. */
function checkTimeouts(one: Case, dice: Dice): void {
  const { pads } = one;
  const options = optionsOf(one);
  const patient = new Synchronizer<Origin, null>({ ...options, timeout: 1000n });
  const outputs = one.arrivals.flatMap((arrival) => [...patient.tick(5n), ...arrive(patient, one, arrival)]);
  const plain = run(new Synchronizer<Origin, null>(options), one, one.arrivals);
  assert.equal(outputs, plain, 'a timeout that is not reached changes nothing');

  const synchronizer: Machine = new Synchronizer<Origin, null>({
    ...options,
    timeout: pads.map(() => BigInt(1 + dice.below(20))),
  });
  let now = 0n;
  const seen: SyncOutput<Origin, null>[] = synchronizer.tick(now);
  for (const arrival of one.arrivals) {
    now += BigInt(dice.below(8));
    seen.push(...synchronizer.tick(now), ...arrive(synchronizer, one, arrival));
    if (!dice.chance(0.1)) continue;
    now += 20n;
    seen.push(...synchronizer.tick(now));
    for (const { received, used, dropped } of synchronizer.counters) {
      // One buffer may be taken already and wait for the output it is for.
      assert.ok(received - used - dropped <= 1, 'when all were silent for long, no buffer waits');
    }
  }
  assert.ok(synchronizer.finished, 'the output ends');
  // A pad that stands in for a silent base pad may be ahead of it.
  checkRows(one, seen, one.mode !== 'basepad');
}

/** With limited queues: the limit holds, and what is dropped is the right end of the queue. */
function checkLimits(one: Case, dice: Dice): void {
  const maxQueue = one.pads.map(() => 1 + dice.below(4));
  const dropPolicy = dice.pick(['oldest', 'newest'] as const);
  const books = new Books();
  const options = { ...optionsOf(one), ...books.options(), maxQueue, dropPolicy };
  const synchronizer: Machine = new Synchronizer<Origin, null>(options);
  const outputs: SyncOutput<Origin, null>[] = [];
  for (const arrival of one.arrivals) {
    const before = books.events.length;
    outputs.push(...arrive(synchronizer, one, arrival));
    const { received, used, dropped } = synchronizer.counters[arrival.pad]!;
    assert.ok(received - used - dropped <= maxQueue[arrival.pad]! + 1, 'no more wait than may wait');
    for (const event of books.events.slice(before)) {
      if (event.kind !== 'drop' || event.reason !== 'queue') continue;
      assert.is(event.pad, arrival.pad, 'only the pad that is full drops');
      const newest = event.pts === one.pads[arrival.pad]![arrival.place!];
      if (dropPolicy === 'newest') assert.ok(newest, 'the newest is the one that came');
    }
  }
  assert.ok(synchronizer.finished, 'the output ends');
  checkRows(one, outputs, one.mode !== 'basepad' || rises(one.pads[one.basePad]!));
  const total = one.pads.reduce((sum, pad) => sum + pad.length, 0);
  const handedOver = one.mode === 'nosync' ? outputs.length * one.pads.length : 0;
  assert.is(books.released.size, total - handedOver, 'every value is released');
}

const rises = (pts: readonly bigint[]): boolean => pts.every((one, i) => i === 0 || one > pts[i - 1]!);
const equal = (a: readonly bigint[], b: readonly bigint[]): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);
