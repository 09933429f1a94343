/**
 * Sets a worker thread up: its host, and the port through which the scheduler gives it parts of graphs. It returns as
 * soon as the thread can take parts; the host's loop lives on behind it.
 */

import { threadId } from 'node:worker_threads';
import { setInterval } from '../../ringbuffer/clock.js';
import { Doorbell } from '../../ringbuffer/index.js';
import { ownThread } from '../catalog/loaders.js';
import { keepCompiled } from '../code-cache/files.js';
import { packError, unpackError } from '../errors/wire.js';
import { loadAddon } from '../media/native/addon.js';
import { adoptNativeWaits, leaveNativeCalls } from '../media/native/native-wait.js';
import { isWarning, logText, logTo } from '../module/log.js';
import { CallServer } from './call/call-server.js';
import { Host } from './host.js';
import { Partition } from './partition/partition.js';
import type { BootData, CallServerSpec, FromHost, PartitionSpec, ToHost } from './protocol.js';
import { ThreadStop } from './thread-stop.js';
import { closeWarm, makeWarm, warmModules } from './warm/warm-modules.js';

/** Gives the event loop a turn that often, in ms, while there is work. */
const YIELD_AFTER = 8;

export function boot({ bell: buffer, port, spin, nativeWaits, rest: restBuffer }: BootData): void {
  // Here and not at the first use, for modules that may never use it as well: nobody ends the thread before it has booted.
  loadAddon();
  ownThread();
  adoptNativeWaits(nativeWaits);
  const bell = Doorbell.attach(buffer);
  const rest = ThreadStop.attach(restBuffer);
  const host = new Host(bell, { spin, yieldAfter: YIELD_AFTER, mayNap: true, rest });
  const parts = new Map<number, Partition>();
  const called = new Map<number, CallServer>();
  const alone = (): boolean => parts.size + called.size + warmModules() <= 1;

  // A pending Atomics.waitAsync does not keep the thread's event loop alive; this does, until the thread is terminated.
  setInterval(() => {}, 2 ** 30);

  const tell = (message: FromHost): void => port.postMessage(message);
  port.on('message', (message: ToHost) => {
    switch (message.type) {
      case 'start':
        start(message.part);
        break;
      case 'order':
        parts.get(message.run)?.obey(message.order);
        break;
      case 'serve-calls':
        startCalled(message.spec);
        break;
      case 'make-warm':
        void startWarm(message);
        break;
      case 'close-warm':
        void endWarm(message);
        break;
      case 'callback-result': {
        const value = message.ok ? message.value : unpackError(message.value as Parameters<typeof unpackError>[0]);
        parts.get(message.run)?.callbackResult(message.call, message.ok, value);
        break;
      }
    }
  });

  function start(spec: PartitionSpec): void {
    const part = new Partition(spec, tellOf(spec.run), host, alone);
    parts.set(spec.run, part);
    host.add(part);
    part.load();
  }

  function startCalled(spec: CallServerSpec): void {
    const part = new CallServer(spec, tellOf(spec.run), host.wake);
    called.set(spec.run, part);
    host.add(part);
    host.wake();
  }

  async function startWarm({ run, spec, heard }: ToHost & { type: 'make-warm' }): Promise<void> {
    const log = logTo((level, text) => {
      if (heard || isWarning(level)) tell({ type: 'log', run, node: 0, level, text: logText(text) });
    });
    const error = await makeWarm(spec, log).then(() => undefined, packError);
    tell({ type: 'warm-made', run, error });
  }

  async function endWarm({ run, id }: ToHost & { type: 'close-warm' }): Promise<void> {
    const error = await closeWarm(id).then(() => undefined, packError);
    tell({ type: 'warm-closed', run, error });
  }

  const tellOf =
    (run: number) =>
    (message: FromHost): void => {
      if (message.type === 'ended') {
        parts.delete(run);
        called.delete(run);
        // Before anybody can end the thread.
        keepCompiled();
      }
      tell(message);
    };

  // Thrown outside any call of ours: a timer or an emitter of a user's module. Nobody can say which.
  process.on('uncaughtException', (cause) => {
    if (parts.size + called.size === 0) tell({ type: 'unexpected', run: 0, error: packError(cause) });
    for (const part of called.values()) part.uncaught(cause);
    for (const part of parts.values()) part.uncaught(cause, alone());
  });
  // The thread is dying (process.exit in a module, or worse): wake everybody who would wait for it.
  process.on('exit', () => {
    // Threads that a module has started die with this one, and must not die inside a native call.
    leaveNativeCalls(threadId);
    for (const part of [...parts.values(), ...called.values()]) if (!part.ended) part.die();
    rest.reach();
  });

  host.run().catch((cause: unknown) => {
    for (const part of parts.values()) part.uncaught(cause, false);
    // Nobody takes their calls any more.
    for (const part of called.values()) if (!part.ended) part.die();
  });
}
