/** `concatClips`: clips one after the other, brought to one shape, with transitions between them. */
import * as v from 'valibot';
import type { Problem } from '../../../errors/errors.js';
import { integer, parsed, strictOptions, text } from '../../../schema/schema.js';
import type { Graph } from '../../graph.js';
import { concat } from '../concat.js';
import type { NodeHandle, Stream } from '../stream.js';
import { defineGraph, type GraphOutputs } from '../subgraph/define.js';
import { checkedList, exact, seconds, someOf, someSeconds, streamSchema } from './checks.js';

/** How one clip goes over into the next. */
export interface Transition {
  /** Seconds, by which the two overlap. */
  duration: number;
  /** Of the pictures: a transition of FFmpeg's filter `xfade`: 'fade' (default), 'dissolve', 'wipeleft', 'slideup', 'circleopen', … */
  name?: string | undefined;
  /** Of the sound: a curve of FFmpeg's filter `acrossfade`: 'tri' (default), 'qsin', 'exp', 'nofade', … */
  curve?: string | undefined;
}

/** One clip: pictures, sound, or both. */
export interface Clip {
  video?: Stream | undefined;
  audio?: Stream | undefined;
  /** Seconds; what comes before is left out. Default 0. */
  start?: number | undefined;
  /**
   * Seconds. What comes later is left out, and where there is less, the last picture stands and the sound is silent. Default: to
   * its end. Needed for a clip behind which a transition comes, and for one that lacks the pictures or the sound that others have.
   */
  duration?: number | undefined;
  /** Into the next clip: of this length, or as described; 0: none. Default: that of the options. */
  transition?: number | Transition | undefined;
}

export interface ConcatClipsOptions {
  /** Pixels: clips of another size are scaled, and black is put around those of another shape. Default: they are of one size. */
  width?: number | undefined;
  height?: number | undefined;
  /** Frames per second. Needed with transitions; default: those of the clips. */
  fps?: number | string | undefined;
  /** Hz. Default 48000. */
  sampleRate?: number | undefined;
  /** Default 'stereo'. */
  channelLayout?: string | undefined;
  /** Between all clips. Default: none. */
  transition?: number | Transition | undefined;
  /** Alias of the sub-graph that it makes. Default 'clips'. */
  alias?: string | undefined;
}

const described = strictOptions({
  duration: someSeconds,
  name: v.optional(text('a transition of xfade'), 'fade'),
  curve: v.optional(text('a curve of acrossfade'), 'tri'),
});
type Described = v.InferOutput<typeof described>;

const transition = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'number' && value > 0 ? { duration: value } : value)),
  v.union([v.literal(0), described], 'must be seconds, or { duration, name, curve }'),
);

const clipSchema = v.pipe(
  strictOptions({
    video: v.optional(streamSchema),
    audio: v.optional(streamSchema),
    start: v.optional(seconds, 0),
    duration: v.optional(someSeconds),
    transition: v.optional(transition),
  }),
  v.check(({ video, audio }) => video !== undefined || audio !== undefined, 'has neither video nor audio'),
);

const optionsSchema = v.pipe(
  strictOptions({
    width: v.optional(integer({ min: 2, max: 16384 })),
    height: v.optional(integer({ min: 2, max: 16384 })),
    fps: v.optional(
      parsed<number | string>('frames per second such as 25 or "30000/1001"', (value) =>
        (typeof value === 'number' && value > 0) || (typeof value === 'string' && value !== '') ? value : undefined,
      ),
    ),
    sampleRate: v.optional(integer({ min: 1000, max: 768_000 }), 48_000),
    channelLayout: v.optional(text('a channel layout such as "stereo"'), 'stereo'),
    transition: v.optional(transition, 0),
    alias: v.optional(text('a name'), 'clips'),
  }),
  v.check(({ width, height }) => (width === undefined) === (height === undefined), 'width and height go together'),
);

type CheckedClip = v.InferOutput<typeof clipSchema>;
type CheckedOptions = v.InferOutput<typeof optionsSchema>;

/** A clip as it is put together: its streams by the place among the inputs, and what follows it. */
interface Part {
  readonly video: number | undefined;
  readonly audio: number | undefined;
  readonly start: number;
  readonly duration: number | undefined;
  /** Into the next one. */
  readonly into: Described | undefined;
}

