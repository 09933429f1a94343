/** A node's options as its module wants them. */
import { MillraceError } from '../errors/errors.js';
import type { OptionSchema, StandardResult } from '../schema/standard.js';
import type { Module, ModuleClass } from './contract.js';

export function schemaOf(module: Module): OptionSchema<Record<string, unknown>> | undefined {
  return module.schema ?? (module.constructor as ModuleClass).schema;
}

/**
 * The options as the module wants them; at once unless its schema is asynchronous.
 * @throws MillraceError ERR_MILLRACE_OPTION with everything the module's schema objects to.
 */
export function validated(
  module: Module,
  options: Record<string, unknown>,
): Record<string, unknown> | Promise<Record<string, unknown>> {
  const schema = schemaOf(module);
  if (schema === undefined) return options;
  const result = schema['~standard'].validate(options);
  return result instanceof Promise ? result.then(accepted) : accepted(result);
}

function accepted(result: StandardResult<unknown>): Record<string, unknown> {
  if (result.issues === undefined) return result.value as Record<string, unknown>;
  const problems = result.issues.map((issue) => {
    const path = (issue.path ?? []).map((key) => (typeof key === 'object' ? String(key.key) : String(key))).join('.');
    return path === '' ? issue.message : `option ${path}: ${issue.message}`;
  });
  throw new MillraceError('ERR_MILLRACE_OPTION', problems.join('; '));
}
