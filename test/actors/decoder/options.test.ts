import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { decoderOptions, decoderPortProblems } from '../../../actors/decoder/options.js';
import { encoderOptions } from '../../../actors/encoder/options.js';
import * as o from '../../../src/schema/schema.js';

/** Problems as `path: message`. */
function problems(schema: v.GenericSchema, value: unknown): string[] {
  const result = v.safeParse(schema, value);
  return (result.issues ?? []).map(
    (issue) => `${(issue.path ?? []).map((part) => String(part.key)).join('.')}: ${issue.message}`,
  );
}

const shared = suite('options: what graph files hold');

shared('numbers and booleans may be strings, booleans may be 0 and 1', () => {
  const schema = o.strictOptions({ n: o.number(), i: o.integer(), a: o.boolean(), b: o.boolean(), c: o.choice(1, 2) });
  const value = { n: '2.5', i: '23', a: 1, b: 'false', c: '2' };
  assert.equal(v.parse(schema, value), { n: 2.5, i: 23, a: true, b: false, c: 2 });
  assert.equal(problems(schema, { n: '', i: '2.5', a: 2, b: 'no', c: 3 }), [
    'n: must be a number, not ""',
    'i: must be a whole number, not "2.5"',
    'a: must be true or false (or 1 or 0), not 2',
    'b: must be true or false (or 1 or 0), not "no"',
    'c: must be one of 1, 2, not 3',
  ]);
});

shared('rationals come as BMF, FFmpeg and people write them', () => {
  const parse = (value: unknown) => v.parse(o.rational(), value);
  assert.equal(parse('1,25'), { num: 1, den: 25 });
  assert.equal(parse('30000/1001'), { num: 30000, den: 1001 });
  assert.equal(parse(29.97), { num: 30000, den: 1001 });
  assert.equal(parse('23.976'), { num: 24000, den: 1001 });
  assert.equal(parse(0.5), { num: 1, den: 2 });
  assert.equal(parse(12.5), { num: 25, den: 2 });
  assert.equal(parse(25), { num: 25, den: 1 });
  for (const wrong of ['0/1', '1/0', 0, -1, 'x', null, {}]) assert.is(problems(o.rational(), wrong).length, 1);
});

shared('all unknown keys are named with the nearest known one', () => {
  const schema = o.strictOptions({ input_path: o.text(), fps: v.optional(o.number()) });
  assert.equal(problems(schema, { inputpath: 'x', fsp: 2, zzz: 1 }), [
    'input_path: is required',
    "inputpath: is not an option here. Did you mean 'input_path'?",
    "fsp: is not an option here. Did you mean 'fps'?",
    'zzz: is not an option here. Known: input_path, fps',
  ]);
  assert.equal(problems(schema, 3), [': must be an object of options, not 3']);
});

shared('keys of a params object that are not its own go to FFmpeg', () => {
  const schema = o.strictOptions({ video_params: o.optionsWithAV({ codec: o.text() }) });
  assert.equal(v.parse(schema, { video_params: { codec: 'h264', crf: '23', preset: 'fast' } }), {
    video_params: { codec: 'h264', av: { crf: '23', preset: 'fast' } },
  });
  assert.equal(problems(schema, { video_params: { codec: 'h264', crf: [1] } }), [
    'video_params.crf: must be a string, a number or a boolean, not [1]',
  ]);
});
shared.run();

const decoder = suite('decoder options');
const check = (options: object) => problems(decoderOptions, { input_path: 'in.mp4', ...options });

decoder('defaults are those of the documentation', () => {
  assert.equal(v.parse(decoderOptions, { input_path: 'in.mp4' }), {
    input_path: 'in.mp4',
    map_v: -1,
    map_a: -1,
    copyts: false,
    start_at_zero: false,
    use_wallclock_as_timestamps: false,
    dec_params: {},
    autorotate: true,
    apply_cropping: 'all',
    loop: 0,
    delay_init_input: false,
    orig_pts_time: false,
    io_frm_match: false,
    reconnect: false,
    drop_after_ms: 1000,
    realtime: false,
    push_raw_stream: false,
  });
});

decoder('input_path or an input, one of them', () => {
  assert.equal(problems(decoderOptions, {}), []);
  assert.equal(problems(decoderOptions, { input_path: '' }), [
    'input_path: must be the path or URL of the input, not ""',
  ]);
  const [connected, free] = [
    { inputs: [0], outputs: [] },
    { inputs: [], outputs: [] },
  ];
  assert.equal(decoderPortProblems({}, connected), []);
  assert.equal(decoderPortProblems({ input_path: 'in.mp4' }, free), []);
  assert.match(decoderPortProblems({}, free)[0]!.message, 'is required');
  assert.match(decoderPortProblems({ input_path: 'in.mp4' }, connected)[0]!.message, 'contradicts');
});

