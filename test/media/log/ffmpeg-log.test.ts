/** Which lines of FFmpeg's log tell why something failed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cleaned, type Line, LogLines, reasons } from '../../../src/media/log/lines.js';

const test = suite('reasons in the log of FFmpeg');
const [ERROR, WARNING, INFO] = [16, 24, 32];

const line = (number: number, text: string, level = ERROR!, context = 0): Line => ({ number, level, context, text });

test('errors count more than warnings, and information not at all', () => {
  assert.equal(reasons([line(1, 'a'), line(2, 'b', WARNING), line(3, 'c', INFO)]), ['a']);
  assert.equal(reasons([line(2, 'b', WARNING), line(3, 'c', INFO)]), ['b']);
  assert.equal(reasons([line(3, 'c', INFO)]), []);
});

test('the last ones, each once, in their order', () => {
  const texts = ['a', 'b', 'a', 'c', 'd', 'd'];
  assert.equal(reasons(texts.map((text, i) => line(i, text))), ['b', 'c', 'd']);
});

test('what is only said beside a reason is none, unless nothing else was said', () => {
  const beside = 'Failed to configure input pad on Parsed_pad_0';
  assert.equal(reasons([line(1, 'too large'), line(2, beside)]), ['too large']);
  assert.equal(reasons([line(2, beside)]), [beside]);
});

test('a line has no addresses, no passwords and an end', () => {
  assert.is(cleaned('[mov @ 0x7f1234567890] moov atom\n not found'), 'moov atom not found');
  assert.is(cleaned('codec tag 0x31637661 unknown'), 'codec tag 0x31637661 unknown');
  assert.is(
    cleaned('Cannot open rtsp://user:pass@host/x and http://a@b/'),
    'Cannot open rtsp://***@host/x and http://***@b/',
  );
  assert.is(cleaned('x'.repeat(1000)).length, 301);
});

test('a line belongs to the first who asks, if it came after the call began, in its context', () => {
  const lines = new LogLines();
  lines.add(line(1, 'before'));
  lines.add(line(2, 'mine'));
  lines.add(line(3, 'of a codec', ERROR, 4));
  assert.equal(lines.take(0, 1), ['mine']);
  assert.equal(lines.take(0, 0), ['before']);
  assert.equal(lines.take(0, 0), []);
  assert.equal(lines.take(4, 0), ['of a codec']);
});

test('numbers may pass 2^31, and thousands of lines are bounded', () => {
  const lines = new LogLines();
  for (let i = -5000; i < 5000; i++) lines.add(line((2 ** 31 + i) | 0, `line ${i}`));
  assert.equal(lines.take(0, (2 ** 31 + 4997) | 0), ['line 4998', 'line 4999']);
  assert.equal(lines.take(0, (2 ** 31 - 5000) | 0), ['line 4995', 'line 4996', 'line 4997']);
});

test('what is repeated is one line', () => {
  const lines = new LogLines();
  lines.add(line(1, 'reason'));
  for (let i = 2; i < 1000; i++) lines.add(line(i, 'again'));
  assert.equal(lines.take(0, 0), ['reason', 'again']);
});

test.run();
