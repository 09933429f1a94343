/** Frames between threads, by reference and by copy: who sees which pixels and samples. */
import { AudioFrame, Graph, type GraphOptionsInput, type Module, Packet, VideoFrame } from 'millrace';
import { LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { times } from '../../kit/long.js';
import { sharedThreads } from '../../kit/shared-threads.js';
import { FILE, frameNode, hops, THREADS } from './references.js';

const test = suite('references');
const graphOn = await sharedThreads(THREADS);
const { Onlooker } = (await import(FILE)) as { Onlooker: new () => Module };
const TRANSPORTS = ['reference', 'copy'] as const;
const KINDS = ['pictures', 'sound'] as const;

function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

interface Scene {
  kind?: (typeof KINDS)[number];
  /** Further options of each onlooker. */
  onlookers?: Record<string, unknown>[];
  /** The painter keeps its frames, and paints them over when all onlookers have them. */
  keep?: boolean;
  /** Runs in the painter's thread, too, and does not leave it as it was. */
  companion?: string;
  /** The painter has a thread that is not shared, and the onlookers have this one. */
  alone?: boolean;
}

/** A painter, and onlookers on threads of their own that tell what they see when everybody has done what he is to do. */
async function look(
  options: GraphOptionsInput,
  { kind = 'pictures', onlookers = [{}], keep = true, companion, alone = false }: Scene = {},
) {
  const leaks = new LeakWatch();
  const graph = alone ? new Graph(options) : graphOn(options);
  const [ready, painted] = [gate(), gate()];
  if (!keep) painted.open();
  const source = frameNode(
    graph,
    'Painter',
    { count: 4, keep, kind },
    {
      scheduler: 0,
      callback: (key) => {
        if (key === 'sent') return ready.opened;
        painted.open();
      },
    },
  );
  if (companion !== undefined) frameNode(graph, companion, {}, { scheduler: 0 });
  const seen: unknown[] = [];
  let waiting = onlookers.length;
  onlookers.forEach((own, i) => {
    const callback = async (key: unknown, value: unknown): Promise<void> => {
      if (key === 'seen') {
        seen[i] = value;
        return;
      }
      if (--waiting === 0) ready.open();
      await Promise.all([ready.opened, painted.opened]);
    };
    const looking = { count: 4, ...own };
    const where = { inputs: [source], callback };
    if (alone) graph.module(new Onlooker(), looking, where);
    else frameNode(graph, 'Onlooker', looking, { ...where, scheduler: i + 1 });
  });
  const report = await graph.run();
  leaks.check(report);
  for (const { kind, held } of report.links) assert.equal([kind, held], ['ring', 0]);
  return { seen, warnings: report.warnings.join('; ') };
}

const OLD = [0, 1, 2, 3];
const OVER = [200, 201, 202, 203];

for (const kind of KINDS) {
  test(`by reference the consumers share the memory of the sender, by copy they have their own (${kind})`, async () => {
    const onlookers = [{}, {}];
    const byReference = await look({ transport: 'reference' }, { kind, onlookers });
    assert.equal(byReference, { seen: [OVER, OVER], warnings: '' });
    assert.equal((await look({ transport: 'copy' }, { kind, onlookers })).seen, [OLD, OLD]);
  });
}

test('references are the default, and MILLRACE_TRANSPORT stands in', async () => {
  // The runtime of the shared threads has read it already.
  const before = process.env.MILLRACE_TRANSPORT;
  try {
    delete process.env.MILLRACE_TRANSPORT;
    assert.equal((await look({}, { alone: true })).seen, [OVER]);
    process.env.MILLRACE_TRANSPORT = 'copy';
    assert.equal((await look({}, { alone: true })).seen, [OLD]);
  } finally {
    if (before === undefined) delete process.env.MILLRACE_TRANSPORT;
    else process.env.MILLRACE_TRANSPORT = before;
  }
});

for (const transport of TRANSPORTS) {
  test(`what a consumer writes after writable() is its own (${transport})`, async () => {
    for (const kind of KINDS) {
      const { seen } = await look({ transport }, { kind, onlookers: [{ write: 77 }, {}], keep: false });
      assert.equal(seen, [[77, 77, 77, 77], OLD], kind);
    }
  });

  test(`a frame is its only consumer's alone when the sender has seen that it was taken (${transport})`, async () => {
    assert.equal((await look({ transport }, { onlookers: [{ alone: true }], keep: false })).seen, [OLD]);
  });

  test(`frames outlive a sender that has ended (${transport})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ transport, queue_length_limit: 30 });
    const source = frameNode(graph, 'Painter', { count: 20 }, { scheduler: 0 });
    let seen: unknown;
    const callback = (key: unknown, value: unknown): void => {
      if (key === 'seen') seen = value;
    };
    frameNode(graph, 'Onlooker', { count: 20, each: 100 }, { scheduler: 1, inputs: [source], callback });
    leaks.check(await graph.run());
    assert.equal(
      seen,
      Array.from({ length: 20 }, (_, n) => n),
    );
  });

  test(`pictures and sound come from the calling thread and go to it (${transport})`, async () => {
    const leaks = new LeakWatch();
    const graph = graphOn({ transport });
    let made = 0;
    const source = graph.module({
      process(task) {
        if (made === 50) return task.done();
        const pts = BigInt(made);
        const sound = made % 2 === 1;
        const frame = sound
          ? AudioFrame.alloc({ sampleRate: 48_000, channels: 2, format: 's16', samples: 1024, pts })
          : VideoFrame.alloc({ width: 64, height: 36, format: 'yuv420p', pts });
        frame.planes()[0]!.data.fill(made++);
        task.output(0).push(new Packet(frame));
      },
    });
    const worker = frameNode(graph, 'Bomb', { where: 'never', within: 0 }, { scheduler: 0, inputs: [source] });
    const seen: (number | undefined)[] = [];
    graph.module(
      {
        process(task) {
          for (const { payload } of task.inputs.get(0) ?? []) {
            const kind = seen.length % 2 === 1 ? AudioFrame : VideoFrame;
            if (payload instanceof kind) seen.push(payload.planes()[0]!.data[77]);
          }
        },
      },
      {},
      { inputs: [worker] },
    );
    leaks.check(await graph.run());
    assert.equal(
      seen,
      Array.from({ length: 50 }, (_, n) => n),
    );
  });
}

test('a thread in which the self-test fails copies its frames, and says so if references were asked for', async () => {
  const automatic = await look({ transport: 'auto' }, { companion: 'Saboteur', alone: true });
  assert.equal(automatic, { seen: [OLD], warnings: '' });
  const { seen, warnings } = await look({ transport: 'reference' }, { companion: 'Saboteur', alone: true });
  assert.equal(seen, [OLD]);
  assert.match(warnings, /^Frames cannot be passed by reference: .*; they are copied$/);
});

test('memory stays where it is over many frames', async () => {
  const { before, after } = await hops(times(3000, 10_000), graphOn);
  assert.ok(after < before * 1.25 + 32, `${before.toFixed(0)} MB -> ${after.toFixed(0)} MB`);
});

test.run();
