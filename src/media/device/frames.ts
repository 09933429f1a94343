/** Pictures in the memory of a device. */
import type { AVPixelFormat } from 'node-av/constants';
import { Frame, type HardwareDeviceContext, HardwareFramesContext } from 'node-av/lib';
import { check, pixelFormatName } from '../ffmpeg.js';
import { ledger } from '../ledger.js';
import { type DeviceKind, kindOf } from './device.js';

/** What is known of the pool that a picture on a device is from. It lives as long as the picture. */
export interface FramesOf {
  readonly context: HardwareFramesContext;
  readonly device: HardwareDeviceContext;
  readonly kind: DeviceKind | undefined;
  /** Of the picture in main memory. */
  readonly softwareFormat: AVPixelFormat;
}

/** @returns undefined for a picture in main memory. */
export function framesOf(av: Frame): FramesOf | undefined {
  const context = contextOf(av);
  const device = context?.deviceRef;
  if (!context || !device) return undefined;
  return { context, device, kind: kindOf(device.type), softwareFormat: context.swFormat };
}

/** node-av's own accessor keeps its first answer, although the object of a frame is used again for others. */
function contextOf(av: Frame): HardwareFramesContext | undefined {
  const native = av.getNative().hwFramesCtx;
  if (native === null || native === undefined) return undefined;
  return Object.assign(Object.create(HardwareFramesContext.prototype), { native }) as HardwareFramesContext;
}

/**
 * A picture in main memory with the pixels, times and properties of one on a device.
 * @param format To which the device converts, where it can; absent: as the pixels lie there.
 */
export function download(av: Frame, format?: AVPixelFormat): Frame {
  const target = new Frame();
  target.alloc();
  try {
    if (format !== undefined) target.format = format;
    const what = `Cannot download a ${pixelFormatName(av.format as AVPixelFormat)} picture`;
    check(av.hwframeTransferDataSync(target, 0), what);
    check(target.copyProps(av), what);
    // The frame says how much of the picture is to be seen, where the pool has more.
    target.width = av.width;
    target.height = av.height;
    return target;
  } catch (error) {
    target.free();
    throw error;
  }
}

/** Keeps the pool of a picture, and with it its device, when the picture is gone. Whoever made it releases it. */
export class HeldFrames {
  readonly kind: DeviceKind | undefined;
  /** Name of the format in main memory. */
  readonly softwareFormat: string;
  readonly #frame = new Frame();
  #released = false;

  private constructor({ context, kind, softwareFormat }: FramesOf) {
    this.kind = kind;
    this.softwareFormat = pixelFormatName(softwareFormat);
    this.#frame.alloc();
    this.#frame.hwFramesCtx = context;
    ledger.opened('device-frames');
  }

  /** @returns undefined for a picture in main memory. */
  static of(av: Frame): HeldFrames | undefined {
    const frames = framesOf(av);
    return frames && new HeldFrames(frames);
  }

  get context(): HardwareFramesContext {
    return contextOf(this.#frame)!;
  }

  get device(): HardwareDeviceContext {
    return this.context.deviceRef!;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#frame.free();
    ledger.closed('device-frames');
  }
}
