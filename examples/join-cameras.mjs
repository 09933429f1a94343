// Two cameras of 30 and 10 frames per second and a microphone, joined by each of NNStreamer's policies: which frame and
// which sound belong together.
// Usage: node examples/join-cameras.mjs [seconds]
import { AudioFrame, Graph } from 'millrace';

const seconds = Number(process.argv[2] ?? 0.3);
const policies = [
  { sync_mode: 'nosync' },
  { sync_mode: 'slowest' },
  { sync_mode: 'basepad', sync_option: '0:33333333' },
  { sync_mode: 'refresh' },
];

for (const policy of policies) {
  const graph = new Graph();
  const camera = (rate) => graph.filter('testsrc2', { size: '320x180', rate, duration: seconds });
  const sound = graph.filter('sine', { duration: seconds, samples_per_frame: 1024, sample_rate: 48_000 });
  const lines = [];
  graph.module('mux', policy, { inputs: [camera(30), camera(10), sound] }).module({
    process(task) {
      for (const { payload, timestamp, isEof } of task.inputs.get(0) ?? []) {
        if (isEof) continue;
        const times = payload.map((part) => {
          const kind = part instanceof AudioFrame ? 'sound' : 'frame';
          return `${kind} of ${(part.timestamp / 1000).toFixed(0)} ms`.padStart(16);
        });
        lines.push(`${(timestamp / 1000).toFixed(0).padStart(5)} ms: ${times.join(', ')}`);
      }
    },
  });
  await graph.run();
  console.log(`${policy.sync_mode}: ${lines.length} outputs\n${lines.slice(0, 8).join('\n')}\n`);
}
