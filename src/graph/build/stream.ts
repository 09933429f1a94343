/** Streams and node handles: what the builder's methods return and chain on. */

import { MillraceError } from '../../errors/errors.js';
import { nameClasses } from '../../errors/naming.js';
import type { WrittenPacket } from '../../module/written-packet.js';
import type { KeyCallback } from '../../scheduler/plan/spec.js';
import { requireMethod, requireObject } from '../../schema/argument.js';
import { changesOf } from '../changes/changes.js';
import type { Graph } from '../graph.js';
import { checkPacketsOptions, type PacketsOptions } from '../options/packets.js';
import { sessionOf } from '../ports/graph-ports.js';
import { PacketReader } from '../ports/packet-reader.js';
import { burn } from './burn.js';
import { type ConcatOptions, concat } from './concat.js';
import { type FilterInput, FilterMethods, type Named, readFilterCall } from './filters/call.js';
import { VideoFilters } from './filters/video.js';
import type { BurnOptions, DecoderOptions, EncoderOptions } from './module-options.js';
import type { ModuleOptions, ModuleSource } from './module-source.js';
import type { NodeParameters } from './node.js';
import { chooseOutput, type StreamSelection, type StreamsOfKind, streamsOfKind } from './stream-selection.js';
import { refusingUnknownNames } from './unknown-names.js';

/** `N` streams when the number is known to the compiler, else a list. */
export type StreamTuple<N extends number> = number extends N ? readonly Stream[] : Tuple<N>;
type Tuple<N extends number, Made extends readonly Stream[] = readonly []> = Made['length'] extends N
  ? Made
  : Made['length'] extends 64
    ? readonly Stream[]
    : Tuple<N, readonly [...Made, Stream]>;

/** One output of a node. Using a stream several times gives every consumer all of it. */
export class Stream extends VideoFilters {
  constructor(
    readonly graph: Graph,
    /** Id of the node. */
    readonly nodeId: number,
    /** Output of the node. */
    readonly index: number,
  ) {
    super();
  }

  /** Name in graph files: `<module>_<node id>_<output>`. */
  get name(): string {
    return this.graph.streamName(this.nodeId, this.index);
  }

  override filter(name: string, ...args: readonly FilterInput[]): NodeHandle {
    const { streams, options, parameters } = readFilterCall(name, args, isStream);
    return this.module('c_ffmpeg_filter', options, { ...parameters, inputs: streams });
  }

  /**
   * A node with this stream as input 0.
   * @param source Name of a built-in or registered module, path or URL of a module file, or a module of this process.
   * @param parameters `inputs` are the further ones: 1, 2, …
   * @throws ConfigError for parameters that are wrong.
   */
  module<const M extends ModuleSource>(
    source: M,
    options?: ModuleOptions<M>,
    parameters: NodeParameters = {},
  ): NodeHandle {
    requireObject(parameters, 'parameters of a node');
    const { inputs = [] } = parameters;
    // What is no list is refused with the other parameters.
    return this.graph.module(source, options, {
      ...parameters,
      inputs: Array.isArray(inputs) ? [this, ...inputs] : inputs,
    });
  }

  /** Decodes the bytes or encoded packets of this stream; `.video` and `.audio` are the outputs. */
  decode(options: DecoderOptions = {}, parameters: NodeParameters = {}): NodeHandle {
    return this.module('c_ffmpeg_decoder', options, parameters);
  }

  /**
   * The packets of this stream, to be read one after the other. The reader belongs to the graph from this call on; its
   * first `next()` starts the graph if nobody has. Within `graph.addNode()` it is a reader of a graph that runs.
   * @throws ConfigError for wrong options, MillraceError ERR_MILLRACE_STATE after the start.
   */
  packets<T = unknown>(options: PacketsOptions = {}): PacketReader<T> {
    const { signal, queueLimit } = checkPacketsOptions(options);
    const session = sessionOf(this.graph);
    const tap = session.addReader({ node: this.nodeId, output: this.index }, this.name, { signal, queueLimit });
    return new PacketReader<T>(session, tap);
  }

