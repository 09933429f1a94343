/** docs/graph.schema.json, which `millrace schema` prints, says of graph files what reading them says. */
import { readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileSchema, nodeSchema } from '../../../src/graph/file/format.js';
import { readConfig } from '../../../src/graph/file/read.js';
import { graphSchemaText, type JsonSchema, SCHEMA_FILE } from './graph-schema.js';

const current = graphSchemaText();
if (process.env.UPDATE_DOCS === '1') writeFileSync(SCHEMA_FILE, current);

const schema = JSON.parse(current) as JsonSchema;

/** The keywords that are used. @returns where it does not fit. */
function misfits(value: unknown, rule: JsonSchema, path = ''): string[] {
  const at = (problem: string): string[] => [`${path || '(file)'}: ${problem}`];
  const {
    $ref,
    type,
    enum: words,
    anyOf,
    allOf,
    not,
    properties = {},
    required = [],
    additionalProperties,
    items,
  } = rule as {
    $ref?: string;
    type?: string | string[];
    enum?: unknown[];
    anyOf?: JsonSchema[];
    allOf?: JsonSchema[];
    not?: JsonSchema;
    properties?: Record<string, JsonSchema>;
    required?: string[];
    additionalProperties?: JsonSchema | false;
    items?: JsonSchema;
  };
  if ($ref) return misfits(value, (schema.$defs as Record<string, JsonSchema>)[$ref.split('/').at(-1)!]!, path);
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const kinds = kind === 'number' && Number.isInteger(value) ? ['number', 'integer'] : [kind];
  if (type !== undefined && !kinds.some((one) => [type].flat().includes(one))) return at(`is ${kind}, not ${type}`);
  if (words && !words.includes(value)) return at(`is none of ${words.join(', ')}`);
  if (anyOf && !anyOf.some((one) => misfits(value, one, path).length === 0)) return at('fits none of several');
  if (not && misfits(value, not, path).length === 0) return at('fits what it must not');
  const found = (allOf ?? []).flatMap((one) => misfits(value, one, path));
  const condition = rule.if as JsonSchema | undefined;
  if (condition && misfits(value, condition, path).length === 0)
    found.push(...misfits(value, rule.then as JsonSchema, path));
  if (typeof value === 'string') {
    if (typeof rule.pattern === 'string' && !new RegExp(rule.pattern).test(value))
      return at(`is not as ${rule.pattern}`);
    if (value.length < Number(rule.minLength ?? 0)) return at('is too short');
  }
  if (typeof value === 'number' && (value < Number(rule.minimum ?? value) || value > Number(rule.maximum ?? value))) {
    return at('is out of range');
  }
  if (kind === 'array' && items)
    found.push(...(value as unknown[]).flatMap((one, n) => misfits(one, items, `${path}[${n}]`)));
  if (kind === 'object') {
    for (const key of required) if (!(key in (value as object))) found.push(...at(`lacks ${key}`));
    for (const [key, one] of Object.entries(value as object)) {
      const own = properties[key] ?? additionalProperties;
      if (own === false) found.push(...at(`has ${key}`));
      else if (own) found.push(...misfits(one, own, `${path}.${key}`));
    }
  }
  return found;
}

const root = new URL('../../../', import.meta.url);
const read = (file: string) =>
  JSON.parse(readFileSync(new URL(file, root), 'utf8')) as { nodes: Record<string, unknown>[] };
const example = () => read('test/fixtures/graph/transcode.json');

const test = suite('JSON Schema of graph files');

test('the file in the package is that of the tables (UPDATE_DOCS=1 writes it)', () => {
  assert.ok(readFileSync(SCHEMA_FILE, 'utf8') === current, 'run this file with UPDATE_DOCS=1');
});

test('it has the keys that reading knows', () => {
  const keysOf = (one: unknown): string[] => {
    const { entries, pipe } = one as { entries?: object; pipe?: { entries?: object }[] };
    return Object.keys(entries ?? pipe![0]!.entries!).sort();
  };
  const { node } = schema.$defs as { node: { properties: object } };
  assert.equal(Object.keys(schema.properties as object).sort(), keysOf(fileSchema));
  assert.equal(Object.keys(node.properties).sort(), keysOf(nodeSchema));
});

test('right files fit, with "$schema" in them', () => {
  for (const file of ['test/fixtures/graph/transcode.json', 'examples/graph.json']) {
    const value = { $schema: '../docs/graph.schema.json', ...read(file) };
    assert.equal(misfits(value, schema), [], file);
    readConfig(value, { modules: true, protocols: ['*'] });
  }
});

test('wrong files do not, at the places that reading names', () => {
  const change = (alter: (graph: { nodes: Record<string, unknown>[]; [key: string]: unknown }) => void) => {
    const graph = example() as { nodes: Record<string, unknown>[]; [key: string]: unknown };
    alter(graph);
    return graph;
  };
  const option = (graph: { nodes: Record<string, unknown>[] }, module: RegExp): Record<string, unknown> =>
    graph.nodes.find(({ module_info }) => module.test((module_info as { name: string }).name))!.option as Record<
      string,
      unknown
    >;
  const wrong: readonly (readonly [graph: object, says: RegExp])[] = [
    [change((graph) => Object.assign(graph, { node: [] })), /\(file\): has node/],
    [change((graph) => Object.assign(graph, { mode: 'Nromal' })), /\.mode/],
    [change((graph) => Object.assign(graph, { option: { thread: 2 } })), /\.option: has thread/],
    [change((graph) => Object.assign(graph, { option: { transport: 'fax' } })), /\.option\.transport/],
    [change((graph) => delete graph.nodes[0]!.id), /\.nodes\[0\]: lacks id/],
    [change((graph) => Object.assign(option(graph, /decoder/), { input_pth: 'x' })), /\.nodes\[\d\]\.option/],
    [change((graph) => Object.assign(option(graph, /encoder/), { video_params: 7 })), /\.nodes\[\d\]\.option/],
  ];
  for (const [graph, says] of wrong) {
    assert.match(misfits(graph, schema).join('\n'), says);
    assert.throws(() => readConfig(graph, { modules: true, protocols: ['*'] }));
  }
});

test.run();
