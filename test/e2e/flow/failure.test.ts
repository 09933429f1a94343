/** However a module fails: one clear error, every module closed, nothing left behind. */
import { Graph, GraphError } from 'millrace';
import { LeakWatch, TestSink, TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long, times } from '../../kit/long.js';
import { add, PLACEMENTS } from '../../kit/modules.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const failure = suite('failing modules');
const graphOn = await sharedThreads(3);

interface Expected {
  code: string;
  phase?: string;
  message: RegExp;
  cause?: RegExp;
}

const CASES: Record<string, Expected> = {
  init: {
    code: 'ERR_MILLRACE_MODULE',
    phase: 'init',
    message: /"bad" \(failing\) failed in init: init said no/,
    cause: /TypeError/,
  },
  process: {
    code: 'ERR_MILLRACE_MODULE',
    phase: 'process',
    message: /"bad".*process: process said no/,
    cause: /RangeError/,
  },
  reject: {
    code: 'ERR_MILLRACE_MODULE',
    phase: 'process',
    message: /"bad".*process: process said no later/,
    cause: /RangeError/,
  },
  string: { code: 'ERR_MILLRACE_MODULE', phase: 'process', message: /"bad".*process: just a string/ },
  object: { code: 'ERR_MILLRACE_MODULE', phase: 'process', message: /"bad".*process: \{"detail":5\}/ },
  'bare object': { code: 'ERR_MILLRACE_MODULE', phase: 'process', message: /"bad".*process: \{\}/ },
  unreadable: {
    code: 'ERR_MILLRACE_MODULE',
    phase: 'process',
    message: /"bad".*process: what was thrown cannot be read/,
  },
  recursion: { code: 'ERR_MILLRACE_MODULE', phase: 'process', message: /Maximum call stack size exceeded/ },
  close: { code: 'ERR_MILLRACE_MODULE', phase: 'close', message: /"bad".*close: close said no/ },
  exit: { code: 'ERR_MILLRACE_WORKER_DIED', phase: 'run', message: /the thread of .*bad.* died \(exit code 7\)/ },
  timer: {
    code: 'ERR_MILLRACE_MODULE',
    phase: 'run',
    message: /uncaught exception in the thread of .*bad.*: thrown in a timer/,
  },
};

/** source -> witness -> bad -> witness -> sink, with frames under way. @param own its threads are, and end with it. */
function build(threads: number, where: string, own: boolean) {
  const graph = own ? new Graph({ threads }) : graphOn({ threads });
  const closed: string[] = [];
  const callback = (key: string | number, value: unknown) => {
    if (key === 'closed') closed.push(typeof value === 'string' ? value : 'witness');
  };
  const source =
    where === 'close'
      ? add(graph, 'Scatter', { count: 40, outputs: 1 })
      : add(graph, 'Endless', { kind: 'video' }, { alias: 'endless' });
  const before = add(graph, 'Witness', {}, { inputs: [source], callback });
  const bad = add(graph, 'Failing', { where }, { inputs: [before], callback, alias: 'bad' });
  const after = add(graph, 'Witness', {}, { inputs: [bad], callback });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [after], callback: sink.callback });
  return { graph, closed };
}

async function failureOf(graph: Graph): Promise<GraphError> {
  try {
    await graph.run();
  } catch (error) {
    assert.instance(error, GraphError);
    return error as GraphError;
  }
  return assert.unreachable('the graph should have failed') as never;
}

/** What ends a thread would end this process; what is thrown in the same place is the same at every other placement. */
function placementsOf(where: string): readonly number[] {
  if (/string|object|unreadable|recursion/.test(where)) return [0, 1];
  if (long) return /exit|timer/.test(where) ? [1, 2, 3] : PLACEMENTS;
  return where === 'exit' ? [1, 2] : where === 'timer' ? [2] : [0, 1, 2];
}

