/** `millrace modules` */
import colors from 'picocolors';
import { builtinModules } from '../catalog/builtin.js';
import { columns } from './text.js';

export function modules({ json }: { json?: boolean }): number {
  // In JSON an unlimited number (Infinity) is null.
  const list = builtinModules.map(({ name, summary, inputs, outputs }) => ({ name, summary, inputs, outputs }));
  if (json) process.stdout.write(`${JSON.stringify(list)}\n`);
  else process.stdout.write(columns(list.map(({ name, summary }) => [colors.bold(name), summary])));
  return 0;
}
