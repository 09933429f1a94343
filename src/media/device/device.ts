/**
 * Devices that decode, filter and encode (hardware acceleration), as FFmpeg opens them: one for each kind and name in a
 * thread, shared by all that use it there and closed with the last of them. Frames that are on a device keep it open.
 */
import type { AVHWDeviceType, AVPixelFormat, FFHWDeviceType } from 'node-av/constants';
import { HardwareDeviceContext } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { failure } from '../ffmpeg.js';
import { ledger } from '../ledger.js';
import { alone } from '../log/ffmpeg-log.js';

/** FFmpeg's names of the kinds that are known here (`ffmpeg -hwaccels`). */
export const DEVICE_KINDS = [
  'cuda',
  'vaapi',
  'qsv',
  'videotoolbox',
  'vulkan',
  'd3d11va',
  'd3d12va',
  'dxva2',
  'opencl',
  'drm',
  'vdpau',
  'amf',
] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** What the kinds need on a machine. */
const DRIVERS: Readonly<Partial<Record<DeviceKind, string>>> = {
  cuda: "NVIDIA's driver (libcuda.so.1, nvcuda.dll) and a card of theirs",
  vaapi: 'a VA-API driver (Debian: va-driver-all) and access to /dev/dri/renderD128',
  qsv: "an Intel graphics processor and Intel's media driver (Debian: intel-media-va-driver, libmfxgen1)",
  videotoolbox: 'macOS',
  vulkan: 'a Vulkan driver (Debian: mesa-vulkan-drivers)',
  d3d11va: 'Windows',
  d3d12va: 'Windows',
  dxva2: 'Windows',
  opencl: 'an OpenCL driver (Debian: pocl-opencl-icd for the processor)',
  amf: "AMD's driver",
};

/** In the order in which 'auto' tries them. Not Vulkan: a machine without a graphics processor opens one that decodes nothing. */
const AUTOMATIC: Readonly<Partial<Record<NodeJS.Platform, readonly DeviceKind[]>>> = {
  linux: ['cuda', 'vaapi', 'qsv'],
  darwin: ['videotoolbox'],
  win32: ['cuda', 'd3d11va', 'qsv', 'dxva2'],
};

export function automaticKinds(): readonly DeviceKind[] {
  return AUTOMATIC[process.platform] ?? [];
}

export function typeOf(kind: DeviceKind): AVHWDeviceType {
  return HardwareDeviceContext.findTypeByName(kind as unknown as FFHWDeviceType);
}

export function kindOf(type: AVHWDeviceType): DeviceKind | undefined {
  const name: unknown = HardwareDeviceContext.getTypeName(type);
  return DEVICE_KINDS.find((kind) => kind === name);
}

/** An open device. Whoever opened it releases it. */
export interface Device {
  readonly kind: DeviceKind;
  readonly context: HardwareDeviceContext;
  /** Formats in main memory that frames can be uploaded from; [] if FFmpeg does not say. */
  readonly formats: readonly AVPixelFormat[];
  release(): void;
}

interface Open {
  readonly context: HardwareDeviceContext;
  readonly formats: readonly AVPixelFormat[];
  users: number;
}

/** Of this thread, by kind and name. */
const open = new Map<string, Open>();
/**
 * @param name FFmpeg's: '0', '/dev/dri/renderD128', 'llvmpipe'; absent: the first one.
 * @throws FFmpegError ERR_MILLRACE_OPTION, which says what the kind needs.
 */
export function openDevice(kind: DeviceKind, name?: string): Device {
  const key = `${kind}:${name ?? ''}`;
  let device = open.get(key);
  if (device === undefined) {
    const context = alone(() => create(kind, name));
    const formats = (context.getHwframeConstraints()?.validSwFormats ?? []) as AVPixelFormat[];
    device = { context, formats, users: 0 };
    ledger.opened('device');
    open.set(key, device);
  }
  const opened = device;
  opened.users++;
  let released = false;
  return {
    kind,
    context: opened.context,
    formats: opened.formats,
    release() {
      if (released) return;
      released = true;
      if (--opened.users > 0) return;
      open.delete(key);
      opened.context.free();
      ledger.closed('device');
    },
  };
}

function create(kind: DeviceKind, name: string | undefined): HardwareDeviceContext {
  const context = new HardwareDeviceContext();
  const type = typeOf(kind);
  const what = `Cannot open ${name === undefined ? `a ${kind} device` : `the ${kind} device '${name}'`}`;
  if (!HardwareDeviceContext.iterateTypes().includes(type)) {
    throw new MillraceError('ERR_MILLRACE_OPTION', `${what}: this FFmpeg knows none on this system`, {
      hint: `Such a device needs ${DRIVERS[kind] ?? 'another system'}`,
    });
  }
  const ret = context.create(type, name ?? null);
  if (ret >= 0) return context;
  throw failure(ret, what, { code: 'ERR_MILLRACE_OPTION', hint: `It needs ${DRIVERS[kind] ?? `a driver for ${kind}`}` });
}
