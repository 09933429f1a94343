/** `millrace schema`: the JSON Schema of graph files, which is a file of the package. */
import { readFileSync } from 'node:fs';
import { MillraceError } from '../../errors/errors.js';
import { messageOf } from '../../errors/wire.js';

export function schema(): number {
  const file = new URL('../docs/graph.schema.json', import.meta.url);
  try {
    process.stdout.write(readFileSync(file, 'utf8'));
    return 0;
  } catch (cause) {
    throw new MillraceError('ERR_MILLRACE_STATE', `the schema cannot be read: ${messageOf(cause)}`, {
      hint: 'It lies in the folder docs of the package, beside dist: keep the two together',
      cause,
    });
  }
}
