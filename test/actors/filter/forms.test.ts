/** The three ways to write a filter graph, and which input is wanted by rule. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseGraph } from '../../../actors/filter/plan/syntax.js';
import { Demand, PATIENCE } from '../../../actors/filter/run/input-demand.js';
import type { VideoFrame } from '../../../src/media/index.js';
import { closeAll } from '../../kit/drive.js';
import { driveFilter, leavesNothing, video } from './kit.js';

/** Sizes and pixels of the first frame of every output. */
async function result(options: unknown, inputs: number, outputs = [0]): Promise<string[]> {
  const lists = await Promise.all(Array.from({ length: inputs }, (_, i) => video(0.2, i === 0 ? '64x48' : '32x24')));
  const driven = await driveFilter({ options, inputs: Object.fromEntries(lists.entries()), outputs });
  const seen = outputs.map((id) => {
    const frame = driven.outputs[id]![0]!.payload as VideoFrame;
    return `${frame.width}x${frame.height} ${frame.toBuffer().toString('base64')}`;
  });
  closeAll(driven);
  leavesNothing();
  return seen;
}

const forms = suite('filter: forms');

forms('one filter, with arguments as a string, as a number, or none', async () => {
  assert.equal(await result({ name: 'scale', para: '32:24' }, 1), await result({ graph: 'scale=w=32:h=24' }, 1));
  assert.equal(await result({ name: 'gblur', para: 2 }, 1), await result({ graph: 'gblur=sigma=2' }, 1));
  assert.equal(await result({ name: 'vflip', para: '' }, 1), await result({ graph: 'vflip' }, 1));
  assert.equal(await result({ name: 'vflip@top' }, 1), await result({ graph: 'vflip' }, 1));
});

forms("BMF's list: streams, pins and links", async () => {
  const overlay = {
    filters: [
      {
        name: 'scale',
        para: '16:12',
        inputs: [{ stream: 1, pin: 0 }],
        outputs: [],
        links: [{ input_pin: 0, output_filter: 1, output_pin: 1 }],
      },
      { name: 'overlay', para: '3:5', inputs: [{ stream: 0, pin: 0 }], outputs: [{ stream: 0, pin: 0 }] },
    ],
  };
  assert.equal(await result(overlay, 2), await result({ graph: '[1]scale=16:12[s];[0][s]overlay=3:5[0]' }, 2));
});

forms("BMF's list: outputs that are all written with pin 0 are taken in order", async () => {
  const split = {
    filters: [
      {
        name: 'split',
        inputs: [{ stream: 0, pin: 0 }],
        outputs: [{ stream: 1, pin: 0 }],
        links: [{ input_pin: 0, output_filter: 1, output_pin: 0 }],
      },
      { name: 'vflip', outputs: [{ stream: 0, pin: 0 }] },
    ],
  };
  assert.equal(await result(split, 1, [0, 1]), await result({ graph: '[0]split[a][1];[a]vflip[0]' }, 1, [0, 1]));
});

forms("BMF's list of one filter without any ends means its pads in order", async () => {
  assert.equal(
    await result({ filters: [{ name: 'overlay', para: '3:5' }] }, 2),
    await result({ name: 'overlay', para: '3:5' }, 2),
  );
});

forms('inputs in another order than their numbers', async () => {
  const [straight] = await result({ graph: '[0][1]overlay[0]' }, 2);
  const [crossed] = await result({ graph: '[1][0]overlay[0]' }, 2);
  assert.match(straight!, /^64x48/);
  assert.match(crossed!, /^32x24/);
});

forms('one input for several filters', async () => {
  const twice = await result({ graph: '[0]vflip[a];[a][0]hstack[0]' }, 1);
  assert.equal(twice, await result({ graph: '[0]split[x][y];[x]vflip[a];[a][y]hstack[0]' }, 1));
});

forms('pads without a label take what is left, in order', async () => {
  assert.equal(await result({ graph: 'overlay=3:5' }, 2), await result({ graph: '[0][1]overlay=3:5[0]' }, 2));
  assert.equal(await result({ graph: '[1]overlay=3:5' }, 2), await result({ graph: '[1][0]overlay=3:5[0]' }, 2));
  const parted = '[0]split[a][b];[a]hflip,scale=16:16;[b]vflip';
  assert.equal(
    await result({ graph: parted }, 1, [0, 1]),
    await result({ graph: '[0]split[a][b];[a]hflip,scale=16:16[0];[b]vflip[1]' }, 1, [0, 1]),
  );
});

