/** What a decoder has to know of an input that another thread has open. */
import type { FileFacts } from '../demux-thread/protocol.js';
import type { Input } from './input.js';
import type { InputOptions } from './opening.js';
import { factsOf } from './source-stream.js';
import { chooseStream, type StreamChoice } from './stream-choice.js';

/** @throws MillraceError ERR_MILLRACE_INPUT for a stream that is not there. */
export function fileFacts(
  input: Input,
  { choices, chapters }: { readonly choices: readonly StreamChoice[]; readonly chapters: boolean },
  options: InputOptions['options'],
): FileFacts {
  const { format, startTime, duration, discontinuous, withoutTimestamps, tags } = input;
  return {
    ...{ format, startTime, duration, discontinuous, withoutTimestamps, tags },
    chapters: chapters ? input.chapters : undefined,
    chosen: choices.flatMap((choice) => {
      const stream = chooseStream(input, choice);
      return stream ? [{ output: choice.output, stream: factsOf(stream) }] : [];
    }),
    knownOptions: Object.keys(options).filter((option) => input.knows(option)),
    optionNames: Object.keys(options).length > 0 ? input.optionNames() : [],
  };
}
