import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { endPoint, size, startPoint, threads } from '../../src/cli/program/arguments.js';
import { ProgressDisplay, type ShownProgress } from '../../src/cli/progress.js';
import { bytes, clock, columns } from '../../src/cli/text.js';
import type { Progress } from '../../src/scheduler/run/report.js';

const parsing = suite('arguments');

parsing('sizes', () => {
  assert.equal(size('640x360'), { width: 640, height: 360 });
  assert.equal(size('640:360'), { width: 640, height: 360 });
  assert.equal(size('-2x360'), { width: -2, height: 360 });
  for (const wrong of ['640', '640x', '0x360', '-2x-2', '-3x360', '1e3x360', '640x360x1']) {
    assert.throws(() => size(wrong), /Give width and height/);
  }
});

parsing('times', () => {
  assert.is(startPoint('0'), 0);
  assert.is(startPoint('90.5'), 90.5);
  assert.is(startPoint('1:30'), 90);
  assert.is(startPoint('1:00:01.25'), 3601.25);
  for (const wrong of ['', '-1', '1:', ':1', '1:2:3:4', '1e3', '1m'])
    assert.throws(() => startPoint(wrong), /Give seconds/);
  assert.throws(() => endPoint('0'), /later than 0/);
});

parsing('threads', () => {
  assert.is(threads('auto'), 'auto');
  assert.is(threads('0'), 0);
  for (const wrong of ['-1', '1.5', 'all', '']) assert.throws(() => threads(wrong), /whole number or auto/);
});

parsing.run();

const text = suite('text');

text('bytes', () => {
  assert.equal([0, 999, 1000, 60_012, 1_234_567, 5e15].map(bytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '60.0 kB',
    '1.23 MB',
    '5.00e+3 TB',
  ]);
});

text('clock', () => {
  assert.equal(
    [0, 59.4, 59.6, 3600, 86_399].map((s) => clock(s)),
    ['0:00', '0:59', '1:00', '1:00:00', '23:59:59'],
  );
  assert.equal(
    [4, 59.999, 61.5].map((s) => clock(s, 2)),
    ['0:04.00', '1:00.00', '1:01.50'],
  );
});

text('columns', () => {
  assert.is(
    columns([
      ['a', 'bbb', 'c'],
      ['aaa', 'b', 'ccc'],
    ]),
    'a    bbb  c\naaa  b    ccc\n',
  );
  assert.is(columns([]), '');
});

text.run();

/** A terminal that remembers. */
class Terminal extends PassThrough {
  readonly isTTY = true;
  readonly columns = 120;
  seen = '';
  constructor() {
    super();
    this.on('data', (chunk: Buffer) => {
      this.seen += chunk;
    });
  }
  cursorTo(): boolean {
    return this.write('\r');
  }
  moveCursor = (): boolean => true;
  clearLine = (): boolean => true;
}

const progressing = suite('progress');

function progress(position: number, duration: number): Progress {
  const known = duration > 0 ? { percent: (position / duration) * 100, eta: (duration - position) / 1500 } : {};
  const unknown = {
    percent: undefined,
    eta: undefined,
    size: undefined,
    bitRate: undefined,
    latency: undefined,
    outputs: [],
  };
  return { elapsed: 2000, frames: 50, fps: 25.4, position, duration, speed: 1.5, ...unknown, ...known };
}

async function shown(...steps: ShownProgress[]): Promise<string> {
  const terminal = new Terminal();
  const display = new ProgressDisplay(terminal as unknown as NodeJS.WriteStream);
  for (const step of steps) {
    display.update(step);
    await sleep(150);
  }
  display.end();
  display.update(progress(9e6, 10e6));
  return stripVTControlCharacters(terminal.seen);
}

progressing('a bar with frames, fps, speed and the time left, where the duration is known', async () => {
  const seen = await shown(progress(0, 10e6), progress(4e6, 10e6));
  assert.match(seen, /█+░+ 40% {2}50 frames {2}25 fps {2}1\.50x {2}ETA 0:04/);
});

progressing('of two passes one bar for both, and which of them it is', async () => {
  const first = { ...progress(4e6, 10e6), percent: 20, eta: undefined, pass: 1 } as const;
  assert.match(await shown(first), /█+░+ 20% {2}pass 1 of 2 {2}50 frames {2}25 fps {2}1\.50x {2}ETA -:--/);
  assert.match(await shown({ ...progress(4e6, 10e6), percent: 70, pass: 2 }), /█+░+ 70% {2}pass 2 of 2 {2}50 frames/);
});

progressing('figures alone where it is not', async () => {
  const seen = await shown(progress(61e6, 0));
  assert.match(seen, /1:01 {2}50 frames {2}25 fps {2}1\.50x/);
  assert.not.match(seen, /%|ETA/);
});

progressing('a dash for what is not known', async () => {
  const seen = await shown({ ...progress(61e6, 0), frames: 0, fps: undefined, speed: undefined });
  assert.match(seen, /1:01 {2}0 frames {2}- fps {2}-x/);
});

progressing('nothing before there is something to tell, and nothing after the end', async () => {
  const terminal = new Terminal();
  const display = new ProgressDisplay(terminal as unknown as NodeJS.WriteStream);
  display.update({ ...progress(0, 10e6), frames: 0 });
  display.end();
  display.update(progress(1e6, 10e6));
  await sleep(150);
  assert.is(terminal.seen, '');
});

progressing.run();
