/** Writes a graph as a graph file that `readConfig` reads back to the same graph. */

import { builtinOf } from '../../catalog/builtin.js';
import { isKnownByName } from '../../catalog/registry.js';
import type { Problem } from '../../errors/errors.js';
import { isSourceRef } from '../../media/bytes/ref.js';
import type { LinkSpec, NodeSpec } from '../../scheduler/plan/spec.js';
import { defaultAlias } from '../build/draw.js';
import { writeInputManager } from '../options/input-manager.js';
import { isSinkModule } from '../output/sink.js';
import type { GraphConfig, NodeConfig, StreamConfig } from './format.js';
import { jsonPart } from './json-part.js';

/** Name of an output in graph files, as BMF forms it. */
export function streamName({ module, id, alias, outside }: NodeSpec, output: number): string {
  if (outside === 'input') return alias;
  return `${module.name}_${id}_${output}`;
}

/** Which output a name that was formed so stands for; undefined for a name of another form. */
export function outputNamed(name: string): LinkSpec['from'] | undefined {
  const [, id, output] = /_(\d+)_(\d+)$/.exec(name) ?? [];
  return id === undefined ? undefined : { node: Number(id), output: Number(output) };
}

/**
 * @param inputs Nodes of the input streams.
 * @param outputs Streams that are read.
 * @returns the file as far as it can be written, which shares nothing with the graph, and what it cannot hold: modules
 *   and callbacks of this process, options that are not JSON.
 */
export function writeConfig(
  options: object,
  nodes: readonly NodeSpec[],
  inputs: readonly NodeSpec[],
  outputs: readonly LinkSpec['from'][],
  links: readonly LinkSpec[],
  streamAliases: ReadonlyMap<string, string>,
  pathOf: (index: number) => string,
): { config: GraphConfig; problems: Problem[] } {
  const problems: Problem[] = [];
  const byId = new Map([...nodes, ...inputs].map((node) => [node.id, node]));
  const named = (name: string): StreamConfig => ({ identifier: name, stream_alias: streamAliases.get(name) ?? '' });
  const read = new Set(outputs.map(({ node, output }) => streamName(byId.get(node)!, output)));
  const config: GraphConfig = {
    mode: inputs.length > 0 ? 'Pushdata' : outputs.length > 0 ? 'Generator' : 'Normal',
    option: jsonPart(options, 'option', problems) as GraphConfig['option'],
    input_streams: inputs.map((node) => named(node.alias)),
    output_streams: [...read].map(named),
    nodes: nodes.map((node, index) => {
      const path = pathOf(index);
      const own = isSourceRef(node.options.input) ? { ...node.options, input: undefined } : node.options;
      const option = jsonPart(own, `${path}.option`, problems) as NodeConfig['option'];
      problems.push(...unwritable(node, path));
      return { ...writeNode(node, outputs, links, byId, streamAliases), option };
    }),
  };
  return { config: JSON.parse(JSON.stringify(config)) as GraphConfig, problems };
}

function unwritable(node: NodeSpec, path: string): Problem[] {
  const problems: Problem[] = [];
  if (isSinkModule(node.module.definition)) {
    const hint = 'A file names a path or URL: output_path';
    problems.push({ path, message: 'takes the file for the program, which no file can hold', hint });
  } else if (node.module.definition && !isKnownByName(node.module)) {
    problems.push({
      path: `${path}.module_info`,
      message: 'is a module of this process that has no name',
      hint: 'Register it: registerModule(name, module)',
    });
  }
  if (node.callback) problems.push({ path: `${path}.callback`, message: 'is a function, which a file cannot hold' });
  for (const [key, callback] of node.callbacks ?? []) {
    if (typeof callback === 'string') continue;
    problems.push({
      path: `${path}.meta_info.callback_binding`,
      message: `the callback '${key}' is a function, which a file cannot hold`,
      hint: `Make it one of the graph's and name it here: graph.addCallback('${key}', fn); handle.addCallback('${key}', '${key}')`,
    });
  }
  if (isSourceRef(node.options.input)) {
    const hint = 'A file names a path or URL: input_path';
    problems.push({
      path: `${path}.option.input`,
      message: 'are bytes of the program, which a file cannot hold',
      hint,
    });
  }
  return problems;
}

function writeNode(
  node: NodeSpec,
  read: readonly LinkSpec['from'][],
  links: readonly LinkSpec[],
  byId: ReadonlyMap<number, NodeSpec>,
  streamAliases: ReadonlyMap<string, string>,
): Omit<NodeConfig, 'option'> {
  const { module, id } = node;
  const isInFile = module.path !== undefined && !isKnownByName(module);
  // BMF's files name these two, and no others.
  const kinds = builtinOf(module)?.outputNames?.(node.options).slice(0, 2);
  const used = [...links.map(({ from }) => from), ...read].filter((from) => from.node === id);
  const outputs = new Set(used.map(({ output }) => output));
  const inputs = new Map(links.filter((link) => link.to.node === id).map((link) => [link.to.input, link.from]));
  const outputCount = Math.max(-1, ...outputs) + 1;
  const inputCount = Math.max(-1, ...inputs.keys()) + 1;
  const stream = (name: string, kind = ''): StreamConfig => ({
    identifier: `${kind}${name}`,
    stream_alias: streamAliases.get(name) ?? '',
  });
  return {
    id,
    alias: node.alias === defaultAlias(node) ? '' : node.alias,
    module_info: {
      name: module.name,
      type: '',
      path: isInFile ? module.path! : '',
      entry: isInFile ? (module.entry ?? '') : '',
    },
    meta_info: {
      premodule_id: node.warm?.id ?? -1,
      callback_binding: [...(node.callbacks ?? [])].flatMap(([key, name]) =>
        typeof name === 'string' ? `${key}:${name}` : [],
      ),
      ...(node.queueLimit !== undefined && { queue_length_limit: node.queueLimit }),
    },
    input_streams: Array.from({ length: inputCount }, (_, input) => {
      const from = inputs.get(input);
      // An unconnected input holds its place by a name of this very node, beyond those of its outputs.
      return stream(from ? streamName(byId.get(from.node)!, from.output) : streamName(node, outputCount + input));
    }),
    output_streams: Array.from({ length: outputCount }, (_, output) => {
      const name = streamName(node, output);
      return stream(name, kinds?.[output] && `${kinds[output]}:`);
    }),
    input_manager: writeInputManager(node.inputManager),
    ...(node.onError !== undefined && { on_error: node.onError }),
    ...(node.distNums !== undefined && { dist_nums: node.distNums }),
    ...(node.scheduler !== undefined && { scheduler: node.scheduler }),
    ...(node.thread !== undefined && { thread: node.thread }),
  };
}
