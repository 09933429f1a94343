/** Options of c_ffmpeg_decoder: names, types and defaults of BMF, checked before anything starts. */
import * as v from 'valibot';
import { isSourceRef, type SourceRef } from '../../src/media/bytes/ref.js';
import { DEVICE_KINDS, LOG_LEVELS } from '../../src/media/index.js';
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
  unsupported,
} from '../../src/schema/schema.js';
import { seconds } from '../../src/schema/seconds.js';
import { frameRate, parseSize, toFrameRate } from '../../src/schema/video-names.js';
import { dispositionList } from '../shared/dispositions.js';
import { dropPolicy } from '../shared/live/drop.js';
import { inputReconnect } from '../shared/live/reconnect.js';
import { sampleFormatName } from '../shared/sample-format.js';
import { misplaced } from './misplaced.js';
import { CROPPING, type Cropping } from './track/cropping.js';

/** One piece of the input to play, in seconds from its beginning. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

const noPlace = 'hwaccel says where pictures are decoded';

const hardware = {
  /** Kind of device to decode video on; 'auto': the first that there is and that can, else the processor. */
  hwaccel: v.optional(choice('auto', 'none', ...DEVICE_KINDS)),
  /** Its name, such as '1' or '/dev/dri/renderD129'. */
  hwaccel_device: v.optional(text('the name of a device')),
  /** Format of decoded pictures: that of the device leaves them there. */
  hwaccel_output_format: v.optional(text('a pixel format such as "nv12" or "cuda"')),
  /** BMF's: without the device the processor decodes, with a warning. */
  hwaccel_check: v.optional(boolean()),
};

const durations: Schema<TimeRange[]> = parsed(
  'a list of pairs of seconds [start, end, start, end, …] that never goes backwards, such as [1, 2.5, 4, 6]',
  (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length % 2 !== 0) return undefined;
    const times = value.map((item) => v.safeParse(number({ min: 0 }), item));
    const ranges: TimeRange[] = [];
    for (let i = 0; i < times.length; i += 2) {
      const [start, end] = [times[i]?.output as number | undefined, times[i + 1]?.output as number | undefined];
      if (start === undefined || end === undefined || end <= start || start < (ranges.at(-1)?.end ?? 0))
        return undefined;
      ranges.push({ start, end });
    }
    return ranges;
  },
);

const cropping: Schema<Cropping> = parsed(
  `${CROPPING.map((name) => `'${name}'`).join(', ')}, true or false`,
  (value) => {
    const known = CROPPING.find((name) => name === value);
    if (known !== undefined) return known;
    const flag = v.safeParse(boolean(), value);
    if (!flag.success) return undefined;
    return flag.output ? 'all' : 'none';
  },
);

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Bytes as they are, or as base64 in files. */
const bytes: Schema<Uint8Array> = parsed('a Uint8Array that is not empty, or its base64', (value) => {
  if (value instanceof Uint8Array) return value.byteLength > 0 ? value : undefined;
  return typeof value === 'string' && BASE64.test(value) ? Buffer.from(value, 'base64') : undefined;
});

const source: Schema<SourceRef> = parsed(
  'bytes of the program: a Buffer, another typed array, an ArrayBuffer, a Blob, or { size, read(offset, length, signal) }, ' +
    'which no file can hold (a path or URL is input_path)',
  (value) => (isSourceRef(value) ? value : undefined),
);

const dispositions = dispositionList('one or a list');

/** A stream of the input, as `select` of the builder describes it. */
const streamWish = v.pipe(
  strictOptions({
    kind: choice('video', 'audio', 'subtitle', 'data', 'attachment'),
    /** Index in the container. */
    index: v.optional(integer({ min: 0 })),
    /** Its number among those of its kind that fit the rest. */
    number: v.optional(integer({ min: 0 }), 0),
    language: v.optional(text('a language such as "deu"')),
    disposition: v.optional(dispositions),
    /** A decoder's name or 'copy'. */
    codec: v.optional(text("a decoder's name or 'copy'")),
    optional: v.optional(boolean(), false),
    /** Of subtitles: the fonts that are attached to a file come first. */
    fonts: v.optional(boolean(), false),
  }),
  v.check(
    ({ index, number, language, disposition }) =>
      index === undefined || (number === 0 && (language ?? disposition) === undefined),
    'index says which stream it is: leave out number, language and disposition',
  ),
  v.check(({ kind, fonts }) => kind === 'subtitle' || !fonts, 'are for subtitles (fonts)'),
  v.check(
    ({ kind, codec }) => kind === 'video' || kind === 'audio' || codec === undefined || codec === 'copy',
    "is handed on as it is: only video and audio can be decoded here (codec: leave it out, or 'copy')",
  ),
);

