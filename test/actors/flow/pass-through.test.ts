import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import NullSink from '../../../actors/flow/null-sink.js';
import PassThrough from '../../../actors/flow/pass-through.js';
import { AudioFrame, EncodedPacket, ledger, Packet, VideoFrame } from '../../../src/media/index.js';
import type { ModuleClass, Task } from '../../../src/module/contract.js';
import { closeAll, drive } from '../../kit/drive.js';

type Class = ModuleClass<never>;

const picture = () =>
  VideoFrame.alloc({ width: 16, height: 16, format: 'gray', pts: 3n, timeBase: { num: 1, den: 25 } });
const samples = () => AudioFrame.from([new Float32Array(8)], { sampleRate: 8000, format: 'fltp' });
const bytes = () => EncodedPacket.from(new Uint8Array(7));

const pass = suite('pass_through');

pass('hands every packet on, the same object, input by input', async () => {
  const packets = [new Packet(picture()), new Packet(bytes()), new Packet({ any: 'value' }), Packet.control('dyn_eos')];
  const others = [new Packet(1), new Packet(samples())];
  const driven = await drive(PassThrough as unknown as Class, { inputs: { 0: packets, 3: others }, outputs: [0, 3] });
  assert.is(driven.outputs[0]!.length, 4);
  assert.ok(driven.outputs[0]!.every((packet, i) => packet === packets[i] && !packet.closed));
  assert.ok(driven.outputs[3]!.every((packet, i) => packet === others[i]));
  closeAll(driven);
  assert.equal(ledger.snapshot(), {});
});

pass('the end of one input ends its output at once', async () => {
  const log: string[] = [];
  class Logging extends PassThrough {
    override process(task: Task): void {
      super.process({
        inputs: task.inputs,
        closeInput: (id) => task.closeInput(id),
        done: () => task.done(),
        output: (id) => ({
          closed: false,
          room: 8,
          push(packet) {
            log.push(`${id} ${packet.isEof ? 'end' : packet.payload}`);
            task.output(id).push(packet);
          },
        }),
      });
    }
  }
  const inputs = { 0: [new Packet('a')], 1: [new Packet('b'), new Packet('c'), new Packet('d')] };
  const driven = await drive(Logging as unknown as Class, { inputs, outputs: [0, 1] });
  assert.equal(log, ['0 a', '1 b', '0 end', '1 c', '1 d', '1 end']);
  closeAll(driven);
});

pass('leaves packets for a missing output to be released', async () => {
  const packet = new Packet(picture());
  await drive(PassThrough as unknown as Class, { inputs: { 0: [packet] }, outputs: [] });
  assert.ok(packet.closed);
  assert.equal(ledger.snapshot(), {});
});

pass('refuses options', async () => {
  await drive(PassThrough as unknown as Class, { options: { x: 1 }, inputs: { 0: [] } }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /x: is not an option here/),
  );
});

pass.run();

const sink = suite('null_sink');

sink('takes everything, keeps nothing, counts pictures and bytes', async () => {
  const inputs = {
    0: [new Packet(picture()), new Packet(picture())],
    1: [new Packet(samples(), { timestamp: 500_000 }), new Packet(bytes()), Packet.control('dyn_eos')],
  };
  const driven = await drive(NullSink as unknown as Class, { inputs, outputs: [] });
  assert.is(driven.meter.frames, 2);
  assert.is(driven.meter.bytes, 7);
  assert.is(driven.meter.position, 500_000);
  assert.ok([...inputs[0], ...inputs[1]].every((packet) => packet.closed));
  assert.equal(ledger.snapshot(), {});
});

sink.run();
