/** Subtitles that are pictures, from their packets to pixels. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { placed } from '../../../actors/burn/picture-drawer.js';
import type { Display } from '../../../actors/burn/pictures/display.js';
import { DvbDecoder } from '../../../actors/burn/pictures/dvb.js';
import { DvdDecoder } from '../../../actors/burn/pictures/dvd.js';
import { PgsDecoder } from '../../../actors/burn/pictures/pgs.js';

const test = suite('pictures of subtitles');

/** Each row as letters: '.' cannot be seen, 'w' is white, 'r' red, and so on; a capital is half transparent. */
function rows({ pictures }: Display, number = 0): string[] {
  const { width, height, rgba } = pictures[number]!;
  const letter = (i: number): string => {
    const [r, g, b, a] = rgba.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
    if (a === 0) return '.';
    const found =
      { '1,1,1': 'w', '0,0,0': 'b', '1,0,0': 'r', '0,0,1': 'u' }[[r, g, b].map((c) => +(c > 127)).join()] ?? '?';
    return a < 255 ? found.toUpperCase() : found;
  };
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_x, x) => letter(y * width + x)).join(''),
  );
}

const segment = (type: number, ...body: number[]): number[] => [type, body.length >> 8, body.length & 255, ...body];

function presentation(state: number, ...objects: number[][]): number[] {
  return segment(0x16, 0, 64, 0, 48, 16, 0, 0, state, 0, 0, objects.length, ...objects.flat());
}

const PALETTE = segment(0x14, 0, 0, 1, 235, 128, 128, 255, 2, 81, 240, 90, 128);
const END = segment(0x80);

/** Two rows: white, a run of red; a run of nothing, white. */
const OBJECT = [1, 0, 0x83, 2, 0, 0, 0, 3, 1, 0, 0];

test('display sets of Blu-ray discs', () => {
  const decoder = new PgsDecoder();
  const head = [0, 0, 0, OBJECT.length + 4, 0, 4, 0, 2];
  const first = segment(0x15, 0, 7, 0, 0x80, ...head.slice(1), ...OBJECT.slice(0, 4));
  const rest = segment(0x15, 0, 7, 0, 0x40, ...OBJECT.slice(4));
  // A picture in two parts, in a packet before the end of its set.
  const begun = [...presentation(0x80, [0, 7, 0, 0, 0, 5, 0, 6]), ...PALETTE, ...first, ...rest];
  assert.is(decoder.decode(Buffer.from(begun), 1000), undefined);
  const display = decoder.decode(Buffer.from(END), 1500)!;
  assert.equal([display.start, display.end, display.screen], [1000, undefined, { width: 64, height: 48 }]);
  assert.equal([display.pictures[0]!.x, display.pictures[0]!.y], [5, 6]);
  assert.equal(rows(display), ['wRRR', '...w']);
  // The object is still there; of it a part is shown.
  const again = presentation(0, [0, 7, 0, 0x80, 0, 1, 0, 1, 0, 2, 0, 0, 0, 2, 0, 2]);
  assert.equal(rows(decoder.decode(Buffer.from([...again, ...END]), 2000)!), ['RR', '.w']);
  assert.equal(decoder.decode(Buffer.from([...presentation(0x80), ...END]), 3000)!.pictures, []);
  // And now it is gone.
  const gone = presentation(0, [0, 7, 0, 0, 0, 0, 0, 0]);
  assert.equal(decoder.decode(Buffer.from([...gone, ...END]), 4000)!.pictures, []);
});

/** By ffmpeg -c:s dvdsub: 40 x 10 pixels at 20, 150, white, and red in the middle. */
const DVD = 'AE4AMAoQUoBPJFBSgE8kUFKATyRQUoBPJFBSgE8kUFKATyRQUoBPJFBSgE8kUAoQAAAASAMwcATw8AUBQDsJYJ8GAAQAGgH///8ASAL/';
const HEAD = `size: 320x180
palette: 000000, 0000ff, 00ff00, ff0000, ffff00, ff00ff, 00ffff, ffffff, 808000, 8080ff, 800080, 80ff80, 008080, ff8080, 555555, aaaaaa
`;

test('subtitles of DVDs', () => {
  const bytes = Buffer.from(DVD, 'base64');
  const display = new DvdDecoder(Buffer.from(HEAD)).decode(bytes, 2_000_000)!;
  const { x, y } = display.pictures[0]!;
  assert.equal([display.start, display.screen, x, y], [2_000_000, { width: 320, height: 180 }, 20, 150]);
  const border = 'w'.repeat(40);
  const line = `w${'.'.repeat(10)}${'r'.repeat(19)}${'.'.repeat(9)}w`;
  assert.equal(rows(display), [border, ...Array.from({ length: 8 }, () => line), border]);
  // In two packets, and without a palette.
  const decoder = new DvdDecoder(new Uint8Array(0));
  assert.is(decoder.decode(bytes.subarray(0, 40), 1), undefined);
  const joined = decoder.decode(bytes.subarray(40), 2)!;
  assert.equal([joined.screen, joined.pictures.length], [undefined, 1]);
});

