/** Options that name a device. */
import { type ChosenDevice, DEVICE_KINDS, readDevice } from '../../src/media/index.js';
import { parsed, type Schema } from '../../src/schema/schema.js';

/** A kind, or a kind and the name of a device of it. */
export function device(): Schema<ChosenDevice> {
  return parsed(
    `a device such as "vulkan", "cuda:1" or "vaapi:/dev/dri/renderD128" (kinds: ${DEVICE_KINDS.join(', ')})`,
    (value) => (typeof value === 'string' ? readDevice(value) : undefined),
  );
}
