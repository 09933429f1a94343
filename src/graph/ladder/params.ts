/** What encoders are told so that the renditions of a ladder can take each other's place. */
import type { VideoParams } from '../build/module-options.js';
import { amountOf } from '../rate/amounts.js';

/** No encoder sets a key frame of its own before the one that is ordered. */
const NEVER = 100_000;

const X265 = 'x265-params';

/** The parameters of a rendition, whose own win. */
export function withKeyFrames(params: VideoParams): VideoParams {
  const ours = keyFrameParams(params.codec);
  const both = [ours[X265], params[X265]].filter((text) => text !== undefined);
  // In such a list the last one that says something wins.
  return { ...ours, ...params, ...(both.length > 1 && { [X265]: both.join(':') }) };
}

/**
 * Key frames only where they are ordered, and as such that nothing behind refers to what is before: a key frame at a
 * change of scene, or at the end of the encoder's own interval, would be in one rendition and not in another.
 */
function keyFrameParams(codec: string | undefined): VideoParams {
  switch (codec) {
    case undefined:
    case 'h264':
    case 'avc':
    case 'libx264':
      return { g: NEVER, sc_threshold: 0 };
    case 'hevc':
    case 'h265':
    case 'libx265':
      return { g: NEVER, 'forced-idr': 1, [X265]: 'scenecut=0:open-gop=0', vtag: 'hvc1' };
    case 'vp9':
    case 'libvpx-vp9':
    case 'av1':
    case 'libsvtav1':
      return { g: NEVER };
    default:
      return /_(nvenc|qsv|amf|vaapi|videotoolbox)$/.test(codec) ? { g: NEVER } : {};
  }
}

/** Encoders that keep within a buffer (`maxrate`, `bufsize`), by all of their names. */
const BUFFERED = /^(h264|avc|libx264|hevc|h265|libx265|(h264|hevc|av1)_(nvenc|qsv|amf|vaapi))$/;

/**
 * Players count on the bandwidth that they are told: with a bit rate and no limit of its own, a rendition has peaks of a
 * fifth more, over two seconds.
 */
export function ratesOf({ codec = 'h264', ...params }: VideoParams): VideoParams {
  const given = params.bit_rate ?? params.bitrate ?? params['b:v'] ?? params.b;
  const rate = given === undefined ? undefined : amountOf(given);
  if (rate === undefined || !BUFFERED.test(codec)) return {};
  if (['maxrate', 'bufsize', 'maxrate:v', 'bufsize:v'].some((key) => params[key] !== undefined)) return {};
  return { maxrate: Math.round(rate * 1.2), bufsize: Math.round(rate * 2) };
}
