/**
 * Graph files come from anywhere. Unless the caller allows it, a file loads no module from a path and opens nothing but
 * files: no URL as input or output, and none hidden in other options.
 */
import * as v from 'valibot';
import { boolean, strictOptions, text } from '../../actors/options.js';
import type { Problem } from '../errors.js';
import { findBuiltin } from '../modules.js';
import type { NodeSpec } from '../scheduler/spec.js';
import { checked, joinPath } from './problems.js';
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

// Muxers whose output path is a list of further outputs, and the formats of libavdevice: screens, cameras, sound cards.
const OPENING_FORMATS: ReadonlySet<unknown> = new Set(
  (
    'tee fifo stream_segment ssegment alsa android_camera audiotoolbox avfoundation bktr caca decklink dshow fbdev ' +
    'gdigrab iec61883 jack kmsgrab libcdio libdc1394 openal opengl oss pulse sdl sdl2 sndio v4l2 video4linux2 vfwcap ' +
    'x11grab xcbgrab xv'
  ).split(' '),
);

// What FFmpeg's demuxers of playlists allow a local file by themselves.
const PLAYLIST_PROTOCOLS = ['file', 'crypto', 'data'];

/**
 * The protocol FFmpeg would use for a name: what stands before the first ':' if that is a scheme and no drive letter
 * (ff `url_find_protocol`).
 */
export function protocolOf(name: string): string {
  if (name === '-') return 'pipe';
  const scheme = /^([A-Za-z0-9+.-]+)(?:,[^:]*)?:/.exec(name)?.[1];
  return scheme === undefined || scheme.length === 1 ? 'file' : scheme.toLowerCase();
}

const settingsSchema = strictOptions({
  allow: v.optional(
    strictOptions({
      modules: v.optional(boolean()),
      protocols: v.optional(v.array(text("the name of a protocol, such as 'http'"))),
    }),
  ),
});

/**
 * Checks the second argument of `fromConfig`.
 * @throws ConfigError for a permission that does not exist: a misspelt one would have no effect in silence.
 */
export function checkSettings(settings: unknown): Allowed {
  return checked(settingsSchema, settings, 'settings of fromConfig').allow ?? {};
}

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
): Omit<Problem, 'path'> | undefined {
  const key = keys.at(-1);
  const isPath = keys.length === 1 && (key === 'input_path' || key === 'output_path' || key === 'output_prefix');
  const isLavfi = isPath && (options.dec_params as { f?: unknown } | undefined)?.f === 'lavfi';
  const namesFilters = isLavfi || (isFilter && (key === 'name' || key === 'graph'));
  const filter = namesFilters ? OPENING_FILTERS.exec(unescaped(text))?.[0] : undefined;
  if (filter !== undefined) return { ...opens(`the filter '${filter}'`), hint: 'Read the file in a decoder node' };
  if (((!isFilter && key === 'format') || key === 'f') && OPENING_FORMATS.has(text))
    return opens(`the format '${text}'`);
  const wanted =
    key === 'protocol_whitelist'
      ? text.split(',').filter((name) => !PLAYLIST_PROTOCOLS.includes(name))
      : isPath && !isLavfi
        ? [protocolOf(text)]
        : schemesIn(text);
  const protocol = wanted.find((name) => !permitted.has(name));
  if (protocol === undefined) return undefined;
  return {
    message: `a graph file may not open '${protocol}:'`,
    hint: `Allow it with fromConfig(file, { allow: { protocols: ['${protocol}'] } })`,
  };
}

function opens(what: string): Omit<Problem, 'path'> {
  return {
    message: `a graph file may not use ${what}, which opens things by itself`,
    hint: "Allow it with fromConfig(file, { allow: { protocols: ['*'] } })",
  };
}

/** A text without FFmpeg's quoting, of any number of levels. */
function unescaped(text: string): string {
  return text.replace(/[\\']/g, '');
}

/** Schemes of the URLs in a text, also of those written with FFmpeg's escapes. */
function schemesIn(text: string): string[] {
  return [...unescaped(text).matchAll(/([A-Za-z][A-Za-z0-9+.-]+):\/\//g)].map((match) => match[1]!.toLowerCase());
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
