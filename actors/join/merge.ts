/** `merge`: payloads of several inputs that belong together by time become one: tensors, pictures or sound. */
import * as v from 'valibot';
import { MillraceError } from '../../src/errors/errors.js';
import { className } from '../../src/errors/naming.js';
import { AudioFrame, NANOSECONDS, Packet, Tensor, toMicroseconds, VideoFrame } from '../../src/media/index.js';
import type { InputManagerSpec, Module, ModuleContext, Task } from '../../src/module/contract.js';
import { boolean, choice, integer, strictOptions } from '../../src/schema/schema.js';
import { arrange } from './merge-pictures.js';
import { joinChannels } from './merge-samples.js';
import { concatTensors } from './merge-tensors.js';
import { oneOfEach, refuseUnaligned, syncManager, syncOptions } from './options.js';

export const mergeOptions = strictOptions({
  ...syncOptions,
  /** Default: by what comes: linear for tensors, hstack for pictures, channels for sound. */
  mode: v.optional(choice('linear', 'hstack', 'vstack', 'grid', 'channels')),
  /** linear: the axis, an index of `shape`; negative ones count from the innermost. */
  option: v.optional(integer(), 0),
  /** grid: pictures in a row. Default: as square as it gets. */
  columns: v.optional(integer({ min: 1 })),
  /** Pictures of another size or format are converted to those of input 0 instead of being refused. */
  scale: v.optional(boolean(), false),
});
type Options = v.InferOutput<typeof mergeOptions>;

export default class Merge implements Module<Options> {
  static readonly schema = mergeOptions;

  #options!: Options;

  inputManager(options: Options): InputManagerSpec {
    return syncManager(options, 'nosync');
  }

  init({ options }: ModuleContext<Options>): void {
    this.#options = options;
  }

  process(task: Task): void {
    const { pts, duration } = task;
    if (pts === undefined) {
      refuseUnaligned(task, 'merge');
      return; // the end
    }
    const packets = [...oneOfEach(task)].sort(([a], [b]) => a - b);
    if (packets.length === 0) return;
    const payloads = packets.map(([, { payload }]) => payload);
    const merged = this.#merge(payloads);
    if (!(merged instanceof Tensor)) {
      merged.timeBase = NANOSECONDS;
      merged.pts = pts;
      merged.duration = duration ?? 0n;
    }
    const timestamp = merged instanceof Tensor ? Number(pts) / 1000 : toMicroseconds(pts, NANOSECONDS);
    task.output(0).push(new Packet<unknown>(merged, { timestamp }));
  }

  #merge(payloads: readonly unknown[]): Tensor | VideoFrame | AudioFrame {
    const { mode, option, columns, scale } = this.#options;
    if (payloads.every((payload) => payload instanceof Tensor)) {
      if (mode !== undefined && mode !== 'linear') throw wrongMode(mode, 'tensors', 'linear');
      return concatTensors(payloads, option);
    }
    if (payloads.every((payload) => payload instanceof VideoFrame)) {
      if (mode === 'linear' || mode === 'channels') throw wrongMode(mode, 'pictures', 'hstack, vstack, grid');
      return arrange(payloads, mode ?? 'hstack', { columns, scale });
    }
    if (payloads.every((payload) => payload instanceof AudioFrame)) {
      if (mode !== undefined && mode !== 'channels') throw wrongMode(mode, 'sound', 'channels');
      return joinChannels(payloads);
    }
    const other = payloads.findIndex((payload) => kind(payload) !== kind(payloads[0]));
    const message =
      other < 0
        ? `merge: a payload of type ${kind(payloads[0])} cannot be merged`
        : `merge: ${kind(payloads[0])} (input 0) and ${kind(payloads[other])} (input ${other}) do not go together`;
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', message, { hint: 'Tensors, pictures or sound can be merged' });
  }
}

function wrongMode(mode: string, what: string, right: string): MillraceError {
  return new MillraceError('ERR_MILLRACE_OPTION', `merge: mode '${mode}' does not go with ${what}`, {
    hint: `For ${what}: ${right}`,
  });
}

function kind(payload: unknown): string {
  return typeof payload === 'object' && payload !== null ? className(payload) : typeof payload;
}
