// One warm graph for many jobs: pictures of videos as JPEG, and what each job took beside the first.
// Usage: node examples/server.mjs [VIDEO …]
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { Graph } from 'millrace';

const files = process.argv.slice(2);
if (files.length === 0) files.push('clip.ts', 'missing.ts', 'clip.ts');

const graph = new Graph({ threads: 1 });
const jpeg = graph
  .inputStream('file')
  .decode({ vframes: 1 })
  .video.scale(160, -2)
  .encode({ push_output: 1, format: 'mjpeg', video_params: { codec: 'jpg' } });

const begun = performance.now();
const server = await graph.serve({ outputs: { jpeg } });
console.log(`ready after ${(performance.now() - begun).toFixed()} ms`);

// All at once: they wait for their turn, and one that fails fails alone. Each is waited for from the beginning: a job that
// failed while nobody did would end the process, as any promise does.
const jobs = files.map(async (file) => {
  try {
    const result = await server.submit(() => createReadStream(file));
    const name = `picture-${result.job}.jpg`;
    await writeFile(name, Buffer.concat(result.outputs.jpeg.map(({ payload }) => payload.data)));
    result.close();
    return `${name} in ${result.milliseconds.toFixed()} ms`;
  } catch (error) {
    return error.code;
  }
});
for (const [i, job] of jobs.entries()) console.log(`${files[i]}: ${await job}`);
await server.close();
