/** Lock-free primitives over SharedArrayBuffer: a byte ring for one producer and one consumer, and a doorbell. */
export type { RecordStatus, RingConsumer } from './consumer.js';
export { Doorbell, type DoorbellCounters, type Wake } from './doorbell.js';
export { RingError, type RingErrorCode } from './errors.js';
export type { RingProducer, SpaceStatus } from './producer.js';
export { RingBuffer, type RingCounters, type RingOptions, type SideOptions } from './ring-buffer.js';
