/** Decoding on a device: which one, and the way of its pictures into main memory, where everybody else works. */
import { Codec, type CodecContext, Frame, HardwareDeviceContext } from 'node-av/lib';
import { MillraceError } from '../../src/errors/errors.js';
import { check } from '../../src/media/index.js';
import { Device, HARDWARE, type HardwareName } from '../shared/hardware.js';

export interface HardwareWish {
  readonly name: HardwareName | 'auto';
  /** Which device of its kind. */
  readonly device: string | undefined;
  /** What cannot be decoded there is decoded on the processor, and `warn` told why. */
  readonly mayFallBack: boolean;
  warn(text: string): void;
}

const INSTEAD = "'auto' decodes on the processor where there is none";

export class HardwareDecoding {
  readonly #device: Device;
  readonly #wish: HardwareWish;
  readonly #what: string;
  #proven = false;

  private constructor(device: Device, wish: HardwareWish, what: string) {
    this.#device = device;
    this.#wish = wish;
    this.#what = what;
  }

  /**
   * Has a decoder that is not open yet use a device.
   * @param what is decoded, in messages.
   * @returns undefined if it will decode on the processor.
   * @throws MillraceError ERR_MILLRACE_OPTION if it has to be a device, and that is not to be had.
   */
  static begin(wish: HardwareWish, codec: Codec, context: CodecContext, what: string): HardwareDecoding | undefined {
    const able = codec.getSupportedDeviceTypes().map((type) => String(HardwareDeviceContext.getTypeName(type)));
    const wanted = wish.name === 'auto' ? HARDWARE.filter((name) => able.includes(name)) : [wish.name];
    const failures: unknown[] = [];
    for (const name of wanted) {
      try {
        if (!able.includes(name)) throw unable(name, codec, able);
        const device = Device.open(name, wish.device, 'hwaccel', INSTEAD);
        context.hwDeviceCtx = device.context;
        return new HardwareDecoding(device, wish, what);
      } catch (error) {
        if (!wish.mayFallBack) throw error;
        failures.push(error);
      }
    }
    const why = failures.map((error) => (error as Error).message).join('; ') || `no device decodes ${codec.name}`;
    wish.warn(`${what} is decoded on the processor: ${why}`);
    return undefined;
  }

  /**
   * A picture in main memory; the one that came is released.
   * @throws MillraceError ERR_MILLRACE_INPUT if the device turned out not to decode this stream, and has to; FFmpegError
   * if it cannot be fetched.
   */
  fetch(frame: Frame): Frame {
    if (frame.hwFramesCtx === null) {
      if (!this.#proven) this.#refused();
      return frame;
    }
    this.#proven = true;
    const copy = new Frame();
    copy.alloc();
    try {
      const what = `Cannot fetch a picture of ${this.#what} from the device '${this.#device.name}'`;
      check(frame.hwframeTransferDataSync(copy, 0), what);
      check(copy.copyProps(frame), what);
    } catch (error) {
      copy.free();
      throw error;
    } finally {
      frame.free();
    }
    return copy;
  }

  /** FFmpeg takes the processor by itself for what a device cannot do. */
  #refused(): void {
    this.#proven = true;
    const text = `the device '${this.#device.name}' does not decode ${this.#what} (its profile, size or pixel format)`;
    if (this.#wish.mayFallBack) this.#wish.warn(`${text}: it is decoded on the processor`);
    else throw new MillraceError('ERR_MILLRACE_INPUT', text, { hint: "hwaccel: 'auto' takes the processor then" });
  }

  /** Behind the decoder. */
  close(): void {
    this.#device.close();
  }
}

function unable(name: string, codec: Codec, able: readonly string[]): MillraceError {
  const known = able.filter((other) => HARDWARE.some((one) => one === other));
  const works = known.length === 0 ? 'It works on the processor only' : `It works on ${known.join(', ')}`;
  const own = `${codec.name}_${name}`;
  const hint = Codec.findDecoderByName(own as never)
    ? `${works}; '${name}' has a decoder of its own: video_codec: '${own}'`
    : works;
  return new MillraceError('ERR_MILLRACE_OPTION', `hwaccel: the decoder ${codec.name} does not work on '${name}'`, {
    hint,
  });
}
