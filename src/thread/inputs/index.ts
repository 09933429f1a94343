/** Input managers by name. */
import type { InputManagerSpec } from '../../module/contract.js';
import { ClockSyncInputs } from './clocksync.js';
import { FrameSyncInputs } from './framesync.js';
import type { InputManager } from './manager.js';
import { PolicyInputs, type Ticking } from './policy.js';
import { SettledInputs } from './settled.js';

export type { Group, InputManager } from './manager.js';

/**
 * The manager of a node with these connected inputs; undefined for `immediate`, which needs none.
 * @throws ConfigError for settings that do not go together or with that many inputs.
 */
export function makeInputManager(
  spec: InputManagerSpec,
  inputs: readonly number[],
  time: Ticking,
): InputManager | undefined {
  const settings = typeof spec === 'string' ? { mode: spec } : spec;
  switch (settings.mode) {
    case 'immediate':
      return undefined;
    case 'default':
      return new SettledInputs(inputs);
    case 'framesync':
      return new FrameSyncInputs(inputs);
    case 'clocksync':
      return new ClockSyncInputs(inputs);
    default:
      return new PolicyInputs(settings.mode, settings, inputs, time);
  }
}
