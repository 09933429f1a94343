// What files hold: one line for each, and one for every stream.
// Usage: node examples/probe.mjs [in.mp4 ...]
import { probe } from 'millrace';

const files = process.argv.length > 2 ? process.argv.slice(2) : ['clip.mp4'];

for (const file of files) {
  const { format, streams } = await probe(file, { timeout_ms: 10_000 });
  console.log(`${file}: ${format.name}, ${format.duration ?? '?'} s, ${format.chapters?.length ?? '?'} chapters`);
  for (const { index, kind, codec, language = '', width, height, sampleRate } of streams) {
    console.log(`  ${index} ${kind} ${codec} ${width ? `${width}x${height}` : (sampleRate ?? '')} ${language}`);
  }
}
