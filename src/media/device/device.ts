/**
 * Devices that decode, filter and encode (hardware acceleration), as FFmpeg opens them: one for each kind and name in a
 * thread, shared by all that use it there and closed with the last of them. Frames that are on a device keep it open.
 */
import type { AVHWDeviceType, AVPixelFormat, FFHWDeviceType } from 'node-av/constants';
import { HardwareDeviceContext } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { failure, pixelFormatName } from '../ffmpeg.js';
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
  const key = keyOf(kind, name);
  const opened = there(kind, name);
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
      close(key, opened);
    },
  };
}

/**
 * Opens a device for whoever uses it next, so that a check whether there is one opens none in vain. It stays until the last user
 * has released it, or, if there is none, until `closeIdleDevices`.
 * @throws FFmpegError ERR_MILLRACE_OPTION, which says what the kind needs.
 */
export function requireDevice(kind: DeviceKind, name?: string): void {
  there(kind, name);
}

/** Those of this thread that nobody uses. */
export function closeIdleDevices(): void {
  for (const [key, device] of open) if (device.users === 0) close(key, device);
}

function keyOf(kind: DeviceKind, name: string | undefined): string {
  return `${kind}:${name ?? ''}`;
}

function there(kind: DeviceKind, name: string | undefined): Open {
  const key = keyOf(kind, name);
  const known = open.get(key);
  if (known) return known;
  const context = alone(() => create(kind, name));
  const formats = (context.getHwframeConstraints()?.validSwFormats ?? []) as AVPixelFormat[];
  const device = { context, formats, users: 0 };
  ledger.opened('device');
  open.set(key, device);
  return device;
}

function close(key: string, { context }: Open): void {
  open.delete(key);
  context.free();
  ledger.closed('device');
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
  throw failure(ret, what, {
    code: 'ERR_MILLRACE_OPTION',
    hint: `It needs ${DRIVERS[kind] ?? `a driver for ${kind}`}`,
  });
}

/** A filter by FFmpeg's name with its arguments. */
type Step = readonly [name: string, args: string];

/**
 * The filters that bring pictures of main memory to a device. Some pictures are stored bottom-up (vflip does that), with a distance
 * between rows below zero, and what uploads to Vulkan reads beyond them: hence the copy.
 * @param format from which they are uploaded (`uploadable`).
 */
export function uploading(format: string): readonly [format: Step, copy: Step, upload: Step] {
  return [
    ['format', `pix_fmts=${format}`],
    ['copy', ''],
    ['hwupload', ''],
  ];
}

/** The filters that bring pictures of a device into main memory. @param format that they have there. */
export function downloading(format: string): readonly [download: Step, format: Step] {
  return [
    ['hwdownload', ''],
    ['format', `pix_fmts=${format}`],
  ];
}

/** A format in which pictures can be uploaded: their own, or the one nearest to it. */
export function uploadable(format: string | undefined, formats: readonly AVPixelFormat[]): string {
  const names = formats.map(pixelFormatName);
  if (format !== undefined && (names.length === 0 || names.includes(format))) return format;
  if (names.length === 0) return 'nv12';
  const deep = format !== undefined && /(9|1[0-6])(le|be)?$/.test(format);
  const rgb = format !== undefined && /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr)/.test(format);
  const liked = [
    ...(rgb ? ['bgra', 'rgba', 'bgr0', 'rgb0'] : []),
    ...(deep ? ['p010le', 'yuv420p10le'] : []),
    'nv12',
    'yuv420p',
  ];
  return liked.find((name) => names.includes(name)) ?? names[0]!;
}

/** As `hwaccel_device` names it: 'vulkan', 'cuda:1', 'vaapi:/dev/dri/renderD129'. */
export interface ChosenDevice {
  readonly kind: DeviceKind;
  readonly name: string | undefined;
}

/** @returns undefined for a text that names no device. */
export function readDevice(text: string): ChosenDevice | undefined {
  const [kind, ...rest] = text.split(':');
  const known = DEVICE_KINDS.find((one) => one === kind);
  return known && { kind: known, name: rest.length > 0 ? rest.join(':') : undefined };
}

/** Pixel formats of pictures on a device, by what FFmpeg calls them. */
const FORMATS: Readonly<Record<string, DeviceKind>> = {
  cuda: 'cuda',
  vaapi: 'vaapi',
  qsv: 'qsv',
  videotoolbox_vld: 'videotoolbox',
  vulkan: 'vulkan',
  d3d11: 'd3d11va',
  d3d12: 'd3d12va',
  dxva2_vld: 'dxva2',
  opencl: 'opencl',
  drm_prime: 'drm',
  vdpau: 'vdpau',
  amf: 'amf',
};

/** The kind of device that pictures of a format are on; undefined for a format of main memory. */
export function kindOfFormat(format: AVPixelFormat): DeviceKind | undefined {
  return FORMATS[pixelFormatName(format)];
}
