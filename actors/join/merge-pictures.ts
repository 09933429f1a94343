import { MillraceError } from '../../src/errors/errors.js';
import { VideoFrame } from '../../src/media/index.js';

export type Arrangement = 'hstack' | 'vstack' | 'grid';

/**
 * The pictures beside, above each other, or row by row in a grid, in one new picture (FFmpeg's filters hstack, vstack
 * and xstack). A grid that is not full is black in its last row.
 * @param scale Pictures of another size or format are converted to those of the first; otherwise they are refused.
 * @returns A frame without a time; the caller owns it.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names both pictures.
 */
export function arrange(
  frames: readonly VideoFrame[],
  arrangement: Arrangement,
  {
    columns = Math.ceil(Math.sqrt(frames.length)),
    scale = false,
  }: { columns?: number | undefined; scale?: boolean } = {},
): VideoFrame {
  const first = frames[0]!;
  const perRow =
    arrangement === 'hstack' ? frames.length : arrangement === 'vstack' ? 1 : Math.min(columns, frames.length);
  const rows = Math.ceil(frames.length / perRow);
  const converted: VideoFrame[] = [];
  try {
    for (const [i, frame] of frames.entries()) converted.push(fitting(frame, i, first, arrangement, scale));
    const width = Math.max(...chunks(converted, perRow).map((row) => sum(row, (frame) => frame.width)));
    const height = sum(chunks(converted, perRow), (row) => row[0]!.height);
    const target = VideoFrame.alloc({ width, height, format: first.format, frameRate: first.frameRate });
    try {
      if (rows * perRow > frames.length) blacken(target);
      place(target, converted, perRow);
    } catch (error) {
      target.close();
      throw error;
    }
    return target;
  } finally {
    for (const frame of converted) frame.close();
  }
}

/** A reference to the frame, or a converted copy. */
function fitting(
  frame: VideoFrame,
  input: number,
  first: VideoFrame,
  arrangement: Arrangement,
  scale: boolean,
): VideoFrame {
  const width = arrangement === 'hstack' ? frame.width : first.width;
  const height = arrangement === 'vstack' ? frame.height : first.height;
  if (frame.width === width && frame.height === height && frame.format === first.format) return frame.clone();
  if (scale) return frame.reformat({ width: first.width, height: first.height, format: first.format });
  const named = ({ width, height, format }: VideoFrame): string => `${width}x${height} ${format}`;
  const same = { hstack: 'height and format', vstack: 'width and format', grid: 'size and format' }[arrangement];
  throw new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `merge: ${named(first)} (input 0) and ${named(frame)} (input ${input}) do not go together in ${arrangement}`,
    { hint: `They need the same ${same}; 'scale: true' converts them to those of input 0` },
  );
}

function place(target: VideoFrame, frames: readonly VideoFrame[], perRow: number): void {
  const into = target.planes();
  const tops = into.map(() => 0);
  for (const row of chunks(frames, perRow)) {
    const lefts = into.map(() => 0);
    for (const frame of row) {
      for (const [p, plane] of frame.planes().entries()) {
        const to = into[p]!;
        // Half a chroma sample cannot be placed: an odd width in front of another picture, or an odd height above one.
        if (lefts[p]! + plane.width > to.width || tops[p]! + plane.height > to.height) throw odd(frame);
        for (let y = 0; y < plane.height; y++) {
          const from = y * plane.stride;
          to.data.set(plane.data.subarray(from, from + plane.width), (tops[p]! + y) * to.stride + lefts[p]!);
        }
        lefts[p]! += plane.width;
      }
    }
    for (const [p, plane] of row[0]!.planes().entries()) tops[p]! += plane.height;
  }
}

function odd({ width, height, format }: VideoFrame): MillraceError {
  return new MillraceError(
    'ERR_MILLRACE_PAYLOAD',
    `merge: a picture of ${width}x${height} in ${format} cannot stand in front of another`,
    { hint: 'Formats with subsampled colour need even sizes' },
  );
}

/** Black in any format, by FFmpeg's own conversion. */
function blacken(target: VideoFrame): void {
  const grey = VideoFrame.alloc({ width: target.width, height: target.height, format: 'gray' });
  try {
    for (const plane of grey.planes()) plane.data.fill(0);
    const black = grey.reformat({ format: target.format });
    try {
      const into = target.planes();
      for (const [p, plane] of black.planes().entries()) {
        const to = into[p]!;
        for (let y = 0; y < plane.height; y++) {
          to.data.set(plane.data.subarray(y * plane.stride, y * plane.stride + plane.width), y * to.stride);
        }
      }
    } finally {
      black.close();
    }
  } finally {
    grey.close();
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const rows: T[][] = [];
  for (let i = 0; i < items.length; i += size) rows.push(items.slice(i, i + size));
  return rows;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
