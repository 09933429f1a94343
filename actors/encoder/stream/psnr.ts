/** Sums the squared errors that an encoder with AV_CODEC_FLAG_PSNR attaches to its packets. */
import type { AVPixelFormat } from 'node-av/constants';
import { pixelFormatName } from '../../../src/media/ffmpeg.js';
import { pictureLayout } from '../../../src/media/frame/plane-layout.js';

export class QualityMeter {
  readonly #errors = [0, 0, 0];
  #frames = 0;

  /** @param stats AV_PKT_DATA_QUALITY_STATS: u32 quality, u8 type, u8 count, u16, then `count` sums of squared errors (u64). */
  add(stats: Buffer | null): void {
    if (stats === null || stats.length < 8) return;
    const count = Math.min(stats.readUInt8(5), this.#errors.length);
    if (count === 0 || stats.length < 8 + 8 * count) return;
    this.#frames++;
    for (let i = 0; i < count; i++) this.#errors[i]! += Number(stats.readBigUInt64LE(8 + 8 * i));
  }

  /**
   * The mean PSNR in dB over all planes, and a line with that of each, as x264 has them in its own report; undefined if
   * the encoder reported none.
   */
  report(format: AVPixelFormat, width: number, height: number): { readonly all: number; text: string } | undefined {
    if (this.#frames === 0) return undefined;
    const { planes } = pictureLayout(format, width, height);
    const [luma] = planes;
    // Of what is packed or half packed into planes: chroma has the share of rows and bytes beside luma's.
    const share = planes.length === 3 ? (planes[1]!.rowBytes * planes[1]!.rows) / (luma!.rowBytes * luma!.rows) : 0.25;
    const peak = 2 ** Number(/(\d{1,2})[lb]e$/.exec(pixelFormatName(format))?.[1] ?? 8) - 1;
    const samples = [1, share, share].map((part) => part * width * height * this.#frames);
    const names = ['Y', 'U', 'V'].map((name, i) => `${name} ${shown(decibel(this.#errors[i]!, samples[i]!, peak))}`);
    const all = decibel(sum(this.#errors), sum(samples), peak);
    return { all, text: `PSNR over ${this.#frames} frames: ${names.join(', ')}, all ${shown(all)}` };
  }
}

function decibel(squaredError: number, samples: number, peak: number): number {
  return squaredError === 0 ? Number.POSITIVE_INFINITY : -10 * Math.log10(squaredError / (samples * peak * peak));
}

function shown(value: number): string {
  return `${Number.isFinite(value) ? value.toFixed(2) : 'infinite'} dB`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
