/** The common audio filters as methods; all others through `filter()`. Options: https://ffmpeg.org/ffmpeg-filters.html */

import type { NodeHandle, Stream, StreamTuple } from '../stream.js';
import type { FilterScalar } from './args.js';
import { type Call, FilterMethods, type Named, type Time } from './call.js';

export interface FadeOptions {
  /** 'in' (default) or 'out'. */
  type?: 'in' | 'out';
  start_time?: Time;
  /** Seconds the fade lasts. */
  duration?: Time;
}

export interface TrimOptions {
  /** Time of the first frame kept. */
  start?: Time;
  /** Time of the first frame dropped again. */
  end?: Time;
  /** Seconds of output at most. */
  duration?: Time;
}

export abstract class AudioFilters extends FilterMethods {
  /** Loudness: a factor (0.5), decibels ('-6dB') or an expression. FFmpeg `volume`. */
  volume(
    ...args: Call<[volume: number | string], { volume?: number | string; eval?: 'once' | 'frame'; replaygain?: string }>
  ): NodeHandle {
    return this.filter('volume', ...args);
  }

  /** Keeps one part of the audio; the decoder behind it ends when the part does. FFmpeg `atrim`. */
  atrim(
    ...args: Call<
      [start: Time] | [start: Time, end: Time],
      TrimOptions & { start_sample?: number; end_sample?: number }
    >
  ): NodeHandle {
    return this.filter('atrim', ...args);
  }

  /** Changes timestamps by an expression, e.g. 'PTS-STARTPTS'. FFmpeg `asetpts`. */
  asetpts(...args: Call<[expr: string], { expr?: string }>): NodeHandle {
    return this.filter('asetpts', ...args);
  }

  /**
   * Delays channels, by milliseconds ('2s' for seconds) each; a single value with `all: true` delays all of them.
   * FFmpeg `adelay`.
   */
  adelay(
    ...args: Call<
      [delays: FilterScalar | readonly FilterScalar[]],
      { delays?: FilterScalar | readonly FilterScalar[]; all?: boolean }
    >
  ): NodeHandle {
    return this.filter('adelay', ...args);
  }

  /** Fades in or out. FFmpeg `afade`. */
  afade(...args: Call<[type: 'in' | 'out'], FadeOptions & { curve?: string }>): NodeHandle {
    return this.filter('afade', ...args);
  }

  /**
   * Mixes this stream with others. `inputs` is filled in. FFmpeg `amix`.
   * @param others At least one stream.
   */
  amix(
    others: Stream | readonly Stream[],
    named: Named<{
      duration?: 'longest' | 'shortest' | 'first';
      dropout_transition?: number;
      weights?: string;
      normalize?: boolean;
    }> = {},
  ): NodeHandle {
    return this.joined('amix', others, named);
  }

  /** Puts the channels of several streams into one. `inputs` is filled in. FFmpeg `amerge`. */
  amerge(others: Stream | readonly Stream[], named: Named = {}): NodeHandle {
    return this.joined('amerge', others, named);
  }

  /** The same audio several times: `const [a, b] = stream.asplit(2)`. FFmpeg `asplit`. */
  asplit<const N extends number = 2>(outputs?: N, named: Named = {}): StreamTuple<N> {
    const count = outputs ?? (2 as N);
    return this.filter('asplit', count, named).outputs(count);
  }

  /** Repeats a part: `loop` further times (-1 endless) of `size` samples from `start`. FFmpeg `aloop`. */
  aloop(
    ...args: Call<
      [loop: number, size: number] | [loop: number, size: number, start: number],
      { loop?: number; size?: number; start?: number }
    >
  ): NodeHandle {
    return this.filter('aloop', ...args);
  }

  /** Changes sample rate or format; `async: 1` also fills and trims by the timestamps. FFmpeg `aresample`. */
  aresample(...args: Call<[sample_rate: number], { sample_rate?: number; async?: number }>): NodeHandle {
    return this.filter('aresample', ...args);
  }

  /** Allows only these formats; FFmpeg converts as needed. FFmpeg `aformat`. */
  aformat(
    named: Named<{
      sample_fmts?: string | readonly string[];
      sample_rates?: number | readonly number[];
      channel_layouts?: string | readonly string[];
    }>,
  ): NodeHandle {
    return this.filter('aformat', named);
  }

  /** Speed without changing the pitch, 0.5 to 100. FFmpeg `atempo`. */
  atempo(...args: Call<[tempo: number], { tempo?: number }>): NodeHandle {
    return this.filter('atempo', ...args);
  }

  /** Adds silence at the end, endless unless limited. FFmpeg `apad`. */
  apad(
    named: Named<{ whole_dur?: Time; pad_dur?: Time; whole_len?: number; pad_len?: number; packet_size?: number }> = {},
  ): NodeHandle {
    return this.filter('apad', named);
  }

  /** Mixes channels by a matrix such as 'stereo|c0=FL|c1=FR'. FFmpeg `pan`. */
  pan(args: string, named: Named = {}): NodeHandle {
    return this.filter('pan', args, named);
  }

  /** Loudness to EBU R128. FFmpeg `loudnorm`. */
  loudnorm(named: Named<{ I?: number; LRA?: number; TP?: number; linear?: boolean }> = {}): NodeHandle {
    return this.filter('loudnorm', named);
  }

  /** A filter that joins this stream with others and wants their number. */
  protected joined(name: string, others: Stream | readonly Stream[], named: Named): NodeHandle {
    const streams = [others].flat() as readonly Stream[];
    return this.filter(name, ...streams, { inputs: streams.length + 1, ...named });
  }
}
