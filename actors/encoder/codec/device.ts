/** Encoders that work on a device: whether the machine has one, and what to take where it has not. */
import { AV_HWDEVICE_TYPE_VULKAN } from 'node-av/constants';
import { avGetCodecName, type Codec } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { messageOf } from '../../../src/errors/wire.js';
import { type ChosenDevice, kindOf, requireDevice } from '../../../src/media/index.js';

const HARDWARE = /_(vaapi|nvenc|qsv|amf|vulkan|v4l2m2m|videotoolbox|mf|mediacodec|omx|rkmpp|d3d12va)$/;

const SOFTWARE: Readonly<Record<string, string>> = {
  h264: 'libx264',
  hevc: 'libx265',
  av1: 'libsvtav1',
  vp8: 'libvpx',
  vp9: 'libvpx-vp9',
  mjpeg: 'mjpeg',
  mpeg2video: 'mpeg2video',
  mpeg4: 'mpeg4',
  prores: 'prores_ks',
  ffv1: 'ffv1',
};

/**
 * What would work without a device; undefined for an encoder that needs none.
 * @param why What stands in the way of this one.
 */
export function deviceHint({ name, id }: Codec, why: string): string | undefined {
  if (!HARDWARE.test(name ?? '')) return undefined;
  const software = SOFTWARE[avGetCodecName(id) ?? ''];
  return `${why}${software ? `; on the processor: codec: '${software}'` : ''}`;
}

/** @throws MillraceError ERR_MILLRACE_OPTION for an encoder whose device cannot be opened on this machine. */
export function refuseWithoutDevice(codec: Codec, path: string, chosen?: ChosenDevice): void {
  if (!HARDWARE.test(codec.name ?? '')) return;
  const failures: string[] = [];
  for (const type of codec.getSupportedDeviceTypes()) {
    // Opening one takes seconds; the encoder itself says soon enough that there is none.
    if (type === AV_HWDEVICE_TYPE_VULKAN) return;
    const kind = kindOf(type);
    if (kind === undefined) return;
    try {
      requireDevice(kind, chosen?.kind === kind ? chosen.name : undefined);
      return;
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  // Those that name no device of FFmpeg's find their own when they are opened.
  if (failures.length === 0) return;
  throw new MillraceError(
    'ERR_MILLRACE_OPTION',
    `${path}.codec: encoder ${codec.name} works on a device, and none could be opened on this machine: ${failures.join('; ')}`,
    { hint: deviceHint(codec, 'Install the driver of the device') ?? '' },
  );
}
