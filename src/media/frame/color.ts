/** FFmpeg's names of colour properties (av_color_space_name and its siblings); the position is the number (ITU-T H.273). */

const spaces = (
  'gbr bt709 unknown reserved fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c smpte2085 chroma-derived-nc ' +
  'chroma-derived-c ictcp ipt-c2 ycgco-re ycgco-ro'
).split(' ');

const ranges = ['unknown', 'tv', 'pc'];

const primaries = [
  ...'reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432'.split(
    ' ',
  ),
  ...new Array<string>(9).fill('reserved'),
  'ebu3213',
];

const transfers = (
  'reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e ' +
  'iec61966-2-1 bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67'
).split(' ');

const numberOf = (names: readonly string[]) => (name: string) => {
  const number = names.indexOf(name);
  return number < 0 || name === 'reserved' ? undefined : number;
};

/** undefined: there is no such name. */
export const colorSpaceNumber = numberOf(spaces);
export const colorRangeNumber = numberOf(ranges);

// Numbers past the tables are FFmpeg's own extensions, for which the bindings have no names either.
const nameOf = (names: readonly string[]) => (value: number) => names[value] ?? `${value}`;

export const colorSpaceName = nameOf(spaces);
export const colorRangeName = nameOf(ranges);
export const colorPrimariesName = nameOf(primaries);
export const colorTransferName = nameOf(transfers);

/** A pixel format of luma alone, with or without alpha. */
export function isGray(format: string): boolean {
  return /^(?:gray|ya(?:8|16|f)|mono[wb])/.test(format);
}

/** A pixel format of red, green and blue, in planes, packed or by a palette. */
export function isRgb(format: string): boolean {
  return format === 'pal8' || (/rgb|bgr|gbr/.test(format) && !format.startsWith('bayer'));
}

/** A pixel format of luma and chroma in main memory. */
export function isYuv(format: string): boolean {
  return /^(?:yuv|yuyv|uyvy|uyyv|yvyu|nv\d|p\d{3}|p4\d\d|y2\d\d|xv\d\d|v30x|ayuv|vuy|vyu|uyva)/.test(format);
}