  /**
   * This video with subtitles drawn into it: text by libass, with the fonts that are attached to their file; pictures (PGS,
   * DVD) as they are. The subtitles are read by themselves, before the first picture.
   *
   *     input.video.burnSubtitles(input.subtitles[0], { style: 'FontSize=24' }).encode(input.audio, { output_path: 'out.mp4' });
   *
   * @param subtitles A stream of a decoder, a stream of Subtitles that a module makes, or the path or URL of a file whose
   * first subtitles are meant. Times are those of the video: draw before `trim` and `setpts`.
   * @throws MillraceError ERR_MILLRACE_CONFIG for what is no stream of subtitles, or cannot be read before the pictures.
   */
  burnSubtitles(
    subtitles: Stream | string | URL,
    options: BurnOptions = {},
    parameters: NodeParameters = {},
  ): NodeHandle {
    return burn(this, subtitles, options, parameters, isStream);
  }

  /** This stream and then others of its kind, end to end; for pairs of video and audio see the function `concat`. */
  concat(others: Stream | readonly Stream[], named: Named<ConcatOptions> = {}): NodeHandle {
    return concat([this, ...([others].flat() as readonly Stream[])], named);
  }

  /**
   * Encodes this video, and an audio stream or none, into a file.
   * @param options See docs/options.md#c_ffmpeg_encoder.
   */
  encode(audio: Stream | null | undefined, options: EncoderOptions, parameters?: NodeParameters): NodeHandle;
  /** Encodes this video alone. */
  encode(options: EncoderOptions, parameters?: NodeParameters): NodeHandle;
  encode(
    first: Stream | EncoderOptions | null | undefined,
    second?: EncoderOptions | NodeParameters,
    third?: NodeParameters,
  ): NodeHandle {
    const withAudio = first instanceof Stream || first === null || first === undefined;
    const options = withAudio ? (second as EncoderOptions) : first;
    const parameters = withAudio ? third : (second as NodeParameters | undefined);
    const inputs = withAudio && first ? [this, first] : [this];
    return this.graph.module('c_ffmpeg_encoder', options, { ...parameters, inputs });
  }
}

