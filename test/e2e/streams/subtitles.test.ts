/** Text subtitles as payloads: read, made, changed and written in every form: docs/subtitles.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type DecoderOptions,
  defineModule,
  type EncoderOptions,
  encode,
  Graph,
  Packet,
  probe,
  type Report,
  type Stream,
  StreamInfo,
  Subtitle,
} from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, media, run, scratch, sinkOn } from '../../kit/media.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const test = suite('subtitles');
const path = scratch();
const graphOn = await sharedThreads(2);

const SRT = path('in.srt');
writeFileSync(
  SRT,
  [
    '1\n00:00:00,500 --> 00:00:01,500\nHello <i>world</i>\n',
    '2\n00:00:02,000 --> 00:00:03,000\n{\\an8}Zweite <font color="#ff0000">rote</font> Zeile\n',
    '3\n00:00:03,500 --> 00:00:04,000\none\ntwo\n',
  ].join('\n'),
);

const HEADER = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Alignment
Style: Default,Arial,16,&H00FFFFFF,0,2
Style: Sign,Serif,40,&H0000FFFF,-1,8

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;
const ASS = path('in.ass');
writeFileSync(
  ASS,
  `${HEADER}Dialogue: 0,0:00:00.50,0:00:01.50,Sign,Ann,0,0,0,,Exit\nDialogue: 1,0:00:00.50,0:00:02.00,Default,,0,0,0,,{\\pos(1,2)}x\n`,
);

function open(input: string): ReturnType<Graph['decode']> {
  return new Graph({ threads: 0 }).decode({ input_path: input });
}

/** What a reader of a stream gets. */
async function payloads(stream: Stream): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const packet of stream.packets()) {
    found.push(packet.payload instanceof Subtitle ? packet.payload.toJSON() : packet.payload);
    packet.close();
  }
  return found;
}

async function subtitlesOf(file: string): Promise<ReturnType<Subtitle['toJSON']>[]> {
  return (await payloads(open(file).subtitles[0]!)) as ReturnType<Subtitle['toJSON']>[];
}

/** Writes subtitles into a file and tells of the run. */
async function written(subtitle: Stream, name: string, options: Partial<EncoderOptions> = {}): Promise<Report> {
  encode({ subtitle }, { output_path: path(name), ...options });
  return run(subtitle.graph);
}

const text = (name: string): string => readFileSync(path(name), 'utf8').replace(/\r\n/g, '\n');

test('a reader of text subtitles gets a Subtitle for each, with times in microseconds', async () => {
  assert.equal(await subtitlesOf(SRT), [
    { start: 500_000, end: 1_500_000, text: 'Hello world', ass: '0,0,Default,,0,0,0,,Hello {\\i1}world{\\i0}' },
    {
      ...{ start: 2_000_000, end: 3_000_000, text: 'Zweite rote Zeile' },
      ass: '0,0,Default,,0,0,0,,{\\an8}Zweite {\\c&HFF&}rote{\\c} Zeile',
    },
    { start: 3_500_000, end: 4_000_000, text: 'one\ntwo' },
  ]);
  const [sign] = await subtitlesOf(ASS);
  assert.is(sign!.ass, '0,0,Sign,Ann,0,0,0,,Exit');
  assert.match(sign!.header!, /Style: Sign,Serif,40/);
});

