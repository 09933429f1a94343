/** The device on which a decoder works, and what becomes of its pictures. */
import { AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX, AV_PIX_FMT_NONE, type AVPixelFormat } from 'node-av/constants';
import { avGetPixFmtFromName, type Codec, type CodecContext, type Frame } from 'node-av/lib';
import { MillraceError } from '../../src/errors/errors.js';
import { messageOf } from '../../src/errors/wire.js';
import {
  automaticKinds,
  type Device,
  type DeviceKind,
  download,
  openDevice,
  pixelFormatName,
  typeOf,
} from '../../src/media/index.js';

export interface HardwareWish {
  readonly hwaccel?: 'auto' | 'none' | DeviceKind | undefined;
  readonly hwaccel_device?: string | undefined;
  readonly hwaccel_output_format?: string | undefined;
  readonly hwaccel_check?: boolean | undefined;
}

/**
 * Opens the device that is wished for.
 * @param warn Hears why the processor decodes instead.
 * @returns undefined where the processor decodes.
 * @throws MillraceError ERR_MILLRACE_OPTION for a device that was named and cannot be opened, or does not know the codec.
 */
export function decodingDevice(
  wish: HardwareWish,
  codec: Codec,
  warn: (text: string) => void,
): DecodingDevice | undefined {
  const { hwaccel = 'none' } = wish;
  if (hwaccel === 'none') return undefined;
  const named = hwaccel !== 'auto';
  const kinds = named ? [hwaccel] : automaticKinds();
  const reasons: string[] = [];
  for (const kind of kinds) {
    const format = formatOn(kind, codec);
    if (format === undefined) {
      reasons.push(`the decoder ${codec.name} does not work on ${kind}`);
      continue;
    }
    try {
      return new DecodingDevice(openDevice(kind, wish.hwaccel_device), format, wish.hwaccel_output_format, warn);
    } catch (error) {
      if (named && !wish.hwaccel_check) throw error;
      reasons.push(messageOf(error));
    }
  }
  const why = reasons.length > 0 ? reasons.join('; ') : `none is known of ${process.platform}`;
  if (named && !wish.hwaccel_check) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `hwaccel: ${why}`, {
      hint: "Leave hwaccel out, or say 'auto' or hwaccel_check: 1 to have the processor decode then",
    });
  }
  warn(`video is decoded on the processor, because hwaccel '${hwaccel}' found no device: ${why}`);
  return undefined;
}

/** The format of its pictures on such a device; undefined if it does not work there. */
function formatOn(kind: DeviceKind, codec: Codec): AVPixelFormat | undefined {
  const type = typeOf(kind);
  for (let i = 0; ; i++) {
    const config = codec.getHwConfig(i);
    if (config === null) return undefined;
    if (config.deviceType === type && (config.methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) !== 0)
      return config.pixFmt;
  }
}

export class DecodingDevice {
  readonly #device: Device;
  readonly #format: AVPixelFormat;
  readonly #stays: boolean;
  /** To which the device converts; undefined: as the pixels lie there. */
  readonly #wanted: AVPixelFormat | undefined;
  readonly #warn: (text: string) => void;
  #told = false;

  constructor(device: Device, format: AVPixelFormat, wanted: string | undefined, warn: (text: string) => void) {
    this.#device = device;
    this.#format = format;
    this.#warn = warn;
    this.#stays = wanted === pixelFormatName(format);
    this.#wanted = wanted === undefined || this.#stays ? undefined : named(wanted, device);
  }

  /** Before the decoder is opened. */
  use(context: CodecContext): void {
    context.hwDeviceCtx = this.#device.context;
    // What the device cannot decode the decoder does by itself, in whatever format it would have.
    context.setHardwarePixelFormat(this.#format);
  }

  /** @returns the picture in main memory; undefined for one that is there, or is to stay where it is. */
  bring(frame: Frame): Frame | undefined {
    if (frame.isHwFrame()) return this.#stays ? undefined : download(frame, this.#wanted);
    if (!this.#told) {
      this.#told = true;
      this.#warn(`video is decoded on the processor: the ${this.#device.kind} device does not decode this stream`);
    }
    return undefined;
  }

  release(): void {
    this.#device.release();
  }
}

function named(name: string, device: Device): AVPixelFormat {
  const format = avGetPixFmtFromName(name);
  if (format !== AV_PIX_FMT_NONE) return format;
  device.release();
  throw new MillraceError('ERR_MILLRACE_OPTION', `hwaccel_output_format: FFmpeg knows no pixel format '${name}'`);
}