function isSelection(value: unknown): value is StreamSelection {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

function isStream(value: unknown): value is Stream {
  return value instanceof Stream;
}

/**
 * A node: its outputs by `.video`, `.audio`, `[n]` or `.output(n)`; where a stream is wanted it stands for output 0.
 */
export class NodeHandle extends Stream {
  declare readonly 0: Stream;
  declare readonly 1: Stream;
  declare readonly 2: Stream;
  declare readonly 3: Stream;
  readonly [output: number]: Stream;

  private videoOutput: number | undefined = 0;
  private audioOutput: number | undefined = 1;

  constructor(graph: Graph, nodeId: number, index = 0) {
    super(graph, nodeId, index);
  }

  /** The video output: 0, and of a `concat` its first video. */
  get video(): Stream {
    return this.media('video', this.videoOutput);
  }

  /** The audio output: 1, and of a `concat` its first audio. */
  get audio(): Stream {
    return this.media('audio', this.audioOutput);
  }

  /** Of a decoder: the video streams of its input in their order, from 0 on; `.video` is FFmpeg's choice of the best one. */
  get videos(): StreamsOfKind<Stream> {
    return streamsOfKind('video', (selection) => this.select(selection));
  }

  /** The same of audio. */
  get audios(): StreamsOfKind<Stream> {
    return streamsOfKind('audio', (selection) => this.select(selection));
  }

  /** The same of subtitles: each a Subtitle where they are text, else packets behind their StreamInfo. */
  get subtitles(): StreamsOfKind<Stream> {
    return streamsOfKind('subtitle', (selection) => this.select(selection));
  }

  /** The same of data. */
  get data(): StreamsOfKind<Stream> {
    return streamsOfKind('data', (selection) => this.select(selection));
  }

  /**
   * Of a decoder: a stream of its input by kind, language, use or index, found when the input is opened.
   *
   *     input.select({ kind: 'audio', language: 'deu' });
   *     input.select({ kind: 'video', disposition: 'attached_pic', codec: 'copy', optional: true }); // the cover
   *
   * With an expression it is FFmpeg's filter `select`, as of every stream.
   *
   * @throws MillraceError ERR_MILLRACE_CONFIG for another node than a decoder.
   */
  override select(selection: StreamSelection): Stream;
  override select(...args: Parameters<VideoFilters['select']>): NodeHandle;
  override select(...args: [StreamSelection] | Parameters<VideoFilters['select']>): Stream {
    const [selection] = args;
    if (!isSelection(selection)) return super.select(...(args as Parameters<VideoFilters['select']>));
    return this.output(chooseOutput(this.graph, this.nodeId, selection));
  }

  /**
   * Answers `ctx.callback(key, value)` of this node's module, as `graph.addCallback` does of all.
   * @param callback The key of one of the graph's callbacks in place of a function can be kept in a graph file.
   * @returns this handle.
   * @throws as `graph.addCallback`.
   */
  addCallback(key: 'packet', callback: KeyCallback<WrittenPacket> | string): this;
  addCallback<T = unknown>(key: string | number, callback: KeyCallback<T> | string): this;
  addCallback(key: string | number, callback: KeyCallback<never> | string): this {
    this.graph.addCallback(key, callback, this.nodeId);
    return this;
  }

  /** @throws MillraceError ERR_MILLRACE_CONFIG if `index` is no whole number from 0 on. */
  output(index: number): Stream {
    if (!Number.isInteger(index) || index < 0) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `${index} cannot be the number of an output`, {
        hint: 'Outputs are numbered 0, 1, 2, …',
      });
    }
    return new Stream(this.graph, this.nodeId, index);
  }

  /** The first `count` outputs. */
  outputs<const N extends number>(count: N): StreamTuple<N> {
    if (!Number.isInteger(count) || count < 1) {
      throw new MillraceError('ERR_MILLRACE_CONFIG', `${count} cannot be a number of outputs`);
    }
    return Array.from({ length: count }, (_, index) => this.output(index)) as readonly Stream[] as StreamTuple<N>;
  }

  /** The same handle with other outputs behind `.video` and `.audio`; undefined for none. */
  withMedia(video: number | undefined, audio: number | undefined): this {
    this.videoOutput = video;
    this.audioOutput = audio;
    return this;
  }

  /**
   * Changes options of the node while the graph runs, between two packets; resolves when it has been done.
   *
   *     await handle.reset({ volume: 0.2 });                              // a filter: its arguments by name
   *     await handle.reset({ para: '640:360' });                          // or all of them
   *     await encoder.reset({ video_params: { bit_rate: '800k' } });      // where the encoder can
   *
   * The module's `dynamicReset(options)` is called with them. docs/dynamic.md has what the built-in modules can change.
   * @param options those that change; the others stay as they are.
   * @throws GraphError with what cannot be changed, of a module that refuses them or that has no `dynamicReset`: nothing has
   *   been changed then, and the graph goes on. MillraceError ERR_MILLRACE_CLOSED when the node has ended,
   *   ERR_MILLRACE_STATE before the start.
   */
  reset(options: Readonly<Record<string, unknown>>): Promise<void> {
    return changesOf(this.graph).reset(this.nodeId, options);
  }

  private media(kind: string, index: number | undefined): Stream {
    if (index !== undefined) return this.output(index);
    throw new MillraceError('ERR_MILLRACE_CONFIG', `${this.name} has no ${kind} output`);
  }
}

nameClasses({ Stream });

// Behind all that streams have; see unknown-names.ts.
Object.setPrototypeOf(
  FilterMethods.prototype,
  refusingUnknownNames((receiver) => (receiver instanceof Stream ? `the stream ${receiver.name}` : 'a stream')),
);

// `handle[5]`: numbers are looked up behind the class's own members. The proxy is a link of its own in the prototype
// chain (around the object it would break private state, around Stream.prototype it would break instanceof).
Object.setPrototypeOf(
  NodeHandle.prototype,
  new Proxy(Object.create(Stream.prototype) as Stream, {
    get: (target, key, receiver: NodeHandle) =>
      typeof key === 'string' && /^\d+$/.test(key) ? receiver.output(Number(key)) : Reflect.get(target, key, receiver),
  }),
);

/** Lays `top` over `base`. FFmpeg `overlay`; named arguments as in `stream.overlay`. */
export function overlay(base: Stream, top: Stream, named: Named = {}): NodeHandle {
  requireMethod(base, 'overlay', 'the stream that overlay lays something on');
  return base.overlay(top, named);
}
