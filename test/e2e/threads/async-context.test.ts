/** What a user gives to a run, a job, a push or a call is called in the asynchronous context it was given in. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Graph, type GraphOptionsInput, Packet, Runtime, syncModule } from 'millrace';
import { TestSource } from 'millrace/testing';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { add, placementsOf } from '../../kit/modules.js';
import { rejection } from '../../kit/rejection.js';
import { sum, values } from '../../kit/serving.js';

const contexts = suite('asynchronous contexts');
const FILE = fileURLToPath(new URL('../../fixtures/modules/serving.mjs', import.meta.url));
const store = new AsyncLocalStorage<string>();
/** A user who asks who they are at every occasion. */
class Witness {
  readonly seen = new Set<string | undefined>();
  readonly note = (): void => {
    this.seen.add(store.getStore());
  };
}

/** Runs a graph with callbacks; its module calls back in its end as well. */
async function runOnce(options: GraphOptionsInput): Promise<Witness> {
  const witness = new Witness();
  const graph = new Graph(options);
  const source = new TestSource({ count: 5 });
  const relay = graph.module(source.spec, source.options);
  add(graph, 'Witness', {}, { inputs: [relay], callback: witness.note }).module('null_sink');
  await graph.run({ onProgress: witness.note });
  return witness;
}

for (const threads of placementsOf(0)) {
  contexts(`callbacks and onProgress of a run, one after another on shared threads (threads: ${threads})`, async () => {
    const runtime = new Runtime({ threads });
    // Whoever comes first has its threads started.
    for (const name of ['first', 'second']) {
      const witness = await store.run(name, () => runOnce({ runtime }));
      assert.equal([...witness.seen], [name]);
    }
    const both = await Promise.all(['third', 'fourth'].map((name) => store.run(name, () => runOnce({ runtime }))));
    assert.equal(
      both.map(({ seen }) => [...seen]),
      [['third'], ['fourth']],
    );
    await store.run('close', () => runtime.close());
  });
}

contexts('a graph that its reader starts belongs to that reader', async () => {
  const witness = new Witness();
  const graph = new Graph({ threads: 1 });
  const source = new TestSource({ count: 5 });
  const relay = graph.module(source.spec, source.options);
  const reader = add(graph, 'Witness', {}, { inputs: [relay], callback: witness.note }).packets();
  await store.run('reader', async () => {
    for await (const _ of reader) witness.note();
  });
  assert.equal([...witness.seen], ['reader']);
});

contexts('an iterator that is pushed from is asked in the context of the push', async () => {
  const graph = new Graph({ threads: 1 });
  const input = graph.inputStream('in');
  input.module('null_sink');
  await store.run('start', () => graph.start({ mode: 'push' }));
  const witness = new Witness();
  async function* packets() {
    try {
      for (let n = 0; n < 50; n++) {
        witness.note();
        if (n % 10 === 0) await sleep(1);
        yield new Packet({ n });
      }
    } finally {
      witness.note();
    }
  }
  await store.run('push', () => input.pushFrom(packets()));
  await store.run('close', () => graph.close());
  assert.equal([...witness.seen], ['push']);
});

for (const threads of [0, 1]) {
  contexts(
    `the sources of a job, and callbacks while it is done, belong to its submit (threads: ${threads})`,
    async () => {
      const called = new Map<string, Witness>();
      let current = new Witness();
      const graph = new Graph({ threads });
      const summed = sum(graph.inputStream('in'));
      summed.module({ name: 'calls_back', path: FILE, entry: 'CallsBack' }, {}, { callback: () => current.note() });
      const server = await store.run('serve', () => graph.serve({ outputs: { summed } }));
      const submit = (name: string, fail?: string): Promise<unknown> =>
        store.run(name, async () => {
          const witness = new Witness();
          called.set(name, witness);
          async function* source() {
            current = witness;
            try {
              for (const packet of values(1, 2)) {
                witness.note();
                await sleep(1);
                yield packet;
              }
              if (fail) yield new Packet({ n: 3, fail });
            } finally {
              witness.note();
            }
          }
          const result = await server.submit(() => {
            witness.note();
            return source();
          });
          result.close();
        });
      // One waits for the other, and a run that fails is replaced in the job after it.
      await Promise.all([submit('one'), submit('two'), rejection(submit('bad', 'process')), submit('three')]);
      await store.run('close', () => server.close());
      for (const [name, { seen }] of called) assert.equal([...seen], [name]);
    },
  );
}

contexts('a source that is released without having been read', async () => {
  const graph = new Graph({ threads: 0 });
  const summed = sum(graph.inputStream('in'));
  const server = await graph.serve({ outputs: { summed } });
  const witness = new Witness();
  const list = new (class extends Set<Packet> {
    override [Symbol.iterator]() {
      witness.note();
      return super[Symbol.iterator]();
    }
  })();
  const slow = async function* () {
    await sleep(50);
    yield* values(1);
  };
  const first = store.run('first', () => server.submit(slow()));
  const second = store.run('second', () => rejection(server.submit(list)));
  await store.run('close', () => server.forceClose());
  await Promise.all([rejection(first), second]);
  assert.equal([...witness.seen], ['second']);
});

contexts('asynchronous calls of a module of this process are each made in their own', async () => {
  const witness: (string | undefined)[] = [];
  const module = syncModule(
    {
      async process() {
        witness.push(store.getStore());
        await sleep(5);
        witness.push(store.getStore());
      },
    },
    {},
    [0],
    [0],
  );
  const names = ['a', 'b', 'c'];
  await Promise.all(names.map((name) => store.run(name, () => module.processAsync({ 0: [new Packet(1)] }))));
  assert.equal(witness, ['a', 'a', 'b', 'b', 'c', 'c']);
  await module.closeAsync();
});

contexts('what is shared keeps nobody\u2019s context alive', async () => {
  const runtime = new Runtime({ threads: 1 });
  let held: WeakRef<object> | undefined;
  const objects = new AsyncLocalStorage<object>();
  await (async () => {
    const request = { big: new Array(10) };
    held = new WeakRef(request);
    await objects.run(request, () => runOnce({ runtime }));
  })();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  while (held?.deref() !== undefined) {
    await sleep(10);
    collect();
  }
  await runtime.close();
});

contexts.run();