/**
 * Plays clips one after the other. They are brought to one size, frame rate and kind of sound; between two of them there may be a
 * transition, during which the end of one and the beginning of the next are seen and heard together: with transitions of t
 * seconds the whole is so much shorter than its clips. A clip without the sound (pictures) that others have is silent (black).
 * @returns the sub-graph: `.video` and `.audio`, as far as the clips have them.
 * @throws ConfigError naming everything that is wrong with the clips and options.
 * @example
 * const film = concatClips([
 *   { video: a.video, audio: a.audio, duration: 5 },
 *   { video: b.video, audio: b.audio, start: 10, duration: 4, transition: { duration: 0.5, name: 'wipeleft' } },
 *   { video: c.video, audio: c.audio },
 * ], { width: 1280, height: 720, fps: 30, transition: 1 });
 * film.video.encode(film.audio, { output_path: 'film.mp4' });
 */
export function concatClips(clips: readonly Clip[], options: ConcatClipsOptions = {}): NodeHandle {
  const own = checkedList(optionsSchema, options, 'concatClips', () => []);
  const list = checkedList(someOf(clipSchema), clips, 'concatClips', (checked) => problemsOf(checked, own));
  const streams = list.flatMap(({ video, audio }) => [video, audio].filter((stream) => stream !== undefined));
  let place = 0;
  const parts = list.map(
    ({ video, audio, start, duration }, index): Part => ({
      video: video && place++,
      audio: audio && place++,
      start,
      duration,
      into: transitionAfter(list, index, own),
    }),
  );
  const template = defineGraph((graph, inputs) => new Film(graph, inputs, own).joined(parts), { name: 'clips' });
  return streams[0]!.graph.module(template, {}, { inputs: streams, alias: own.alias });
}

function transitionAfter(clips: readonly CheckedClip[], index: number, options: CheckedOptions): Described | undefined {
  if (index === clips.length - 1) return undefined;
  const own = clips[index]!.transition ?? options.transition;
  return own === 0 ? undefined : own;
}

function problemsOf(clips: readonly CheckedClip[], options: CheckedOptions): Problem[] {
  const problems: Problem[] = [];
  const say = (index: number, key: string, message: string): void => {
    problems.push({ path: `[${index}].${key}`, message });
  };
  const last = clips.length - 1;
  const fades = clips.map((_, index) => transitionAfter(clips, index, options));
  const hasVideo = clips.some(({ video }) => video !== undefined);
  const hasAudio = clips.some(({ audio }) => audio !== undefined);
  if (hasVideo && options.fps === undefined && fades.some((fade) => fade !== undefined)) {
    problems.push({ path: 'fps', message: 'is needed with transitions: both clips have to have one frame rate' });
  }
  if (hasVideo && options.width === undefined && clips.some(({ video }) => video === undefined)) {
    problems.push({
      path: 'width',
      message: 'and height are needed for a clip without pictures: black of that size is shown',
    });
  }
  clips.forEach(({ video, audio, duration }, index) => {
    const [before, after] = [fades[index - 1]?.duration ?? 0, fades[index]?.duration ?? 0];
    const lacks = (hasVideo && !video) || (hasAudio && !audio);
    if (duration === undefined) {
      // How long the whole is up to a transition is told by the clips before it.
      const counts = fades.slice(index).some((fade) => fade !== undefined);
      if (counts) say(index, 'duration', 'is needed: it says when the transition behind it, or a later one, begins');
      else if (lacks)
        say(index, 'duration', `is needed of a clip without ${video ? 'audio' : 'video'}, while others have some`);
    } else if (before + after > duration) {
      say(index, 'duration', `is ${duration}, and the transitions into it and out of it take ${before} and ${after}`);
    }
    if (index === last && clips[index]!.transition) say(index, 'transition', 'goes into no clip: it is the last one');
  });
  return problems;
}

/** What has been put together so far. */
interface Joined {
  readonly video: Stream | undefined;
  readonly audio: Stream | undefined;
  /** Seconds; undefined if it is not known. */
  readonly length: number | undefined;
}

class Film {
  constructor(
    private readonly graph: Graph,
    private readonly inputs: readonly Stream[],
    private readonly options: CheckedOptions,
  ) {}

