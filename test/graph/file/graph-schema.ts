/**
 * The JSON Schema of graph files. The frame of a file is written here; options come from the schemas that check them, which
 * are asked what they take, and what an option is for comes from where docs/options.md has it.
 */
import * as v from 'valibot';
import { builtinModules, findBuiltin } from '../../../src/catalog/builtin.js';
import { fileSchema, nodeSchema } from '../../../src/graph/file/format.js';
import { inputManagerSchema } from '../../../src/graph/options/input-manager.js';
import { nodeOptionRows } from '../../../src/graph/options/node-options.js';
import { INPUT_MANAGERS } from '../../../src/module/contract.js';
import { graphOptionRows } from '../../../src/scheduler/plan/graph-options.js';
import { DOCUMENTED, optionTexts } from '../options/module-options-doc.js';

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** As valibot has it inside; only what is read here. */
interface Inside {
  readonly type: string;
  readonly default?: unknown;
  readonly entries?: Readonly<Record<string, Inside>>;
  readonly wrapped?: Inside;
  readonly item?: Inside;
  readonly options?: readonly Inside[];
  readonly pipe?: readonly Inside[];
}

const inside = (schema: unknown): Inside => schema as Inside;
const takes = (schema: Inside, value: unknown): boolean =>
  v.safeParse(schema as unknown as v.GenericSchema, value).success;

/** What a schema that cannot be looked into says of itself when it refuses something. */
function expected(schema: Inside): string {
  const { issues } = v.safeParse(schema as unknown as v.GenericSchema, Symbol('nothing'));
  return /^must be (.*), not /s.exec(issues?.[0].message ?? '')?.[1] ?? '';
}

