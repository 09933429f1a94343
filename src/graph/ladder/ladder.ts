/** One input in several sizes, for players that choose by their connection: HLS, DASH, or both from the same segments. */
import { sep } from 'node:path';
import { describeValue } from '../../errors/naming.js';
import { requireObject } from '../../schema/argument.js';
import { type EncodeStreams, encode } from '../build/encode.js';
import type { AudioParams, EncoderOptions, StreamTexts } from '../build/module-options.js';
import type { NodeParameters } from '../build/node.js';
import { NodeHandle, Stream } from '../build/stream.js';
import { isOfDecoder } from '../build/stream-selection.js';
import { Graph } from '../graph.js';
import { pathOf } from '../options/urls.js';
import {
  type AudioRendition,
  checkLadder,
  isPlain,
  type LadderInput,
  type LadderOptions,
  type LadderSource,
  type Rendition,
  wrong,
} from './options.js';
import { ratesOf, withKeyFrames } from './params.js';

/**
 * Encodes one picture in several sizes, with aligned key frames, and any number of sounds that go with all of them, from
 * one decoder, into an output that players choose from.
 *
 *     await ladder('in.mp4', {
 *       output_path: 'out/master.m3u8',
 *       renditions: [{ height: 720, bit_rate: '3M' }, { height: 360, bit_rate: '800k' }],
 *     }).graph.run({ onProgress });
 *
 * @returns The encoder's node, as `encode` does; its graph is to be run.
 * @throws MillraceError ERR_MILLRACE_CONFIG for an input, renditions or segments that are wrong. What is wrong with the
 *   rest of the options is told by `run`.
 */
export function ladder(input: LadderInput, options: LadderOptions, parameters: NodeParameters = {}): NodeHandle {
  requireObject(options, 'options of ladder');
  checkLadder(options);
  const { renditions, audio, subtitles = [], format = 'hls', segment = {}, output_path, ...others } = options;
  const { video_params, audio_params, ...rest } = others;
  const source = sourceOf(input);
  const sounds = soundsOf(source, audio);
  const duration = segment.duration ?? 4;
  const all = unique([...renditions.map(renditionName), ...sounds.map(({ name }) => name)]);
  const standard = (audio ?? []).findIndex((one) => one.default === true);
  const said = sounds.map(({ texts }) => texts);
  const streams: EncodeStreams = {
    video: renditions.map(({ width, height }) => scaled(source.video, width, height)),
    audio: sounds.map(({ stream }) => stream),
    subtitle: subtitles.map((one, at) => source.choose(one, 'subtitle', at)),
  };
  const type = segment.type ?? (subtitles.length > 0 ? 'fmp4' : 'mpegts');
  return encode(
    streams,
    {
      force_key_frames: `expr:gte(t,n_forced*${duration})`,
      ...rest,
      ...target(format, pathOf(output_path), { ...segment, type }, rest.mux_params),
      video_params: renditions.map(({ name: _name, width: _width, height: _height, ...own }) => {
        const params = { ...video_params, ...own };
        return { ...ratesOf(params), ...withKeyFrames(params) };
      }),
      ...(sounds.length > 0 && { audio_params: sounds.map(({ params }) => ({ ...audio_params, ...params })) }),
      streams: said.some((one) => Object.keys(one).length > 0) ? { audio: said, ...rest.streams } : rest.streams,
      variants: {
        video: all.slice(0, renditions.length),
        audio: all.slice(renditions.length),
        ...(standard > 0 && { default_audio: standard }),
      },
    },
    parameters,
  );
}

/** A sound as it goes into the output. */
interface Sound {
  readonly stream: Stream;
  readonly name: string;
  readonly params: AudioParams;
  readonly texts: StreamTexts;
}

interface Source {
  readonly video: Stream;
  /** Its sound, if nothing is said of that. */
  readonly audio: Stream | undefined;
  /** @param at For errors. */
  choose(source: LadderSource, kind: 'audio' | 'subtitle', at: number): Stream;
}

function sourceOf(input: LadderInput): Source {
  if (typeof input === 'string' || input instanceof URL) {
    return ofDecoder(new Graph().decode({ input_path: input }));
  }
  if (input instanceof NodeHandle && isOfDecoder(input.graph, input.nodeId)) return ofDecoder(input);
  if (input instanceof Stream) return ofStreams(input, undefined);
  if (isPlain(input) && (input as { video?: unknown }).video instanceof Stream) {
    return ofStreams(input.video, input.audio ?? undefined);
  }
  throw wrong(
    `the input cannot be ${describeValue(input)}`,
    "Give a path, a decoder's handle, a stream of pictures, or { video, audio }",
  );
}

