/** Streams of several inputs by what was found in them. */
import type { MediaInfo } from '../../catalog/ffmpeg.js';
import type { NodeHandle, Stream } from '../build/stream.js';
import { isCover, type MappedStream } from './mapping.js';

export type Pick = (one: MappedStream, copy?: boolean) => Stream;

/**
 * @param decode Makes the decoder of an input when the first of its streams is taken.
 * @returns `unused`: numbers of the inputs of which no stream was taken.
 */
export function pickFrom(
  infos: readonly MediaInfo[],
  decode: (input: number) => NodeHandle,
): { readonly pick: Pick; unused(): number[] } {
  const decoders = new Map<number, NodeHandle>();
  const decoderOf = (input: number): NodeHandle => {
    const decoder = decoders.get(input) ?? decode(input);
    decoders.set(input, decoder);
    return decoder;
  };
  const pick: Pick = ({ input, stream: { kind, index, disposition } }, copy = false) => {
    const decoder = decoderOf(input);
    if (copy) return decoder.select({ kind, index, codec: 'copy' });
    const same = infos[input]!.streams.filter((one) => one.kind === kind && !isCover(one));
    const isOnly = same.length === 1 && !disposition.includes('attached_pic');
    // Where there is one there is nothing to choose.
    if (isOnly && kind === 'video') return decoder.video;
    if (isOnly && kind === 'audio') return decoder.audio;
    return decoder.select({ kind, index });
  };
  return { pick, unused: () => [...infos.keys()].filter((input) => !decoders.has(input)) };
}
