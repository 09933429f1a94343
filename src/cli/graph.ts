/** `millrace graph graph.json` */
import { loadGraph } from './run.js';

export type Format = 'mermaid' | 'dot' | 'json' | 'placement';

export function graph(file: string, format: Format): number {
  // Every permission: drawing opens and runs nothing.
  const drawn = loadGraph(file, { modules: true, protocols: ['*'] });
  const texts: Record<Format, () => string> = {
    mermaid: () => drawn.toMermaid(),
    dot: () => drawn.toDot(),
    placement: () => String(drawn.explainPlacement()),
    json: () => `${JSON.stringify(drawn.toConfig(), null, 2)}\n`,
  };
  process.stdout.write(texts[format]());
  return 0;
}
