/**
 * Called actors that come and go, and calls that are cut off: nothing may hang or be left. The short form runs inside
 * `npm test`; the long one is 10,000 actors and 1,000 calls:
 *
 *   npm run stress:calls [-- ACTORS CUTS]
 */
import { Packet, Runtime, type SyncResult, syncModule, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { codeOf, codeOfAsync, obeying } from '../../kit/calls.js';
import { untilRight } from '../../kit/soon.js';

const frame = (): Packet => new Packet(VideoFrame.alloc({ width: 64, height: 64, format: 'gray' }));

/** Resident MB and MB of this thread's heap, after the first half and at the end. */
export interface Memory {
  resident: [number, number];
  heap: [number, number];
}

function megabytes(): { rss: number; heapUsed: number } {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20 };
}

/** Does it so many times, and measures. */
async function repeat(times: number, work: (i: number) => Promise<void>): Promise<Memory> {
  let half = megabytes();
  for (let i = 0; i < times; i++) {
    await work(i);
    if (i + 1 === Math.floor(times / 2)) half = megabytes();
  }
  const end = megabytes();
  return { resident: [half.rss, end.rss], heap: [half.heapUsed, end.heapUsed] };
}

/** Spawns and closes actors on the threads of one runtime, each after a call with a frame. @throws Error for what is left. */
export async function spawnAndClose(times: number): Promise<Memory> {
  const leaks = new LeakWatch();
  const runtime = new Runtime({ threads: 1 });
  const spec = { ...obeying('Census'), inputs: [0], outputs: [0] };
  const census = await runtime.spawn(spec);
  census.init();
  const memory = await repeat(times, async (i) => {
    const actor = await runtime.spawn(spec);
    const blocking = i % 2 === 0;
    const { outputs } = blocking ? actor.process({ 0: [frame()] }) : await actor.processAsync({ 0: [frame()] });
    const [packet] = outputs[0]!;
    if (!(packet?.payload instanceof VideoFrame)) throw new Error(`the answer to call ${i} has no frame`);
    packet.close();
    // Every third one with a call in flight.
    const pending = i % 3 === 0 ? codeOfAsync(actor.processAsync({ 0: [frame()] }).then(release)) : undefined;
    if (i % 4 < 2) actor.close();
    else await actor.closeAsync();
    const code = await pending;
    if (code !== undefined && code !== 'ERR_MILLRACE_CLOSED') throw new Error(`a call that was closed upon: ${code}`);
  });
  // Throws if frames are left in the thread. What an answer that nobody took has held is let go when its call is swept up.
  const [alive] = await untilRight(() => census.process({ 0: [new Packet('check')] }).outputs[0]!);
  if (alive?.payload !== 1) throw new Error(`${alive?.payload} modules are alive in the thread`);
  const { actors, threads } = runtime.stats();
  if (actors.length !== 1) throw new Error(`the runtime knows ${actors.length} actors`);
  if (threads !== 1) throw new Error(`the runtime has ${threads} threads`);
  await runtime.close();
  leaks.check();
  return memory;
}

/** An answer may be there before the close. */
function release({ outputs }: SyncResult): void {
  for (const packets of Object.values(outputs)) for (const packet of packets) packet.close();
}

/** Ways a call is cut off, the code it ends with, and whether that is the end of its thread. */
const CUTS: readonly { what: string; code: string; asynchronous: boolean; deadly: boolean }[] = [
  { what: 'exit', code: 'ERR_MILLRACE_WORKER_DIED', asynchronous: false, deadly: true },
  { what: 'exit', code: 'ERR_MILLRACE_WORKER_DIED', asynchronous: true, deadly: true },
  { what: 'throw', code: 'ERR_MILLRACE_MODULE', asynchronous: false, deadly: false },
  { what: 'recursion', code: 'ERR_MILLRACE_MODULE', asynchronous: true, deadly: false },
  { what: 'close', code: 'ERR_MILLRACE_CLOSED', asynchronous: true, deadly: false },
  { what: 'hang', code: 'ERR_MILLRACE_TIMEOUT', asynchronous: false, deadly: true },
  { what: 'grind', code: 'ERR_MILLRACE_TIMEOUT', asynchronous: true, deadly: true },
];
/** Kinds of cuts. */
export const KINDS = CUTS.length;
/** Milliseconds. */
const TIMEOUT = 500;
const DEATHS: readonly unknown[] = ['ERR_MILLRACE_WORKER_DIED', 'ERR_MILLRACE_TIMEOUT'];

