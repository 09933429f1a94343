/**
 * What the first frame carries for the whole stream: mastering display, light level, colour profile, projection. As in
 * the ffmpeg command (since 7.1) it goes into the container as side data of the stream. Into the bitstream it goes by
 * parameters of x264, x265 and SVT-AV1, because `decoded_side_data` of a codec context, by which the command hands it over,
 * cannot be reached from here; other encoders read it from the frames themselves, or have no place for it.
 */
import {
  AV_FRAME_DATA_3D_REFERENCE_DISPLAYS,
  AV_FRAME_DATA_AMBIENT_VIEWING_ENVIRONMENT,
  AV_FRAME_DATA_CONTENT_LIGHT_LEVEL,
  AV_FRAME_DATA_DISPLAYMATRIX,
  AV_FRAME_DATA_DOVI_METADATA,
  AV_FRAME_DATA_DOVI_RPU_BUFFER,
  AV_FRAME_DATA_DYNAMIC_HDR_PLUS,
  AV_FRAME_DATA_DYNAMIC_HDR_VIVID,
  AV_FRAME_DATA_ICC_PROFILE,
  AV_FRAME_DATA_MASTERING_DISPLAY_METADATA,
  AV_FRAME_DATA_SPHERICAL,
  AV_FRAME_DATA_STEREO3D,
  AV_PKT_DATA_3D_REFERENCE_DISPLAYS,
  AV_PKT_DATA_AMBIENT_VIEWING_ENVIRONMENT,
  AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_DOVI_CONF,
  AV_PKT_DATA_ICC_PROFILE,
  AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
  AV_PKT_DATA_SPHERICAL,
  AV_PKT_DATA_STEREO3D,
  type AVFrameSideDataType,
  type AVPacketSideDataType,
} from 'node-av/constants';
import type { CodecParameters, Frame } from 'node-av/lib';
import { check } from '../../../src/media/index.js';
import type { AVOptionValues } from '../../../src/schema/schema.js';
import { contentLight, masteringDisplay } from '../../shared/hdr.js';

/** FFmpeg's ff_sd_global_map, as far as it is about pictures: the bytes are the same under both names. */
const OF_THE_STREAM: readonly [AVFrameSideDataType, AVPacketSideDataType][] = [
  [AV_FRAME_DATA_DISPLAYMATRIX, AV_PKT_DATA_DISPLAYMATRIX],
  [AV_FRAME_DATA_SPHERICAL, AV_PKT_DATA_SPHERICAL],
  [AV_FRAME_DATA_STEREO3D, AV_PKT_DATA_STEREO3D],
  [AV_FRAME_DATA_MASTERING_DISPLAY_METADATA, AV_PKT_DATA_MASTERING_DISPLAY_METADATA],
  [AV_FRAME_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_CONTENT_LIGHT_LEVEL],
  [AV_FRAME_DATA_ICC_PROFILE, AV_PKT_DATA_ICC_PROFILE],
  [AV_FRAME_DATA_AMBIENT_VIEWING_ENVIRONMENT, AV_PKT_DATA_AMBIENT_VIEWING_ENVIRONMENT],
  [AV_FRAME_DATA_3D_REFERENCE_DISPLAYS, AV_PKT_DATA_3D_REFERENCE_DISPLAYS],
];

/** What changes from frame to frame, and no parameter of an encoder can say. */
const OF_EVERY_FRAME: readonly [AVFrameSideDataType, string][] = [
  [AV_FRAME_DATA_DOVI_METADATA, 'Dolby Vision metadata'],
  [AV_FRAME_DATA_DOVI_RPU_BUFFER, 'Dolby Vision metadata'],
  [AV_FRAME_DATA_DYNAMIC_HDR_PLUS, 'HDR10+ metadata'],
  [AV_FRAME_DATA_DYNAMIC_HDR_VIVID, 'HDR Vivid metadata'],
];

/** Adds the side data of a frame to what a muxer is told of its stream; what the encoder told it already stays. */
export function describeFrame(frame: SideData, parameters: CodecParameters): void {
  for (const [type, data] of frame) {
    if (parameters.getCodedSideData(type) !== null) continue;
    check(parameters.addCodedSideData(type, data), 'Cannot describe the side data of a stream');
  }
}

export type SideData = ReadonlyMap<AVPacketSideDataType, Buffer>;

/** Copies, by the name that side data has at a stream. */
export function sideDataOf(frame: Frame): SideData {
  const found = new Map<AVPacketSideDataType, Buffer>();
  for (const [type, name] of OF_THE_STREAM) {
    const data = frame.getSideData(type);
    if (data !== null) found.set(name, Buffer.from(data));
  }
  return found;
}

