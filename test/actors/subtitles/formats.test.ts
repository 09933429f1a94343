/** Every form of text subtitles into every other one. */
import { AV_PKT_DATA_SUBTITLE_POSITION, AV_PKT_DATA_WEBVTT_SETTINGS } from 'node-av/constants';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TextFormat } from '../../../actors/subtitles/index.js';
import { TEXT_CODECS, textFormat } from '../../../actors/subtitles/index.js';
import { eventOf, parseEvent, plainText, writeEvent } from '../../../src/media/index.js';

const test = suite('forms of text subtitles');

const NONE = new Uint8Array(0);
const of = (name: string): TextFormat => textFormat(name)!;

function decoded(format: string, source: string | Uint8Array, sideData: { type: number; data: Uint8Array }[] = []) {
  const bytes = typeof source === 'string' ? Buffer.from(source) : source;
  return of(format).decoder(NONE).decode(bytes, sideData)?.text;
}

interface Written {
  readonly text: string;
  readonly settings: string | undefined;
  readonly lost: readonly string[];
}

function encoded(format: string, ass: string, header?: string): Written {
  const { bytes, sideData, lost } = of(format).encoder(header).encode(parseEvent(ass));
  const settings = sideData.find(({ type }) => type === AV_PKT_DATA_WEBVTT_SETTINGS);
  return {
    text: Buffer.from(bytes).toString(),
    settings: settings && Buffer.from(settings.data).toString(),
    lost: [...lost].sort(),
  };
}

test('SubRip is read as players read it', () => {
  const cases: [string, string | undefined][] = [
    ['Hello', 'Hello'],
    ['<i>a</i> <B>b</B>\r\n <u>c</u> <s>d</s>\r\n', '{\\i1}a{\\i0} {\\b1}b{\\b0}\\N{\\u1}c{\\u0} {\\s1}d{\\s0}'],
    ['a < b > c, 1<2, <3', 'a < b > c, 1<2, <3'],
    ['<unknown>x</unknown> <br/>y<br>z', 'x \\Ny\\Nz'],
    ['one {\\an8}two{\\i1}', '{\\an8}one two'],
    ['{y:i}MicroDVD {a brace}', 'MicroDVD \\{a brace\\}'],
    [
      '<font color="#FF0000">r</font><font color=blue size="9">b</font>',
      '{\\c&HFF&}r{\\c}{\\fs9}{\\c&HFF0000&}b{\\fs}{\\c}',
    ],
    ['<font face="A B">x<font face="C" color="#nothing">y</font>z</font></font>', '{\\fnA B}x{\\fnC}y{\\fnA B}z{\\fn}'],
    ['', undefined],
  ];
  for (const [source, ass] of cases) assert.is(decoded('subrip', source), ass, source);
  const place = (x1: number, y1: number, x2: number, y2: number) => {
    const data = new Uint8Array(16);
    for (const [i, value] of [x1, y1, x2, y2].entries()) new DataView(data.buffer).setInt32(i * 4, value, true);
    return [{ type: AV_PKT_DATA_SUBTITLE_POSITION, data }];
  };
  assert.is(decoded('subrip', 'x', place(360, 240, -1, -1)), '{\\an1}{\\pos(192,144)}x');
  assert.is(decoded('subrip', 'x', place(0, 0, 720, 480)), '{\\an5}{\\pos(192,144)}x');
});

test('WebVTT is read with its entities and where it stands', () => {
  const settings = (text: string) => [{ type: AV_PKT_DATA_WEBVTT_SETTINGS, data: Buffer.from(text) }];
  assert.is(decoded('webvtt', '<v Ann>a &lt;b&gt; &amp;&nbsp;&#x41;&#66;&unknown;</v>'), 'a <b> &\\hAB&unknown;');
  assert.is(decoded('webvtt', '<i.x>a</i> <c.red>{b}</c><00:01.000>'), '{\\i1}a{\\i0} \\{b\\}');
  assert.is(decoded('webvtt', 'a < b &\n'), 'a < b &');
  const places: [string, string][] = [
    ['line:0', '{\\an8}x'],
    ['line:10% align:start', '{\\an7}x'],
    ['line:50% align:right', '{\\an6}x'],
    ['line:-1 align:left', '{\\an1}x'],
    ['position:10% line:90%', 'x'],
  ];
  for (const [text, ass] of places) assert.is(decoded('webvtt', 'x', settings(text)), ass, text);
});