/**
 * Cuts calls off, each of a module in a thread of its own or, every other time and for time limits (which would count its
 * start), in one it shares with a module that is being called as well and must not wait for a dead thread either.
 * @throws Error for what is left.
 */
export async function cutOff(times: number): Promise<Memory> {
  const leaks = new LeakWatch();
  const memory = await repeat(times, async (i) => {
    const { what, code: expected, asynchronous, deadly } = CUTS[i % CUTS.length]!;
    const own = i % 2 === 0 && expected !== 'ERR_MILLRACE_TIMEOUT';
    const place = own ? {} : { thread: 'shared' };
    const neighbour = 'thread' in place ? await callNeighbour(place) : undefined;
    const code = what === 'close' ? await closeUpon(place) : await order(what, asynchronous, place);
    if (code !== expected) throw new Error(`cut ${i} (${what}) ended with ${code}`);
    const end = await neighbour?.(deadly);
    if (end !== undefined && end !== (deadly ? 'death' : 'ERR_MILLRACE_CLOSED'))
      throw new Error(`the other call of the thread of cut ${i} (${what}) ended with ${end}`);
  });
  leaks.check();
  return memory;
}

/** A call of another module of the thread. @returns waits for its end, having closed it unless its thread is dead. */
async function callNeighbour(place: { thread?: string }): Promise<(dead: boolean) => Promise<string | undefined>> {
  const module = syncModule(obeying('Later'), { delay: 60_000 }, [0], [0], place);
  await module.initAsync();
  const pending = codeOfAsync(module.processAsync({ 0: [frame()] }));
  return async (dead) => {
    if (dead) await pending;
    await module.closeAsync();
    const code = await pending;
    return dead && DEATHS.includes(code) ? 'death' : code;
  };
}

async function order(what: string, asynchronous: boolean, place: { thread?: string }): Promise<string | undefined> {
  const limit = what === 'hang' || what === 'grind' ? { timeout: TIMEOUT } : {};
  const options = { milliseconds: TIMEOUT + 500 };
  const module = syncModule(obeying('Obedient'), options, [0], [0], { ...limit, ...place });
  await module.initAsync();
  const inputs = { 0: [frame(), new Packet(what)] };
  const code = asynchronous ? await codeOfAsync(module.processAsync(inputs)) : codeOf(() => module.process(inputs));
  await module.closeAsync();
  return code;
}

async function closeUpon(place: { thread?: string }): Promise<string | undefined> {
  const module = syncModule(obeying('Later'), { delay: 60_000 }, [0], [0], place);
  await module.initAsync();
  const pending = codeOfAsync(module.processAsync({ 0: [frame()] }));
  await module.closeAsync();
  return pending;
}

const long = process.argv.indexOf('--long');
if (long >= 0) {
  const [actors = '10000', cuts = '1000'] = process.argv.slice(long + 1);
  const tell = (what: string, { resident, heap }: Memory): void => {
    const span = (values: [number, number], digits: number): string =>
      `${values.map((value) => value.toFixed(digits)).join(' -> ')} MB`;
    console.log(`${what}: nothing is left; resident memory ${span(resident, 0)}, heap ${span(heap, 1)}`);
    // The garbage of the threads comes and goes; what every one of thousands would leave is more than that.
    if (resident[1] > resident[0] * 1.25 + 16 || heap[1] > heap[0] + 2) throw new Error('memory grows with every one');
  };
  tell(`${actors} actors spawned and closed`, await spawnAndClose(Number(actors)));
  tell(`${cuts} calls cut off`, await cutOff(Number(cuts)));
}
