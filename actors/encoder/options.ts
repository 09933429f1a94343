/** The options of `c_ffmpeg_encoder`: BMF's names, validated before anything starts. */
import * as v from 'valibot';
import { LOG_LEVELS } from '../../src/media/ffmpeg.js';
import type { StreamKind } from '../../src/media/packet/stream-info.js';
import {
  avOptions,
  boolean,
  choice,
  integer,
  number,
  optionsWithAV,
  type PortProblem,
  type Ports,
  parsed,
  rational,
  type Schema,
  strictOptions,
  text,
  textRecord,
} from '../../src/schema/schema.js';
import { frameRate } from '../../src/schema/video-names.js';
import { device } from '../shared/device-option.js';
import { dropPolicy } from '../shared/live/drop.js';
import { outputReconnect } from '../shared/live/reconnect.js';
import { localPath } from '../shared/location.js';
import { sampleFormatName } from '../shared/sample-format.js';
import { variantEntries } from './adaptive/options.js';
import { spelled } from './codec/spellings.js';
import { misplaced } from './misplaced.js';
import { eachOrAll, kindOfInput, streamEntries, streamPlaces } from './stream-options.js';

/** How video frames are placed on the output's time line; the names of the ffmpeg command's -fps_mode. */
export type VsyncOption = 'auto' | 'cfr' | 'vfr' | 'passthrough' | 'drop';

/** -vsync took numbers in older ffmpeg commands, and graph files still hold them. */
const vsyncNumbers: Readonly<Record<string, VsyncOption>> = {
  '-1': 'auto',
  '0': 'passthrough',
  '1': 'cfr',
  '2': 'vfr',
};

function vsync(): Schema<VsyncOption> {
  const names: readonly VsyncOption[] = ['auto', 'cfr', 'vfr', 'passthrough', 'drop'];
  return parsed(
    `one of ${names.join(', ')}`,
    (value) => names.find((name) => name === value) ?? vsyncNumbers[String(value)],
  );
}

/** A bit rate in bits per second, or FFmpeg's form of it with a unit: "1M", "64k", "1.5M". */
function bitRate(): Schema<string> {
  return parsed('a bit rate such as 800000, "800k" or "1.5M"', (value) => {
    const asText = typeof value === 'number' ? String(value) : value;
    if (typeof asText !== 'string' || !/^\d+(\.\d+)?([kKMG]i?)?$/.test(asText)) return undefined;
    return Number.parseFloat(asText) > 0 ? asText : undefined;
  });
}

