/** The option `drop` of live inputs and outputs: what is left out when somebody is too slow. */
import { choice, type Schema } from '../../../src/schema/schema.js';

/**
 * 'none': whoever is ahead waits. 'non-key': pictures that are no key frames, and those that follow them up to the next
 * one. 'oldest': everything up to the latest key frame that is there.
 */
export type DropPolicy = 'none' | 'non-key' | 'oldest';

export const dropPolicy = (): Schema<DropPolicy> => choice('none', 'non-key', 'oldest');
