/** The inputs of a filter while it runs. */
import { MillraceError } from '../../../src/errors/errors.js';
import type { Plan } from '../plan/plan.js';
import { formatOf, type StreamFormat } from './stream-format.js';
import type { MediaFrame } from './take-frame.js';

export interface Input {
  readonly id: number;
  /** Frames that have come and were not wanted yet; at most what one call delivers beyond the first. */
  readonly queue: MediaFrame[];
  /** EOF has come; it takes effect after the queue. */
  ending: boolean;
  /** The graph has been told the end, or takes nothing more. */
  ended: boolean;
  format: StreamFormat | undefined;
  /** The frame fed last, while the demand watches whether the graph lets go of it. */
  watched: MediaFrame | undefined;
}

/** The format to stand in for an input that ended before its first frame: that of another one of its kind. */
export function substitute({ id }: Input, inputs: readonly Input[], plan: Plan): StreamFormat {
  const [pad] = plan.inputs.get(id)!;
  const kind = plan.pads[pad!.filter]!.inputs[pad!.pad]!;
  const other = inputs.find(({ format }) => format?.kind === kind);
  if (other?.format) return other.format;
  throw new MillraceError(
    'ERR_MILLRACE_INPUT',
    `Input ${id} of the ${plan.title} ended before its first frame, so that its format is unknown`,
    {
      hint: `No other ${kind} input can tell it either. Leave the stream out, or make sure that it has frames`,
    },
  );
}

export function inputOf(id: number, queue: MediaFrame[] = [], ending = false): Input {
  return { id, queue, ending, ended: false, format: undefined, watched: undefined };
}

export function idsOf(inputs: readonly Input[]): number[] {
  return inputs.map(({ id }) => id);
}

/** The next graph is configured for the frames that come next. */
export function noteFormats(inputs: readonly Input[]): void {
  for (const input of inputs) {
    const [head] = input.queue;
    if (head === undefined) continue;
    input.format?.frames?.release();
    input.format = formatOf(head);
  }
}

export function hasHead({ queue, ending }: Input): boolean {
  return ending || queue.length > 0;
}

export function unwatch(input: Input): void {
  input.watched?.close();
  input.watched = undefined;
}

/** Everything of it is let go. */
export function releaseInput(input: Input): void {
  unwatch(input);
  for (const frame of input.queue.splice(0)) frame.close();
  input.format?.frames?.release();
  input.format = undefined;
}
