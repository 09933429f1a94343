/** Arguments of the command line that are more than text. */
import { InvalidArgumentError } from 'commander';
import { secondsOf } from '../../schema/clock-text.js';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** "640x360", "-2x360": -1 and -2 keep the aspect, -2 with an even number. */
export function size(text: string): PictureSize {
  const match = /^(-[12]|[1-9]\d{0,4})[x:](-[12]|[1-9]\d{0,4})$/i.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (match && (width > 0 || height > 0)) return { width, height };
  throw new InvalidArgumentError('Give width and height, such as 640x360 or -2x360.');
}

/** Seconds from "90", "1:30" or "0:01:30.5". */
function seconds(text: string): number {
  const found = secondsOf(text);
  if (found === undefined) throw new InvalidArgumentError('Give seconds or [h:]m:s, such as 90, 1:30 or 0:01:30.5.');
  return found;
}

export const startPoint = seconds;

export function endPoint(text: string): number {
  const end = seconds(text);
  if (end > 0) return end;
  throw new InvalidArgumentError('The end must be later than 0.');
}

/** Seconds of a segment, above 0. */
export function segment(text: string): number {
  const length = Number(text);
  if (length > 0 && length < 3600) return length;
  throw new InvalidArgumentError('Give a number of seconds above 0.');
}

/** A number of threads or 'auto'; the graph checks the range. */
export function threads(text: string): number | 'auto' {
  if (text === 'auto') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number or auto.');
}

/** Times, one after the other: "5,1:30". */
export function timeList(text: string): number[] {
  return text.split(',').map(seconds);
}

/** A number from 0. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0) return value;
  throw new InvalidArgumentError('Give a number from 0.');
}

/** A whole number from 1. */
export function positive(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number from 1 to 9999.');
}

/** Of a stream: a whole number from 0. */
export function streamIndex(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give the index of a stream, from 0.');
}
