/**
 * Where the pictures of a filter graph are: in main memory or on a device. What a filter needs is known by its name; where
 * pictures come from another place, they are brought there, as the ffmpeg command's users do by hand with hwupload and
 * hwdownload.
 */
import type { DeviceKind } from '../../../src/media/index.js';
import { parseArguments } from './arguments.js';
import type { FilterSpec } from './filter-spec.js';

export type Place = DeviceKind | 'main';

const BY_NAME: readonly (readonly [name: RegExp, kind: DeviceKind])[] = [
  [/_(cuda|npp)$/, 'cuda'],
  [/_vaapi$/, 'vaapi'],
  [/_qsv$/, 'qsv'],
  [/_vulkan$/, 'vulkan'],
  [/_opencl$/, 'opencl'],
  [/_vt$/, 'videotoolbox'],
  [/_d3d11$/, 'd3d11va'],
  [/_amf$/, 'amf'],
];

/** They look at times and properties, not at pixels, and leave pictures where they are; libplacebo works at both places. */
const ANYWHERE = new Set(
  (
    'null setpts settb fps framestep trim select split concat loop realtime sendcmd setsar setdar setparams setfield setrange ' +
    'showinfo metadata sidedata copy interleave streamselect cue latency libplacebo'
  ).split(' '),
);

/** They bring pictures to another place themselves. */
const MOVING = /^(hwupload(_cuda|_vaapi)?|hwdownload|hwmap)$/;

/** Whether a filter does nothing else: its one picture in and one out are known, and it is refused without a device. */
export function onlyMoves(name: string): boolean {
  return MOVING.test(name);
}

/** The device on which a filter works; undefined for all that work in main memory, or wherever pictures are. */
export function deviceOf(name: string): DeviceKind | undefined {
  const uploads = /^hwupload_(cuda|vaapi)$/.exec(name)?.[1];
  if (uploads !== undefined) return uploads as DeviceKind;
  if (MOVING.test(name)) return undefined;
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
}

/** Where a filter wants its pictures; undefined: wherever they are. */
export function wantedPlace(name: string): Place | undefined {
  if (name.startsWith('hwupload')) return 'main';
  if (MOVING.test(name) || ANYWHERE.has(name)) return undefined;
  return deviceOf(name) ?? 'main';
}

/**
 * Where its pictures are behind it.
 * @param before Where they were before it; undefined for a filter that makes them.
 * @param uploaded Where hwupload brings them.
 */
export function placeBehind(
  { name, args }: FilterSpec,
  before: Place | undefined,
  uploaded: DeviceKind | undefined,
): Place {
  if (name === 'hwdownload') return 'main';
  if (name === 'hwupload') return uploaded ?? 'main';
  if (name === 'hwmap') return derived(args) ?? uploaded ?? 'main';
  return deviceOf(name) ?? (ANYWHERE.has(name) ? before : undefined) ?? 'main';
}

function derived(args: string | undefined): DeviceKind | undefined {
  const given = parseArguments(args ?? '').find(({ name }) => name === 'derive_device')?.value;
  return given as DeviceKind | undefined;
}

/** The format in main memory that a filter makes, where its arguments name one. */
export function formatBehind({ name, args }: FilterSpec): string | undefined {
  const given = parseArguments(args ?? '');
  if (name === 'format') {
    const named = given.find((argument) => argument.name === 'pix_fmts' || argument.name === 'f') ?? given[0];
    return named?.name === undefined || /^(pix_fmts|f)$/.test(named.name) ? named?.value.split('|')[0] : undefined;
  }
  if (deviceOf(name) === undefined) return undefined;
  return given.find((argument) => argument.name === 'format' || argument.name === 'out_format')?.value;
}

/** Whether any of it needs a device. */
export function needsDevice(filters: readonly FilterSpec[]): boolean {
  return filters.some(({ name }) => deviceOf(name) !== undefined || MOVING.test(name));
}
