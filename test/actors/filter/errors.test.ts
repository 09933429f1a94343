/** What the filter module refuses, when, and in which words. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import FFmpegFilter from '../../../actors/filter/index.js';
import { FFmpegError, MillraceError } from '../../../src/errors/errors.js';
import { AudioFrame, EncodedPacket, Packet, Tensor, VideoFrame } from '../../../src/media/index.js';
import type { Task } from '../../../src/module/contract.js';
import { driveFilter, leavesNothing, sound, video } from './kit.js';

interface Ports {
  inputs?: Record<number, Packet[]>;
  outputs?: number[];
}

/** The error of a filter that must fail, and whether it failed before any frame. */
async function failure(options: unknown, ports: Ports = { inputs: { 0: [] } }) {
  let processed = false;
  class Watching extends FFmpegFilter {
    override process(task: Task): void {
      processed = true;
      super.process(task);
    }
  }
  try {
    await driveFilter({ options, ...ports }, Watching);
  } catch (error) {
    leavesNothing();
    assert.instance(error, MillraceError);
    return { error: error as MillraceError, early: !processed };
  }
  throw new Error('nothing was refused');
}

async function refused(options: unknown, message: RegExp, ports?: Ports): Promise<void> {
  const { error, early } = await failure(options, ports);
  assert.match(error.message, message);
  assert.is(error.code, 'ERR_MILLRACE_OPTION');
  assert.ok(early, 'refused before the first frame');
}

const options = suite('filter: refused options');

options('an unknown filter, with the nearest name', async () => {
  await refused({ name: 'scal', para: '320:240' }, /no such filter 'scal'\. Did you mean 'scale'\?/);
  await refused({ graph: '[0]vflipp[0]' }, /no such filter 'vflipp'\. Did you mean 'vflip'\?/);
  await refused({ filters: [{ name: 'qqqqqqqq' }] }, /no such filter 'qqqqqqqq'\. All filters of FFmpeg: https:/);
});

options('an end of a graph as a filter', async () => {
  await refused({ name: 'buffersink' }, /'buffersink' cannot be used by name/);
});

options('an option the filter does not have', async () => {
  await refused(
    { name: 'scale', para: 'w=32:hight=24' },
    /filter 'scale=w=32:hight=24' was refused.*no option 'hight'/,
  );
});

options('a value the option does not take', async () => {
  await refused({ name: 'pad', para: 'w=64:eval=sometimes' }, /'eval=sometimes' is not accepted/);
  await refused({ name: 'volume', para: 'loud(' }, /filter 'volume=loud\(' was refused/);
});

options("FFmpeg's code and text are kept", async () => {
  const { error } = await failure({ name: 'volume', para: 'loud(' });
  assert.instance(error, FFmpegError);
  assert.ok((error as FFmpegError).averror < 0);
  assert.match(error.message, (error as FFmpegError).text);
});

options('a wrong number of inputs, with both counts', async () => {
  const two = { inputs: { 0: [], 1: [] } };
  const three = { inputs: { 0: [], 1: [], 2: [] } };
  await refused({ name: 'overlay' }, /'overlay' takes 2 inputs, 1 connected/);
  await refused({ name: 'vflip' }, /'vflip' takes 1 input, 2 connected/, two);
  await refused({ name: 'concat', para: 'n=2' }, /'concat=n=2' takes 2 inputs, 3 connected.*n=3/, three);
  await refused({ name: 'amix', para: 'inputs=3' }, /'amix=inputs=3' takes 3 inputs, 2 connected.*arguments/, two);
  await refused({ name: 'testsrc2' }, /'testsrc2' takes no input, 1 connected/);
  await refused({ name: 'vflip' }, /'vflip' takes 1 input, 0 connected/, { inputs: {} });
});

options('a wrong number of outputs, with the counts', async () => {
  await refused({ name: 'split' }, /'split' has 2 outputs, output 2 is connected.*arguments/, {
    inputs: { 0: [] },
    outputs: [0, 2],
  });
  await refused({ name: 'vflip' }, /'vflip' has 1 output, output 1 is connected/, { inputs: { 0: [] }, outputs: [1] });
});

options('a node without any connection', async () => {
  await refused({ name: 'testsrc2' }, /Nothing is connected/, { inputs: {}, outputs: [] });
});

options('none or several of the three forms', async () => {
  await refused({}, /exactly one of 'name'/);
  await refused({ name: 'vflip', graph: 'vflip' }, /exactly one of 'name'/);
  await refused({ graph: 'vflip', para: '1' }, /'para' only together with 'name'/);
  await refused({ nam: 'vflip' }, /nam: .*'name'/);
  await refused({ filters: [] }, /filters: must not be empty/);
  await refused({ filters: [{ name: 'vflip', input: [] }] }, /input: .*'inputs'/);
  await refused({ name: 'vflip', threads: -1 }, /threads: must be a whole number/);
  await refused({ name: 'scale', para: [1] }, /para: must be a string or a number/);
});

