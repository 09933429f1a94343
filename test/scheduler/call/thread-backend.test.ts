/** An actor in a thread of somebody's, the thread being a fake: what its start takes and gives back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Doorbell } from '../../../ringbuffer/index.js';
import { ThreadBackend, type ThreadLease } from '../../../src/scheduler/call/thread-backend.js';
import type { Thread } from '../../../src/scheduler/threads/thread.js';
import type { ToHost } from '../../../src/thread/protocol.js';

const backends = suite('start of a called actor in a thread');

const spec = { module: { name: 'pass_through' }, alias: 'called', options: {}, inputs: [0], outputs: [0] };
const settings = { timeout: 1000, transport: 'auto', spin: 0 } as const;

/** A thread that writes down who uses it. @param refuse what its port does with what it is sent. */
function fakeLease(refuse: () => void = () => {}) {
  const seen: string[] = [];
  const posted: ToHost[] = [];
  const thread = {
    bell: Doorbell.create(),
    takeUnexpected: () => [],
    attach: () => void seen.push('attach'),
    detach: () => void seen.push('detach'),
    drain() {},
    post: (message: ToHost) => {
      refuse();
      posted.push(message);
    },
  };
  let gone: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    gone = resolve;
  });
  const release = async (): Promise<void> => {
    seen.push('release');
    gone();
  };
  const lease: ThreadLease = { thread: thread as unknown as Thread, release };
  return { lease, seen, posted, released };
}

backends('one that is refused gives its thread back, behind everything it had on it', async () => {
  const listeners = process.listenerCount('exit');
  const handles = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;
  const ports = handles();
  const { lease, seen, released } = fakeLease(() => {
    throw new TypeError('the port takes nothing');
  });
  assert.throws(() => new ThreadBackend(spec, lease, settings), /the port takes nothing/);
  await released;
  assert.equal(seen, ['attach', 'detach', 'release']);
  assert.is(process.listenerCount('exit'), listeners);
  assert.is(handles(), ports);
});

backends(
  'one that cannot be taken back without an error says so in its log, and is refused for its own reason',
  async () => {
    const { lease } = fakeLease(() => {
      throw new TypeError('the port takes nothing');
    });
    const heard = new Promise<string>((resolve) => {
      const failing = { ...lease, release: () => Promise.reject(new Error('the thread stays')) };
      const onLog = ({ text }: { text: string }): void => resolve(text);
      assert.throws(() => new ThreadBackend(spec, failing, { ...settings, onLog }), /the port takes nothing/);
    });
    assert.match(await heard, /the thread stays/);
  },
);

backends('one that began keeps its thread until it is closed, and gives it back once', async () => {
  const { lease, seen, posted, released } = fakeLease();
  const backend = new ThreadBackend(spec, lease, { ...settings, timeout: 1 });
  assert.equal(
    posted.map(({ type }) => type),
    ['serve-calls'],
  );
  assert.equal(seen, ['attach']);
  (lease.thread as unknown as { terminate(): void }).terminate = () => {}; // nobody answers the close
  assert.throws(() => backend.close(), /did not answer close\(\)/);
  await released;
  assert.equal(seen, ['attach', 'detach', 'release']);
});

backends.run();