/** Found out by asking: which types it takes, and which of the words that its message has. */
function asked(schema: Inside): JsonSchema {
  const words = expected(schema);
  const named = [...words.matchAll(/["']([\w-]+)["']/g)]
    .map((match) => match[1]!)
    .filter((word) => takes(schema, word));
  const samples: Readonly<Record<string, readonly unknown[]>> = {
    number: [0.5, 1.5, 29.97, 65536.5],
    integer: [0, 1, 2, 16, 100, 65_536, -1],
    boolean: [true, false],
    string: ['x', '1', '1/2', '0:1', '320x240', '0', '65536', '00ff', ...named],
    array: [[], [1], [0, 1], ['x']],
    object: [{}],
  };
  let types = Object.keys(samples).filter((type) => samples[type]!.some((sample) => takes(schema, sample)));
  if (types.includes('number')) types = types.filter((type) => type !== 'integer');
  if (types.length === 0 || types.length === 6) return {};
  const about = words === '' ? {} : { description: words[0]!.toUpperCase() + words.slice(1) };
  if (named.length > 1 && !takes(schema, 'x') && types.every((type) => type === 'string')) return { enum: named };
  return { ...about, type: types.length === 1 ? types[0] : types };
}

function jsonSchemaOf(schema: Inside): JsonSchema {
  const { type, default: standard, wrapped, item, options, pipe } = schema;
  if (type === 'optional' && wrapped) {
    const plain = typeof standard === 'object' || standard === undefined || standard === Number.POSITIVE_INFINITY;
    return { ...jsonSchemaOf(wrapped), ...(plain ? {} : { default: standard }) };
  }
  if (schema.entries) {
    const properties = Object.fromEntries(Object.entries(schema.entries).map(([key, one]) => [key, jsonSchemaOf(one)]));
    const required = Object.entries(schema.entries).flatMap(([key, one]) => (one.type === 'optional' ? [] : [key]));
    // Those that hand the rest on to FFmpeg take any other name.
    const isOpen = takes(schema, { ...sampleOf(schema.entries), 'name of an option': 'x' });
    return {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: isOpen ? { type: ['string', 'number', 'boolean'] } : false,
    };
  }
  if (type === 'array' && item) return { type: 'array', items: jsonSchemaOf(item) };
  if (type === 'union' && options) return { anyOf: options.map(jsonSchemaOf) };
  const [first] = pipe ?? [];
  return first === undefined || first.type === 'unknown' ? asked(schema) : jsonSchemaOf(first);
}

/** An object that holds what is required, as far as one of some samples is right. */
function sampleOf(entries: Readonly<Record<string, Inside>>): Record<string, unknown> {
  const samples = ['x', 'video', 1, 0, true, [], {}];
  const required = Object.entries(entries).filter(([, one]) => one.type !== 'optional');
  return Object.fromEntries(required.map(([key, one]) => [key, samples.find((sample) => takes(one, sample))]));
}

/** With what docs/options.md says. */
function described(schema: JsonSchema, type: string): JsonSchema {
  const texts = new Map(optionTexts(type).map(({ name, meaning }) => [name, meaning]));
  const properties = Object.entries(schema.properties as Record<string, JsonSchema>).map(([name, one]) => {
    const description = texts.get(name) || one.description;
    return [name, { ...one, ...(description ? { description } : {}) }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

function moduleOptions(): JsonSchema[] {
  return builtinModules.map(({ name, schema }) => {
    const plain = jsonSchemaOf(inside(schema));
    const documented = DOCUMENTED.find((one) => one.module === name);
    const own = documented ? described(plain, documented.type) : plain;
    // BMF's builder writes the alias of the node among the options.
    const option = { ...own, properties: { ...(own.properties as object), alias: { type: 'string' } } };
    const names = [name, name.replace(/^c_/, '')].filter((one, n, all) => findBuiltin(one) && all.indexOf(one) === n);
    const isNamed = { required: ['name'], properties: { name: { enum: names } } };
    return {
      // A module file may have any name.
      if: {
        required: ['module_info'],
        properties: {
          module_info: { ...isNamed, not: { required: ['path'], properties: { path: { minLength: 1 } } } },
        },
      },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { properties: { option: { anyOf: [option, { $ref: '#/$defs/nothing' }] } } },
    };
  });
}

function graphOptions(): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const nested: Record<string, Record<string, JsonSchema>> = {};
  for (const [name, row] of Object.entries(graphOptionRows)) {
    if (/Not in files\./.test(row.meaning)) continue;
    const one = { ...asked(inside(row.schema)), description: row.meaning };
    const [outer, inner] = name.split('.') as [string, string?];
    if (inner === undefined) properties[outer] = one;
    else nested[outer] = { ...nested[outer], [inner]: one };
  }
  for (const [name, own] of Object.entries(nested)) {
    properties[name] = { type: 'object', properties: own, additionalProperties: false };
  }
  return { type: 'object', properties, additionalProperties: false };
}

/** BMF writes "" and null for what is not set. */
function orNothing(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { $ref: '#/$defs/nothing' }] };
}

/** Keys that are not written out below, as reading takes them. */
function ofReading(schema: unknown): Record<string, JsonSchema> {
  const { entries, pipe } = inside(schema);
  const all = entries ?? pipe?.[0]?.entries ?? {};
  return Object.fromEntries(Object.entries(all).map(([key, one]) => [key, jsonSchemaOf(one)]));
}

/** The text of the file in the package. */
export const SCHEMA_FILE = new URL('../../../docs/graph.schema.json', import.meta.url);

export function graphSchemaText(): string {
  return `${JSON.stringify(graphFileSchema(), null, 1)}\n`;
}

function graphFileSchema(): JsonSchema {
  const texts = nodeOptionRows;
  const optionalText = (description: string) => ({ type: ['string', 'null'], description });
  const streams = { type: ['array', 'null', 'string'], items: { $ref: '#/$defs/stream' } };
  const bindings = { type: ['array', 'null', 'string'], items: { type: 'string', pattern: '^[^:]+:.' } };
  const manager = jsonSchemaOf(
    inside((inputManagerSchema as unknown as { getter: (value: unknown) => unknown }).getter({})),
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A graph file of millrace, in the form of BMF',
    type: 'object',
    required: ['nodes'],
    additionalProperties: false,
    properties: {
      ...ofReading(fileSchema),
      $schema: { type: 'string' },
      mode: {
        description:
          'What is expected of the graph: Pushdata has input streams, Generator has output streams, Server does jobs.',
        anyOf: [
          { enum: ['Normal', 'Pushdata', 'Generator', 'Server'] },
          { type: 'string', pattern: '^([Nn]ormal|[Pp]ush(data)?|[Gg]enerator|[Ss]erver)?$' },
          { type: 'null' },
        ],
      },
      option: { ...graphOptions(), description: 'Options of the graph.' },
      input_streams: { ...streams, description: 'Streams that are pushed.' },
      output_streams: { ...streams, description: 'Streams that are read.' },
      nodes: { type: 'array', items: { $ref: '#/$defs/node' } },
    },
    $defs: {
      nothing: { enum: ['', null] },
      stream: {
        type: 'object',
        required: ['identifier'],
        additionalProperties: false,
        properties: {
          identifier: {
            type: 'string',
            minLength: 1,
            description: 'Name of the stream; before it, with a colon, which output of its node it is: "video:name".',
          },
          alias: optionalText("BMF's older name of stream_alias."),
          stream_alias: optionalText('Name by which `graph.stream()` finds it.'),
          notify: optionalText('Which output it is, in place of what stands before the identifier.'),
        },
      },
      node: {
        type: 'object',
        required: ['id', 'module_info'],
        additionalProperties: false,
        properties: {
          ...ofReading(nodeSchema),
          id: { type: ['integer', 'string'], minimum: 0, maximum: 2 ** 31 - 1 },
          alias: optionalText(texts.alias.meaning),
          module_info: {
            type: 'object',
            additionalProperties: false,
            properties: {
              name: {
                ...optionalText('Name of a built-in or registered module.'),
                examples: builtinModules.map(({ name }) => name),
              },
              type: optionalText("BMF's; not used."),
              path: optionalText('Path of a module file.'),
              entry: optionalText('Name of its export.'),
            },
          },
          meta_info: orNothing({
            type: 'object',
            additionalProperties: false,
            properties: {
              premodule_id: { type: ['integer', 'string'] },
              callback_binding: bindings,
              callback_bindings: bindings,
              queue_length_limit: { type: ['integer', 'string'], minimum: 1, description: texts.queueLimit.meaning },
            },
          }),
          option: { type: ['object', 'null', 'string'], description: 'Options of the module.' },
          input_streams: streams,
          output_streams: streams,
          input_manager: {
            description: texts.inputManager.meaning,
            ...orNothing({ anyOf: [{ enum: INPUT_MANAGERS }, manager] }),
          },
          scheduler: { type: ['integer', 'string', 'null'], minimum: 0, description: texts.scheduler.meaning },
          thread: optionalText(texts.thread.meaning),
          dist_nums: { type: ['integer', 'string', 'null'], minimum: 1, description: texts.distNums.meaning },
          action: { $ref: '#/$defs/nothing' },
        },
        allOf: moduleOptions(),
      },
    },
  };
}