for (const [where, expected] of Object.entries(CASES)) {
  for (const threads of placementsOf(where)) {
    failure(`${where}, threads: ${threads}`, async () => {
      const leaks = new LeakWatch();
      // A failure ends the threads that are its graph's own.
      const own =
        /exit|timer/.test(where) || (where === 'process' && threads === 2) || (long && /init|process/.test(where));
      const { graph, closed } = build(threads, where, own);
      const error = await failureOf(graph);
      assert.is(error.code, expected.code);
      assert.is(error.phase, expected.phase);
      assert.match(error.message, expected.message);
      assert.not.match(error.message, /\n/);
      if (expected.cause) assert.match(String(error.cause), expected.cause);
      if (expected.phase !== 'run') {
        assert.is(error.alias, 'bad');
        assert.is(error.module, 'failing');
        assert.type(error.nodeId, 'number');
      }
      // Modules of threads that live on are closed, each once; those of a thread that died are not.
      // What fails this early keeps modules of other threads from being constructed at all.
      if (where === 'init' || where === 'timer') assert.is(closed.filter((name) => name === 'bad').length, 1);
      else if (where !== 'exit') assert.equal([...closed].sort(), ['bad', 'witness', 'witness']);
      leaks.check(error);
    });
  }
}

failure('the original stack of what a module threw is kept', async () => {
  const { graph } = build(2, 'process', false);
  const error = await failureOf(graph);
  assert.match((error.cause as Error).stack ?? '', /plain\.mjs/);
});

failure('a module file that is missing, or exports no module, is named with what it exports', async () => {
  for (const threads of [0, 2]) {
    const missing = graphOn({ threads });
    missing.module({ name: 'gone', path: '/nowhere/gone.mjs' }, {}, { alias: 'gone' });
    try {
      await missing.run();
      assert.unreachable();
    } catch (error) {
      assert.is((error as GraphError).code, 'ERR_MILLRACE_CONFIG');
      assert.match((error as Error).message, /"gone".*\/nowhere\/gone\.mjs/s);
    }
    const wrong = graphOn({ threads });
    add(wrong, 'Nothing', {}, { alias: 'none' });
    const two = await failureOf(wrong);
    assert.is(two.code, 'ERR_MILLRACE_MODULE_LOAD');
    assert.match(two.message, /no module as its export 'Nothing'; it exports .*Scatter/);
  }
});

failure('a thread stuck in a call that never returns is terminated after stop_grace', async () => {
  const leaks = new LeakWatch();
  const graph = new Graph({ stop_grace: 300 });
  const source = add(graph, 'Endless');
  add(graph, 'Failing', { where: 'hang' }, { inputs: [source], thread: 'stuck' });
  // Fails long after the other one is stuck.
  const later = { where: 'later', after: 2, milliseconds: 300 };
  add(graph, 'Failing', later, { inputs: [source], thread: 'other', alias: 'other' });
  const error = await failureOf(graph);
  assert.match(error.message, /uncaught exception in the thread of other/);
  assert.match(error.warnings.join(), /did not stop within 300 ms and was terminated; its modules were not closed/);
  leaks.check();
});

failure('an asynchronous call that never settles does not keep a graph from being aborted', async () => {
  for (const threads of [0, 1]) {
    const leaks = new LeakWatch();
    const graph = new Graph({ threads, stop_grace: 200 });
    add(graph, 'Failing', { where: 'never' }, { inputs: [add(graph, 'Endless')] });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 300);
    try {
      await graph.run({ signal: controller.signal });
      assert.unreachable();
    } catch (error) {
      assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
      assert.match((error as Error).message, /enough/);
    }
    leaks.check();
  }
});

failure('threads that end just as they are terminated are gone, and none is in their place', async () => {
  const leaks = new LeakWatch();
  for (let round = 0; round < times(1, 2); round++) {
    // Its threads give up waiting for the module when the run gives up waiting for its threads.
    const graph = new Graph({ stop_grace: 100 });
    for (const thread of ['a', 'b', 'c']) add(graph, 'Failing', { where: 'for ever', after: 0 }, { thread });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 600);
    try {
      await graph.run({ signal: controller.signal });
      assert.unreachable();
    } catch (error) {
      assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
    }
  }
  // A thread in place of another starts after that has exited.
  await new Promise((resolve) => setTimeout(resolve, 300));
  leaks.check();
});

