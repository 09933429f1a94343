/** FFmpeg's short names of picture sizes and frame rates (`-s` and `-r` of the ffmpeg command), wherever one is taken. */
import { parsed, type Rational, type Schema, toRational } from './schema.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

const SIZES = (
  'ntsc:720x480 pal:720x576 qntsc:352x240 qpal:352x288 sntsc:640x480 spal:768x576 film:352x240 ntsc-film:352x240 ' +
  'sqcif:128x96 qcif:176x144 cif:352x288 4cif:704x576 16cif:1408x1152 qqvga:160x120 qvga:320x240 vga:640x480 ' +
  'svga:800x600 xga:1024x768 uxga:1600x1200 qxga:2048x1536 sxga:1280x1024 qsxga:2560x2048 hsxga:5120x4096 ' +
  'wvga:852x480 wxga:1366x768 wsxga:1600x1024 wuxga:1920x1200 woxga:2560x1600 wqhd:2560x1440 wqsxga:3200x2048 ' +
  'wquxga:3840x2400 whsxga:6400x4096 whuxga:7680x4800 cga:320x200 ega:640x350 hd480:852x480 hd720:1280x720 ' +
  'hd1080:1920x1080 quadhd:2560x1440 2k:2048x1080 2kdci:2048x1080 2kflat:1998x1080 2kscope:2048x858 4k:4096x2160 ' +
  '4kdci:4096x2160 4kflat:3996x2160 4kscope:4096x1716 nhd:640x360 hqvga:240x160 wqvga:400x240 fwqvga:432x240 ' +
  'hvga:480x320 qhd:960x540 uhd2160:3840x2160 uhd4320:7680x4320'
).split(' ');

const sizes: ReadonlyMap<string, Size> = new Map(
  SIZES.map((entry) => {
    const [name, size] = entry.split(':') as [string, string];
    return [name, pixels(size)!];
  }),
);

const NTSC: Rational = { num: 30000, den: 1001 };
const PAL: Rational = { num: 25, den: 1 };
const rates: ReadonlyMap<unknown, Rational> = new Map([
  ['ntsc', NTSC],
  ['qntsc', NTSC],
  ['sntsc', NTSC],
  ['pal', PAL],
  ['qpal', PAL],
  ['spal', PAL],
  ['film', { num: 24, den: 1 }],
  ['ntsc-film', { num: 24000, den: 1001 }],
]);

/** A frame rate: what `rational` takes, or one of the names. */
export function frameRate(what = 'a frame rate such as 25, "30000/1001", 29.97 or "ntsc"'): Schema<Rational> {
  return parsed(what, toFrameRate);
}

/** What `frameRate` makes of a value; undefined where it refuses it. */
export function toFrameRate(value: unknown): Rational | undefined {
  return rates.get(value) ?? toRational(value);
}

/** A size such as `640x360`, `640:360` or `hd720`; undefined for anything else. */
export function parseSize(value: unknown): Size | undefined {
  return sizes.get(String(value).trim()) ?? pixels(String(value));
}

function pixels(text: string): Size | undefined {
  const match = /^\s*([1-9]\d{0,4})\s*[x:]\s*([1-9]\d{0,4})\s*$/i.exec(text);
  return match ? { width: Number(match[1]), height: Number(match[2]) } : undefined;
}
