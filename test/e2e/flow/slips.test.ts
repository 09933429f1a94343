/** What a module does by mistake is an error that names the node and what was meant, wherever it runs. */
import { fileURLToPath } from 'node:url';
import { Graph, type GraphError, Packet, Runtime, syncModule } from 'millrace';
import { LeakWatch, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection, thrown } from '../../kit/rejection.js';

const slips = suite('slips of modules');
const runtime = new Runtime({ threads: 2 });
// Its threads are there before any test looks for threads that are left behind.
const first = new Graph({ runtime });
for (const scheduler of [0, 1]) {
  const { spec, options } = new TestSource({ count: 1 });
  first.module(spec, options, { scheduler }).module('null_sink', {}, { scheduler });
}
await first.run();

const FILE = fileURLToPath(new URL('../../fixtures/modules/slips.mjs', import.meta.url));
const of = (entry: string) => ({ name: entry.toLowerCase(), path: FILE, entry });

const EXPECTED: Record<string, [code: string, message: RegExp]> = {
  frame: ['ERR_MILLRACE_PAYLOAD', /a VideoFrame was pushed to output 0\. Push a Packet: new Packet\(payload\)/],
  'frame to nobody': ['ERR_MILLRACE_PAYLOAD', /a VideoFrame was pushed to output 3/],
  'list of packets': ['ERR_MILLRACE_PAYLOAD', /was pushed to output 0\. Push a Packet: one by one/],
  promise: ['ERR_MILLRACE_PAYLOAD', /a Promise was pushed to output 0.*await what makes it/],
  nothing: ['ERR_MILLRACE_PAYLOAD', /undefined was pushed to output 0/],
  closed: ['ERR_MILLRACE_CLOSED', /a packet that was closed was pushed to output 0/],
  'packet in a value': ['ERR_MILLRACE_PAYLOAD', /payload\.packets\[0\] is an object of class Packet/],
  'text as output': ['ERR_MILLRACE_CONFIG', /output\("0"\) names no output/],
  'NaN as output': ['ERR_MILLRACE_CONFIG', /output\(NaN\) names no output/],
  'half an output': ['ERR_MILLRACE_CONFIG', /output\(0\.5\) names no output/],
  'no output': ['ERR_MILLRACE_CONFIG', /output\(undefined\) names no output/],
  'text as input': ['ERR_MILLRACE_CONFIG', /closeInput\("0"\) names no input/],
  'returned packet': ['ERR_MILLRACE_MODULE', /it returned a Packet instead of pushing packets/],
  'packets returned later': ['ERR_MILLRACE_MODULE', /it returned .* instead of pushing packets/],
  generator: ['ERR_MILLRACE_MODULE', /it returned a generator, of which nothing has run/],
  'async generator': ['ERR_MILLRACE_MODULE', /it returned a generator, of which nothing has run/],
  thenable: ['ERR_MILLRACE_MODULE', /refused later/],
  'callable thenable': ['ERR_MILLRACE_MODULE', /refused at once/],
  'text as time': ['ERR_MILLRACE_PAYLOAD', /timestamp of a packet cannot be "10".*finite number of microseconds/],
  'date as time': ['ERR_MILLRACE_PAYLOAD', /timestamp of a packet cannot be a Date/],
  'no number as time': ['ERR_MILLRACE_PAYLOAD', /timestamp of a packet cannot be NaN/],
};

for (const threads of [0, 1, 2]) {
  slips(`in a graph, threads ${threads}`, async () => {
    const watch = new LeakWatch();
    for (const [slip, [code, message]] of Object.entries(EXPECTED)) {
      const graph = new Graph({ runtime, threads, time_out: 20 });
      const source = new TestSource({ count: 1, kind: 'video' });
      graph
        .module(source.spec, source.options)
        .module(of('Slipping'), { slip }, { alias: 'bad', scheduler: 0 })
        .module('null_sink', {}, { scheduler: Math.max(0, threads - 1) });
      const error = await rejection(graph.run());
      assert.is(error.code, code, `${slip}: ${error.message}`);
      assert.match(error.message, message, slip);
      assert.match(error.message, /"bad" \(slipping\)/, slip);
      assert.equal((error as GraphError).leaked, {}, slip);
    }
    watch.check();
  });
}

for (const thread of ['inline', 0] as const) {
  slips(`in a call, thread ${thread}`, async () => {
    const watch = new LeakWatch();
    for (const [slip, [code, message]] of Object.entries(EXPECTED)) {
      const place = { thread, alias: 'bad', timeout: 20_000 };
      const spec = { ...of('Slipping'), options: { slip }, inputs: [0], outputs: [0], ...place };
      const module = await runtime.spawn(spec);
      const error = await rejection(module.processAsync({ 0: [new Packet(1)] }));
      assert.is(error.code, code, `${slip}: ${error.message}`);
      assert.match(error.message, message, slip);
      await module.closeAsync();
    }
    watch.check();
  });
}

slips('an answer to wants() that is none', async () => {
  const forms: Record<string, RegExp> = {
    number: /wants\(\) returned 0\. It returns a list of input ids/,
    text: /wants\(\) returned "all"/,
    list: /wants\(\) returned \["0"\]/,
    nothing: /wants\(\) returned null/,
    promise: /wants\(\) returned a Promise.*cannot be asynchronous/,
    NaN: /wants\(\) returned \[NaN\]/,
  };
  for (const [form, message] of Object.entries(forms)) {
    for (const threads of [0, 1]) {
      const graph = new Graph({ runtime, threads, time_out: 20 });
      const source = new TestSource({ count: 1 });
      graph.module(source.spec, source.options).module(of('Wanting'), { form }, { alias: 'bad' });
      const error = await rejection(graph.run());
      assert.is(error.code, 'ERR_MILLRACE_MODULE');
      assert.match(error.message, message);
      assert.match(error.message, /"bad" \(wanting\) failed in process/);
    }
    const module = syncModule(of('Wanting'), { form }, [0], [], { thread: 'inline' });
    assert.match(thrown(() => module.process({ 0: [new Packet(1)] })).message, message);
    module.close();
  }
});

slips('an init that is a generator', async () => {
  for (const threads of [0, 1]) {
    const graph = new Graph({ runtime, threads });
    graph.module(of('LateInit'), {}, { alias: 'bad' });
    assert.match((await rejection(graph.run())).message, /"bad" \(lateinit\) failed in init: it returned a generator/);
  }
});

slips('thenables are awaited: one call at a time, and what they reject with fails the graph', async () => {
  let running = 0;
  let most = 0;
  const graph = new Graph({ threads: 0 });
  const source = new TestSource({ count: 4 });
  graph.module(source.spec, source.options).module({
    process() {
      most = Math.max(most, ++running);
      const then = (resolve: () => void): void => {
        setTimeout(() => {
          running--;
          resolve();
        }, 2);
      };
      return { then } as never;
    },
  });
  await graph.run();
  assert.equal([most, running], [1, 0]);
});

slips.after(() => runtime.close());
slips.run();