const entries = {
  /** File or URL; without it and `input`: what is decoded comes on input 0. */
  input_path: v.optional(text('the path or URL of the input')),
  /** What the program has, as a reference to it. */
  input: v.optional(source),
  /** Absolute stream indices in the container; absent or -1: the best stream of each kind (av_find_best_stream). */
  map_v: v.optional(integer({ min: -1 }), -1),
  map_a: v.optional(integer({ min: -1 }), -1),
  /** The streams of the outputs 2, 3, …, in their order. */
  streams: v.optional(v.array(streamWish)),
  /** Seconds from the beginning of the input; frames before start_time and from end_time on are left out. */
  start_time: v.optional(seconds()),
  end_time: v.optional(seconds()),
  /** Several ranges; the first starts at time 0, gaps between ranges are kept in the timestamps. */
  durations: v.optional(durations),
  /** The output ends after so many frames (packets with `copy`). */
  vframes: v.optional(integer({ min: 0 })),
  aframes: v.optional(integer({ min: 0 })),
  /** Keep the container's timestamps instead of beginning at 0. */
  copyts: v.optional(boolean(), false),
  /** With copyts: shifted, all by the same, so that the beginning of the container becomes 0. */
  start_at_zero: v.optional(boolean(), false),
  /** Packets have the time at which they came, on the clock of the machine, instead of the container's. */
  use_wallclock_as_timestamps: v.optional(boolean(), false),
  /** AVDiscard: 0 default, 8 non-reference, 16 bidirectional, 24 non-intra, 32 non-key, 48 all. Video only. */
  skip_frame: v.optional(choice(0, 8, 16, 24, 32, 48)),
  /** A decoder's name, or 'copy': a StreamInfo, then EncodedPackets. */
  video_codec: v.optional(text("a decoder's name or 'copy'")),
  audio_codec: v.optional(text("a decoder's name or 'copy'")),
  /** Overrides the time base of the video stream: its ticks count in this unit. */
  video_time_base: v.optional(rational('a time base in seconds such as "1,90000"')),
  /** Frames per second where the container tells none: 25 unless given. */
  fps: v.optional(frameRate()),
  video_params: v.optional(
    optionsWithAV({
      extract_frames: v.optional(
        strictOptions({
          /** Frames per second to keep. */
          fps: parsed('a number of frames per second such as 1, 0.5, "1/3" or "ntsc"', (value) => {
            const rate = toFrameRate(value);
            if (rate === undefined) return undefined;
            // A decimal number stays as precise as it is.
            const number = Number(value);
            return Number.isNaN(number) ? rate.num / rate.den : number;
          }),
          device: unsupported(noPlace),
        }),
      ),
      // Where BMF has them.
      ...hardware,
    }),
  ),
  ...hardware,
  /** AVOptions of demuxer, protocol and decoders; `f` names the demuxer. */
  dec_params: v.optional(avOptions(), {}),
  /** Apply the display matrix. */
  autorotate: v.optional(boolean(), true),
  /** Cut off what the bitstream ('codec') and the container ('container') say is not to be shown; 1: 'all', 0: 'none'. */
  apply_cropping: v.optional(cropping, 'all'),
  /** Size and pixel format of raw video input. */
  s: v.optional(
    parsed('a size in pixels such as "1280:720", "1280x720" or "hd720"', (value) => {
      const size = typeof value === 'string' ? parseSize(value) : undefined;
      return size && `${size.width}x${size.height}`;
    }),
  ),
  pix_fmt: v.optional(text('a pixel format such as "yuv420p"')),
  /** Common-encryption key, 32 hexadecimal digits. */
  decryption_key: v.optional(
    parsed('a key of 32 hexadecimal digits', (value) =>
      typeof value === 'string' && /^[0-9a-fA-F]{32}$/.test(value) ? value : undefined,
    ),
  ),
  /** Pictures with a longer side are left out; more than max_limit_hits of them are an error. Pixels. */
  max_width_height: v.optional(integer({ min: 1 })),
  max_limit_hits: v.optional(integer({ min: 0 })),
  /** Play the input so many more times, -1 for ever, with continuous timestamps. */
  loop: v.optional(integer({ min: -1 }), 0),
  /**
   * Milliseconds that one step of an input may take: to answer and to be opened, to show its streams, to bring the next
   * packet. 0: for ever. For inputs of the network 30000, unless dec_params or the URL has a timeout of FFmpeg's own.
   */
  timeout_ms: v.optional(number({ min: 0, max: 2_147_483_647 })),
  /** The input is opened when the graph runs, not when it is initialised. */
  delay_init_input: v.optional(boolean(), false),
  /** Pictures have the time that they have in the input, in seconds, as their metadata `orig_pts_time`. */
  orig_pts_time: v.optional(boolean(), false),
  /** Pictures have their number in the input as their metadata `inputFrmOrder`. */
  io_frm_match: v.optional(boolean(), false),
  /** An input that was lost is opened again: attempts, backoff_ms, stall_ms, give_up; true: with the defaults of all. */
  reconnect: v.optional(inputReconnect, false),
  /** What comes as it is made: short probing, decoders without delay; its end means that it was lost (reconnect). */
  live: v.optional(boolean()),
  /** What is left out when the graph is slower than a live input. */
  drop: v.optional(dropPolicy()),
  /** Milliseconds by which it may be behind. */
  drop_after_ms: v.optional(number({ min: 1, max: 2_147_483_647 }), 1000),
  /** Deliver at the speed of the timestamps. */
  realtime: v.optional(boolean(), false),
  loglevel: v.optional(choice(...LOG_LEVELS)),
  /** The packets on input 0 go to the decoder one by one, without a container. */
  push_raw_stream: v.optional(boolean(), false),
  /** Codec headers of such a stream, if its packets do not hold them (avcC of H.264 in mp4). */
  extradata: v.optional(bytes),
  /** Of such a stream of sound. */
  channels: v.optional(integer({ min: 1, max: 64 })),
  sample_rate: v.optional(integer({ min: 1, max: 768_000 })),
  sample_fmt: v.optional(sampleFormatName()),
  /** Seconds; how the timestamps go on where one file follows another on input 0 (see splice.ts). */
  overlap_time: v.optional(number({ min: 0 })),
  cut_off_time: v.optional(number({ min: 0 })),
  cut_off_interval: v.optional(number({ min: 0 })),
};

