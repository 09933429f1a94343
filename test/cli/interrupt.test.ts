import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contents, makeClip, millrace, type Result, temporaryFolder } from './kit.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clip = await makeClip(at('clip.mp4'), { size: '96x54' });

/** Plays the clip for ever; slowly, so that the output stays small. */
function endless(output: string, threads: number): string {
  const path = at(`${output}.json`);
  const graph = {
    option: { threads },
    nodes: [
      {
        id: 0,
        module_info: { name: 'c_ffmpeg_decoder' },
        option: { input_path: clip, loop: -1, realtime: 1 },
        output_streams: [{ identifier: 'video:v' }, { identifier: 'audio:a' }],
      },
      {
        id: 1,
        module_info: { name: 'c_ffmpeg_encoder' },
        option: {
          output_path: at(output),
          mux_params: { flush_packets: 1 },
          video_params: { preset: 'ultrafast', tune: 'zerolatency' },
        },
        input_streams: [{ identifier: 'v' }, { identifier: 'a' }],
      },
    ],
  };
  writeFileSync(path, JSON.stringify(graph));
  return path;
}

/** The output has begun: some frames are in it. */
const underWay = (output: string) => (): boolean => (statSync(at(output), { throwIfNoEntry: false })?.size ?? 0) > 1000;
const told = ({ stderr }: Result): boolean => stderr.includes('interrupt again to abort');

const test = suite('an interrupted run');

for (const [threads, name] of (['SIGINT', 'SIGTERM'] as const).entries()) {
  test(`${name} finishes the output and exits with 130`, async () => {
    const output = `${name}.mp4`;
    const signals = [{ name, when: underWay(output) }];
    const { code, signal, stdout, stderr } = await millrace(['run', endless(output, threads)], { signals });
    assert.is(signal, null);
    assert.is(code, 130);
    assert.is(stderr, 'millrace: finishing the output; interrupt again to abort\n');
    assert.match(stdout, /frames?.*\(stopped early\)\n$/);
    const { frames, samples } = await contents(at(output));
    assert.is(frames, Number(/(\d+) frames?/.exec(stdout)?.[1]));
    assert.ok(frames > 0 && samples > 0, `${frames} frames, ${samples} samples`);
  });
}

test('--json tells that it was stopped', async () => {
  const signals = [{ name: 'SIGINT', when: underWay('json.mp4') } as const];
  const { code, stdout } = await millrace(['run', endless('json.mp4', 0), '--json'], { signals });
  assert.is(code, 130);
  const report = JSON.parse(stdout);
  assert.equal([report.ok, report.stopped, report.leaked], [true, true, {}]);
});

test('--quiet stays silent', async () => {
  const signals = [{ name: 'SIGINT', when: underWay('quiet.mp4') } as const];
  const { code, stdout, stderr } = await millrace(['run', endless('quiet.mp4', 0), '--quiet'], { signals });
  assert.is(code, 130);
  assert.is(stdout + stderr, '');
});

/** A source whose calls take that long, in ms; the file is there when it is called. */
function waiting(file: string, milliseconds: number): string {
  return `import { writeFileSync } from 'node:fs';
export default {
  process() {
    writeFileSync(${JSON.stringify(at(file))}, '');
    return new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
  },
};`;
}

test('the second signal aborts', async () => {
  // A source that ignores the stop: its call under way never settles by itself.
  writeFileSync(at('stuck.mjs'), waiting('stuck.called', 60_000));
  const graph = {
    option: { stop_grace: 500 },
    nodes: [{ id: 0, module_info: { name: 'stuck', path: at('stuck.mjs') } }],
  };
  writeFileSync(at('stuck.json'), JSON.stringify(graph));
  const signals = [
    { name: 'SIGINT', when: () => existsSync(at('stuck.called')) },
    { name: 'SIGINT', when: told },
  ] as const;
  const { code, stderr } = await millrace(['run', at('stuck.json'), '--allow-modules'], { signals });
  assert.is(code, 130);
  assert.match(stderr, /was aborted: interrupted twice\n$/);
});

test('interrupted before there is anything to write: 130 as well', async () => {
  writeFileSync(at('slow.mjs'), waiting('slow.called', 1500));
  const graph = {
    option: { threads: 0 },
    nodes: [
      { id: 0, module_info: { name: 'slow', path: at('slow.mjs') }, output_streams: [{ identifier: 's' }] },
      {
        id: 1,
        module_info: { name: 'c_ffmpeg_encoder' },
        option: { output_path: at('none.mp4') },
        input_streams: [{ identifier: 's' }],
      },
    ],
  };
  writeFileSync(at('slow.json'), JSON.stringify(graph));
  const signals = [{ name: 'SIGINT', when: () => existsSync(at('slow.called')) }] as const;
  const { code, stderr } = await millrace(['run', at('slow.json'), '--allow-modules'], { signals });
  assert.is(code, 130);
  assert.match(stderr, /interrupt again to abort\n/);
  assert.not.match(stderr, /Nothing to write/);
  assert.not(existsSync(at('none.mp4')));
});

test.run();
