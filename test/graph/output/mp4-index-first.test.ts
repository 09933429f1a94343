/** The index of an mp4 goes before its media data, and names their new places. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withIndexFirst } from '../../../src/graph/output/mp4-index-first.js';

const test = suite('mp4 with its index first');

function box(type: string, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

/** stco or co64. */
function places(type: 'stco' | 'co64', ...values: number[]): Buffer {
  const wide = type === 'co64';
  const body = Buffer.alloc(8 + values.length * (wide ? 8 : 4));
  body.writeUInt32BE(values.length, 4);
  values.forEach((value, i) => {
    if (wide) body.writeBigUInt64BE(BigInt(value), 8 + 8 * i);
    else body.writeUInt32BE(value, 8 + 4 * i);
  });
  return box(type, body);
}

function moov(table: Buffer): Buffer {
  return box('moov', box('mvhd', Buffer.alloc(4)), box('trak', box('mdia', box('minf', box('stbl', table)))));
}

const ftyp = box('ftyp', Buffer.from('isom'));
const free = box('free');
const mdat = box('mdat', Buffer.from('pictures'));
const FIRST = ftyp.length + free.length + 8;

const done = (...parts: Buffer[]): Buffer => Buffer.concat(withIndexFirst(Buffer.concat(parts), 'enc'));

for (const type of ['stco', 'co64'] as const) {
  test(`${type}: places move by the length of the index`, () => {
    const index = moov(places(type, FIRST, FIRST + 4));
    const moved = moov(places(type, FIRST + index.length, FIRST + 4 + index.length));
    const expected = Buffer.concat([ftyp, moved, free, mdat]);
    assert.equal(done(ftyp, free, mdat, index), expected);
    assert.is(expected.toString('latin1', FIRST + index.length, FIRST + index.length + 8), 'pictures');
    // What stands behind the index stays behind.
    const tail = box('udta', Buffer.from('x'));
    assert.equal(done(ftyp, free, mdat, index, tail), Buffer.concat([expected, tail]));
  });
}

test('a file whose index comes first, or that has none, stays as it is', () => {
  const files = [
    Buffer.concat([ftyp, moov(places('stco', 1)), mdat]),
    Buffer.concat([ftyp, mdat]),
    Buffer.from('no mp4 at all, but long enough for a box'),
    Buffer.alloc(0),
  ];
  for (const file of files) assert.equal(Buffer.concat(withIndexFirst(file, 'enc')), file);
});

test('a place that no longer fits into its 32 bits is told of', () => {
  assert.throws(() => done(ftyp, free, mdat, moov(places('stco', 0xffff_fff0))), /the output of enc is too large/);
});

test.run();
