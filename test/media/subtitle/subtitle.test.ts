import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../../src/errors/errors.js';
import { escapeText, Packet, parseEvent, plainText, Subtitle, writeEvent } from '../../../src/media/index.js';
import { originOf, withOrigin } from '../../../src/media/subtitle/subtitle.js';
import { describe, restore } from '../../../src/media/wire/payload.js';

const test = suite('subtitle');

const times = { start: 1_000_000, end: 2_000_000 };

test('a subtitle has its times and text, and its packet the time of its start', () => {
  const subtitle = new Subtitle({ ...times, text: 'One\r\nTwo' });
  assert.equal({ ...subtitle.toJSON() }, { ...times, text: 'One\nTwo' });
  assert.is(subtitle.ass, undefined);
  assert.is(new Packet(subtitle).timestamp, times.start);
});

test('styles are an event of ASS, which may leave out all fields but its text', () => {
  const { ass, text } = new Subtitle({ ...times, ass: '{\\i1}Hello{\\i0}\\Nyou' });
  assert.equal([ass, text], ['0,0,Default,,0,0,0,,{\\i1}Hello{\\i0}\\Nyou', 'Hello\nyou']);
  const event = '3,1,Sign,Ann,10,0,5,,Hello, you';
  assert.is(new Subtitle({ ...times, ass: event }).ass, event);
  assert.is(new Subtitle({ ...times, ass: event }).text, 'Hello, you');
});

test('another text stays in the style and at the place of the one before', () => {
  const header = '[V4+ Styles]';
  const before = new Subtitle({ ...times, ass: '0,0,Sign,Ann,0,0,0,,{\\an8\\i1}Hello {\\pos(1,2)}you', header });
  const after = before.with({ text: 'Hallo {du}' });
  assert.is(after.ass, '0,0,Sign,Ann,0,0,0,,{\\an8\\pos(1,2)}Hallo \\{du\\}');
  assert.equal([after.text, after.header, after.start], ['Hallo {du}', header, times.start]);
  assert.equal(before.with({ end: 5_000_000 }).toJSON(), { ...before.toJSON(), end: 5_000_000 });
  assert.is(new Subtitle({ ...times, text: 'a' }).with({ ass: '{\\b1}b' }).text, 'b');
});

test('what a subtitle cannot be is refused with what would be right', () => {
  const refuses = (make: () => unknown, message: RegExp): void => {
    assert.throws(make, (error: unknown) => {
      assert.instance(error, MillraceError);
      assert.is((error as MillraceError).code, 'ERR_MILLRACE_PAYLOAD');
      assert.match((error as MillraceError).message, message);
      return true;
    });
  };
  refuses(() => new Subtitle({ start: Number.NaN, end: 1, text: '' }), /start of a Subtitle cannot be NaN/);
  refuses(() => new Subtitle({ start: 2, end: 1, text: '' }), /cannot end at 1 µs, before it starts at 2 µs/);
  refuses(() => new Subtitle(times), /needs a text/);
  refuses(() => new Subtitle({ ...times, text: 1 as never }), /text of a Subtitle cannot be 1/);
  refuses(() => new Subtitle({ ...times, text: 'Hallo', ass: 'Hello' }), /"Hallo" as text and "Hello" as ass.*with\(/);
  // What a spread takes of a Subtitle is nothing.
  const before = new Subtitle({ ...times, text: 'a' });
  refuses(() => new Subtitle({ ...before, text: 'b' } as never), /start of a Subtitle cannot be undefined.*with\(/);
});

test('a subtitle crosses threads with what it was made from', () => {
  const origin = {
    codec: 'webvtt',
    bytes: Buffer.from('<i>x</i>'),
    sideData: [{ type: 9, data: Buffer.from('line:0') }],
  };
  const sent = withOrigin(new Subtitle({ ...times, ass: '{\\i1}x' }), origin);
  const cross = (subtitle: Subtitle): Subtitle => {
    const { kind, meta, blobs } = describe(subtitle);
    const parts = blobs.map((blob) => {
      const part = new Uint8Array(blob.byteLength);
      blob.copyTo(part);
      return part;
    });
    const restored = restore(kind, meta, parts) as Subtitle;
    for (const part of parts) part.fill(0);
    return restored;
  };
  const received = cross(sent);
  assert.instance(received, Subtitle);
  assert.equal(received.toJSON(), sent.toJSON());
  assert.is(Buffer.from(originOf(received)!.bytes!).toString(), '<i>x</i>');
  assert.is(Buffer.from(originOf(received)!.sideData[0]!.data).toString(), 'line:0');
  // Another text is none of those bytes; where it stands is still known.
  const changed = cross(received.with({ text: 'y' }));
  assert.is(originOf(changed)!.bytes, undefined);
  assert.is(Buffer.from(originOf(changed)!.sideData[0]!.data).toString(), 'line:0');
  assert.is(originOf(cross(new Subtitle({ ...times, text: 'z' }))), undefined);
});

test('any text is the same again after its way through the text of ASS', () => {
  for (const text of ['{a} \\N \\n \\h \\{ }', 'a\u00a0b\nc', '\\\\', 'C:\\new', '{\\b1}']) {
    assert.is(plainText(escapeText(text)), text);
  }
  assert.is(plainText('{\\p1}m 0 0 l 1 1{\\p0}seen{a comment}\\hx'), 'seen\u00a0x');
  assert.is(plainText('open { brace'), 'open { brace');
  const line = '7,0,*Default,,0000,0000,0020,Banner;1,a,b';
  assert.is(writeEvent(parseEvent(line)), line);
});

test.run();