decoder('what has no effect on the kind of input is refused by name', () => {
  for (const key of ['extradata', 'channels', 'sample_rate', 'sample_fmt']) {
    const value = key === 'extradata' || key === 'sample_fmt' ? 'fltp' : 1;
    assert.match(check({ [key]: value }).join(), /^push_raw_stream: is needed by extradata/);
  }
  for (const key of ['overlap_time', 'cut_off_time', 'cut_off_interval']) {
    assert.match(check({ [key]: 1 }).join(), new RegExp(`^${key}: has no effect`));
    assert.equal(problems(decoderOptions, { [key]: 1 }), []);
  }
  const raw = { push_raw_stream: 1, video_codec: 'h264', video_time_base: '1,25' };
  assert.equal(problems(decoderOptions, raw), []);
  assert.match(check(raw).join(), /^push_raw_stream: decodes what comes on input 0/);
  for (const [key, value] of Object.entries({ map_v: 1, decryption_key: '00112233445566778899aabbccddeeff' })) {
    assert.match(problems(decoderOptions, { ...raw, [key]: value }).join(), new RegExp(`^${key}: has no effect with`));
  }
});

decoder('options that are not there yet are refused by name', () => {
  const extract_frames = { fps: 1, device: 'CUDA' };
  const refused = 'video_params.extract_frames.device: is not supported in this version';
  assert.match(check({ video_params: { extract_frames } }).join(), refused);
  assert.equal(check({ push_raw_stream: 0 }), []);
});

decoder('combinations that contradict each other are refused', () => {
  assert.match(check({ start_time: 3, end_time: 3 }).join(), /^end_time: must be later/);
  assert.match(check({ start_time: 3, durations: [1, 2] }).join(), /^durations: cannot be combined/);
  assert.match(check({ start_time: 3, loop: 1 }).join(), /^loop: cannot be combined/);
  assert.match(check({ max_limit_hits: 3 }).join(), /^max_limit_hits: has no effect/);
  assert.match(check({ video_codec: 'copy', video_params: { threads: 1 } }).join(), /^video_params: has no effect/);
});

decoder('durations are pairs that never go backwards', () => {
  assert.equal(check({ durations: ['0', 1, 1, 2.5] }), []);
  for (const durations of [[], [1], [2, 1], [0, 2, 1, 3], [-1, 2], 'x', [0, 0]]) {
    assert.match(check({ durations }).join(), /^durations: must be a list of pairs/);
  }
});

decoder('sizes, keys, levels and discards have one form each', () => {
  assert.is(v.parse(decoderOptions, { input_path: 'x', s: '1280:720' }).s, '1280x720');
  assert.is(check({ s: '1280', decryption_key: 'abc', loglevel: 'loud', skip_frame: 5, loop: -2 }).length, 5);
});

decoder('times are seconds or have colons', () => {
  const { start_time, end_time } = v.parse(decoderOptions, {
    input_path: 'x',
    start_time: '1:30.5',
    end_time: '00:02:00',
  });
  assert.equal([start_time, end_time], [90.5, 120]);
  assert.equal(check({ start_time: '1:xx', end_time: -1 }), [
    'start_time: must be a number of at least 0 (seconds), or [h:]m:s such as "1:30.5", not "1:xx"',
    'end_time: must be a number of at least 0 (seconds), or [h:]m:s such as "1:30.5", not -1',
  ]);
});

decoder('an option that belongs elsewhere, or has another name here, is told so', () => {
  assert.equal(
    check({ threads: 2, ss: 1, zzz: 1 }).map((text) => text.replace(/ Known: .*/, '')),
    [
      'threads: is not an option here. It belongs into dec_params: { threads: … }',
      'ss: is not an option here. It is start_time, in seconds',
      'zzz: is not an option here.',
    ],
  );
  const given = {
    output_path: 'o.mp4',
    crf: 23,
    'x264-params': 'ref=1',
    sample_rate: 8000,
    codec: 'h264',
    hls_time: 2,
    path: 'x',
  };
  assert.equal(
    problems(encoderOptions, given).map((text) => text.replace(' is not an option here.', '')),
    [
      'crf: It belongs into video_params: { crf: … }',
      "x264-params: It belongs into video_params: { 'x264-params': … }",
      'sample_rate: It belongs into audio_params: { sample_rate: … }',
      'codec: It belongs into video_params or audio_params: { codec: … }',
      'hls_time: It belongs into mux_params: { hls_time: … }',
      'path: The file to write is output_path',
    ],
  );
});
decoder.run();
