/** Running time that a test moves by hand: what goes by it, on the calling thread and in others. */
import { defineModule, Graph, Packet } from 'millrace';
import { FakeClock, LeakWatch } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addJoin } from '../kit/joins.js';

const clocks = suite('a clock that is moved by hand');

const HOUR_MS = 3_600_000;

/** Sleeps for that many hours before each packet, which tells the time. */
const hourly = defineModule<
  { hours: number[] },
  { left: number[]; elapsed: () => number; sleep(ms: number): Promise<void> }
>({
  init({ options, elapsed, sleep }) {
    this.left = [...options.hours];
    this.elapsed = elapsed;
    this.sleep = sleep;
  },
  async process(task) {
    const hours = this.left.shift();
    if (hours === undefined) return task.done();
    await this.sleep(hours * HOUR_MS);
    task.output(0).push(new Packet({ hour: this.elapsed() / 1000 / HOUR_MS }));
  },
});

clocks('modules sleep and tell the time by it', async () => {
  const watch = new LeakWatch();
  const clock = new FakeClock();
  const graph = new Graph({ threads: 0 });
  const reader = graph.module(hourly, { hours: [0, 1, 2] }).packets();
  await graph.start({ clock });
  const next = async (): Promise<unknown> => ((await reader.next()).value as Packet).payload;
  assert.equal(await next(), { hour: 0 });
  await clock.advance(HOUR_MS);
  assert.equal(await next(), { hour: 1 });
  await clock.advance(HOUR_MS / 2);
  await clock.advance(HOUR_MS * 1.5);
  assert.equal(await next(), { hour: 3 });
  assert.is(clock.now, 3 * HOUR_MS);
  assert.ok((await reader.next()).done);
  watch.check(await graph.close());
});

clocks('nothing comes before its time, and all of it has come when the time has been moved', async () => {
  const clock = new FakeClock();
  const graph = new Graph({ threads: 1 });
  const seen: unknown[] = [];
  const tell = defineModule({
    process(task) {
      for (const { payload } of task.inputs.get(0) ?? []) seen.push((payload as { n: number } | undefined)?.n);
    },
  });
  graph.module('clock', { fps: '1/3600', count: 3 }).module(tell);
  await graph.start({ clock });
  await clock.advance(0);
  assert.equal(seen, [0]);
  await clock.advance(HOUR_MS - 1);
  assert.equal(seen, [0]);
  await clock.advance(1);
  assert.equal(seen, [0, 1]);
  await clock.advance(HOUR_MS);
  await graph.close();
  assert.equal(seen, [0, 1, 2, undefined]);
});

clocks('a module that sleeps by it is woken when the graph is aborted', async () => {
  const clock = new FakeClock();
  const graph = new Graph({ threads: 0 });
  graph.module(hourly, { hours: [1] }).module('null_sink');
  await graph.start({ clock });
  await graph.forceClose();
  await clock.advance(1).then(
    () => assert.unreachable('nothing goes by it any more'),
    (error: { code: string }) => assert.is(error.code, 'ERR_MILLRACE_STATE'),
  );
});

clocks('in threads, input managers time out by it and clocks tick by it', async () => {
  const clock = new FakeClock();
  const graph = new Graph({ threads: 1 });
  const [camera, sensor] = [graph.inputStream('camera'), graph.inputStream('sensor')];
  const groups = addJoin(
    graph,
    'Groups',
    {},
    {
      inputs: [camera, sensor],
      inputManager: { mode: 'slowest', timeout: [null, HOUR_MS / 1000] },
    },
  ).packets();
  const ticks = graph.module('clock', { fps: '1/3600', count: 3 }).packets();
  await graph.start({ clock });
  const tick = async (): Promise<number> => ((await ticks.next()).value as Packet<{ n: number }>).payload.n;
  const group = async (): Promise<unknown> =>
    ((await groups.next()).value as Packet<{ inputs: unknown }>).payload.inputs;
  assert.is(await tick(), 0);
  for (const hour of [1, 2]) {
    await camera.push(new Packet({ n: hour }, { timestamp: hour }));
    await clock.advance(HOUR_MS);
    assert.is(await tick(), hour);
    assert.equal(await group(), { 0: [`${hour}@${hour}`] });
  }
  await camera.end();
  await sensor.end();
  await groups.return?.();
  await graph.close();
});

clocks('what is no time is refused, and so is a clock that leads nothing', async () => {
  const clock = new FakeClock();
  const codes: Record<string, string> = {};
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, 'x', null, 5])
    await clock.advance(value as number).catch(({ code }: { code: string }) => {
      codes[String(value)] = code;
    });
  const wrong = 'ERR_MILLRACE_CONFIG';
  assert.equal(codes, { 5: 'ERR_MILLRACE_STATE', '-1': wrong, NaN: wrong, Infinity: wrong, x: wrong, null: wrong });
  const graph = new Graph({ threads: 0 });
  graph.module('null_sink');
  await graph.run({ clock: {} as FakeClock }).then(
    () => assert.unreachable(),
    (error: { code: string; message: string }) => {
      assert.is(error.code, wrong);
      assert.match(error.message, /FakeClock of millrace\/testing/);
    },
  );
});

clocks.run();