forms('the number of threads changes no pixel', async () => {
  const plain = await result({ name: 'scale', para: '200:100' }, 1);
  for (const threads of [1, 3, '2']) assert.equal(await result({ name: 'scale', para: '200:100', threads }, 1), plain);
});

forms('options of inserted scalers', async () => {
  const parsed = parseGraph('sws_flags=neighbor+accurate_rnd; vflip');
  assert.is(parsed.scaleOptions, 'flags=neighbor+accurate_rnd');
  assert.equal(parsed.chains, [[{ name: 'vflip', instance: undefined, args: undefined, inputs: [], outputs: [] }]]);
  const rgb = (flags: string) => result({ graph: `sws_flags=${flags};vflip,format=rgb24` }, 1);
  assert.not.equal(await rgb('neighbor'), await rgb('bicubic+full_chroma_int+accurate_rnd'));
});

forms.run();

const syntax = suite('filter: FFmpeg syntax');

const parse = (text: string) =>
  parseGraph(text).chains.map((chain) =>
    chain.map(({ name, instance, args, inputs, outputs }) =>
      [inputs.join('+'), instance ? `${name}@${instance}` : name, args ?? '', outputs.join('+')].join('|'),
    ),
  );

syntax('chains, labels, instance names and spaces', () => {
  assert.equal(parse(' [0] [1] overlay = 10:20 [a] ; [a] vflip , hflip@x [0] '), [
    ['0+1|overlay|10:20|a'],
    ['a|vflip||', '|hflip@x||0'],
  ]);
});

syntax('a semicolon at the end is no chain', () => {
  assert.equal(parse('vflip;'), [['|vflip||']]);
});

syntax('one level of quotes and backslashes is removed, as by av_get_token', () => {
  assert.equal(parse("select='not(mod(n,3))'[0]"), [['|select|not(mod(n,3))|0']]);
  assert.equal(parse('select=eq(n\\,2),vflip'), [['|select|eq(n,2)|', '|vflip||']]);
  assert.equal(parse("drawtext=text=a\\\\\\:b:x='\\'  "), [['|drawtext|text=a\\:b:x=\\|']]);
  assert.equal(parse("drawtext=text='a;[b] ' , vflip"), [['|drawtext|text=a;[b] |', '|vflip||']]);
});

syntax.run();

const rules = suite('filter: rules of demand');
const free = () => false;

rules('inputs that were never fed come first, in order', () => {
  const demand = new Demand([0, 1], [0]);
  assert.is(demand.next(free), 0);
  demand.fed(0, 0);
  assert.is(demand.next(free), 1);
});

rules('the input whose frame brought output is wanted again', () => {
  const demand = new Demand([0, 1], [0]);
  demand.fed(0, 0);
  demand.produced(0, 0);
  demand.fed(0, 40_000);
  demand.produced(0, 40_000);
  assert.is(demand.next(free), 0);
  demand.fed(0, 80_000);
  assert.is(demand.next(free), 1, 'no more output: the lowest time counts');
});

rules('only output of the stream that is behind counts', () => {
  const demand = new Demand([0, 1], [0, 1]);
  demand.fed(0, 0);
  demand.produced(0, 0);
  assert.is(demand.next(free), 1);
  demand.fed(1, 0);
  demand.produced(1, 1_000_000);
  demand.fed(0, 40_000);
  demand.produced(0, 40_000);
  assert.is(demand.next(free), 0);
});

rules('an ended input is not wanted, nor counted', () => {
  const demand = new Demand([0, 1], [0]);
  demand.fed(0, 0);
  demand.produced(0, 0);
  demand.ended(0);
  assert.is(demand.next(free), 1);
  demand.ended(1);
  assert.is(demand.next(free), undefined);
});

rules('after frames that brought nothing, an input that is being stored waits', () => {
  const demand = new Demand([0, 1], [0]);
  demand.fed(1, 0);
  for (let i = 0; i < PATIENCE - 1; i++) {
    assert.not(demand.watching);
    demand.fed(0, i * 40_000 + 1);
  }
  assert.ok(demand.watching);
  const stored = (id: number) => id === 1;
  assert.is(demand.next(stored), 0, 'although its time is higher');
  assert.is(demand.next(free), 1);
  assert.is(
    demand.next(() => true),
    1,
    'all stored: the lowest time counts',
  );
  demand.produced(0, 0);
  assert.not(demand.watching);
});

rules.run();
