import { MillraceError } from '../../src/errors/errors.js';
import { AudioFrame } from '../../src/media/index.js';

/**
 * The channels of all frames in one frame, in order, in FFmpeg's default layout for that many.
 * @returns A planar frame without a time; the caller owns it.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names both frames if rate, format or length differ.
 */
export function joinChannels(frames: readonly AudioFrame[]): AudioFrame {
  const first = frames[0]!;
  frames.forEach((frame, i) => {
    const { sampleRate, format, samples } = frame;
    if (sampleRate === first.sampleRate && format === first.format && samples === first.samples) return;
    throw new MillraceError(
      'ERR_MILLRACE_PAYLOAD',
      `merge: ${named(first)} (input 0) and ${named(frame)} (input ${i}) do not go together`,
      {
        hint: "Audio needs the same sample rate, format and number of samples: put 'aresample' and 'asetnsamples' in front",
      },
    );
  });
  const channels = frames.reduce((sum, frame) => sum + frame.channels, 0);
  const format = first.planar ? first.format : `${first.format}p`;
  const joined = AudioFrame.alloc({ sampleRate: first.sampleRate, channels, format, samples: first.samples });
  const planes = joined.planes();
  let to = 0;
  for (const frame of frames) {
    if (frame.planar) {
      for (const { data } of frame.planes()) planes[to++]!.data.set(data);
    } else to = deinterleave(frame, planes, to);
  }
  return joined;
}

/** @returns The plane behind the last one that was written. */
function deinterleave(frame: AudioFrame, planes: readonly { data: Uint8Array }[], at: number): number {
  const { channels, samples } = frame;
  const { data } = frame.planes()[0]!;
  const width = planes[at]!.data.byteLength / samples;
  for (let channel = 0; channel < channels; channel++) {
    const plane = planes[at + channel]!.data;
    for (let n = 0; n < samples; n++) {
      const from = (n * channels + channel) * width;
      plane.set(data.subarray(from, from + width), n * width);
    }
  }
  return at + channels;
}

function named({ sampleRate, format, samples }: AudioFrame): string {
  return `${samples} samples of ${format} at ${sampleRate} Hz`;
}
