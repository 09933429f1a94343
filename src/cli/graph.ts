/** `millrace graph graph.json` */
import { loadGraph } from './run.js';

type Format = 'mermaid' | 'dot' | 'json' | 'placement';

export interface GraphFlags {
  readonly format: Format;
  readonly allowModules?: boolean;
}

export function graph(file: string, { format, allowModules = false }: GraphFlags): number {
  // Every permission: drawing opens and runs nothing, unless it is to look into files of sub-graphs.
  const drawn = loadGraph(file, { modules: true, protocols: ['*'] }, allowModules);
  const texts: Record<Format, () => string> = {
    mermaid: () => drawn.toMermaid(),
    dot: () => drawn.toDot(),
    placement: () => String(drawn.explainPlacement()),
    json: () => `${JSON.stringify(drawn.toConfig(), null, 2)}\n`,
  };
  process.stdout.write(texts[format]());
  return 0;
}