  joined(parts: readonly Part[]): GraphOutputs {
    const hasVideo = parts.some(({ video }) => video !== undefined);
    const hasAudio = parts.some(({ audio }) => audio !== undefined);
    const pieces = parts.map(
      (part): Joined => ({
        video: hasVideo ? this.pictures(part) : undefined,
        audio: hasAudio ? this.sound(part) : undefined,
        length: part.duration,
      }),
    );
    const fades = parts.some(({ into }) => into !== undefined);
    const { video, audio } = fades
      ? pieces.reduce((before, next, index) => this.followed(before, next, parts[index - 1]!.into))
      : this.inRow(pieces);
    return { ...(video && { video }), ...(audio && { audio }) };
  }

  private pictures({ video, start, duration }: Part): Stream {
    const { width, height, fps } = this.options;
    let pictures: Stream;
    if (video === undefined) {
      const size = { size: `${width}x${height}`, rate: fps ?? 25, duration: exact(duration!) };
      pictures = this.graph.filter('color', { color: 'black', ...size });
    } else {
      pictures = this.inputs[video]!;
      const range = {
        ...(start > 0 && { start: exact(start) }),
        ...(duration !== undefined && { duration: exact(duration) }),
      };
      if (Object.keys(range).length > 0) pictures = pictures.trim(range);
      pictures = pictures.setpts('PTS-STARTPTS');
      if (width !== undefined) {
        pictures = pictures
          .scale({ w: width, h: height, force_original_aspect_ratio: 'decrease' })
          .pad({ w: width, h: height, x: '(ow-iw)/2', y: '(oh-ih)/2' });
      }
    }
    pictures = pictures.filter('setsar', 1);
    if (fps !== undefined) pictures = pictures.fps({ fps });
    // The last picture stands where there are too few.
    if (video !== undefined && duration !== undefined) {
      pictures = pictures
        .filter('tpad', { stop_mode: 'clone', stop_duration: exact(duration) })
        .trim({ duration: exact(duration) });
    }
    return pictures.filter('format', 'yuv420p').filter('settb', 'AVTB');
  }

  private sound({ audio, start, duration }: Part): Stream {
    const { sampleRate, channelLayout } = this.options;
    if (audio === undefined) {
      const silence = this.graph.filter('anullsrc', { r: sampleRate, cl: channelLayout });
      return silence.atrim({ duration: exact(duration!) });
    }
    let sound = this.inputs[audio]!;
    const range = {
      ...(start > 0 && { start: exact(start) }),
      ...(duration !== undefined && { duration: exact(duration) }),
    };
    if (Object.keys(range).length > 0) sound = sound.atrim(range);
    sound = sound
      .asetpts('PTS-STARTPTS')
      .filter('aformat', { sample_fmts: 'fltp', sample_rates: sampleRate, channel_layouts: channelLayout });
    if (duration === undefined) return sound;
    return sound.filter('apad', { whole_dur: exact(duration) }).atrim({ duration: exact(duration) });
  }

  /** Without transitions it is FFmpeg's own filter, which knows best how long its segments are. */
  private inRow(pieces: readonly Joined[]): Joined {
    const [only] = pieces;
    if (pieces.length === 1) return only!;
    const { video, audio } = only!;
    const streams = pieces.map((piece) => [piece.video, piece.audio].filter((stream) => stream !== undefined));
    const whole = concat(streams, { v: video ? 1 : 0, a: audio ? 1 : 0 });
    return { video: video && whole.video, audio: audio && whole.audio, length: undefined };
  }

  private followed(before: Joined, next: Joined, into: Described | undefined): Joined {
    const overlap = into?.duration ?? 0;
    const length =
      before.length === undefined || next.length === undefined ? undefined : before.length + next.length - overlap;
    if (into === undefined) {
      const { video, audio } = this.inRow([before, next]);
      // The times that xfade wants to be alike are lost in the row.
      return { video: video?.fps({ fps: this.options.fps! }).filter('settb', 'AVTB'), audio, length };
    }
    const offset = exact(before.length! - overlap);
    const video = before.video?.filter('xfade', next.video!, {
      transition: into.name,
      duration: exact(overlap),
      offset,
    });
    const audio = before.audio?.filter('acrossfade', next.audio!, {
      d: exact(overlap),
      c1: into.curve,
      c2: into.curve,
    });
    return { video, audio, length };
  }
}
