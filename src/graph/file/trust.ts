/**
 * Graph files come from anywhere. Unless the caller allows it, a file loads no module and no other program from a path and
 * opens nothing but files: no URL as input or output, and none hidden in other options.
 *
 * There are two doors. Here every text of the file is looked at before anything is opened, and what FFmpeg would open by
 * another protocol is refused with its JSON path. Behind it every context of such a graph has FFmpeg's own
 * `protocol_whitelist` (NodeSpec.protocolWhitelist), so that what was not recognised here fails there.
 */
import * as v from 'valibot';
import { builtinOf } from '../../catalog/builtin.js';
import {
  isLavfi,
  protocolOf,
  protocolsIn,
  runsScripts,
  selfOpeningDemuxer,
  selfOpeningMuxer,
  whitelistOf,
} from '../../catalog/ffmpeg.js';
import { isKnownByName } from '../../catalog/registry.js';
import type { Problem } from '../../errors/errors.js';
import type { NodeSpec } from '../../scheduler/plan/spec.js';
import { checked, joinPath } from '../../schema/problems.js';
import { boolean, strictOptions, text } from '../../schema/schema.js';
import { filterGraphReasons, filterReasons } from './trust-filters.js';
import {
  type Allowed,
  foreign,
  loosened,
  loosens,
  opens,
  type Permissions,
  permissions,
  type Reason,
  runs,
} from './trust-reasons.js';

export type { Allowed } from './trust-reasons.js';

const settingsSchema = strictOptions({
  allow: v.optional(
    strictOptions({
      modules: v.optional(boolean()),
      protocols: v.optional(v.array(text("the name of a protocol, such as 'http'"))),
    }),
  ),
  subgraphs: v.optional(boolean()),
});

/** What is done with a file. */
export interface FileSettings {
  readonly allowed: Allowed;
  /** Files that stand for sub-graphs are loaded. */
  readonly subgraphs: boolean;
}

/**
 * Checks the second argument of `fromConfig`.
 * @throws ConfigError for a permission that does not exist: a misspelt one would have no effect in silence.
 */
export function checkSettings(settings: unknown): FileSettings {
  const { allow = {}, subgraphs = true } = checked(settingsSchema, settings, 'settings of fromConfig');
  return { allowed: allow, subgraphs };
}

/** FFmpeg's list of what a node of the file may open; undefined: anything. */
export function protocolWhitelist({ protocols = [] }: Allowed): string | undefined {
  return protocols.includes('*') ? undefined : whitelistOf(protocols.map((name) => name.toLowerCase()));
}

/** Options that are files or URLs as a whole. */
const PATHS: ReadonlySet<PropertyKey> = new Set(['input', 'input_path', 'output_path', 'output_prefix']);

/** Options whose text is written into the output or sent along with a request, and opened nowhere. */
const WRITTEN: ReadonlySet<PropertyKey> = new Set(
  (
    'hls_base_url segment_list_entry_prefix utc_timing_url headers user_agent user-agent referer cookies origin ' +
    'service_name service_provider ice_name ice_description ice_url rtmp_pageurl rtmp_swfurl'
  ).split(' '),
);

/** Options of the node that hold tags: titles, comments, languages. */
const TAGS: ReadonlySet<PropertyKey> = new Set(['metadata', 'chapters', 'streams']);

/** Options of encoders that name a library to be loaded. */
const LIBRARIES: ReadonlySet<PropertyKey> = new Set(['load_plugin', 'load_plugins', 'omx_libname', 'omx_libprefix']);

/** What a node of an untrusted file must not do. */
export function checkTrust(node: NodeSpec, path: string, allowed: Allowed): Problem[] {
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
  const builtin = builtinOf(node.module);
  if (!builtin || builtin.opens === 'nothing') return [];
  const may = permissions(allowed);
  const at = (keys: readonly PropertyKey[]): string => joinPath(`${path}.option`, ...keys);
  if (builtin.opens === 'filters') {
    return filterReasons(node, may).map(({ keys, ...reason }) => ({ path: at(keys), ...reason }));
  }
  return [...texts(node.options)].flatMap(({ keys, text }) =>
    reasons(keys, text, node.options, may).map((reason) => ({ path: at(keys), ...reason })),
  );
}

function reasons(
  keys: readonly PropertyKey[],
  text: string,
  options: Readonly<Record<string, unknown>>,
  may: Permissions,
): Reason[] {
  const key = keys.at(-1)!;
  if (WRITTEN.has(key) || TAGS.has(keys[0]!)) return [];
  if (LIBRARIES.has(key)) return may.code ? [] : [runs(`the library of '${String(key)}'`)];
  const demuxer = demuxerOf(options);
  const isFilterGraph = demuxer !== undefined && isLavfi(demuxer);
  if (isFilterGraph && (key === 'input_path' || key === 'graph')) return filterGraphReasons(text, may);
  if (key === 'f' && runsScripts(text)) return may.code ? [] : [runs(`the scripts of '${text}'`)];
  if (may.anything) return [];
  if (isFilterGraph && key === 'graph_file') return [opens('a file of filters', 'Write them into input_path')];
  const format = formatIn(keys, text);
  if (format !== undefined) return may.protocols.has(format) ? [] : [opens(`the format '${format}'`)];
  if (keys.length === 1 && PATHS.has(key)) {
    // The encoder takes '-' as the ffmpeg command does: the standard output.
    const protocol = key === 'output_path' && text === '-' ? 'pipe' : protocolOf(text);
    // A name without a protocol is the file of that name, whatever stands in it.
    return foreign(protocol === 'file' ? [] : [protocol, ...protocolsIn(text)], may.protocols);
  }
  if (key === 'protocol_whitelist') {
    const known = new Set(whitelistOf(may.protocols).split(','));
    return foreign(
      text.split(',').filter((name) => name !== ''),
      known,
    );
  }
  if (key === 'safe' && keys[0] === 'dec_params') return isOn(text) ? [] : [loosened(`'safe'`)];
  if (loosens(text)) return [loosened(`such options in '${String(key)}'`)];
  return foreign(protocolsIn(text), may.mentions);
}

function demuxerOf({ dec_params }: Readonly<Record<string, unknown>>): string | undefined {
  const f = (dec_params as { f?: unknown } | undefined)?.f;
  return typeof f === 'string' ? f : undefined;
}

/** The format that opens things by itself and that a text asks for. */
function formatIn(keys: readonly PropertyKey[], text: string): string | undefined {
  const key = keys.at(-1);
  if (keys[0] === 'dec_params') return key === 'f' ? selfOpeningDemuxer(text) : undefined;
  // Also of the muxers that a muxer feeds: segment_format, fifo_format, …
  if (typeof key === 'string' && /format$/.test(key) && !/^sample_|^pix/.test(key)) return selfOpeningMuxer(text, null);
  return undefined;
}

function isOn(text: string): boolean {
  return /^(?:1|true|yes|y|on|enable|enabled)$/i.test(text);
}

function* texts(
  value: unknown,
  keys: readonly PropertyKey[] = [],
): Generator<{ keys: readonly PropertyKey[]; text: string }> {
  if (typeof value === 'string') yield { keys, text: value };
  else if (typeof value === 'number' || typeof value === 'boolean') yield { keys, text: String(value) };
  else if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* texts(item, [...keys, index]);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* texts(item, [...keys, key]);
  }
}