type Parsed = v.InferOutput<v.ObjectSchema<typeof entries, undefined>>;

/** It reads something itself. */
function hasInput({ input, input_path }: Parsed): boolean {
  return input !== undefined || input_path !== undefined;
}

/** One rule that looks at several options; the problem is reported at `key`. */
function rule(key: keyof Parsed, message: string, isFine: (options: Parsed) => boolean) {
  return v.rawCheck<Parsed>(({ dataset, addIssue }) => {
    if (!dataset.typed || isFine(dataset.value)) return;
    const { value: input } = dataset;
    addIssue({ message, path: [{ type: 'object', origin: 'value', input: { ...input }, key, value: input[key] }] });
  });
}

export const decoderOptions = v.pipe(
  strictOptions(entries, misplaced),
  rule(
    'end_time',
    'must be later than start_time',
    (o) => o.end_time === undefined || o.end_time > (o.start_time ?? 0),
  ),
  rule(
    'durations',
    'cannot be combined with start_time or end_time; write the first start and the last end into the list',
    (o) => o.durations === undefined || (o.start_time === undefined && o.end_time === undefined),
  ),
  rule(
    'loop',
    "cannot be combined with start_time, end_time or durations; cut the looped stream with the filter 'trim'",
    (o) => o.loop === 0 || (o.start_time ?? o.end_time ?? o.durations) === undefined,
  ),
  rule(
    'video_params',
    "has no effect on a copied stream; leave out video_codec: 'copy' or these options",
    (o) => o.video_codec !== 'copy' || o.video_params === undefined,
  ),
  rule('input', 'contradicts input_path; give one of them', (o) => !o.input || o.input_path === undefined),
  ...(['hwaccel_device', 'hwaccel_output_format', 'hwaccel_check'] as const).map((key) =>
    rule(key, 'has no effect without hwaccel', (o) => o[key] === undefined || o.hwaccel !== undefined),
  ),
  rule(
    'hwaccel',
    "has no effect on a copied stream; leave out video_codec: 'copy' or this",
    (o) => o.hwaccel === undefined || o.video_codec !== 'copy',
  ),
  rule(
    'push_raw_stream',
    'decodes what comes on input 0; leave out input_path and input',
    (o) => !o.push_raw_stream || !hasInput(o),
  ),
  rule(
    'push_raw_stream',
    "needs the decoder's name, as either video_codec or audio_codec (not 'copy')",
    (o) =>
      !o.push_raw_stream ||
      ((o.video_codec ?? o.audio_codec ?? 'copy') !== 'copy' && !(o.video_codec && o.audio_codec)),
  ),
  rule(
    'video_time_base',
    'is needed by push_raw_stream with a video_codec: the unit of the timestamps in seconds, such as "1,30000"',
    (o) => !o.push_raw_stream || !o.video_codec || o.video_time_base !== undefined,
  ),
  rule(
    'sample_rate',
    'and channels are needed by push_raw_stream with an audio_codec',
    (o) => !o.push_raw_stream || !o.audio_codec || (o.sample_rate !== undefined && o.channels !== undefined),
  ),
  rule(
    'push_raw_stream',
    'is needed by extradata, channels, sample_rate and sample_fmt: a container tells these itself',
    (o) => o.push_raw_stream || (o.extradata ?? o.channels ?? o.sample_rate ?? o.sample_fmt) === undefined,
  ),
  rule(
    'start_at_zero',
    'has no effect without copyts: the timestamps begin at 0 then, also after start_time',
    (o) => !o.start_at_zero || o.copyts,
  ),
  rule(
    'use_wallclock_as_timestamps',
    'has no effect with push_raw_stream: whoever sends the packets gives them their times',
    (o) => !o.use_wallclock_as_timestamps || !o.push_raw_stream,
  ),
  ...(['overlap_time', 'cut_off_time', 'cut_off_interval'] as const).map((key) =>
    rule(
      key,
      'has no effect: it is for files that follow one another as bytes on input 0',
      (o) => o[key] === undefined || (!hasInput(o) && !o.push_raw_stream),
    ),
  ),
  ...(['map_v', 'map_a', 'streams', 'decryption_key'] as const).map((key) =>
    rule(
      key,
      'has no effect with push_raw_stream: there is no container',
      (o) => !o.push_raw_stream || o[key] === undefined || o[key] === -1,
    ),
  ),
  rule(
    'durations',
    'needs input_path or input: what comes on input 0 cannot be gone back in',
    (o) => o.durations === undefined || hasInput(o),
  ),
  rule(
    'loop',
    'needs input_path or input: what comes on input 0 cannot be played again',
    (o) => o.loop === 0 || hasInput(o),
  ),
  rule(
    'push_raw_stream',
    'goes without orig_pts_time and io_frm_match: whoever sends the packets gives them their times',
    (o) => !o.push_raw_stream || (!o.orig_pts_time && !o.io_frm_match),
  ),
  rule(
    'delay_init_input',
    'is for an input that is opened by its name (input_path); what is pushed is opened when it comes',
    (o) => !o.delay_init_input || o.input_path !== undefined,
  ),
  rule(
    'timeout_ms',
    'needs input_path or input: whoever sends what comes on input 0 decides how long it takes',
    (o) => o.timeout_ms === undefined || hasInput(o),
  ),
  ...(['reconnect', 'live'] as const).map((key) =>
    rule(
      key,
      'needs input_path: what comes on input 0, or from the program, is not opened here',
      (o) => !o[key] || o.input_path !== undefined,
    ),
  ),
  ...(['start_time', 'durations', 'loop'] as const).map((key) =>
    rule(
      key,
      'cannot be combined with live or reconnect: such an input is played once, as it comes',
      (o) => !o[key] || !(o.live || o.reconnect),
    ),
  ),
  rule('drop', 'has no effect without live: true', (o) => (o.drop ?? 'none') === 'none' || o.live === true),
  rule(
    'realtime',
    'has no effect with live: such an input comes at its own speed',
    (o) => !o.realtime || o.live !== true,
  ),
  rule(
    'max_limit_hits',
    'has no effect without max_width_height',
    (o) => o.max_limit_hits === undefined || o.max_width_height !== undefined,
  ),
);

