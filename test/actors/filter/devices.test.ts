/** Filters that work in the memory of a device, between nodes that work in main memory. */
import { existsSync } from 'node:fs';
import { Graph, GraphError, type LogEntry } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf, type Picture, pictures, run, sinkOn } from '../../kit/media.js';
import { testUnless } from '../../kit/skip.js';

const test = suite('filters on devices');

async function filtered(name: string, args: object): Promise<{ pictures: Picture[]; said: LogEntry[] }> {
  const said: LogEntry[] = [];
  const graph = new Graph({ threads: 0, onLog: (entry) => said.push(entry) });
  const source = graph.filter('testsrc2', { size: '64x48', duration: 0.1 }).format('yuv420p');
  const sink = sinkOn(source.filter(name, args as never));
  await run(graph);
  return { pictures: pictures(sink.packets), said };
}

/** Why there is no OpenCL here; undefined if there is. */
async function withoutOpenCL(): Promise<string | undefined> {
  try {
    await filtered('transpose_opencl', { dir: 'clock' });
    return undefined;
  } catch (error) {
    if (error instanceof GraphError && /no device 'opencl' can be opened/.test(error.message))
      return 'no OpenCL driver';
    throw error;
  }
}

const why = await withoutOpenCL();

testUnless(
  test,
  why,
  'pictures are brought to the device of a filter and back behind it, and that is told',
  async () => {
    const { pictures, said } = await filtered('transpose_opencl', { dir: 'clock' });
    assert.equal(pictures, (await filtered('transpose', { dir: 'clock' })).pictures);
    assert.is(pictures.length, 3);
    const notes = said.filter(({ level }) => level === 'info').map(({ text }) => text);
    assert.equal(notes, [
      "pictures are brought to the device 'opencl' for the filter 'transpose_opencl', and back behind it",
    ]);
  },
);

testUnless(test, why, 'a filter graph uploads by itself where it says so', async () => {
  const graph = new Graph({ threads: 0 });
  const text = '[0]format=yuv420p,hwupload,transpose_opencl=clock,transpose_opencl=cclock,hwdownload,format=yuv420p[0]';
  const source = graph.filter('testsrc2', { size: '64x48', duration: 0.1 }).format('yuv420p');
  const sink = sinkOn(source.module('c_ffmpeg_filter', { graph: text }));
  await run(graph);
  assert.equal(pictures(sink.packets), (await filtered('copy', {})).pictures);
});

const nvidia = existsSync('/dev/nvidia0') ? 'this machine has an NVIDIA GPU' : undefined;

testUnless(
  test,
  nvidia,
  'a filter whose device is missing is refused by its name, with what the machine lacks',
  async () => {
    const graph = new Graph({ threads: 0 });
    sinkOn(graph.filter('testsrc2', { size: '64x48' }).filter('scale_cuda', 32, 24));
    const { code, message } = await failureOf(graph);
    assert.is(code, 'ERR_MILLRACE_OPTION');
    assert.match(
      message,
      /the filter 'scale_cuda': no device 'cuda' can be opened on this machine.*It needs an NVIDIA GPU/,
    );
  },
);

test('filters of different devices cannot share a node', async () => {
  const graph = new Graph({ threads: 0 });
  const source = graph.filter('testsrc2', { size: '64x48' });
  sinkOn(source.module('c_ffmpeg_filter', { graph: '[0]transpose_opencl,scale_cuda[0]' }));
  const { message } = await failureOf(graph);
  assert.match(message, /'transpose_opencl', 'scale_cuda' work on different devices \(opencl, cuda\)/);
});

test.run();