/** Muxers that write some side data only where `strict` allows what is no standard, or never. */
const NEEDS_STRICT = new Map<AVPacketSideDataType, readonly [name: string, strict: RegExp, never: RegExp]>([
  [AV_PKT_DATA_DOVI_CONF, ['the Dolby Vision configuration', /^mp4$/, /^(mov|webm|ipod|avi|flv|asf)$/]],
  [AV_PKT_DATA_SPHERICAL, ['the spherical projection', /^mp4$/, /^(mpegts|avi|flv|asf)$/]],
  [AV_PKT_DATA_STEREO3D, ['the stereoscopic layout', /^mp4$/, /^(mpegts|avi|flv|asf)$/]],
]);

/** What this container does not get of the side data of its stream, one sentence each. */
export function unwrittenSideData(
  types: Iterable<AVPacketSideDataType>,
  format: string,
  mux: AVOptionValues | undefined,
): string[] {
  const loose = /^(unofficial|experimental|-1|-2)$/.test(String(mux?.strict ?? ''));
  const sentences: string[] = [];
  for (const type of types) {
    const [name, strict, never] = NEEDS_STRICT.get(type) ?? [];
    if (never?.test(format)) sentences.push(`${name} is lost: '${format}' has no place for it`);
    else if (strict?.test(format) && !loose) {
      sentences.push(`${name} is lost: '${format}' takes it only with mux_params: { strict: 'unofficial' }`);
    }
  }
  return sentences;
}

/** Names of what the frames carry and an encoder does not write. */
export function lostSideData(frame: Frame, encoder: string, av: AVOptionValues): string[] {
  const lost = OF_EVERY_FRAME.filter(([type, name]) => {
    if (frame.getSideData(type) === null) return false;
    return name !== 'Dolby Vision metadata' || !av.dolbyvision || !['libx265', 'libsvtav1'].includes(encoder);
  });
  return [...new Set(lost.map(([, name]) => name))];
}

/** Parameters by which an encoder takes mastering display and light level, where its own option does not say them. */
export function hdrParameters(encoder: string, sideData: SideData, av: AVOptionValues): AVOptionValues {
  const way = WAYS[encoder];
  if (!way) return {};
  const given = String(av[way.option] ?? '');
  const display = mastering(sideData.get(AV_PKT_DATA_MASTERING_DISPLAY_METADATA));
  const light = contentLight(sideData.get(AV_PKT_DATA_CONTENT_LIGHT_LEVEL));
  const own = [
    display && [way.display, display(way.chromaticity, way.luminance)],
    light && [way.light, `${light.max},${light.average}`],
  ].filter((pair) => Array.isArray(pair) && !new RegExp(`(^|:)${pair[0]}(=|:|$)`).test(given)) as [string, string][];
  if (own.length === 0) return {};
  const texts = own.map(([name, value]) => `${name}=${value}`);
  return { [way.option]: [...texts, ...(given === '' ? [] : [given])].join(':') };
}

interface Way {
  readonly option: string;
  readonly display: string;
  readonly light: string;
  /** How a chromaticity (0 to 1) and a luminance (cd/m²) are written. */
  chromaticity(value: number): string;
  luminance(value: number): string;
}

const fixed = (unit: number) => (value: number) => String(Math.round(value * unit));
const decimal = (value: number): string => value.toFixed(5);
const sei = { chromaticity: fixed(50_000), luminance: fixed(10_000) };

const x264: Way = { option: 'x264-params', display: 'mastering-display', light: 'cll', ...sei };
const WAYS: Readonly<Record<string, Way | undefined>> = {
  libx264: x264,
  libx264rgb: x264,
  libx265: { option: 'x265-params', display: 'master-display', light: 'max-cll', ...sei },
  libsvtav1: {
    option: 'svtav1-params',
    display: 'mastering-display',
    light: 'content-light',
    chromaticity: decimal,
    luminance: decimal,
  },
};

/** Both primaries and luminances are wanted by all of them. */
function mastering(data: Buffer | undefined): ((chromaticity: Text, luminance: Text) => string) | undefined {
  const { red, green, blue, white, minLuminance, maxLuminance } = masteringDisplay(data) ?? {};
  if (!red || !green || !blue || !white || minLuminance === undefined || maxLuminance === undefined) return undefined;
  const point = (name: string, [x, y]: [number, number], text: Text) => `${name}(${text(x)},${text(y)})`;
  return (chromaticity, luminance) =>
    point('G', green, chromaticity) +
    point('B', blue, chromaticity) +
    point('R', red, chromaticity) +
    point('WP', white, chromaticity) +
    `L(${luminance(maxLuminance)},${luminance(minLuminance)})`;
}

type Text = (value: number) => string;
