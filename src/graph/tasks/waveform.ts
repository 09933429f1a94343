/** `waveform`: how loud a sound is along its length, as numbers and as a picture. */
import * as v from 'valibot';
import { MillraceError } from '../../errors/errors.js';
import { describeValue } from '../../errors/naming.js';
import type { AudioFrame } from '../../media/frame/audio-frame.js';
import { EncodedPacket } from '../../media/packet/encoded-packet.js';
import { Packet } from '../../media/packet/packet.js';
import type { Report } from '../../scheduler/run/report.js';
import { checked } from '../../schema/problems.js';
import { choice, integer, parsed, strictOptions } from '../../schema/schema.js';
import { syncModule } from '../call/sync-module.js';
import { type Target, type TaskOutput, target, writeWhole } from './output.js';
import { drawPeaks, PeakCollector, type Peaks } from './peaks.js';
import { openInput, read, requireKind, type TaskInput, type TaskOptions, taskEntries, taskGraph } from './task.js';

export interface WaveformOptions extends TaskOptions {
  /** How many points the whole length has. Default: the width of the picture. */
  readonly points?: number | undefined;
  /** In place of it: samples of a point, such as 256; this is what peaks.js zooms by. */
  readonly samplesPerPoint?: number | undefined;
  /** 'mix', the default: one line for all channels. 'split': one for each. */
  readonly channels?: 'mix' | 'split' | undefined;
  /** Of the values: 8, the default (-128 to 127), or 16. */
  readonly bits?: 8 | 16 | undefined;
  /** Pixels of the picture. Default 1800 times 280. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** '#rrggbb' or '#rrggbbaa'. Default '#2f6fdf', and nothing behind it. */
  readonly color?: string | undefined;
  readonly background?: string | undefined;
  /**
   * *.png for the picture, *.json for the peaks, or a list of both; `{ png, json }` for what has no such name, such as a sink or
   * stream. Default: none; both can be had from the result.
   */
  readonly output?: string | URL | readonly (string | URL)[] | WaveformOutputs | undefined;
}

export interface WaveformOutputs {
  readonly png?: TaskOutput | undefined;
  readonly json?: TaskOutput | undefined;
}

export interface Waveform {
  readonly peaks: Peaks;
  /** A PNG; drawn when it is asked for. */
  readonly picture: Uint8Array;
  readonly report: Report;
}