failure(
  'a payload that cannot cross threads is an error of the node that pushed it, also when it had to wait',
  async () => {
    const graph = graphOn({ threads: 2, queue_length_limit: 2 });
    const sink = new TestSink({ delay: 2 });
    const source = add(graph, 'Untransferable', {}, { alias: 'pusher' });
    graph.module(sink.spec, sink.options, { inputs: [source], callback: sink.callback });
    const error = await failureOf(graph);
    assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
    assert.is(error.alias, 'pusher');
    assert.match(error.message, /payload\.call is a function/);
  },
);

failure('an onProgress that throws fails the run with its error', async () => {
  const graph = graphOn({ threads: 1 });
  add(graph, 'Relay', {}, { inputs: [add(graph, 'Scatter', { count: 3, outputs: 1 })] });
  const leaks = new LeakWatch();
  try {
    await graph.run({
      onProgress: () => {
        throw new Error('listener said no');
      },
    });
    assert.unreachable();
  } catch (error) {
    assert.is((error as GraphError).code, 'ERR_MILLRACE_CALLBACK');
    assert.match((error as Error).message, /onProgress threw: listener said no/);
  }
  leaks.check();
});

failure(
  'frames are released once when a consumer leaves while they are delivered, and when a delivery fails',
  async () => {
    for (let i = 0; i < 10; i += times(4, 2)) {
      const leaks = new LeakWatch();
      const graph = graphOn({ threads: 3 });
      const source = new TestSource({ kind: 'video', count: 60 });
      const stream = graph.module(source.spec, source.options);
      const twice = add(graph, 'Twice', {}, { inputs: [stream], scheduler: 0 });
      const sinks = [new TestSink({ limit: 3 + i }), new TestSink({ limit: 5 })];
      for (const [id, sink] of sinks.entries()) {
        graph.module(sink.spec, sink.options, {
          inputs: [twice.output(id)],
          scheduler: 1 + id,
          callback: sink.callback,
        });
      }
      leaks.check(await graph.run());
    }
  },
);

failure('a module whose wants() throws fails the graph', async () => {
  for (const threads of [0, 1]) {
    const graph = graphOn({ threads });
    add(graph, 'BadWants', {}, { inputs: [add(graph, 'Endless')], alias: 'picky' });
    const error = await failureOf(graph);
    assert.is(error.alias, 'picky');
    assert.match(error.message, /wants said no/);
  }
});

failure('an init that never settles does not keep a graph from being aborted', async () => {
  for (const threads of [0, 1]) {
    const leaks = new LeakWatch();
    const graph = new Graph({ threads, stop_grace: 200 });
    add(graph, 'Stuck', {}, { inputs: [add(graph, 'Endless')] });
    try {
      await graph.run({ signal: AbortSignal.timeout(300) });
      assert.unreachable();
    } catch (error) {
      assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
    }
    leaks.check();
  }
});

failure('a signal that is aborted before the run rejects it and leaves nothing', async () => {
  const leaks = new LeakWatch();
  const graph = new Graph({ threads: 1 });
  const sink = new TestSink();
  graph.module(sink.spec, sink.options, { inputs: [add(graph, 'Endless')], callback: sink.callback });
  try {
    await graph.run({ signal: AbortSignal.abort() });
    assert.unreachable();
  } catch (error) {
    assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
  }
  leaks.check();
});

failure('runs aborted at random moments leave nothing behind', async () => {
  const leaks = new LeakWatch();
  for (let i = 0; i < times(4, 8); i++) {
    const { graph } = build(i % 4, 'nowhere', i < times(3, 4));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), Math.random() * 300);
    try {
      await graph.run({ signal: controller.signal });
      assert.unreachable();
    } catch (error) {
      assert.is((error as GraphError).code, 'ERR_MILLRACE_ABORTED');
    }
  }
  leaks.check();
});

failure.run();
