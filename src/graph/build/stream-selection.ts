/** Streams of a decoder's input beyond the first video and audio: described here, found when the input is opened. */
import { isDeepStrictEqual } from 'node:util';
import { MillraceError } from '../../errors/errors.js';
import { stateError } from '../../errors/make.js';
import type { StreamKind } from '../../media/packet/stream-info.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import { requireObject } from '../../schema/argument.js';

/**
 * A stream of the input: the one with an `index`, or the first that fits. What is wrong with it shows when the graph is
 * checked, and a stream that the input does not have when the input is opened.
 */
export interface StreamSelection {
  kind: StreamKind;
  /** Index in the container; then nothing but `codec` and `optional` stands beside it. */
  index?: number | undefined;
  /** The one with this number among those that fit the rest, in the order of the container. Default 0. */
  number?: number | undefined;
  /** As the container has it: three letters as a rule, `'deu'`. */
  language?: string | undefined;
  /** FFmpeg's names of what it is for, all of which it has: `'forced'`, `'attached_pic'` (a cover), … */
  disposition?: string | readonly string[] | undefined;
  /**
   * A decoder's name, or `'copy'` for the packets as they are. Default: as the decoder's `video_codec` and `audio_codec`
   * say: `'copy'` if they do, else FFmpeg's decoder. Of subtitles: text is decoded unless nobody but encoders takes it. Streams
   * of other kinds are never decoded.
   */
  codec?: string | undefined;
  /** An input without it is no error: the output ends at once. Default false. */
  optional?: boolean | undefined;
  /**
   * Of subtitles of a file: the fonts that are attached to it come first, each as a StreamInfo of kind 'attachment'. Default
   * false.
   */
  fonts?: boolean | undefined;
}

/** With `noUncheckedIndexedAccess` only what is reached by these is known to be there, which it is for every number. */
type Numbers = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;

/** The streams of one kind in the order of the container, from 0 on: `input.audios[1]`. Covers are not among the videos. */
export interface StreamsOfKind<S> extends Readonly<Record<Numbers, S>> {
  readonly [number: number]: S;
}

/** The first output that `streams` of a decoder describes. */
const FIRST_FURTHER = 2;

const DECODERS = ['c_ffmpeg_decoder', 'ffmpeg_decoder'];

interface Chooser {
  choose(nodeId: number, selection: StreamSelection): number;
  /** The node reads an input. */
  isDecoder(nodeId: number): boolean;
}
const choosers = new WeakMap<object, Chooser>();

/** Streams reach the definition of their graph by this. */
export function setChooser(graph: object, chooser: Chooser): void {
  choosers.set(graph, chooser);
}

/** @returns the output of a node. */
export function chooseOutput(graph: object, nodeId: number, selection: StreamSelection): number {
  requireObject(selection, 'the description of a stream');
  return choosers.get(graph)!.choose(nodeId, selection);
}

/** Whether the streams of a node are those of an input, which there may be any number of. */
export function isOfDecoder(graph: object, nodeId: number): boolean {
  return choosers.get(graph)!.isDecoder(nodeId);
}

export function streamsOfKind<S>(kind: StreamKind, select: (selection: StreamSelection) => S): StreamsOfKind<S> {
  return new Proxy({} as StreamsOfKind<S>, {
    get: (target, key) =>
      typeof key === 'string' && /^\d+$/.test(key)
        ? select({ kind, number: Number(key) })
        : (Reflect.get(target, key) as unknown),
  });
}

/**
 * Notes a stream among the options of a decoder, once.
 * @throws MillraceError ERR_MILLRACE_CONFIG for a node that is no decoder, ERR_MILLRACE_STATE for a new stream of a node that has been started.
 */
export function noteSelection(node: NodeSpec, selection: StreamSelection, isFixed: boolean): number {
  if (!isDecoder(node)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${node.alias} has no streams of an input to choose from`, {
      hint: 'Only decoders have; the outputs of other nodes are [0], [1], …',
    });
  }
  const noted = (node.options.streams ?? []) as readonly unknown[];
  if (!Array.isArray(noted)) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${node.alias}: streams must be a list`);
  }
  const entry = plain(selection);
  const known = noted.findIndex((other) => isDeepStrictEqual(plain(other as StreamSelection), entry));
  if (known >= 0) return FIRST_FURTHER + known;
  if (isFixed) {
    throw stateError(
      `a stream of "${node.alias}" was chosen after its start`,
      'Choose it before the start, or within graph.addNode() where the decoder comes',
    );
  }
  node.options.streams = [...noted, entry];
  return FIRST_FURTHER + noted.length;
}

export function isDecoder({ module }: NodeSpec): boolean {
  return module.path === undefined && !module.definition && DECODERS.includes(module.name);
}

/** Without what says nothing, so that two descriptions of the same are equal. */
function plain(selection: StreamSelection): Record<string, unknown> {
  const { disposition, ...rest } = selection;
  const uses = typeof disposition === 'string' ? [disposition] : disposition && [...disposition];
  const entries = Object.entries({ ...rest, disposition: uses });
  return Object.fromEntries(
    entries.filter(
      ([key, value]) =>
        value !== undefined &&
        !(key === 'number' && value === 0) &&
        !(/^(optional|fonts)$/.test(key) && value === false),
    ),
  );
}
