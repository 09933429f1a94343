/** Input managers by name. */
import { ConfigError } from '../../errors/errors.js';
import type { InputManagerSettings, InputManagerSpec } from '../../module/contract.js';
import { SYNC_MODES } from '../../sync/index.js';
import { ClockSyncInputs } from './clocksync.js';
import { SettledInputs } from './default.js';
import { FrameSyncInputs } from './framesync.js';
import type { InputManager, ManagerHost } from './manager.js';
import { PolicyInputs } from './policy.js';

export type { Group, InputManager, ManagerHost } from './manager.js';

/**
 * The manager of a node with these connected inputs; undefined for `immediate`, which needs none.
 * @throws ConfigError for settings that do not go together or with that many inputs.
 */
export function makeInputManager(
  spec: InputManagerSpec,
  inputs: readonly number[],
  node: ManagerHost,
): InputManager | undefined {
  const settings: InputManagerSettings = typeof spec === 'string' ? { mode: spec } : spec;
  const { mode, ...rest } = settings;
  const given = Object.entries(rest).filter(([, value]) => value !== undefined);
  const isPolicy = SYNC_MODES.some((policy) => policy === mode);
  if (!isPolicy && given.length > 0) {
    const hint = `Leave it out, or use one of ${SYNC_MODES.join(', ')}`;
    const problems = given.map(([path]) => ({ path, message: `the input manager ${mode} has no such setting`, hint }));
    throw new ConfigError('The input manager cannot be made', problems);
  }
  switch (mode) {
    case 'immediate':
    case 'server': // within a job; what is between two is no affair of a manager's (jobs.ts)
      return undefined;
    case 'default':
      return new SettledInputs(inputs);
    case 'framesync':
      return new FrameSyncInputs(inputs, node.trace);
    case 'clocksync':
      return new ClockSyncInputs(inputs, node.trace);
    default:
      return new PolicyInputs(mode, settings, inputs, node);
  }
}
