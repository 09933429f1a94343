/** What a graph file of unknown origin may do, and the words in which the rest is refused. */
import { holdsProtocolList, isPermitted, PLAYLIST_PROTOCOLS, unquoted } from '../../catalog/ffmpeg.js';
import type { Problem } from '../../errors/errors.js';

/** What a graph file may do beyond reading and writing files through the built-in and the registered modules. */
export interface Allowed {
  /** Load modules from paths, and what FFmpeg loads and runs: plug-ins of filters, GPU kernels, scripts. */
  readonly modules?: boolean | undefined;
  /** Protocols of FFmpeg that may be opened, such as 'http', 'https', 'rtmp'; '*' for any, and for devices. */
  readonly protocols?: readonly string[] | undefined;
}

/** What the caller allows, as the checks ask for it. */
export interface Permissions {
  /** Programs may be loaded. */
  readonly code: boolean;
  /** Anything may be opened. */
  readonly anything: boolean;
  /** Protocols that a name in the file may have. */
  readonly protocols: ReadonlySet<string>;
  /** Protocols that a text may mention: beside those, what FFmpeg allows to what a local file names. */
  readonly mentions: ReadonlySet<string>;
}

/** Why something is refused. */
export type Reason = Omit<Problem, 'path'>;

export function permissions({ modules = false, protocols = [] }: Allowed): Permissions {
  const names = protocols.map((name) => name.toLowerCase());
  return {
    code: modules,
    anything: names.includes('*'),
    protocols: new Set(['file', ...names]),
    mentions: new Set([...PLAYLIST_PROTOCOLS, ...names]),
  };
}

/** For the first of the protocols that may not be opened. */
export function foreign(protocols: readonly string[], permitted: ReadonlySet<string>): Reason[] {
  const protocol = protocols.find((name) => !isPermitted(name, permitted));
  if (protocol === undefined) return [];
  return [
    {
      message: `a graph file may not open '${protocol}:'`,
      hint: `Allow it with fromConfig(file, { allow: { protocols: ['${protocol || '*'}'] } })`,
    },
  ];
}

export function opens(what: string, hint?: string): Reason {
  return {
    message: `a graph file may not use ${what}, which opens things by itself`,
    hint: hint ?? "Allow it with fromConfig(file, { allow: { protocols: ['*'] } })",
  };
}

export function runs(what: string): Reason {
  return {
    message: `a graph file may not load ${what}: that is running a program`,
    hint: 'Allow it with fromConfig(file, { allow: { modules: true } })',
  };
}

export function loosened(what: string): Reason {
  return {
    message: `a graph file may not set ${what}, which says what else FFmpeg may open`,
    hint: "Leave it out, or allow everything with fromConfig(file, { allow: { protocols: ['*'] } })",
  };
}

/** A list of options in the text has one that says what else FFmpeg may open. */
export function loosens(text: string): boolean {
  return holdsProtocolList(text) || /(?:^|[^a-z\d_])safe\s*=/i.test(unquoted(text));
}
