/** Sums the squared errors that an encoder with AV_CODEC_FLAG_PSNR attaches to its packets. */

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

  /** One line with the mean PSNR in dB per plane and over all, for 4:2:0 pictures of 8 bits as FFmpeg's own report. */
  report(width: number, height: number): string {
    if (this.#frames === 0) return 'PSNR: the encoder reported none';
    const samples = [1, 0.25, 0.25].map((share) => share * width * height * this.#frames);
    const planes = samples.map((count, i) => decibel(this.#errors[i]!, count));
    const total = decibel(sum(this.#errors), sum(samples));
    return `PSNR over ${this.#frames} frames: Y ${planes[0]} dB, U ${planes[1]} dB, V ${planes[2]} dB, all ${total} dB`;
  }
}

function decibel(squaredError: number, samples: number): string {
  return squaredError === 0 ? 'infinite' : (-10 * Math.log10(squaredError / (samples * 255 * 255))).toFixed(2);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