options('a filtergraph that cannot be read, with the position', async () => {
  await refused({ graph: '[0]vflip[0' }, /at position 10: expected '\]', found the end/);
  await refused({ graph: '[0]vflip,[0]' }, /expected the name of a filter/);
  await refused({ graph: '[]vflip' }, /expected a label/);
  await refused({ graph: "[0]drawtext=text='a" }, /expected a closing single quote/);
  await refused({ graph: '[0]vflip[0] hflip' }, /expected ',', ';' or the end, found 'hflip'/);
});

options('labels that lead nowhere', async () => {
  await refused({ graph: '[0:v]vflip[0]' }, /No filter has an output \[0:v\].*numbers: \[0\]/);
  await refused({ graph: '[0]vflip[out]' }, /output \[out\] leads nowhere/);
  await refused({ graph: '[0]split[a][a];[a]vflip[0]' }, /\[a\] is the output of two filters/);
  await refused({ graph: '[0]vflip[0];[1]hflip[1]' }, /takes input 1, which is not connected/);
  await refused({ graph: '[0]split[a][b];[a][b]vflip' }, /'vflip' takes 1 input, 2 connected/);
  const two = { inputs: { 0: [], 1: [] } };
  await refused({ graph: '[0]vflip,hflip[0]' }, /No filter takes input 1/, two);
  await refused({ graph: 'vflip,hflip' }, /No filter feeds output 1/, { inputs: { 0: [] }, outputs: [0, 1] });
  await refused({ graph: '[0]vflip[0][1]' }, /'vflip' has 1 output, 2 labelled/);
  await refused({ graph: '[0]split[0][0]' }, /Output 0 is given to two pads/);
});

options('links that do not fit', async () => {
  const link = (output_filter: number, output_pin: number) => ({
    filters: [
      { name: 'vflip', inputs: [{ stream: 0, pin: 0 }], links: [{ output_filter, output_pin }] },
      { name: 'hflip', outputs: [{ stream: 0, pin: 0 }] },
    ],
  });
  await refused(link(2, 0), /leads to filter 2, there are 2/);
  await refused(link(1, 1), /'hflip' has 1 input, input pad 1 is connected/);
});

options.run();

const payloads = suite('filter: refused packets');

async function unusable(name: string, packet: Packet, message: RegExp): Promise<void> {
  const { error } = await failure({ name }, { inputs: { 0: [packet] } });
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error.message, message);
}

payloads('a packet that is no frame, with what came and where', async () => {
  await unusable(
    'vflip',
    new Packet(EncodedPacket.from(new Uint8Array(4))),
    /'vflip' takes frames, an EncodedPacket came on input 0/,
  );
  await unusable('vflip', new Packet(Tensor.from(new Float32Array(1), [1])), /a Tensor came on input 0/);
  await unusable('vflip', new Packet({ text: 'x' }), /an Object came on input 0/);
  await unusable('vflip', new Packet(5), /a number came/);
  await unusable('vflip', new Packet(undefined), /a packet without payload came/);
});

payloads('pictures for a filter of sound, and the other way round', async () => {
  const picture = () => VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
  const samples = () => AudioFrame.from([new Float32Array(8)], { sampleRate: 8000, format: 'fltp' });
  await unusable('volume', new Packet(picture()), /'volume' takes audio on input 0, a VideoFrame came/);
  await unusable('vflip', new Packet(samples()), /'vflip' takes video on input 0, an AudioFrame came/);
  await unusable('reverse', new Packet(samples()), /'reverse' takes video/);
});

payloads('sound in the middle of pictures', async () => {
  const { error } = await failure({ name: 'vflip' }, { inputs: { 0: [...(await video(0.2)), ...(await sound(0.2))] } });
  assert.is(error.code, 'ERR_MILLRACE_PAYLOAD');
  assert.match(error.message, /'vflip' takes video on input 0, an AudioFrame came/);
});

payloads('pictures on the sound pad of concat', async () => {
  const inputs = { 0: await video(0.2), 1: await video(0.2), 2: await video(0.2), 3: await sound(0.2) };
  const { error } = await failure({ name: 'concat', para: 'n=2:v=1:a=1' }, { inputs, outputs: [0, 1] });
  assert.match(error.message, /takes audio on input 1, a VideoFrame came/);
});

payloads('a graph that cannot be configured, with what came in', async () => {
  const inputs = { 0: await video(0.2), 1: await video(0.2, '32x32') };
  const { error } = await failure({ name: 'concat', para: 'n=2' }, { inputs });
  assert.is(error.code, 'ERR_MILLRACE_FFMPEG');
  assert.match(error.message, /Cannot configure filter 'concat=n=2': .*64x48.*32x32/);
});

payloads('an input that ends before its first frame, where nothing tells its format', async () => {
  const inputs = { 0: await video(0.2), 1: [], 2: await video(0.2), 3: [] };
  const { error } = await failure({ name: 'concat', para: 'n=2:v=1:a=1' }, { inputs, outputs: [0, 1] });
  assert.is(error.code, 'ERR_MILLRACE_INPUT');
  assert.match(error.message, /Input 1 of the filter 'concat=n=2:v=1:a=1' ended before its first frame.*audio/);
});

payloads.run();