test('styles are written in the words of a form, and what it has none for is named', () => {
  const ass = '{\\i1}a {\\b1}b{\\i0} c{\\r} {\\c&H0000FF&}red{\\c} {\\fs40}{\\fnX}big';
  const subrip = encoded('subrip', ass);
  assert.is(
    subrip.text,
    '<i>a </i><b><i>b</i> c</b> <font color="#ff0000">red</font> <font face="X" size="40">big</font>',
  );
  assert.equal(subrip.lost, []);
  const webvtt = encoded('webvtt', ass);
  assert.is(webvtt.text, '<i>a </i><b><i>b</i> c</b> red big');
  assert.equal(webvtt.lost, ['colours', 'fonts', 'sizes']);
  const plain = encoded('text', ass);
  assert.equal([plain.text, plain.lost.length], ['a b c red big', 4]);
  const special = '{\\pos(1,2)\\fad(1,2)\\bord3}{\\an8}x{\\p1}m 0 0{\\p0}{\\k20}y';
  assert.equal(encoded('subrip', special), {
    text: '{\\an8}xy',
    settings: undefined,
    lost: ['drawings', 'effects', 'outlines and shadows', 'positions'],
  });
  assert.equal(encoded('webvtt', '{\\an4}a & <b>'), {
    text: 'a &amp; &lt;b&gt;',
    settings: 'line:50% align:left',
    lost: [],
  });
  assert.is(encoded('subrip', 'a\\N\\Nb\\N').text, 'a\r\n\u00a0\r\nb');
  assert.equal(encoded('subrip', '0,0,Default,,10,0,0,Banner,x').lost, ['effects', 'positions']);
});

const HEADER = `[Script Info]
PlayResX: 1920

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, BackColour, Bold, Italic, Underline, StrikeOut, Alignment
Style: Default,Roboto,72,&H00FFFFFF,&H0,0,0,0,0,2
Style: Sign,Serif,60,&H8000FFFF,&H0,-1,0,0,0,8

[Events]
`;

test('styles of a script become those of the words', () => {
  assert.equal(encoded('subrip', '0,0,Sign,,0,0,0,,Exit {\\rDefault}door', HEADER), {
    text: '{\\an8}<font color="#ffff00"><b>Exit </b></font><font face="Roboto" size="72">door</font>',
    settings: undefined,
    lost: ['effects', 'fonts', 'sizes'],
  });
  assert.equal(encoded('webvtt', '0,0,Default,,0,0,0,,x', HEADER).lost, ['fonts', 'sizes']);
  // SSA counts places in another way.
  const old = '[V4 Styles]\nFormat: Name, PrimaryColour, Alignment\nStyle: Default,255,6\n';
  assert.is(encoded('subrip', 'x', old).text, '{\\an8}<font color="#ff0000">x</font>');
});

test('events of ASS are the same again, numbered anew', () => {
  const { encode, extradata } = of('ass').encoder(HEADER);
  assert.is(Buffer.from(extradata!).toString(), HEADER);
  const events = ['7,1,Sign,Ann,1,2,3,fx,{\\an8}a,b', 'plain'].map((line) => encode(parseEvent(line)));
  assert.equal(
    events.map(({ bytes }) => Buffer.from(bytes).toString()),
    ['0,1,Sign,Ann,1,2,3,fx,{\\an8}a,b', '1,0,Default,,0,0,0,,plain'],
  );
  const decoder = of('ssa').decoder(Buffer.from(HEADER));
  assert.is(decoder.header, HEADER);
  assert.is(writeEvent(decoder.decode(events[0]!.bytes, [])!), '0,1,Sign,Ann,1,2,3,fx,{\\an8}a,b');
});

