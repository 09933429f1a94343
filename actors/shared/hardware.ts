/**
 * Devices that decode and filter: which kinds there are, what each needs of the machine, and those that are open. A device is
 * opened once in a thread for all who name it, and closed behind the last of them; FFmpeg's contexts hold references of
 * their own.
 */
import type { FFHWDeviceType } from 'node-av/constants';
import { HardwareDeviceContext } from 'node-av/lib';
import { MillraceError, withLines } from '../../src/errors/errors.js';
import { alone, errorText, ledger, linesOf, markLog, NO_CODEC } from '../../src/media/index.js';

/** In the order in which 'auto' tries them. */
export const HARDWARE = ['cuda', 'vaapi', 'qsv', 'videotoolbox', 'd3d11va', 'vulkan'] as const;
export type HardwareName = (typeof HARDWARE)[number];
/** Filters have one more. */
export type DeviceName = HardwareName | 'opencl';

const NEEDS: Readonly<Record<DeviceName, string>> = {
  cuda: "an NVIDIA GPU and its driver (libcuda); in a container, the driver's libraries and NVIDIA_DRIVER_CAPABILITIES=video",
  vaapi: 'a VA-API driver (libva with that of the GPU) and access to /dev/dri/renderD128',
  qsv: "an Intel GPU, its media driver and oneVPL's runtime",
  videotoolbox: 'macOS',
  d3d11va: 'Windows and the driver of the GPU',
  vulkan: 'a Vulkan driver of the GPU (libvulkan and its ICD)',
  opencl: 'an OpenCL driver (its ICD; pocl is one for the processor)',
};

interface Open {
  readonly context: HardwareDeviceContext;
  users: number;
}

const open = new Map<string, Open>();

export class Device {
  #key: string | undefined;

  private constructor(
    readonly name: DeviceName,
    key: string,
    readonly context: HardwareDeviceContext,
  ) {
    this.#key = key;
  }

  /**
   * @param device Which of its kind, as FFmpeg names them: '0', '/dev/dri/renderD129'; undefined: the first.
   * @param who Names it, in messages; `instead`: what would do without.
   * @throws MillraceError ERR_MILLRACE_OPTION that says what the machine lacks.
   */
  static open(name: DeviceName, device: string | undefined, who: string, instead: string): Device {
    const key = `${name}:${device ?? ''}`;
    let one = open.get(key);
    if (one === undefined) {
      const context = new HardwareDeviceContext();
      const type = HardwareDeviceContext.findTypeByName(name as FFHWDeviceType);
      const since = markLog();
      const ret = type === 0 ? undefined : alone(() => context.create(type, device ?? null));
      if (ret === undefined || ret < 0) {
        const which = device === undefined ? `no device '${name}'` : `no device '${device}' of '${name}'`;
        const why = ret === undefined ? 'this FFmpeg was built without it' : errorText(ret);
        const hint = `It needs ${NEEDS[name]}; ${instead}`;
        throw new MillraceError(
          'ERR_MILLRACE_OPTION',
          `${who}: ${which} can be opened on this machine (${why})`,
          withLines({ hint }, linesOf(NO_CODEC, since)),
        );
      }
      ledger.opened('device');
      one = { context, users: 0 };
      open.set(key, one);
    }
    one.users++;
    return new Device(name, key, one.context);
  }

  close(): void {
    const key = this.#key;
    this.#key = undefined;
    const one = key === undefined ? undefined : open.get(key);
    if (key === undefined || one === undefined || --one.users > 0) return;
    open.delete(key);
    one.context.free();
    ledger.closed('device');
  }
}
