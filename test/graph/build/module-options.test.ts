/** The option types of the built-in modules against the schemas that decide. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { builtinModules, builtinOf, findBuiltin, loadBuiltin, unknownModule } from '../../../src/catalog/builtin.js';
import type { DecoderOptions, EncoderOptions, FilterOptions } from '../../../src/graph/build/module-options.js';
import { copyOptions } from '../../../src/graph/build/module-source.js';
import { splitOutput } from '../../../src/graph/build/program/output.js';
import type { OptionSchema } from '../../../src/schema/standard.js';

// `Required`: a key added to the type must be added here, and then be known to the schema.
const decoder: Required<Omit<DecoderOptions, 'on_error'>> = {
  input_path: 'in.mp4',
  input: new Uint8Array([1]),
  map_v: 0,
  map_a: 1,
  streams: [
    { kind: 'audio', number: 1, language: 'deu', disposition: ['comment'], codec: 'copy', optional: true },
    { kind: 'data', index: 3 },
  ],
  start_time: 1,
  end_time: 2.5,
  durations: [0, 1, 2, 3],
  vframes: 1,
  aframes: 1,
  copyts: true,
  start_at_zero: true,
  use_wallclock_as_timestamps: true,
  skip_frame: 32,
  video_codec: 'h264',
  audio_codec: 'aac',
  video_time_base: '1,25',
  fps: 25,
  video_params: { extract_frames: { fps: 0.5 } },
  dec_params: { threads: 1, probesize: '1000000' },
  autorotate: false,
  apply_cropping: 'container',
  s: '320x240',
  pix_fmt: 'yuv420p',
  decryption_key: '00112233445566778899aabbccddeeff',
  max_width_height: 4096,
  max_limit_hits: 2,
  loop: -1,
  timeout_ms: 30_000,
  delay_init_input: true,
  orig_pts_time: true,
  io_frm_match: true,
  reconnect: { attempts: -1, backoff_ms: 100, stall_ms: 0, give_up: 'end' },
  live: true,
  drop: 'oldest',
  drop_after_ms: 500,
  realtime: true,
  push_raw_stream: 1,
  extradata: new Uint8Array([1]),
  channels: 2,
  sample_rate: 44_100,
  sample_fmt: 'fltp',
  overlap_time: 10,
  cut_off_time: 10,
  cut_off_interval: 0.04,
  loglevel: 'error',
  hwaccel: 'auto',
  hwaccel_device: '0',
  hwaccel_output_format: 'nv12',
  hwaccel_check: 1,
};

const encoder: Required<Omit<EncoderOptions, 'on_error'>> = {
  subtitle_params: { codec: 'copy', header: '[V4+ Styles]' },
  input_kinds: ['audio', 'subtitle'],
  chapters: [{ start: 0, end: 1, title: 'x', tags: { y: 'z' } }],
  map_metadata: 'in',
  map_chapters: 'in',
  streams: {
    audio: [{ language: 'deu', title: 'x', disposition: 'comment', metadata: { y: 1 } }],
    video: [{ disposition: [] }],
  },
  output_path: 'out.mp4',
  output: { write: async () => {} },
  streamed: true,
  output_prefix: 'jobs',
  format: 'mp4',
  null_output: false,
  timeout_ms: 30_000,
  mux_params: { movflags: 'faststart' },
  metadata: { title: 'x', track: 1 },
  video_params: {
    codec: 'h264',
    width: 320,
    height: -2,
    pix_fmt: 'yuv420p',
    r: '30000/1001',
    max_fr: 30,
    vsync: 'cfr',
    threads: 1,
    bit_rate: '1M',
    qscale: 2,
    vtag: 'avc1',
    psnr: false,
    in_time_base: '1,90000',
    crf: 23,
  },
  audio_params: { codec: 'aac', channels: 2, sample_rate: 48000, bit_rate: 128000, qscale: 1, atag: 'mp4a' },
  vframes: 10,
  aframes: 10,
  min_frames: 5,
  copyts: true,
  reconnect: { attempts: 2, backoff_ms: 10 },
  drop: 'non-key',
  adjust_pts: true,
  pass: 1,
  passlogfile: 'log',
  queue_bytes: 1 << 20,
  when_full: 'fail',
  variants: { video: ['big'], audio: ['eng'], default_audio: 0 },
  encrypt: { uri: 'key', key: '0'.repeat(32), iv: '1'.repeat(32), key_path: 'x.key' },
  shortest: false,
  force_key_frames: 'expr:gte(t,n_forced*2)',
  io_frm_match: true,
  strict: false,
  push_output: 1,
  avio_buffer_size: 4096,
  max_muxing_queue_size: 512,
  muxing_queue_data_threshold: 1 << 20,
  loglevel: 'error',
};

const filters: FilterOptions[] = [
  { name: 'scale', para: '320:240' },
  { name: 'fps', para: 30 },
  { name: 'vflip' },
  { graph: '[0][1]overlay=10:20[0]' },
  {
    filters: [
      {
        name: 'scale',
        para: '64:64',
        inputs: [{ stream: 0, pin: 0 }],
        links: [{ input_pin: 0, output_pin: 0, output_filter: 1 }],
      },
      { name: 'vflip', outputs: [{ stream: 0, pin: 0 }] },
    ],
  },
];

/** Messages for every option the schema does not take, without those that only come from the combination. */
async function complaints(schema: OptionSchema<unknown>, options: object): Promise<string[]> {
  const { issues } = await schema['~standard'].validate(options);
  return (issues ?? []).map(
    (issue) =>
      `${(issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step)).join('.')}: ${issue.message}`,
  );
}

