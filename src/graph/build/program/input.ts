/** What the program has, among the options of a node: it is replaced by a reference, which crosses threads. */
import { builtinOf } from '../../../catalog/builtin.js';
import { ConfigError } from '../../../errors/errors.js';
import { describeValue } from '../../../errors/naming.js';
import { isSourceRef, type SourceRef } from '../../../media/bytes/ref.js';
import { ServedSource } from '../../../media/bytes/served.js';
import { openSource } from '../../../media/bytes/source.js';
import type { ModuleRef } from '../../../module/ref.js';

/**
 * Takes what the program gives apart from the other options.
 * @returns the others, and what is to be put back when they have been copied.
 * @throws ConfigError for what is no bytes.
 */
export function splitInput(options: object, module: ModuleRef): { rest: object; own: { input?: SourceRef } } {
  const { input, ...rest } = options as { input?: unknown };
  if (input === undefined || builtinOf(module)?.readsProgram !== true) return { rest: options, own: {} };
  return { rest, own: { input: referTo(input, `${module.name}.input`) } };
}

function referTo(input: unknown, path: string): SourceRef {
  if (isSourceRef(input)) return input;
  const source = openSource(input);
  if (source?.size !== undefined) return new ServedSource(source, input as object, true).ref;
  throw new ConfigError(`wrong options of ${path.split('.')[0]}`, [
    { path, message: `cannot be ${describeValue(input)}`, hint: source ? STREAMS : hintFor(input) },
  ]);
}

const STREAMS =
  'What comes one after the other is pushed: graph.inputStream(name).decode(), and source.push(chunk); or collect it into a Buffer';

function hintFor(input: unknown): string {
  if (typeof input === 'string' || input instanceof URL) return 'A path or URL is input_path';
  return 'Give a Buffer, a typed array, an ArrayBuffer, a Blob, or { size, read(offset, length, signal) }';
}