/** A decoder reads its file or what comes on its input, one of them. */
export function decoderPortProblems(
  { input, input_path, streams }: { readonly [key in 'input' | 'input_path' | 'streams']?: unknown },
  { inputs, outputs }: Ports,
): PortProblem[] {
  const described = Array.isArray(streams) ? streams.length : 0;
  const highest = Math.max(...outputs, 0);
  if (highest > 1 + described) {
    return [
      {
        key: 'streams',
        message: `describes ${described === 0 ? 'no outputs' : `the outputs 2 to ${1 + described}`}, and output ${highest} is connected`,
        hint: 'Output 0 is video, 1 is audio; each further one has an entry, such as { "kind": "audio", "number": 1 }',
      },
    ];
  }
  const connected = inputs.length > 0;
  if (connected === ((input ?? input_path) === undefined)) return [];
  if (connected) {
    return [
      {
        key: input === undefined ? 'input_path' : 'input',
        message: 'contradicts the input that is connected',
        hint: 'Leave it out to decode what comes on input 0, or disconnect that to decode the file',
      },
    ];
  }
  return [
    {
      key: 'input_path',
      message: 'is required: the file to decode',
      hint: 'Or give bytes of the program as input, or connect a stream of bytes or packets to input 0',
    },
  ];
}

export type DecoderOptions = v.InferOutput<typeof decoderOptions>;