test('subtitles are written in the form of the file, and what is lost is a warning', async () => {
  const into = async (name: string): Promise<{ warnings: readonly string[]; codec: string; texts: string[] }> => {
    const { warnings } = await written(open(SRT).subtitles[0]!, name);
    const { streams } = await probe(path(name));
    return { warnings, codec: streams[0]!.codec, texts: (await subtitlesOf(path(name))).map((each) => each.text) };
  };
  const texts = ['Hello world', 'Zweite rote Zeile', 'one\ntwo'];
  assert.equal(await into('o.ass'), { warnings: [], codec: 'ass', texts });
  assert.equal(await into('o.mkv'), { warnings: [], codec: 'subrip', texts });
  const { warnings, ...vtt } = await into('o.vtt');
  assert.equal(vtt, { codec: 'webvtt', texts });
  assert.match(warnings.join(), /o\.vtt: 1 of 3 subtitles lost what webvtt has no words for: colours \(1\)/);
  assert.match(text('o.vtt'), /00:00\.500 --> 00:01\.500\nHello <i>world<\/i>\n/);
  assert.match(text('o.vtt'), /00:02\.000 --> 00:03\.000 line:0\nZweite rote Zeile\n/);
  const mp4 = await into('o.mp4');
  assert.equal([mp4.codec, mp4.texts], ['mov_text', texts]);
  assert.match(mp4.warnings.join(), /o\.mp4: 1 of 3 subtitles lost what mov_text .*: alignments \(1\)/);
  // And back out of it.
  await written(open(path('o.mp4')).subtitles[0]!, 'back.srt');
  assert.match(text('back.srt'), /^1\n00:00:00,500 --> 00:00:01,500\nHello <i>world<\/i>\n/);
  const styled = await written(open(ASS).subtitles[0]!, 'signs.srt');
  assert.match(text('signs.srt'), /\{\\an8\}<font color="#ffff00"><b>Exit<\/b><\/font>/);
  assert.match(styled.warnings.join(), /2 of 2 subtitles lost .*subrip.*: (?=.*fonts \(1\))(?=.*positions \(1\))/);
});

test('what the format holds is copied as it is, also past a module that changes nothing', async () => {
  const source = readFileSync(SRT, 'utf8').trim();
  const input = open(SRT);
  encode({ subtitle: input.subtitles[0]!.module('pass_through') }, { output_path: path('passed.srt') });
  encode({ subtitle: input.subtitles[0]! }, { output_path: path('beside.srt') });
  assert.is((await payloads(input.subtitles[0]!)).length, 3);
  await written(open(SRT).subtitles[0]!, 'copied.srt');
  for (const name of ['passed.srt', 'beside.srt', 'copied.srt']) assert.is(text(name).trim(), source, name);
  await written(open(ASS).subtitles[0]!.module('pass_through'), 'passed.ass');
  assert.match(text('passed.ass'), /Style: Sign,Serif,40/);
  assert.match(text('passed.ass'), /Dialogue: 0,0:00:00\.50,0:00:01\.50,Sign,Ann,0,0,0,,Exit/);
});

const louder = defineModule({
  process(task) {
    for (const packet of task.inputs.get(0) ?? []) {
      if (packet.isEof) continue;
      assert.instance(packet.payload, Subtitle);
      const subtitle = packet.payload as Subtitle;
      task.output(0).push(new Packet(subtitle.with({ text: subtitle.text.toUpperCase() })));
    }
  },
});

test('a module changes the text of subtitles, which stay in their style', async () => {
  await written(open(ASS).subtitles[0]!.module(louder), 'loud.ass');
  assert.match(text('loud.ass'), /Sign,Ann,0,0,0,,EXIT\n/);
  assert.match(text('loud.ass'), /Default,,0,0,0,,\{\\pos\(1,2\)\}X\n/);
});

/** A source of subtitles, one for each second. */
const speaker = defineModule<{ from?: number; count: number }>({
  init(ctx) {
    Object.assign(this, ctx.options, { at: ctx.options.from ?? 0 });
  },
  process(task) {
    const state = this as unknown as { at: number; from?: number; count: number };
    if (state.at >= (state.from ?? 0) + state.count) return task.done();
    const start = state.at++ * 1_000_000;
    task.output(0).push(new Packet(new Subtitle({ start, end: start + 500_000, text: `at ${start / 1e6}` })));
  },
});

test('a module makes a stream of subtitles, which says what is said of it', async () => {
  const graph = new Graph({ threads: 0 });
  const video = graph.filter('color', { size: '64x48', rate: 5, duration: 3 });
  const subtitle = graph.module(speaker, { count: 3 });
  encode(
    { video, subtitle: [subtitle, subtitle] },
    {
      output_path: path('made.mkv'),
      video_params: { codec: 'mpeg4', threads: 1 },
      subtitle_params: [{ codec: 'ass', header: HEADER }, { codec: 'copy' }],
      streams: {
        subtitle: [{ language: 'deu', title: 'Voll', disposition: ['default', 'forced'] }, { language: 'fra' }],
      },
    },
  );
  assert.match((await run(graph)).warnings.join(), /^[^,]*'copy' has no effect: input 3 .* which become subrip$/);
  const { streams } = await probe(path('made.mkv'));
  const told = streams.map(({ codec, language, title, disposition }) => [codec, language, title, disposition.join()]);
  assert.equal(told.slice(1), [
    ['ass', 'deu', 'Voll', 'default,forced'],
    ['subrip', 'fra', undefined, ''],
  ]);
  const [first] = await subtitlesOf(path('made.mkv'));
  assert.match(first!.header!, /Style: Sign,Serif/);
  assert.equal([first!.start, first!.end, first!.text], [0, 500_000, 'at 0']);
});