/** Four characters, or the number they stand for (decimal or 0x…). */
function codecTag(): Schema<string | number> {
  return parsed('a tag of four characters such as "hvc1", or its number', (value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined;
    if (typeof value !== 'string') return undefined;
    if (value.length === 4) return value;
    const asNumber = /^(0x[\da-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
    return asNumber > 0 && asNumber <= 0xffffffff ? asNumber : undefined;
  });
}

/** A number is one time in seconds. */
function keyFrames(): Schema<string> {
  return parsed('times, an expression after "expr:", or "source"', (value) =>
    typeof value === 'number' && Number.isFinite(value)
      ? String(value)
      : typeof value === 'string' && value !== ''
        ? value
        : undefined,
  );
}

const size = integer({ min: -16, max: 32768 });

const videoEntries = optionsWithAV({
  codec: v.optional(text('an encoder name such as "h264" or "libvpx-vp9"')),
  /** Pixels. 0 or absent: that of the frames, or by the aspect if the other one is given; -2: by the aspect, even. */
  width: v.optional(size),
  height: v.optional(size),
  pix_fmt: v.optional(text('a pixel format such as "yuv420p"')),
  r: v.optional(frameRate()),
  max_fr: v.optional(frameRate()),
  vsync: v.optional(vsync()),
  threads: v.optional(
    parsed('a number of threads, or "auto"', (value) =>
      value === 'auto' || (Number.isSafeInteger(Number(value)) && value !== '' && Number(value) >= 0)
        ? String(value)
        : undefined,
    ),
  ),
  bit_rate: v.optional(bitRate()),
  qscale: v.optional(number({ min: 0.01, max: 255 })),
  vtag: v.optional(codecTag()),
  psnr: v.optional(boolean()),
  in_time_base: v.optional(rational('a time base such as "1,90000"')),
  /** Width to height of the whole picture as it is shown, as the ffmpeg command's -aspect. */
  /** Times, 'expr:…' or 'source', as the ffmpeg command's -force_key_frames. */
  force_key_frames: v.optional(keyFrames()),
  aspect: v.optional(rational('a shape of the picture such as "16:9" or 1.85')),
  /** For an encoder that works on a device, such as h264_vaapi. */
  hwaccel_device: v.optional(device()),
});

const audioEntries = optionsWithAV({
  codec: v.optional(text('an encoder name such as "aac" or "libopus"')),
  channels: v.optional(integer({ min: 1, max: 64 })),
  sample_rate: v.optional(integer({ min: 1, max: 768000 })),
  bit_rate: v.optional(bitRate()),
  qscale: v.optional(number({ min: 0.01, max: 255 })),
  atag: v.optional(codecTag()),
  sample_fmt: v.optional(sampleFormatName()),
});

const subtitleParams = strictOptions({
  /** 'copy', or the text that the file has. */
  codec: v.optional(text('a codec of text such as "subrip", "ass", "webvtt" or "mov_text", or "copy"')),
  /** Of ASS: what the styles are that events name. */
  header: v.optional(text('the header of an ASS script')),
});

export const videoParams = spelled('video', videoEntries);
const audioParams = spelled('audio', audioEntries);

/** What can go to the outputs. */
export const PUSH = { file: 0, bytes: 1, packets: 2, frames: 3 } as const;

/** Options of the container, and not of what is in it: without effect on what is handed on without one. */
export const MUXING = [
  'mux_params',
  'variants',
  'encrypt',
  'metadata',
  'chapters',
  'map_metadata',
  'map_chapters',
  'timeout_ms',
  'queue_bytes',
  'when_full',
  'max_muxing_queue_size',
  'muxing_queue_data_threshold',
] as const;
/** Options that say how to encode: without effect on frames. */
const encoding = [
  'format',
  'io_frm_match',
  'video_params',
  'audio_params',
  'subtitle_params',
  'min_frames',
  'adjust_pts',
  'copyts',
  'force_key_frames',
  'shortest',
  'pass',
  'passlogfile',
] as const;

/** Tags beside those of the source, or false for none at all. */
const tagsOrNone = v.lazy((value) => (value === false ? v.literal(false) : textRecord())) as Schema<
  false | Readonly<Record<string, string>>
>;

const entries = {
  /** File or URL. Not written when `null_output` or `push_output` is set; it then tells the format only. */
  output_path: v.optional(text('a file name or URL')),
  /** Muxer name; guessed from the path when absent, mp4 when that tells nothing. */
  format: v.optional(text('a muxer name such as "mp4"')),
  /** Encode, multiplex into nothing. */
  null_output: v.optional(boolean()),
  /** Folder for the files of the jobs that a graph serves: `<output_prefix>/<number of the job>/output.<format>`. */
  output_prefix: v.optional(text('a folder')),
  /** 0: the file; on the outputs instead 1: its bytes, 2: the encoded packets, 3: the frames as they came. */
  push_output: v.optional(integer({ min: 0, max: 3 })),
  /** With `push_output: 1`: the muxer is not to go back, as if it wrote into a pipe; mp4 is written in fragments then. */
  streamed: v.optional(boolean()),
  /** Replaced by the builder, which knows the program. */
  output: v.optional(
    parsed<never>(
      'a sink of the program, which only encode() takes (a path or URL is output_path; push_output: 1 hands on bytes)',
      () => undefined,
    ),
  ),
  /** Bytes of a piece with `push_output: 1`. */
  avio_buffer_size: v.optional(integer({ min: 1, max: 1 << 24 })),
  /**
   * Milliseconds that a peer of the network may take nothing: to be reached, to take the header, each packet, the rest.
   * 0: for ever; 30000 by default.
   */
  timeout_ms: v.optional(number({ min: 0, max: 2_147_483_647 })),
  /** A peer of the network that was lost is looked for again: attempts, backoff_ms; true: with the defaults of both. */
  reconnect: v.optional(outputReconnect),
  /** What is left out when a peer of the network is slower than the encoder. */
  drop: v.optional(dropPolicy()),
  /** Bytes that may wait for a peer of the network, and what becomes of the output when they are more. */
  queue_bytes: v.optional(integer({ min: 1024, max: 2 ** 40 })),
  when_full: v.optional(choice('wait', 'fail')),
  /** AVOptions of the muxer: movflags, hls_time, … */
  mux_params: v.optional(avOptions()),
  /** Packets of a stream that may wait for the first packet of another one, or for its next, ... */
  max_muxing_queue_size: v.optional(integer({ min: 1 })),
  /** ... where they are more bytes than this. */
  muxing_queue_data_threshold: v.optional(integer({ min: 0 })),
  /** Container metadata. */
  metadata: v.optional(tagsOrNone),
  /** For all streams of a kind, or a list with one for each of them. */
  video_params: v.optional(eachOrAll(videoParams)),
  audio_params: v.optional(eachOrAll(audioParams)),
  subtitle_params: v.optional(eachOrAll(subtitleParams)),
  ...streamEntries,
  ...variantEntries,
  /** Video frames written at most. */
  vframes: v.optional(integer({ min: 1 })),
  /** Audio packets written at most. */
  aframes: v.optional(integer({ min: 1 })),
  /** Video frames written at least: the last one is repeated. */
  min_frames: v.optional(integer({ min: 1 })),
  /** Shift all streams by one amount so that the earliest starts at 0. */
  adjust_pts: v.optional(boolean()),
  /** Times stay as they come: a constant frame rate does not fill the time before the first frame. */
  copyts: v.optional(boolean()),
  /** The output ends with the first of its streams that ends, as with the ffmpeg command's -shortest. */
  shortest: v.optional(boolean()),
  /** Of two passes the first or second, and where the statistics are: `<passlogfile>-<number of the video stream>.log`. */
  pass: v.optional(v.pipe(integer(), v.picklist([1, 2], 'must be 1 or 2'))),
  passlogfile: v.optional(text('the beginning of a file name')),
  /** Of the video: the same as video_params.force_key_frames. */
  force_key_frames: v.optional(keyFrames()),
  /** How many pictures came of which one of the input, into `<output_path>_iofrm.txt`. */
  io_frm_match: v.optional(boolean()),
  /** False: an option that the chosen encoder or muxer does not know is a warning, as in BMF and in graph files. */
  strict: v.optional(boolean()),
  /** FFmpeg messages on stderr from this level on. */
  loglevel: v.optional(choice(...LOG_LEVELS)),
};

export const encoderOptions = v.pipe(
  strictOptions(entries, misplaced),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const { output_path, output_prefix, null_output, video_params, vframes, min_frames } = input;
    const issue = (message: string, key: string, value: unknown): void =>
      addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value }] });
    const push = input.push_output ?? PUSH.file;
    const idle = [
      ...(push === PUSH.file || push === PUSH.bytes ? [] : MUXING),
      ...(push === PUSH.frames ? encoding : []),
      ...(push === PUSH.bytes ? [] : (['avio_buffer_size', 'streamed'] as const)),
      ...(push === PUSH.file ? [] : (['null_output', 'output_prefix', 'reconnect', 'drop'] as const)),
    ].filter((key) => input[key] !== undefined && input[key] !== false);
    for (const key of idle) issue(`has no effect with push_output ${push}`, key, input[key]);
    const movflags = String(input.mux_params?.movflags ?? '');
    if (push === PUSH.bytes && movflags.includes('faststart')) {
      issue(
        "movflags 'faststart' reads the finished file again, which push_output 1 does not have; use streamed: true",
        'mux_params',
        input.mux_params,
      );
    }
    const isFile = output_path !== undefined && localPath(output_path) !== undefined;
    if (input.io_frm_match && !isFile) {
      issue('writes a file beside output_path, which has to be one', 'io_frm_match', input.io_frm_match);
    }
    if (output_path !== undefined && output_prefix !== undefined) {
      issue('contradicts output_path: give one of them', 'output_prefix', output_prefix);
    }
    if (output_path === undefined && output_prefix === undefined && !null_output && push === PUSH.file) {
      issue('is required: the file to write (or null_output: true to write nothing)', 'output_path', output_path);
    }
    const videos = [video_params ?? []].flat();
    if (input.force_key_frames !== undefined && videos.some((one) => one.force_key_frames !== undefined)) {
      issue(
        'says the same as video_params.force_key_frames: keep one of them',
        'force_key_frames',
        input.force_key_frames,
      );
    }
    for (const { vsync: vsyncName = 'auto', r, max_fr } of videos) {
      const rate = r ? 'r' : max_fr ? 'max_fr' : undefined;
      // BMF's own graph files have vfr beside r and max_fr: the rate is that of the clock, and nothing is repeated.
      if (rate === undefined || (vsyncName !== 'passthrough' && vsyncName !== 'drop')) continue;
      issue(
        `vsync '${vsyncName}' contradicts ${rate}: a frame rate means vsync 'cfr', or 'vfr' to leave gaps as they are`,
        'video_params',
        video_params,
      );
    }
    if (input.copyts && input.adjust_pts) {
      issue('contradicts copyts: the one moves all times, the other keeps them', 'adjust_pts', input.adjust_pts);
    }
    if (vframes !== undefined && min_frames !== undefined && min_frames > vframes) {
      issue(`${min_frames} is more than vframes (${vframes})`, 'min_frames', min_frames);
    }
  }),
);

