/** Input managers by name. */
import type { InputManagerSpec } from '../../module/contract.js';
import { ClockSyncInputs } from './clocksync.js';
import { FrameSyncInputs } from './framesync.js';
import type { InputManager } from './manager.js';
import { SettledInputs } from './settled.js';

export type { Group, InputManager } from './manager.js';

/** The manager of a node with these connected inputs; undefined for `immediate`, which needs none. */
export function makeInputManager(spec: InputManagerSpec, inputs: readonly number[]): InputManager | undefined {
  const { mode } = typeof spec === 'string' ? { mode: spec } : spec;
  switch (mode) {
    case 'immediate':
      return undefined;
    case 'default':
      return new SettledInputs(inputs);
    case 'framesync':
      return new FrameSyncInputs(inputs);
    case 'clocksync':
      return new ClockSyncInputs(inputs);
  }
}
