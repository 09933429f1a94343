/** What a decoder has to know of an input that another thread has open. */
import type { FileFacts } from '../demux-thread/protocol.js';
import type { Input, Kind } from './input.js';
import type { InputOptions } from './opening.js';
import { factsOf, type StreamFacts } from './source-stream.js';

export interface Wanted {
  /** Absolute stream index for each output that is consumed; -1: the best one. */
  readonly video: number | undefined;
  readonly audio: number | undefined;
}

/** @throws MillraceError ERR_MILLRACE_INPUT for a stream that is not there. */
export function fileFacts(input: Input, wanted: Wanted, options: InputOptions['options']): FileFacts {
  const facts = (kind: Kind, index: number | undefined): StreamFacts | undefined => {
    if (index === undefined) return undefined;
    const stream = input.select(kind, index);
    return stream && factsOf(stream);
  };
  const { format, startTime, duration, discontinuous, withoutTimestamps } = input;
  return {
    ...{ format, startTime, duration, discontinuous, withoutTimestamps },
    video: facts('video', wanted.video),
    audio: facts('audio', wanted.audio),
    knownOptions: Object.keys(options).filter((option) => input.knows(option)),
    optionNames: Object.keys(options).length > 0 ? input.optionNames() : [],
  };
}
