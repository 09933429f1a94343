/** docs/options.md, made from the tables in the code. `UPDATE_DOCS=1 node --import tsx test/graph/options/options.test.ts` writes it. */
import { nodeOptionRows } from '../../../src/graph/options/node-options.js';
import { runOptionRows } from '../../../src/graph/options/run-options.js';
import { serveOptionRows } from '../../../src/graph/serve/serving.js';
import { graphOptionRows } from '../../../src/scheduler/plan/graph-options.js';
import type { OptionRow } from '../../../src/schema/option-row.js';
import { moduleOptionsDocument } from './module-options-doc.js';

function table(rows: Readonly<Record<string, OptionRow>>, withEnvironment: boolean): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const head = withEnvironment
    ? ['| option | type | default | environment | meaning |', '|---|---|---|---|---|']
    : ['| option | type | default | meaning |', '|---|---|---|---|'];
  const lines = Object.entries(rows).map(([name, row]) => {
    const env = row.env === undefined ? '' : `\`${row.env}\``;
    const cells = [`\`${name}\``, row.type, row.default, ...(withEnvironment ? [env] : []), row.meaning];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  return [...head, ...lines].join('\n');
}

export function optionsDocument(): string {
  return `# Options

<!-- Made from the tables in src/scheduler/plan/graph-options.ts, src/graph/options and src/graph/serve, and of the built-in modules
from their types in src/graph/build/module-options.ts and their schemas; a test compares them. -->

Every option of a graph, a node, a run and the built-in modules. Unknown options and wrong values are refused before anything
starts, all of them at once, each with the nearest known name.

## Graph

\`new Graph({ … })\`, or \`option\` in a graph file. Numbers may be strings and booleans 0 and 1, as graph files have them.
An environment variable stands in for an option that is not given, and the file that \`MILLRACE_CONFIG\` names (a JSON object of
these options) for what the environment does not say. A \`Runtime\` takes \`threads\`, \`wait\`, \`transport\` and \`onLog\`. Names with a dot are
nested: \`{ wait: { spin: 0 } }\`.

${table(graphOptionRows, true)}

## Node

Last argument of \`decode()\`, \`module()\` and \`encode()\`.

${table(nodeOptionRows, false)}

## Run

\`graph.run({ … })\` and \`graph.start({ … })\`.

${table(runOptionRows, false)}

## Serve

\`graph.serve({ … })\`: docs/server.md.

${table(serveOptionRows, false)}

${moduleOptionsDocument()}`;
}
