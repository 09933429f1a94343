/** What the tests of the filter module share. */
import * as assert from 'uvu/assert';
import FFmpegFilter from '../../../actors/filter/index.js';
import { ledger, type Packet } from '../../../src/media/index.js';
import type { ModuleClass } from '../../../src/module/contract.js';
import { type Driven, type DriveOptions, drive } from '../../kit/drive.js';

/** Drives the filter module, or a class derived from it that looks on. */
export function driveFilter(given: DriveOptions, type: typeof FFmpegFilter = FFmpegFilter): Promise<Driven> {
  return drive(type as unknown as ModuleClass<never>, given);
}

/** Packets of a filtergraph that makes its own frames. */
export async function frames(graph: string): Promise<Packet[]> {
  return (await driveFilter({ options: { graph } })).outputs[0]!;
}

export function video(seconds: number, size = '64x48', rate = 25): Promise<Packet[]> {
  return frames(`testsrc2=size=${size}:rate=${rate}:duration=${seconds},format=yuv420p[0]`);
}

/** Mono, 1024 samples a packet, 8000 a second. */
export function sound(seconds: number): Promise<Packet[]> {
  return frames(`sine=sample_rate=8000:duration=${seconds}[0]`);
}

/** Every native object is released, and none of them by the finaliser. */
export function leavesNothing(): void {
  assert.equal(ledger.snapshot(), {});
  assert.is(ledger.finalised, 0);
}