const page = (...placed: number[]): number[] => [0x0f, 0x10, 0, 1, 0, 2 + placed.length, 10, 0x04, ...placed];
const region = (depth: number, ...rest: number[]): number[] => {
  const body = [3, 0x08, 0, 4, 0, 2, depth << 2, 9, 0, 0, ...rest];
  return [0x0f, 0x11, 0, 1, 0, body.length, ...body];
};
const pixels = (top: number[], bottom: number[]): number[] => {
  const body = [0, 5, 0, 0, top.length, 0, bottom.length, ...top, ...bottom];
  return [0x0f, 0x13, 0, 1, 0, body.length, ...body];
};
const PLACED = [3, 0, 0, 20, 0, 30];
const DVB_END = [0x0f, 0x80, 0, 1, 0, 0];
const PAINTED_BY = [0, 5, 0, 0, 0, 0];

test('subtitles of television, with two, four and eight bits a pixel', () => {
  const cases: [number, number[], number[], string[]][] = [
    // white, white, then nothing; black three times behind one of nothing
    [1, [0x10, 0b01010000, 0, 0xf0], [0x10, 0b00010010, 0b00100000, 0, 0xf0], ['ww..', '.bbb']],
    [2, [0x11, 0x77, 0x00, 0xf0], [0x11, 0x0c, 0x10, 0x00, 0xf0], ['ww..', '.r..']],
    [3, [0x12, 7, 0, 0x83, 7, 0, 0, 0xf0], [0x12, 0, 2, 7, 0, 0, 0xf0], ['WWWW', '..W.']],
  ];
  for (const [depth, top, bottom, expected] of cases) {
    const decoder = new DvbDecoder(new Uint8Array(0));
    const bytes = [...page(...PLACED), ...region(depth, ...PAINTED_BY), ...pixels(top, bottom), ...DVB_END];
    const display = decoder.decode(Buffer.from(bytes), 1_000_000)!;
    const { x, y } = display.pictures[0]!;
    assert.equal([x, y, display.start, display.end], [20, 30, 1_000_000, 11_000_000]);
    assert.equal(rows(display), expected, `${1 << depth} bits`);
    // With the head of a stream in front, and for another page.
    assert.equal(rows(new DvbDecoder(new Uint8Array(0)).decode(Buffer.from([0x20, 0, ...bytes]), 0)!), expected);
    assert.is(new DvbDecoder(Buffer.from([0, 9, 0, 8])).decode(Buffer.from(bytes), 0), undefined);
    assert.equal(decoder.decode(Buffer.from([...page(), ...DVB_END]), 2)!.pictures, []);
  }
});

test('colours of television, and the screen that its places are on', () => {
  const screen = [0x0f, 0x14, 0, 1, 0, 13, 8, 5, 0, 2, 0, 0, 100, 2, 0, 0, 50, 1, 0];
  // Entry 1 of four bits in full: red.
  const clut = [0x0f, 0x12, 0, 1, 0, 8, 9, 0, 1, 0x41, 81, 240, 90, 0];
  const all = [...screen, ...page(...PLACED), ...region(2, ...PAINTED_BY), ...clut];
  const painted = pixels([0x11, 0x11, 0x00, 0xf0], []);
  const display = new DvbDecoder(new Uint8Array(0)).decode(Buffer.from([...all, ...painted, ...DVB_END]), 0)!;
  assert.equal(display.screen, { width: 1281, height: 513 });
  assert.equal([display.pictures[0]!.x, display.pictures[0]!.y], [120, 80]);
  // One field stands for both.
  assert.equal(rows(display), ['rr..', 'rr..']);
});

test('damaged packets are no crash, and ask for no more memory than a screen', () => {
  const bad = [
    [],
    [0x16, 0, 1, 0],
    [
      ...presentation(0x80, [0, 7, 0, 0, 0, 0, 0, 0]),
      ...segment(0x15, 0, 7, 0, 0x80, 0, 0, 9, 255, 255, 255, 255, 1),
      ...END,
    ],
    [...page(...PLACED), 0x0f, 0x11, 0, 1, 0, 10, 3, 8, 255, 255, 255, 255, 8, 0, 0, 0, ...DVB_END],
    [...page(...PLACED), ...region(2, ...PAINTED_BY), ...pixels([0x11, 0xff, 0x33], [0x99]), ...DVB_END],
    [0, 12, 0, 4, 0, 0, 0, 4, 5, 255, 255, 255],
    [...Buffer.from(DVD, 'base64').subarray(0, 60), ...Array.from({ length: 18 }, () => 0)],
  ];
  for (const bytes of bad) {
    for (const decoder of [new PgsDecoder(), new DvdDecoder(Buffer.from(HEAD)), new DvbDecoder(new Uint8Array(0))]) {
      for (const { rgba } of decoder.decode(Buffer.from(bytes), 0)?.pictures ?? [])
        assert.ok(rgba.length <= 4 * 640 * 480);
    }
  }
});

test('pictures are scaled from their screen to the video', () => {
  const picture = { x: 100, y: 1000, width: 200, height: 40 };
  const hd = { width: 1920, height: 1080 };
  assert.equal(placed(picture, hd, { width: 960, height: 540 }, true), { x: 50, y: 500, width: 100, height: 20 });
  // The bars of the film were cut off: what was in the lower one comes into the picture.
  assert.equal(placed(picture, hd, { width: 1920, height: 800 }, true), { ...picture, y: 760 });
  // A screen whose pixels are as wide as those of the video are not.
  assert.equal(placed(picture, { width: 720, height: 576 }, { width: 1440, height: 576 }, false), {
    ...{ x: 200, y: 1000, width: 400, height: 40 },
  });
});

test.run();
