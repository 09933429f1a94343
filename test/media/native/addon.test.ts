/** FFmpeg is loaded when it is used for the first time: whoever imports the package for something else goes without its 50 MB. */
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CLI, node } from '../../cli/kit.js';
import { long } from '../../kit/long.js';
import { program } from '../../kit/program.js';

const addon = suite('loading FFmpeg');

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));
const LOADED = "process.report.getReport().sharedObjects.some((file) => file.endsWith('node-av.node'))";

addon('waits for the first use, in the thread of the program', () => {
  const { stdout, stderr } = program(`
    import { defineModule, Graph, Packet, probeSync, syncModule } from 'millrace';
    process.report.excludeNetwork = true;
    const say = (when) => console.log(when, ${LOADED});
    say('imported');
    const count = defineModule({
      process(task) {
        for (let n = 0; n < 5; n++) task.output(0).push(new Packet({ n }));
        task.done();
      },
    });
    let sum = 0;
    const add = defineModule({
      process(task) {
        for (const packet of task.inputs.get(0) ?? []) if (!packet.isEof) sum += packet.payload.n;
      },
    });
    const graph = new Graph({ threads: 0 });
    graph.module(count, {}, { inputs: [] }).module('pass_through').module(add);
    say('built');
    await graph.run();
    say('run ' + sum);
    const module = syncModule(add, {}, [0], []);
    module.process({ 0: [new Packet({ n: 5 })] });
    module.close();
    say('called ' + sum);
    probeSync(${JSON.stringify(fixture('media/one-frame.mp4'))});
    say('probed');
  `);
  const expected = 'imported false\nbuilt false\nrun 10 false\ncalled 15 false\nprobed true\n';
  assert.is(stdout, expected, stderr);
});

addon('is not needed to describe the command, its modules and a graph', async () => {
  const preload = `data:text/javascript,process.report.excludeNetwork = true;
    process.on('exit', () => process.stderr.write('loaded ' + ${LOADED}));`;
  const env = { NODE_OPTIONS: `--import=${JSON.stringify(preload.replaceAll(/\s+/g, '%20'))}` };
  const commands = [['transcode', '--help'], ['modules'], ...(long ? [['--version'], ['--help']] : [])];
  for (const args of commands) {
    const { stderr } = await node(CLI, args, { env });
    assert.match(stderr, /loaded false$/, args.join(' '));
  }
  const { stderr } = await node(CLI, ['inspect', fixture('media/one-frame.mp4')], { env });
  assert.match(stderr, /loaded true$/, 'the test sees it');
});

addon('leaves the level of the log that an application has set through node-av, and quietens FFmpeg otherwise', () => {
  const { stdout, stderr } = program(`
    import 'millrace';
    import { Log } from 'node-av/lib';
    import { AV_LOG_FATAL, AV_LOG_INFO } from 'node-av/constants';
    import { VideoFrame } from 'millrace';
    const alloc = () => VideoFrame.alloc({ width: 2, height: 2, format: 'yuv420p' }).close();
    if (Log.getLevel() === AV_LOG_INFO) console.log('as FFmpeg starts');
    Log.setLevel(AV_LOG_FATAL);
    alloc();
    console.log(Log.getLevel() === AV_LOG_FATAL);
  `);
  assert.is(stdout, 'as FFmpeg starts\ntrue\n', stderr);
  const { stdout: quiet } = program(`
    import { VideoFrame } from 'millrace';
    import { Log } from 'node-av/lib';
    VideoFrame.alloc({ width: 2, height: 2, format: 'yuv420p' }).close();
    console.log(Log.getLevel());
  `);
  assert.is(quiet, '-8\n');
});

addon.run();