const test = suite('options of built-in modules');

/** Options that say where the decoder's input comes from, as the option `key` needs it. */
function inputFor(key: string): object {
  if (['push_raw_stream', 'extradata', 'channels', 'sample_rate', 'sample_fmt'].includes(key)) {
    return { push_raw_stream: 1, audio_codec: 'aac', channels: 2, sample_rate: 48_000 };
  }
  return ['input', 'overlap_time', 'cut_off_time', 'cut_off_interval'].includes(key) ? {} : { input_path: 'in.mp4' };
}

test('the decoder takes every option of its type', async () => {
  const { schema } = findBuiltin('c_ffmpeg_decoder')!;
  for (const [key, value] of Object.entries(decoder)) {
    const needed =
      (key.startsWith('hwaccel') && { hwaccel: 'auto' }) ||
      ({ max_limit_hits: { max_width_height: 4096 }, start_at_zero: { copyts: true }, drop: { live: true } }[key] ??
        {});
    const given = copyOptions({ ...inputFor(key), ...needed, [key]: value }, { name: 'c_ffmpeg_decoder' }, key);
    assert.equal(await complaints(schema, given), [], key);
  }
});

test('the encoder takes every option of its type', async () => {
  const { schema } = findBuiltin('c_ffmpeg_encoder')!;
  for (const [key, value] of Object.entries(encoder)) {
    const needed = ['avio_buffer_size', 'streamed'].includes(key) ? { push_output: 1 } : {};
    const place = ['output', 'output_prefix'].includes(key) ? {} : { output_path: 'out.mp4' };
    const { rest } = splitOutput({ ...place, ...needed, [key]: value }, { name: 'c_ffmpeg_encoder' });
    assert.equal(await complaints(schema, rest as Record<string, unknown>), [], key);
  }
});

test('the filter takes every form of its type', async () => {
  const { schema } = findBuiltin('c_ffmpeg_filter')!;
  for (const options of filters) assert.equal(await complaints(schema, options), [], JSON.stringify(options));
});

test('every built-in module loads, has a process method, and refuses unknown options', async () => {
  for (const { name, schema } of builtinModules) {
    const module = loadBuiltin(name);
    const prototype = (typeof module === 'function' ? module.prototype : module) as { process?: unknown };
    assert.type(prototype.process, 'function', name);
    assert.match((await complaints(schema, { no_such_option: 1 })).join('; '), /no_such_option/, name);
  }
});

test('a reference is a built-in module only if it has neither a file nor an object of its own', () => {
  assert.is(builtinOf({ name: 'ffmpeg_filter' })?.name, 'c_ffmpeg_filter');
  assert.is(builtinOf({ name: 'ffmpeg_filter', path: '/modules/ffmpeg_filter.js' }), undefined);
  assert.is(builtinOf({ name: 'split', definition: { process: () => {} } }), undefined);
});

test('the traits of a module say what begins a stream and which outputs a node has by itself', () => {
  const decoder = findBuiltin('c_ffmpeg_decoder')!;
  assert.equal([decoder.isSource?.({}), decoder.isSource?.({ input_path: 'in.mp4' })], [false, true]);
  const filter = findBuiltin('c_ffmpeg_filter')!;
  assert.equal([filter.isSource?.({ name: 'scale' }), filter.isSource?.({ name: 'testsrc2' })], [false, true]);
  const encoder = findBuiltin('c_ffmpeg_encoder')!;
  const outputs = [0, '1', 2].map((push_output) => encoder.outputsOf?.({ push_output }, [0, 1]));
  assert.equal(outputs, [[], [0], [0, 1]]);
});

test('modules are found with and without c_', () => {
  assert.is(findBuiltin('ffmpeg_encoder'), findBuiltin('c_ffmpeg_encoder'));
  assert.is(findBuiltin('c_pass_through'), undefined);
});

test('an unknown module is refused with the nearest', async () => {
  assert.match(unknownModule('ffmpeg_decodr').hint, /Did you mean 'ffmpeg_decoder'\?/);
  assert.throws(
    () => loadBuiltin('nul_sink'),
    (error: { code: string; message: string; hint: string }) =>
      error.code === 'ERR_MILLRACE_MODULE_LOAD' && /Did you mean 'null_sink'\?/.test(error.message),
  );
});

test.run();
