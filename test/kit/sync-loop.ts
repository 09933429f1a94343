/** A file, one call at a time. */
import type { Packet, SyncModule } from 'millrace';

export interface Parts {
  decoder: SyncModule<readonly number[], readonly number[]>;
  filters: SyncModule[];
  encoder: SyncModule;
}

/** The whole of a file, one call at a time: video through the filters, sound as it is. */
export function loop({ decoder, filters, encoder }: Parts): void {
  const video = (packets: Packet[] = []): Packet[] => {
    let now = packets;
    for (const filter of filters) now = filter.process({ 0: now }).outputs[0] ?? [];
    return now;
  };
  for (let done = false; !done; ) {
    const step = decoder.process();
    done = step.done;
    const inputs: Record<number, Packet[]> = {};
    if (encoder.inputs.includes(0)) inputs[0] = video(step.outputs[0]);
    if (encoder.inputs.includes(1)) inputs[1] = step.outputs[1] ?? [];
    encoder.process(inputs);
  }
  encoder.sendEof();
  for (const part of [decoder, ...filters, encoder]) part.close();
}
