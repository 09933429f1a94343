/** What stood in the place of an output is not lost to a run that could not have written it. */
import { copyFileSync, existsSync, linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { ConfigError, encode, Graph } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { media, scratch } from '../../kit/media.js';
import { failureOf } from '../../kit/soon.js';

const test = suite('kept files');
const at = scratch();

const writing = (output_path: string, options: object, kind: 'video' | 'audio' = 'video'): Graph => {
  const graph = new Graph({ threads: 0 });
  if (kind === 'video') graph.filter('testsrc2', { size: '64x48', duration: 0.2 }).encode({ output_path, ...options });
  else encode(null, graph.filter('sine', { duration: 0.2 }), { output_path, ...options });
  return graph;
};

test('a header that is refused leaves the file that was there, and makes none', async () => {
  const refused = [
    [
      'a.mp4',
      { video_params: { codec: 'prores_ks', pix_fmt: 'yuv422p10le' } },
      /carry prores.*not currently supported in container/,
    ],
    ['a.flv', { video_params: { codec: 'png' } }, /Can the format 'flv' carry png .*not compatible with flv/],
  ] as const;
  for (const [name, options, message] of refused) {
    writeFileSync(at(name), 'what was there');
    assert.match((await failureOf('a graph', writing(at(name), options).run())).message, message);
    assert.is(readFileSync(at(name), 'utf8'), 'what was there');
    await failureOf('a graph', writing(at(`new-${name}`), options).run());
    assert.not(existsSync(at(`new-${name}`)));
  }
});

test('a file that was there is written over, and keeps its place and its rights', async () => {
  writeFileSync(at('b.mp4'), Buffer.alloc(100_000), { mode: 0o640 });
  const before = statSync(at('b.mp4'));
  const { bytes } = await writing(at('b.mp4'), { video_params: { codec: 'mpeg4' } }).run();
  const after = statSync(at('b.mp4'));
  assert.equal([after.size, after.ino, after.mode], [bytes, before.ino, before.mode]);
  await writing(at('c.mp4'), { video_params: { codec: 'mpeg4' } }).run();
  assert.ok(readFileSync(at('b.mp4')).equals(readFileSync(at('c.mp4'))));
});

test('a muxer that sums up what it writes, and one that goes back in its header, write whole files', async () => {
  for (const name of ['d.tta', 'd.wav', 'd.flac']) {
    await writing(at(name), {}, 'audio').run();
    let samples = 0;
    const graph = new Graph({ threads: 0 });
    const { audio } = graph.decode({ input_path: at(name) });
    for await (const packet of audio.packets<{ samples: number }>().closing()) samples += packet.payload.samples;
    assert.is(samples, 8820, name);
  }
});

test('an output that is an input of the graph, by whatever name, is refused before anything runs', async () => {
  copyFileSync(media('one-frame.mp4'), at('e.mp4'));
  linkSync(at('e.mp4'), at('link.mp4'));
  for (const output_path of [at('e.mp4'), at('link.mp4'), `file:${at('e.mp4')}`]) {
    const graph = new Graph({ threads: 0 });
    graph.decode({ input_path: at('e.mp4') }).video.encode({ output_path });
    const error = await failureOf('a graph', graph.run());
    assert.instance(error, ConfigError);
    assert.match(error.message, /output_path: '.*' is the input of nodes\[0\].*emptied before it has been read/);
  }
  assert.ok(readFileSync(at('e.mp4')).equals(readFileSync(media('one-frame.mp4'))));
});

test('two outputs of a graph do not write the same file; what is no file they may share', async () => {
  const both = (paths: [string, string], options: object = {}): Graph => {
    const graph = new Graph({ threads: 0 });
    const { video } = graph.decode({ input_path: media('one-frame.mp4'), vframes: 1 });
    for (const output_path of paths) video.encode({ output_path, video_params: { codec: 'mpeg4' }, ...options });
    return graph;
  };
  const error = await failureOf('a graph', both([at('f.mp4'), at('./x/../f.mp4')]).run());
  assert.match(error.message, /nodes\[2\].*output_path: '.*' is written by nodes\[1\].* too/);
  assert.not(existsSync(at('f.mp4')));
  await both(['/dev/null', '/dev/null'], { format: 'rawvideo' }).run();
  await both([at('g.mp4'), at('g.mp4')], { null_output: true }).run();
});

test.run();