test('subtitles that are made of sound have its language, and not what else it is', async () => {
  const input = open(media('everything.mkv'));
  const heard = input.audios[1]!.module(
    defineModule({
      process(task) {
        const [packet] = task.inputs.get(0) ?? [];
        if (packet?.isEof) task.output(0).push(new Packet(new Subtitle({ start: 0, end: 1e6, text: 'heard' })));
      },
    }),
  );
  await written(heard, 'heard.mkv');
  const { streams } = await probe(path('heard.mkv'));
  assert.equal([streams[0]!.language, streams[0]!.title, streams[0]!.disposition], ['eng', undefined, []]);
});

test('subtitles that are shown together are one in MP4, and those out of order are told of', async () => {
  const times = [
    [0, 3],
    [1, 2],
    [5, 6],
    [4, 5],
  ];
  const jumbled = defineModule({
    process(task) {
      for (const [start, end] of times) {
        const ass = start === 1 ? '{\\i1}1' : `${start}`;
        task.output(0).push(new Packet(new Subtitle({ start: start! * 1e6, end: end! * 1e6, ass })));
      }
      task.done();
    },
  });
  const into = async (name: string): Promise<string> =>
    (await written(new Graph({ threads: 0 }).module(jumbled), name)).warnings.join();
  for (const name of ['jumbled.mp4', 'jumbled.mkv']) assert.match(await into(name), /1 subtitles came behind/);
  const seen = (await subtitlesOf(path('jumbled.mp4'))).slice(0, 3);
  assert.equal(
    seen.map(({ start, end, text, ass }) => [start / 1e6, end / 1e6, text, ass]),
    [
      [0, 1, '0', undefined],
      [1, 2, '0\n1', '0,0,Default,,0,0,0,,0\\N{\\i1}1'],
      [2, 3, '0', undefined],
    ],
  );
  assert.is((await subtitlesOf(path('jumbled.mkv'))).length, 4);
});

test('a file does not wait for long for the first subtitle that a module makes', async () => {
  const graph = new Graph({ threads: 0 });
  // 200 packets are more than may wait for a stream of which nothing has come.
  const video = graph.filter('color', { size: '16x16', rate: 25, duration: 8 });
  const late = graph.filter('color', { size: '16x16', rate: 1, duration: 8 }).module(
    defineModule({
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) {
          if (packet.isEof) task.output(0).push(new Packet(new Subtitle({ start: 6e6, end: 7e6, text: 'late' })));
        }
      },
    }),
  );
  encode(
    { video, subtitle: late },
    { output_path: path('late.mp4'), video_params: { codec: 'mpeg4', threads: 1 }, muxing_queue_data_threshold: 1 },
  );
  await run(graph);
  assert.equal(await subtitlesOf(path('late.mp4')), [{ start: 6e6, end: 7e6, text: 'late' }]);
});

test('subtitles cross threads, with what they are copied by', async () => {
  const graph = graphOn();
  const input = graph.decode({ input_path: SRT }, { scheduler: 0 });
  const passed = input.subtitles[0]!.module('pass_through', {}, { scheduler: 1 });
  encode({ subtitle: passed }, { output_path: path('across.srt') }, { scheduler: 0 });
  await run(graph);
  assert.is(text('across.srt').trim(), readFileSync(SRT, 'utf8').trim());
});

test('a test sink sees subtitles as plain values', async () => {
  const stream = open(SRT).subtitles[0]!;
  const sink = sinkOn(stream);
  await run(stream.graph);
  assert.equal(
    sink.packets.map(({ timestamp, kind, value }) => [timestamp, kind, (value as { text: string }).text]),
    [
      [500_000, 'value', 'Hello world'],
      [2_000_000, 'value', 'Zweite rote Zeile'],
      [3_500_000, 'value', 'one\ntwo'],
    ],
  );
});

