import { ConfigError } from '../errors/errors.js';
import { describeValue } from '../errors/naming.js';
import { didYouMean } from './schema.js';

/**
 * The only option of a call that is made for every packet: true, false or left out.
 * @throws ConfigError for anything else, so that nothing is accepted and ignored.
 */
export function flagOption(options: unknown, key: string, call: string): boolean | undefined {
  if (typeof options !== 'object' || options === null) {
    const message = `must be an object, not ${describeValue(options)}`;
    throw new ConfigError(`wrong options of ${call}`, [{ path: 'options', message, hint: `Write { ${key}: true }` }]);
  }
  for (const [name, value] of Object.entries(options)) {
    if (name !== key) {
      const hint = didYouMean(name, [key], `The only one is ${key}`);
      throw new ConfigError(`wrong options of ${call}`, [{ path: name, message: 'is no option', hint }]);
    }
    if (value !== undefined && typeof value !== 'boolean') {
      const message = `must be true or false, not ${describeValue(value)}`;
      throw new ConfigError(`wrong options of ${call}`, [{ path: name, message }]);
    }
  }
  return (options as Record<string, boolean | undefined>)[key];
}
