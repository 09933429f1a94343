// Runs a graph file as BMF writes it. `millrace run graph.json` does the same from the command line.
// Usage: node examples/graph-file.mjs [graph.json] (the paths in the file are relative to the current directory)
import { fileURLToPath } from 'node:url';
import { ConfigError, Graph } from 'millrace';

const [file = fileURLToPath(new URL('./graph.json', import.meta.url))] = process.argv.slice(2);

try {
  const graph = Graph.fromConfig(file);
  console.log(graph.toMermaid());
  const report = await graph.run();
  console.log(`${report.name}: ${report.frames} frames, ${report.bytes} bytes`);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  // Everything that is wrong with the file, each with its place in it.
  for (const { path, message } of error.problems) console.error(`${path}: ${message}`);
  process.exitCode = 2;
}