test('the text of MP4 has its looks in boxes, by characters', () => {
  const format = of('mov_text');
  const { encode, extradata } = format.encoder(undefined);
  const { bytes, lost } = encode(eventOf('\u{1f600} {\\b1}é{\\i1}x{\\r}\\N{\\c&H0000FF&\\1a&H80&}y{\\fs20}'));
  assert.equal([...lost], []);
  const ass = format.decoder(extradata!).decode(bytes, [])!.text;
  assert.is(ass, '\u{1f600} {\\b1}é{\\r}{\\b1\\i1}x{\\r}\\N{\\c&HFF&\\1a&H80&}y');
  // What FFmpeg 8.1 reads of it: a length, the text, and one box.
  const text = Buffer.from('\u{1f600} éx\ny');
  assert.is(Buffer.from(bytes).readUInt16BE(0), text.byteLength);
  assert.is(Buffer.from(bytes).toString('latin1', 2 + text.byteLength + 4, 2 + text.byteLength + 8), 'styl');
  const withFont = format.encoder(HEADER);
  const sign = withFont.encode(parseEvent('0,0,Sign,,0,0,0,,x'));
  assert.equal([...sign.lost], ['alignments']);
  assert.is(
    format.decoder(withFont.extradata!).decode(sign.bytes, [])!.text,
    '{\\b1\\fs60\\fnSerif\\c&HFFFF&\\1a&H80&}x',
  );
});

test('damaged text of MP4 is what can be read of it', () => {
  const { decode } = of('mov_text').decoder(NONE);
  const text = (...parts: (Buffer | number[])[]) =>
    decode(Buffer.concat(parts.map((part) => Buffer.from(part))), [])?.text;
  assert.is(text([0, 0]), undefined);
  assert.is(text([0]), undefined);
  assert.is(text([0, 9], Buffer.from('ab')), 'ab');
  assert.is(text([0, 2], Buffer.from('ab'), [0, 0, 0, 99], Buffer.from('styl'), [0, 1]), 'ab');
  assert.is(text([0, 2], Buffer.from('ab'), [0, 0, 0, 0], Buffer.from('styl')), 'ab');
  assert.is(text([0, 2], Buffer.from('ab'), [0, 0, 0, 10], Buffer.from('styl'), [255, 255]), 'ab');
  assert.is(text([0, 6, 0xfe, 0xff, 0, 0x61, 0, 0x62]), 'ab');
  assert.is(
    of('mov_text')
      .decoder(Buffer.alloc(41, 255))
      .decode(Buffer.from([0, 1, 0x61]), [])?.text,
    'a',
  );
});

test('a text that is too long for MP4 ends at a whole character', () => {
  const { bytes } = of('mov_text')
    .encoder(undefined)
    .encode(eventOf(`${'é'.repeat(40_000)}{\\i1}x`));
  assert.is(Buffer.from(bytes).readUInt16BE(0), 0xfffe);
  assert.is(bytes.byteLength, 0x10000);
});

test('a text is the same after its way through any form', () => {
  const ass = 'one {\\i1}two{\\i0}\\N<three> & {\\b1}four{\\b0} \\{five\\}';
  for (const name of TEXT_CODECS) {
    const encoder = of(name).encoder(undefined);
    const { bytes, sideData } = encoder.encode(eventOf(ass));
    const back = of(name)
      .decoder(encoder.extradata ?? NONE)
      .decode(bytes, sideData)!;
    // SubRip has no way to say that something is no tag.
    const expected = name === 'subrip' ? 'one two\n & four {five}' : 'one two\n<three> & four {five}';
    assert.is(plainText(back.text), expected, name);
  }
});

test.run();
