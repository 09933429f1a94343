/**
 * Graph files come from anywhere. Unless the caller allows it, a file loads no module from a path and opens nothing but
 * files: no URL as input or output, and none hidden in other options.
 */
import type { Problem } from '../errors.js';
import { findBuiltin } from '../modules.js';
import type { NodeSpec } from '../scheduler/spec.js';
import { joinPath } from './problems.js';
import { isKnownByName } from './registry.js';

/** What a graph file may do beyond reading and writing files through the built-in and the registered modules. */
export interface Allowed {
  /** Load modules from paths. */
  readonly modules?: boolean | undefined;
  /** Protocols of FFmpeg that may be opened, such as 'http', 'https', 'rtmp'; '*' for any. */
  readonly protocols?: readonly string[] | undefined;
}

// Filters that open URLs or sockets of their own, in syntax of their own.
const OPENING_FILTERS = /\b(a?movie|a?zmq)\b/;
// Muxers whose output path is a list of further outputs.
const OPENING_FORMATS = new Set(['tee', 'fifo', 'stream_segment', 'ssegment']);

/**
 * The protocol FFmpeg would use for a name: what stands before the first ':' if that is a scheme and no drive letter
 * (ff `url_find_protocol`).
 */
export function protocolOf(name: string): string {
  const scheme = /^([A-Za-z0-9+.-]+)(?:,[^:]*)?:/.exec(name)?.[1];
  return scheme === undefined || scheme.length === 1 ? 'file' : scheme.toLowerCase();
}

/** What a node of an untrusted file must not do. */
export function checkTrust(node: NodeSpec, path: string, allowed: Allowed = {}): Problem[] {
  if (node.module.path !== undefined) {
    return allowed.modules || isKnownByName(node.module)
      ? []
      : [
          {
            path: `${path}.module_info.path`,
            message: `a graph file may not load the module file ${node.module.path}`,
            hint: 'Allow it with fromConfig(file, { allow: { modules: true } }), or register the module by name',
          },
        ];
  }
  const builtin = findBuiltin(node.module.name);
  if (!builtin || allowed.protocols?.includes('*')) return [];
  const permitted = new Set(['file', ...(allowed.protocols ?? [])]);
  const problems: Problem[] = [];
  for (const { keys, text } of texts(node.options)) {
    if (keys[0] === 'metadata') continue; // written, never opened
    const where = joinPath(`${path}.option`, ...keys);
    const reason = forbidden(keys, text, node.options, permitted, builtin.name === 'c_ffmpeg_filter');
    if (reason) problems.push({ path: where, ...reason });
  }
  return problems;
}

function forbidden(
  keys: readonly PropertyKey[],
  text: string,
  options: Readonly<Record<string, unknown>>,
  permitted: ReadonlySet<string>,
  isFilter: boolean,
): { message: string; hint: string } | undefined {
  const isPath = keys.length === 1 && (keys[0] === 'input_path' || keys[0] === 'output_path');
  const demuxer = (options.dec_params as { f?: unknown } | undefined)?.f;
  const isFilterText = isFilter || (isPath && demuxer === 'lavfi');
  if (isFilterText && OPENING_FILTERS.test(text)) {
    const [name] = OPENING_FILTERS.exec(text)!;
    return {
      message: `a graph file may not use the filter '${name}', which opens files and URLs by itself`,
      hint: "Decode the file in a node of its own, or allow { protocols: ['*'] }",
    };
  }
  if (keys.length === 1 && keys[0] === 'format' && OPENING_FORMATS.has(text)) {
    return {
      message: `a graph file may not use the muxer '${text}', which opens outputs by itself`,
      hint: "Use an encoder node for each output, or allow { protocols: ['*'] }",
    };
  }
  const schemes = isPath && !isFilterText ? [protocolOf(text)] : schemesIn(text);
  const scheme = schemes.find((name) => !permitted.has(name));
  if (scheme === undefined) return undefined;
  return {
    message: `a graph file may not open '${scheme}:'`,
    hint: `Allow it with fromConfig(file, { allow: { protocols: ['${scheme}'] } })`,
  };
}

/** Schemes of the URLs in a text, also of those written with FFmpeg's escapes. */
function schemesIn(text: string): string[] {
  const plain = text.replace(/[\\']/g, '');
  return [...plain.matchAll(/([A-Za-z][A-Za-z0-9+.-]+):\/\//g)].map((match) => match[1]!.toLowerCase());
}

function* texts(
  value: unknown,
  keys: readonly PropertyKey[] = [],
): Generator<{ keys: readonly PropertyKey[]; text: string }> {
  if (typeof value === 'string') yield { keys, text: value };
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* texts(item, [...keys, index]);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...keys, key]);
  }
}
