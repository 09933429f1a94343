/** Text subtitles as payloads: read, made, changed and written in every form: docs/subtitles.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
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
import { failureOf, media, run, scratch } from '../../kit/media.js';

const test = suite('subtitles');
const path = scratch();

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
      subtitle_params: [{ codec: 'ass', header: HEADER }, {}],
      streams: {
        subtitle: [{ language: 'deu', title: 'Voll', disposition: ['default', 'forced'] }, { language: 'fra' }],
      },
    },
  );
  assert.equal((await run(graph)).warnings, []);
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
  const graph = new Graph({ threads: 2 });
  const input = graph.decode({ input_path: SRT }, { scheduler: 0 });
  const passed = input.subtitles[0]!.module('pass_through', {}, { scheduler: 1 });
  encode({ subtitle: passed }, { output_path: path('across.srt') }, { scheduler: 0 });
  await run(graph);
  assert.is(text('across.srt').trim(), readFileSync(SRT, 'utf8').trim());
});

test('packets as they are come on demand', async () => {
  const [info, ...packets] = await payloads(open(SRT).select({ kind: 'subtitle', codec: 'copy' }));
  assert.instance(info, StreamInfo);
  assert.is(packets.length, 3);
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
