/**
 * What modules give to the engine is checked where it comes in, so that a slip is an error that names the node and what
 * was meant, wherever the module runs, instead of something odd far downstream.
 */

import { MillraceError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import { Packet } from '../media/packet/packet.js';

/**
 * @throws MillraceError ERR_MILLRACE_PAYLOAD for what is no packet, ERR_MILLRACE_CLOSED for one that was closed; what
 * was given is released.
 */
export function requirePacket(value: unknown, output: number): asserts value is Packet {
  if (value instanceof Packet) {
    if (!value.closed || value.control !== undefined) return;
    throw new MillraceError('ERR_MILLRACE_CLOSED', `a packet that was closed was pushed to output ${output}`, {
      hint: 'Push a packet before it is closed, or its clone()',
    });
  }
  release(value);
  throw new MillraceError('ERR_MILLRACE_PAYLOAD', `${describeValue(value)} was pushed to output ${output}`, {
    hint: `Push a Packet: ${adviceFor(value)}`,
  });
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for what is no number of an output or input. */
export function requireId(id: unknown, call: string): asserts id is number {
  if (Number.isInteger(id) && (id as number) >= 0) return;
  throw new MillraceError(
    'ERR_MILLRACE_CONFIG',
    `${call}(${describeValue(id)}) names no ${call === 'output' ? 'output' : 'input'}`,
    {
      hint: 'They are numbered 0, 1, 2, …',
    },
  );
}

/** What `ctx.trace` was given. @throws MillraceError ERR_MILLRACE_CONFIG */
export function requireTraced(name: unknown, phase: unknown): void {
  const wrong =
    typeof name !== 'string' || name === ''
      ? `ctx.trace(${describeValue(name)}) has no name`
      : phase === undefined || phase === 'begin' || phase === 'end'
        ? undefined
        : `ctx.trace(…, ${describeValue(phase)}) is of no phase`;
  if (wrong === undefined) return;
  throw new MillraceError('ERR_MILLRACE_CONFIG', wrong, {
    hint: "ctx.trace(name, data) tells of a moment; with a third argument, 'begin' or 'end', of something that lasts",
  });
}

/** What `wants()` has returned. @throws MillraceError ERR_MILLRACE_MODULE */
export function requireWanted(wanted: unknown): readonly number[] | undefined {
  if (wanted === undefined) return undefined;
  const isIds = Array.isArray(wanted) && wanted.every((id) => Number.isInteger(id) && id >= 0);
  if (isIds) return wanted as readonly number[];
  const what = Array.isArray(wanted) ? `[${wanted.map(describeValue).join(', ')}]` : describeValue(wanted);
  throw new MillraceError('ERR_MILLRACE_MODULE', `wants() returned ${what}`, {
    hint: 'It returns a list of input ids, such as [0], or undefined for any; it cannot be asynchronous',
  });
}

/**
 * What a method of a module has returned, or what that has resolved to: anything, or something to wait for.
 * @throws MillraceError ERR_MILLRACE_MODULE for a generator, in which nothing has run, and for packets, which nobody would
 * get; they are released.
 */
export function requireReturned<T>(returned: T): T {
  if (typeof returned !== 'object' || returned === null) return returned;
  if (returned instanceof Packet || (Array.isArray(returned) && returned.some((item) => item instanceof Packet))) {
    release(returned);
    throw new MillraceError(
      'ERR_MILLRACE_MODULE',
      `it returned ${describeValue(returned)} instead of pushing packets`,
      {
        hint: 'Whatever a method returns goes nowhere: task.output(0).push(packet)',
      },
    );
  }
  const { next, throw: raise } = returned as unknown as { next?: unknown; throw?: unknown };
  const iterates = Symbol.iterator in returned || Symbol.asyncIterator in returned;
  if (typeof next !== 'function' || typeof raise !== 'function' || !iterates) return returned;
  throw new MillraceError('ERR_MILLRACE_MODULE', 'it returned a generator, of which nothing has run', {
    hint: 'Make it a plain or an async method without *, and push packets: task.output(0).push(packet)',
  });
}

function adviceFor(value: unknown): string {
  if (Array.isArray(value)) return 'one by one, for (const packet of packets) task.output(0).push(packet)';
  if (typeof value === 'object' && value !== null) {
    if (typeof (value as { then?: unknown }).then === 'function') return 'await what makes it';
    if (value.constructor?.name === 'Packet') return 'this one is of another copy of millrace';
  }
  return 'new Packet(payload), with { timestamp } where the payload has no time of its own';
}

/** Frames and packets that were given away, in whatever wrong form, belong to nobody any more. */
function release(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value) && depth < 4) for (const item of value) release(item, depth + 1);
  if (isClosable(value)) value.close();
}

function isClosable(value: object): value is { close(): void } {
  return 'clone' in value && 'close' in value && typeof value.close === 'function';
}