test('packets as they are come on demand', async () => {
  const [info, ...packets] = await payloads(open(SRT).select({ kind: 'subtitle', codec: 'copy' }));
  assert.instance(info, StreamInfo);
  assert.is(packets.length, 3);
});

test('text in another encoding is read as what the decoder says it is, and a warning else', async () => {
  const name = path('latin.srt');
  writeFileSync(name, Buffer.from('1\n00:00:00,500 --> 00:00:01,500\nGr\u00fc\u00dfe\n\n', 'latin1'));
  const into = (output: string, options: DecoderOptions): Promise<Report> =>
    written(new Graph({ threads: 0 }).decode({ input_path: name, ...options }).subtitles[0]!, output);
  const dec_params = { sub_charenc: 'windows-1252' };
  // Copied, converted, and read by a module.
  await into('copied.srt', { dec_params });
  assert.match(text('copied.srt'), /\nGr\u00fc\u00dfe\n/);
  await into('converted.vtt', { dec_params });
  assert.match(text('converted.vtt'), /\nGr\u00fc\u00dfe\n/);
  const said = new Graph({ threads: 0 }).decode({ input_path: name, dec_params }).subtitles[0]!;
  assert.equal(await payloads(said), [{ start: 500_000, end: 1_500_000, text: 'Gr\u00fc\u00dfe' }]);
  const { warnings } = await into('lost.vtt', {});
  assert.match(warnings.join(), /1 subtitles are not in UTF-8.*sub_charenc/);
  const read = new Graph({ threads: 0 }).decode({ input_path: name }).subtitles[0]!.module('null_sink');
  assert.match((await run(read.graph)).warnings.join(), /latin\.srt: 1 subtitles are not in UTF-8.*sub_charenc/);
  const wrong = new Graph({ threads: 0 }).decode({ input_path: name, dec_params: { sub_charenc: 'nothing' } });
  wrong.subtitles[0]!.module('null_sink');
  assert.match((await failureOf(wrong.graph)).message, /sub_charenc: 'nothing' is no character encoding.*windows-1252/);
});

test('what cannot become the subtitles of a file is refused with the reason', async () => {
  const refused = async (name: string, options: Partial<EncoderOptions>, file = SRT): Promise<string> => {
    const input = open(file);
    encode({ subtitle: input.subtitles[0] }, { output_path: path(name), ...options });
    return (await failureOf(input.graph)).message;
  };
  assert.match(await refused('x.ts', {}), /'mpegts' holds no subtitles of text.*burnSubtitles/);
  assert.match(
    await refused('x.mkv', { subtitle_params: { codec: 'subrib' as never } }),
    /subtitle_params\.codec: subtitles cannot be encoded as 'subrib'.*Did you mean 'subrip'/,
  );
  assert.match(
    await refused('x.mp4', { subtitle_params: { codec: 'ass' } }),
    /subtitle_params\.codec: the format 'mp4' holds no ass.*'mov_text'/,
  );
  assert.match(await refused('x.mkv', { subtitle_params: [{}, {}] }), /subtitle_params: has 2 entries.*1 stream/);
});

test('subtitles of a Matroska file go into MP4 beside its picture and sound', async () => {
  const input = open(media('everything.mkv'));
  const before = await payloads(open(media('everything.mkv')).subtitles[0]!);
  encode(
    { video: input.select({ kind: 'video', codec: 'copy' }), subtitle: input.subtitles[0] },
    { output_path: path('whole.mp4') },
  );
  await run(input.graph);
  const { streams } = await probe(path('whole.mp4'));
  assert.equal(
    streams.map(({ codec, language }) => [codec, language]),
    [
      [streams[0]!.codec, streams[0]!.language],
      ['mov_text', 'fra'],
    ],
  );
  assert.equal(
    (await subtitlesOf(path('whole.mp4'))).map(({ start, text: words }) => [start, words]),
    (before as ReturnType<Subtitle['toJSON']>[]).map(({ start, text: words }) => [start, words]),
  );
});

test.run();
