/** Modules that are called, and what their calls gave. */
import { fileURLToPath } from 'node:url';
import type { Packet } from 'millrace';

const FILE = fileURLToPath(new URL('../fixtures/modules/obeying.mjs', import.meta.url));

/** A module of obeying.mjs. */
export function obeying(entry: string): { name: string; path: string; entry: string } {
  return { name: 'obeying', path: FILE, entry };
}

/** Payloads; 'EOF' for an end. */
export function valuesOf(packets: readonly Packet[]): unknown[] {
  return packets.map((packet) => (packet.isEof ? 'EOF' : packet.payload));
}

/** The `n` of values. */
export function numbersOf(packets: readonly Packet[]): number[] {
  return packets.filter((packet) => !packet.isEof).map((packet) => (packet.payload as { n: number }).n);
}

/** Code of what `work` throws; undefined if it does not. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}

export async function codeOfAsync(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return undefined;
}