function ofDecoder(handle: NodeHandle): Source {
  return {
    video: handle.video,
    audio: handle.audio,
    choose(source, kind) {
      if (source instanceof Stream) return source;
      return handle.select(typeof source === 'number' ? { kind, number: source } : { ...source, kind });
    },
  };
}

function ofStreams(video: Stream, audio: Stream | undefined): Source {
  return {
    ...{ video, audio },
    choose(source, kind, at) {
      if (source instanceof Stream) return source;
      const where = kind === 'audio' ? `audio[${at}].source` : `subtitles[${at}]`;
      throw wrong(
        `${where} is no stream`,
        'The input is no decoder, so there is nothing to choose from: give a stream',
      );
    },
  };
}

function soundsOf(source: Source, wanted: readonly AudioRendition[] | undefined): Sound[] {
  return (wanted ?? (source.audio ? [{}] : [])).map((one, at) => {
    const stream = one.source === undefined ? source.audio : source.choose(one.source, 'audio', at);
    if (stream) return soundOf(one, stream);
    throw wrong(`audio[${at}] has no source`, 'Give it, or { video, audio } as the input');
  });
}

function soundOf(
  { source, name, language, title, default: _default, ...params }: AudioRendition,
  stream: Stream,
): Sound {
  const chosen = isPlain(source) ? (source as { language?: string }).language : undefined;
  const spoken = language ?? chosen;
  return {
    stream,
    name: name ?? (spoken === undefined ? 'audio' : `audio-${spoken.replace(/[^\w-]/g, '')}`),
    params: params as AudioParams,
    texts: { ...(language !== undefined && { language }), ...(title !== undefined && { title }) },
  };
}

function renditionName({ name, width, height }: Rendition): string {
  if (name !== undefined) return name;
  const own = Number(height) > 0 ? `${height}p` : Number(width) > 0 ? `${width}w` : undefined;
  return own ?? 'video';
}

/** Those that several have get numbers; all stay in their order. */
function unique(wanted: readonly string[]): string[] {
  const taken = new Set<string>();
  return wanted.map((name) => {
    let own = name;
    for (let n = 2; taken.has(own); n++) own = `${name}-${n}`;
    taken.add(own);
    return own;
  });
}

/** By a filter of its own, which may have a thread of its own. */
function scaled(video: Stream, width: unknown, height: unknown): Stream {
  const [w, h] = [Number(width ?? 0), Number(height ?? 0)];
  if (!(w > 0) && !(h > 0)) return video;
  return video.scale(w > 0 ? w : -2, h > 0 ? h : -2);
}

/** The muxer, its path, and its options; those that the user gives win. */
function target(
  format: 'hls' | 'dash' | 'cmaf',
  path: string,
  { duration = 4, type = 'mpegts', window }: NonNullable<LadderOptions['segment']>,
  given: EncoderOptions['mux_params'],
): Pick<EncoderOptions, 'format' | 'output_path' | 'mux_params'> {
  // Not by node:path, which takes a URL for a path with an empty part.
  const cut = Math.max(path.lastIndexOf('/'), sep === '/' ? -1 : path.lastIndexOf(sep)) + 1;
  const [folder, file] = [path.slice(0, cut), path.slice(cut)];
  if (format === 'hls') {
    const own = {
      hls_time: duration,
      master_pl_name: file,
      hls_flags: `independent_segments${window === undefined ? '' : '+delete_segments'}`,
      ...(window === undefined ? { hls_playlist_type: 'vod' } : { hls_list_size: window }),
      ...(type === 'fmp4' && { hls_segment_type: 'fmp4' }),
    };
    return { format: 'hls', output_path: `${folder}%v/index.m3u8`, mux_params: { ...own, ...given } };
  }
  const isPlaylist = file.endsWith('.m3u8');
  const own = {
    seg_duration: duration,
    // Of Opus and VP9 FFmpeg would make WebM, which HLS does not know.
    dash_segment_type: 'mp4',
    ...(window !== undefined && { window_size: window }),
    ...(format === 'cmaf' && { hls_playlist: 1, hls_master_name: isPlaylist ? file : 'master.m3u8' }),
  };
  const manifest = isPlaylist ? `${folder}manifest.mpd` : path;
  return { format: 'dash', output_path: manifest, mux_params: { ...own, ...given } };
}
