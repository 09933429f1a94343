/**
 * The ffmpeg command's own names for what a stream is like, brought to those of `video_params` and `audio_params`:
 * `b:v` and `ac` are no options of libavcodec, and a command line that is carried over to a graph is full of them.
 */
import * as v from 'valibot';
import { describeValue } from '../../../src/errors/naming.js';
import type { Schema } from '../../../src/schema/schema.js';
import { parseSize } from '../../../src/schema/video-names.js';

type Values = Record<string, unknown>;

const VIDEO: Readonly<Record<string, string>> = {
  c: 'codec',
  vcodec: 'codec',
  vb: 'bit_rate',
  bitrate: 'bit_rate',
  q: 'qscale',
  tag: 'vtag',
  fpsmax: 'max_fr',
  fps_mode: 'vsync',
  pixel_format: 'pix_fmt',
  s: 'size',
  video_size: 'size',
};

const AUDIO: Readonly<Record<string, string>> = {
  c: 'codec',
  acodec: 'codec',
  ab: 'bit_rate',
  bitrate: 'bit_rate',
  q: 'qscale',
  aq: 'qscale',
  tag: 'atag',
  ac: 'channels',
  ar: 'sample_rate',
  channel_layout: 'ch_layout',
};

/** Libavcodec's own names for the same thing: they have their own syntax and stay, but not beside the other one. */
const SAME: Readonly<Record<string, string>> = { b: 'bit_rate', global_quality: 'qscale', sar: 'aspect' };

/** @param inner The schema of the options under their own names. */
export function spelled<T>(kind: 'video' | 'audio', inner: Schema<T>): Schema<T> {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, unknown>(({ dataset, addIssue, NEVER }) => {
      if (!isObject(dataset.value)) return dataset.value;
      const input = dataset.value;
      const values: Values = {};
      /** What has been said, and under which key. */
      const said = new Map<string, string>();
      let wrong = false;
      for (const [key, value] of Object.entries(input)) {
        if (value === undefined) continue;
        const refuse = (message: string): void => {
          wrong = true;
          addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value }] });
        };
        const name = ownName(kind, key);
        for (const meaning of name === 'size' ? ['width', 'height'] : [SAME[name] ?? name]) {
          const other = said.get(meaning);
          if (other !== undefined) refuse(`says the same as '${other}', which is given as well: keep one of them`);
          said.set(meaning, key);
        }
        if (name !== 'size') values[name] = value;
        else if (!takeSize(values, value))
          refuse(`must be a size such as "640x360" or "hd720", not ${describeValue(value)}`);
      }
      return wrong ? NEVER : values;
    }),
    inner as v.GenericSchema<unknown, T>,
  );
}

/** `profile:v` and `profile:v:0` mean this one stream; for a stream of another kind they stay, to be refused by name. */
function ownName(kind: 'video' | 'audio', key: string): string {
  const plain = key.replace(kind === 'video' ? /:v(:0)?$/ : /:a(:0)?$/, '');
  if (plain === 'b' && key !== 'b') return 'bit_rate';
  const names = kind === 'video' ? VIDEO : AUDIO;
  return Object.hasOwn(names, plain) ? names[plain]! : plain;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function takeSize(values: Values, size: unknown): boolean {
  const parsed = parseSize(size);
  Object.assign(values, parsed);
  return parsed !== undefined;
}
