/**
 * Filters that work in the memory of a device, between nodes that work in main memory: which device a filter needs, and
 * which filters before and behind it bring pictures there and back.
 */
import type { AVPixelFormat } from 'node-av/constants';
import type { FilterContext } from 'node-av/lib';
import { MillraceError } from '../../../src/errors/errors.js';
import { pixelFormat, pixelFormatName } from '../../../src/media/index.js';
import type { Log } from '../../../src/module/contract.js';
import { Device, type DeviceName } from '../../shared/hardware.js';
import type { FilterSpec } from './filter-spec.js';

const SUFFIXES: Readonly<Record<string, DeviceName>> = {
  cuda: 'cuda',
  npp: 'cuda',
  vaapi: 'vaapi',
  qsv: 'qsv',
  vt: 'videotoolbox',
  vulkan: 'vulkan',
  opencl: 'opencl',
};

/** They take the device of the others. */
const BRIDGES = new Set(['hwupload', 'hwmap', 'hwdownload']);

/** The device that a filter works on; undefined for one of the processor. */
function deviceOf({ name }: FilterSpec): DeviceName | undefined {
  if (name === 'libplacebo') return 'vulkan';
  return BRIDGES.has(name) ? undefined : SUFFIXES[/_([a-z]+)$/.exec(name)?.[1] ?? ''];
}

/** It takes and gives nothing but pictures of its device. */
export function isOnDevice(spec: FilterSpec): boolean {
  // libplacebo uploads by itself, and what uploads takes pictures of main memory.
  return deviceOf(spec) !== undefined && spec.name !== 'libplacebo' && !spec.name.startsWith('hwupload');
}

/** The device of all filters of a graph, open; undefined if none needs one. @throws MillraceError ERR_MILLRACE_OPTION */
export function openDeviceFor(specs: readonly FilterSpec[]): Device | undefined {
  const needed = specs.filter((spec) => deviceOf(spec) !== undefined);
  const names = [...new Set(needed.map(deviceOf))];
  const [name] = names;
  if (name === undefined) return undefined;
  if (names.length > 1) {
    throw new MillraceError(
      'ERR_MILLRACE_OPTION',
      `the filters ${needed.map((spec) => `'${spec.name}'`).join(', ')} work on different devices (${names.join(', ')})`,
      { hint: 'Make a node of each' },
    );
  }
  return Device.open(name, undefined, `the filter '${needed[0]!.name}'`, 'or take a filter of the processor');
}

/** What is done for them without having been said. */
export function noteDevices(specs: readonly FilterSpec[], log: Log): void {
  for (const spec of specs.filter(isOnDevice)) {
    const device = deviceOf(spec);
    log.info(`pictures are brought to the device '${device}' for the filter '${spec.name}', and back behind it`);
  }
}

/** Before it is initialised. */
export function giveDevice(context: FilterContext, spec: FilterSpec, device: Device | undefined): void {
  if (device && (deviceOf(spec) !== undefined || BRIDGES.has(spec.name))) context.hwDeviceCtx = device.context;
}

/** In front of a filter on a device. @param format Of the pictures that come. */
export function upload(format: string, device: Device): FilterSpec[] {
  return [
    { name: 'format', args: `pix_fmts=${formatOn(device, format)}` },
    { name: 'hwupload', instance: undefined },
  ];
}

/** Behind it. @param format Of the pictures that came to it. */
export function download({ args = '' }: FilterSpec, format: string, device: Device): FilterSpec[] {
  const given = /(?:^|:)(?:format|out_format)=([a-z0-9]+)(?=:|$)/.exec(args)?.[1];
  return [{ name: 'hwdownload' }, { name: 'format', args: `pix_fmts=${given ?? formatOn(device, format)}` }];
}

/** The same, or what devices have in common. */
function formatOn(device: Device, format: string): string {
  const valid = device.context.getHwframeConstraints()?.validSwFormats;
  if (valid === undefined || valid.length === 0 || valid.includes(pixelFormat(format))) return format;
  return (
    ['nv12', 'yuv420p'].find((name) => valid.includes(pixelFormat(name))) ?? pixelFormatName(valid[0] as AVPixelFormat)
  );
}