const color = parsed('a color such as #2f6fdf or #2f6fdf80', (value) => {
  const [, hex, opacity = 'ff'] = (typeof value === 'string' && /^#([\da-f]{6})([\da-f]{2})?$/i.exec(value)) || [];
  return hex === undefined ? undefined : [...Buffer.from(hex + opacity, 'hex')];
});

const schema = strictOptions({
  ...taskEntries,
  points: v.optional(integer({ min: 1, max: 1_000_000 })),
  samplesPerPoint: v.optional(integer({ min: 2, max: 1_000_000_000 })),
  channels: v.optional(choice('mix', 'split'), 'mix'),
  bits: v.optional(choice(8, 16), 8),
  width: v.optional(integer({ min: 1, max: 32_768 }), 1800),
  height: v.optional(integer({ min: 1, max: 8192 }), 280),
  color: v.optional(color, '#2f6fdf'),
  background: v.optional(color, '#00000000'),
  output: v.optional(
    v.union(
      [target, v.array(target), strictOptions({ png: v.optional(target), json: v.optional(target) })],
      'must be a path or URL, a list of them, or { png, json }',
    ),
  ),
});

/** Samples that come at once: few packets, and the calling thread is never busy for long. */
const AT_ONCE = 65_536;

/**
 * The peaks of a sound, as players draw them: numbers in the form of audiowaveform and peaks.js, and a PNG.
 *
 * ```ts
 * const { peaks } = await waveform('in.mp3', { samplesPerPoint: 512 });
 * await waveform('in.mp4', { width: 1200, height: 200, channels: 'split', output: ['wave.png', 'wave.json'] });
 * ```
 * @throws as `thumbnails`, and ERR_MILLRACE_INPUT for an input without sound.
 */
export async function waveform(input: TaskInput, options: WaveformOptions = {}): Promise<Waveform> {
  const given = checked(schema, options, 'options of waveform');
  const { points, samplesPerPoint, channels, bits, width } = given;
  if (points !== undefined && samplesPerPoint !== undefined) {
    throw new MillraceError('ERR_MILLRACE_CONFIG', 'waveform: points and samplesPerPoint contradict each other', {
      hint: 'Give one of them',
    });
  }
  const outputs = outputsOf(given.output);
  const { info, source } = await openInput(input, 'waveform', given);
  requireKind(info, 'audio', 'waveform');
  const graph = taskGraph(given);
  const { audio } = graph.decode(source);
  const layout = channels === 'mix' ? ':channel_layouts=mono' : '';
  const sound = audio.module('c_ffmpeg_filter', {
    graph: `aformat=sample_fmts=s16p${layout},asetnsamples=n=${AT_ONCE}:p=0`,
  });
  let collector: PeakCollector | undefined;
  let sampleRate = 0;
  const report = await read<AudioFrame>(sound, given, (frame) => {
    ({ sampleRate } = frame);
    collector ??= new PeakCollector(
      frame.channels,
      samplesPerPoint === undefined ? { points: points ?? width } : { samplesPerPoint },
    );
    const planes = frame.planes().map(({ data }) => new Int16Array(data.buffer, data.byteOffset, frame.samples));
    collector.add(planes);
  });
  if (collector === undefined) throw new MillraceError('ERR_MILLRACE_INPUT', `waveform: ${info.path} has no samples`);
  const peaks = collector.finish(sampleRate, bits);
  let drawn: Uint8Array | undefined;
  const picture = (): Uint8Array => {
    drawn ??= asPng(drawPeaks(peaks, given));
    return drawn;
  };
  for (const { kind, place } of outputs) await writeWhole(place, kind === 'png' ? picture() : JSON.stringify(peaks));
  return {
    peaks,
    get picture() {
      return picture();
    },
    report,
  };
}

interface Output {
  readonly kind: 'png' | 'json';
  readonly place: Target;
}

/** @throws MillraceError ERR_MILLRACE_CONFIG for one that does not say what goes there. */
function outputsOf(output: Target | readonly Target[] | WaveformOutputs | undefined): Output[] {
  if (output === undefined) return [];
  if (typeof output === 'object' && ('png' in output || 'json' in output)) {
    const { png, json } = output as { readonly png?: Target; readonly json?: Target };
    return [
      ...(png === undefined ? [] : [{ kind: 'png', place: png } as const]),
      ...(json === undefined ? [] : [{ kind: 'json', place: json } as const]),
    ];
  }
  return [output as Target | readonly Target[]].flat().map((place) => {
    const [, kind] = /\.(png|json)$/i.exec(typeof place === 'string' ? place : '') ?? [];
    if (kind !== undefined) return { kind: kind.toLowerCase() as Output['kind'], place: place as Target };
    const name = typeof place === 'string' ? place : describeValue(place);
    throw new MillraceError('ERR_MILLRACE_CONFIG', `waveform: ${name} is neither *.png nor *.json`, {
      hint: 'Say which of them it is: output: { png: … }, or { json: … }',
    });
  });
}

/** One picture is encoded sooner here than a thread would start. */
function asPng(frame: ReturnType<typeof drawPeaks>): Uint8Array {
  const options = { push_output: 2 as const, video_params: { codec: 'png' } };
  const encoder = syncModule('c_ffmpeg_encoder', options, [0], [0], { thread: 'inline' });
  try {
    const packets = [...encoder.process({ 0: [new Packet(frame)] }).outputs[0], ...encoder.sendEof().outputs[0]];
    const found = packets.find(({ payload }) => payload instanceof EncodedPacket) as Packet<EncodedPacket> | undefined;
    const bytes = found!.payload.data.slice();
    for (const packet of packets) packet.close();
    return bytes;
  } finally {
    encoder.close();
  }
}
