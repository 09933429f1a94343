/** dec_params is one object for demuxer, protocol and decoders: what none of them knows is an error. */
import { Codec, CodecContext } from 'node-av/lib';
import { ledger } from '../../../src/media/index.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { findOption, optionNames, unknownOption } from '../../shared/avoptions.js';
import type { Input } from '../input/input.js';
import type { SourceStream } from '../input/source-stream.js';
import type { StreamCodec } from './codec.js';

/**
 * @param unused Streams that are not decoded: an option of their decoders is no mistake.
 * @throws MillraceError ERR_MILLRACE_OPTION for an option that nobody knows.
 */
export function checkDecParams(
  params: AVOptionValues,
  input: Pick<Input, 'knows' | 'optionNames'>,
  codecs: readonly StreamCodec[],
  unused: readonly SourceStream[],
): void {
  const open = Object.keys(params).filter((name) => !input.knows(name) && !codecs.some((codec) => codec.knows(name)));
  if (open.length === 0) return;
  const general = new CodecContext();
  general.allocContext3(null);
  ledger.opened('codec');
  try {
    const others = unused.flatMap(({ codecpar }) => Codec.findDecoder(codecpar.codecId)?.getOptions() ?? []);
    for (const name of open) {
      if (findOption(general, name) || others.some((option) => option.name === name)) continue;
      const known = [...input.optionNames(), ...optionNames(general, { use: 'decoding' })];
      throw unknownOption(name, 'dec_params', [...known, ...codecs.flatMap((codec) => codec.optionNames())], false);
    }
  } finally {
    general.freeContext();
    ledger.closed('codec');
  }
}
