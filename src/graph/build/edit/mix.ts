/** `mixAudio`: sounds at the same time, each from its moment on. */
import * as v from 'valibot';
import { boolean, choice, number, strictOptions, text } from '../../../schema/schema.js';
import type { NodeHandle, Stream } from '../stream.js';
import { defineGraph } from '../subgraph/define.js';
import { checkedList, exact, fading, seconds, someOf, someSeconds, streamSchema } from './checks.js';

/** One sound of a mix. */
export interface AudioTrack {
  stream: Stream;
  /** Seconds of the mix at which it begins. Default 0. */
  at?: number | undefined;
  /** Seconds of the sound itself; what comes before is left out. Default 0. */
  start?: number | undefined;
  /** Seconds. Default: to its end. */
  duration?: number | undefined;
  /** Factor. Default 1. */
  volume?: number | undefined;
  /** Seconds in which it comes and goes; the latter needs a `duration`. Default 0. */
  fadeIn?: number | undefined;
  fadeOut?: number | undefined;
}

export interface MixAudioOptions {
  /** How long the mix is. Default 'longest'. */
  duration?: 'longest' | 'shortest' | 'first' | undefined;
  /** Makes every track quieter by the number of tracks, so that nothing is clipped. Default false. */
  normalize?: boolean | undefined;
  /** Hz. Default 48000. */
  sampleRate?: number | undefined;
  /** Default 'stereo'. */
  channelLayout?: string | undefined;
  /** Alias of the sub-graph that it makes. Default 'mix'. */
  alias?: string | undefined;
}

const trackSchema = fading(
  strictOptions({
    stream: streamSchema,
    at: v.optional(seconds, 0),
    start: v.optional(seconds, 0),
    duration: v.optional(someSeconds),
    volume: v.optional(number({ min: 0, max: 1000 }), 1),
    fadeIn: v.optional(seconds, 0),
    fadeOut: v.optional(seconds, 0),
  }),
);

const optionsSchema = strictOptions({
  duration: v.optional(choice('longest', 'shortest', 'first'), 'longest'),
  normalize: v.optional(boolean(), false),
  sampleRate: v.optional(number({ min: 1000, max: 768_000 }), 48_000),
  channelLayout: v.optional(text('a channel layout such as "stereo"'), 'stereo'),
  alias: v.optional(text('a name'), 'mix'),
});

type Checked = v.InferOutput<typeof trackSchema>;
type CheckedOptions = v.InferOutput<typeof optionsSchema>;

/**
 * Mixes sounds, each from a moment of its own on. For sounds one after the other that go over into each other see `concatClips`.
 * @throws ConfigError naming everything that is wrong.
 * @example
 * mixAudio([{ stream: speech.audio, at: 1 }, { stream: music.audio, volume: 0.2, duration: 20, fadeOut: 3 }]);
 */
export function mixAudio(tracks: readonly AudioTrack[], options: MixAudioOptions = {}): NodeHandle {
  const own = checkedList(optionsSchema, options, 'mixAudio', () => []);
  const list = checkedList(someOf(trackSchema), tracks, 'mixAudio', () => []);
  const template = defineGraph(
    (_, inputs) => {
      const [first, ...others] = list.map((track, index) => prepared(inputs[index]!, track, own));
      if (others.length === 0) return first!;
      const { duration, normalize } = own;
      return first!.filter('amix', ...others, { inputs: list.length, duration, normalize, dropout_transition: 0 });
    },
    { name: 'mix' },
  );
  return list[0]!.stream.graph.module(template, {}, { inputs: list.map(({ stream }) => stream), alias: own.alias });
}

function prepared(
  stream: Stream,
  { at, start, duration, volume, fadeIn, fadeOut }: Checked,
  { sampleRate, channelLayout }: CheckedOptions,
): Stream {
  const range = {
    ...(start > 0 && { start: exact(start) }),
    ...(duration !== undefined && { duration: exact(duration) }),
  };
  let sound = Object.keys(range).length > 0 ? stream.atrim(range) : stream;
  sound = sound
    .asetpts('PTS-STARTPTS')
    .filter('aformat', { sample_fmts: 'fltp', sample_rates: sampleRate, channel_layouts: channelLayout });
  if (volume !== 1) sound = sound.volume(volume);
  if (fadeIn > 0) sound = sound.afade({ type: 'in', start_time: 0, duration: exact(fadeIn) });
  if (fadeOut > 0)
    sound = sound.afade({ type: 'out', start_time: exact(duration! - fadeOut), duration: exact(fadeOut) });
  return at > 0 ? sound.adelay({ delays: Math.round(at * 1000), all: true }) : sound;
}