type PortOptions = Readonly<Record<string, unknown>>;

/**
 * Only what is asked for by `push_output` comes out, every input has a kind, and what is said of streams is said of streams
 * that there are.
 */
export function encoderPortProblems(options: PortOptions, { inputs, outputs }: Ports): PortProblem[] {
  return [...outputProblems(options, outputs), ...inputProblems(options, inputs)];
}

function outputProblems(options: PortOptions, outputs: readonly number[]): PortProblem[] {
  const push = Number(options.push_output ?? PUSH.file);
  const highest = Math.max(-1, ...outputs);
  const count = push === PUSH.file ? 0 : push === PUSH.bytes ? 1 : 2 + kindsOf(options).length;
  if (highest < count) return [];
  const hint =
    '1: the bytes of the file on output 0; 2: the encoded packets, 3: the frames, those of input i on output i; ' +
    '0 writes the file and has no outputs';
  return [{ key: 'push_output', message: `is ${push}, which has no output ${highest}`, hint }];
}

function inputProblems(options: PortOptions, inputs: readonly number[]): PortProblem[] {
  const input_kinds = kindsOf(options);
  const unknown = inputs.find((input) => kindOfInput({ input_kinds }, input) === undefined);
  if (unknown !== undefined) {
    return [
      {
        key: 'input_kinds',
        message: `does not say what input ${unknown} is`,
        hint: 'Input 0 is video, 1 is audio; the list has the kinds of the inputs 2, 3, …: ["audio", "subtitle"]',
      },
    ];
  }
  const places = streamPlaces({ input_kinds }, inputs);
  const said = Object.entries((options.streams ?? {}) as Record<string, unknown>).flatMap(
    ([kind, list]): PortProblem[] => {
      const count = places.filter((place) => place.kind === kind).length;
      if (!Array.isArray(list) || list.length <= count) return [];
      const message = `says something of ${list.length} streams of ${kind}, and there ${count === 1 ? 'is 1' : `are ${count}`}`;
      return [
        { key: `streams.${kind}`, message, hint: 'Entries are by the number of the stream among those of its kind' },
      ];
    },
  );
  const parameters = (['video', 'audio', 'subtitle'] as const).flatMap((kind): PortProblem[] => {
    const params = options[`${kind}_params`];
    const count = places.filter((place) => place.kind === kind).length;
    if (!Array.isArray(params) || params.length === count) return [];
    const message = `has ${params.length} entries, and there ${count === 1 ? 'is 1 stream' : `are ${count} streams`} of ${kind}`;
    return [{ key: `${kind}_params`, message, hint: 'Give one for each, or a single one for all' }];
  });
  return [...said, ...parameters];
}

