/** Writes the file that the option `dump_graph` asks for. */
import { writeFileSync } from 'node:fs';
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';
import type { writeConfig } from './write.js';

/**
 * What a file cannot hold does not keep the graph from running.
 * @returns warnings of what is not in the file.
 * @throws MillraceError ERR_MILLRACE_OUTPUT
 */
export function dumpGraph(path: string, { config, problems }: ReturnType<typeof writeConfig>): string[] {
  try {
    writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`);
  } catch (cause) {
    const why = messageOf(cause);
    throw new MillraceError('ERR_MILLRACE_OUTPUT', `the graph file ${path} cannot be written: ${why}`, {
      cause,
      hint: 'dump_graph is 0, 1 or a path that can be written',
    });
  }
  return problems.map(
    ({ path: at, message, hint }) =>
      `dump_graph: ${at} ${message}, and is not in ${path}${hint === undefined ? '' : ` (${hint})`}`,
  );
}
