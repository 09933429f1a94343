/** How the command line tells failures, and with which exit code. */
import { inspect } from 'node:util';
import type { GraphError } from '../errors/errors.js';
import { messageOf } from '../errors/wire.js';

const FAILED = 1;
export const USAGE = 2;
export const INTERRUPTED = 130;

/** Arguments that contradict each other or what they are about. */
export class UsageError extends Error {}

/** A failure as `--json` prints it. */
export interface ErrorSummary {
  code: string;
  message: string;
  nodeId?: number;
  alias?: string;
  module?: string;
  phase?: string;
  problems?: unknown;
}

/** Errors are told apart by code: two copies of the package do not share classes. */
function details(error: unknown): Partial<GraphError> & { problems?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

export function summarise(error: unknown): ErrorSummary {
  const { code, nodeId, alias, module, phase, problems } = details(error);
  const summary: ErrorSummary = { code: code ?? 'ERR_MILLRACE_USAGE', message: messageOf(error) };
  return Object.assign(
    summary,
    Object.fromEntries(
      Object.entries({ nodeId, alias, module, phase, problems }).filter(([, value]) => value !== undefined),
    ),
  );
}

/**
 * Writes an error to stderr: one line, but every problem of a graph that was refused on a line of its own. With
 * MILLRACE_DEBUG=1 with its stack and causes.
 * @returns The exit code.
 */
export function tellError(error: unknown): number {
  const refused = details(error).code === 'ERR_MILLRACE_CONFIG';
  const message = refused ? messageOf(error) : messageOf(error).replace(/\s*\n\s*/g, ' ');
  process.stderr.write(`millrace: ${message}\n`);
  if (process.env.MILLRACE_DEBUG === '1') process.stderr.write(`${inspect(error)}\n`);
  return refused || error instanceof UsageError ? USAGE : FAILED;
}