function kindsOf({ input_kinds: kinds }: PortOptions): StreamKind[] {
  return Array.isArray(kinds) ? kinds : [];
}

export type EncoderOptions = v.InferOutput<typeof encoderOptions>;
export type VideoParams = Exclude<NonNullable<EncoderOptions['video_params']>, readonly unknown[]>;
export type AudioParams = Exclude<NonNullable<EncoderOptions['audio_params']>, readonly unknown[]>;
export type SubtitleParams = Exclude<NonNullable<EncoderOptions['subtitle_params']>, readonly unknown[]>;

/** The options as one stream has them. */
export type StreamOptions = Omit<EncoderOptions, 'video_params' | 'audio_params' | 'subtitle_params'> & {
  readonly video_params?: VideoParams | undefined;
  readonly audio_params?: AudioParams | undefined;
  readonly subtitle_params?: SubtitleParams | undefined;
};

/** @param number of the stream among those of its kind. */
export function optionsOfStream(
  { video_params, audio_params, subtitle_params, ...rest }: EncoderOptions,
  number: number,
): StreamOptions {
  return {
    ...rest,
    video_params: Array.isArray(video_params) ? video_params[number] : video_params,
    audio_params: Array.isArray(audio_params) ? audio_params[number] : audio_params,
    subtitle_params: Array.isArray(subtitle_params) ? subtitle_params[number] : subtitle_params,
  };
}
