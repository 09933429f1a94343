/** The loudest and quietest samples of a sound, point by point, and a picture of them. */
import { VideoFrame } from '../../media/frame/video-frame.js';

/** Peaks as audiowaveform writes them and peaks.js reads them. */
export interface Peaks {
  readonly version: 2;
  readonly channels: number;
  /** Hz. */
  readonly sample_rate: number;
  /** Samples of one point; not always whole where `points` was given. */
  readonly samples_per_pixel: number;
  readonly bits: 8 | 16;
  /** Points. */
  readonly length: number;
  /** Of each point and, within it, of each channel the lowest and the highest sample. */
  readonly data: readonly number[];
}

/** With a given number of points: how many times as many are kept until the length is known. */
const SPARE = 16;

/**
 * Collects 16-bit samples in points of a fixed length, or into a given number of points: then neighbours are joined whenever
 * there are too many, and the last step makes as many as are wanted. Memory does not grow with the sound.
 */
export class PeakCollector {
  /** Lowest and highest, channel by channel, point by point. */
  private points: number[] = [];
  /** Samples of a point. */
  private step: number;
  private open: number[] | undefined;
  private inOpen = 0;
  private total = 0;

  constructor(
    private readonly channels: number,
    private readonly wanted: { readonly points: number } | { readonly samplesPerPoint: number },
  ) {
    this.step = 'points' in wanted ? 1 : wanted.samplesPerPoint;
  }

  /** @param planes Samples of each channel. */
  add(planes: readonly Int16Array[]): void {
    const length = planes[0]?.length ?? 0;
    for (let from = 0; from < length; ) {
      const to = Math.min(length, from + this.step - this.inOpen);
      this.open ??= Array.from({ length: 2 * this.channels }, (_, n) => (n % 2 === 0 ? 32_767 : -32_768));
      for (let channel = 0; channel < this.channels; channel++) {
        const samples = planes[channel]!;
        let [low, high] = [this.open[2 * channel]!, this.open[2 * channel + 1]!];
        for (let n = from; n < to; n++) {
          const sample = samples[n]!;
          if (sample < low) low = sample;
          if (sample > high) high = sample;
        }
        this.open[2 * channel] = low;
        this.open[2 * channel + 1] = high;
      }
      this.inOpen += to - from;
      this.total += to - from;
      from = to;
      if (this.inOpen >= this.step) this.closePoint();
    }
  }

  finish(sampleRate: number, bits: 8 | 16): Peaks {
    if (this.open) this.closePoint();
    const width = 2 * this.channels;
    const count = this.points.length / width;
    const wanted = 'points' in this.wanted ? Math.min(this.wanted.points, count) : count;
    const scale = bits === 8 ? 256 : 1;
    const data: number[] = [];
    for (let point = 0; point < wanted; point++) {
      const from = Math.floor((point * count) / wanted);
      const to = Math.max(from + 1, Math.floor(((point + 1) * count) / wanted));
      for (const value of this.range(from, to)) data.push(Math.floor(value / scale));
    }
    const exact = 'points' in this.wanted ? this.total / Math.max(1, wanted) : this.step;
    return {
      version: 2,
      channels: this.channels,
      sample_rate: sampleRate,
      samples_per_pixel: exact,
      bits,
      length: wanted,
      data,
    };
  }

  private closePoint(): void {
    this.points.push(...this.open!);
    this.open = undefined;
    this.inOpen = 0;
    if (!('points' in this.wanted) || this.points.length / (2 * this.channels) < this.wanted.points * SPARE) return;
    const count = this.points.length / (2 * this.channels);
    const halved: number[] = [];
    // An even number, as SPARE is: none is left over.
    for (let point = 0; point < count; point += 2) halved.push(...this.range(point, point + 2));
    this.points = halved;
    this.step *= 2;
  }

  private range(from: number, to: number): number[] {
    const width = 2 * this.channels;
    const found = this.points.slice(from * width, (from + 1) * width);
    for (let point = from + 1; point < to; point++) {
      for (let n = 0; n < width; n++) {
        const value = this.points[point * width + n]!;
        found[n] = n % 2 === 0 ? Math.min(found[n]!, value) : Math.max(found[n]!, value);
      }
    }
    return found;
  }
}

export interface WaveformPicture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, opacity: 0 to 255. */
  readonly color: readonly number[];
  readonly background: readonly number[];
}

/** Channels one below the other, each with its middle line. */
export function drawPeaks(peaks: Peaks, { width, height, color, background }: WaveformPicture): VideoFrame {
  const pixels = new Uint8Array(width * height * 4);
  for (let n = 0; n < width * height; n++) pixels.set(background, 4 * n);
  const full = peaks.bits === 8 ? 128 : 32_768;
  const band = height / peaks.channels;
  for (let x = 0; x < width && peaks.length > 0; x++) {
    const from = Math.floor((x * peaks.length) / width);
    const to = Math.max(from + 1, Math.floor(((x + 1) * peaks.length) / width));
    for (let channel = 0; channel < peaks.channels; channel++) {
      let [low, high] = [0, 0];
      for (let point = from; point < to; point++) {
        const place = 2 * (point * peaks.channels + channel);
        low = Math.min(low, peaks.data[place]!);
        high = Math.max(high, peaks.data[place + 1]!);
      }
      const middle = (channel + 0.5) * band;
      const top = Math.max(0, Math.round(middle - (high / full) * (band / 2) - 0.5));
      const bottom = Math.min(height - 1, Math.round(middle - (low / full) * (band / 2) - 0.5));
      for (let y = top; y <= bottom; y++) pixels.set(color, 4 * (y * width + x));
    }
  }
  return VideoFrame.from(pixels, { width, height, format: 'rgba', pts: 0n, timeBase: { num: 1, den: 25 } });
}
