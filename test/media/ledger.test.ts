import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EncodedPacket, ledger, VideoFrame } from '../../src/media/index.js';

const test = suite('ledger');

test('counts what is open by kind', () => {
  const frame = VideoFrame.alloc({ width: 2, height: 2, format: 'gray' });
  const packet = EncodedPacket.alloc(1);
  ledger.opened('codec');
  ledger.opened('codec');
  assert.equal(ledger.snapshot(), { frame: 1, packet: 1, codec: 2 });
  ledger.closed('codec');
  frame.close();
  packet.close();
  assert.equal(ledger.snapshot(), { codec: 1 });
  ledger.closed('codec');
  assert.equal(ledger.snapshot(), {});
});

test('tells what has come since a snapshot, and nothing of what has gone', () => {
  ledger.opened('codec');
  ledger.opened('format');
  const before = ledger.snapshot();
  ledger.opened('codec');
  ledger.opened('scaler');
  ledger.closed('format');
  assert.equal(ledger.since(before), { codec: 1, scaler: 1 });
  for (const kind of ['codec', 'codec', 'scaler']) ledger.closed(kind);
  assert.equal(ledger.snapshot(), {});
});

test('making a frame writable does not change the count', () => {
  const frame = VideoFrame.alloc({ width: 2, height: 2, format: 'gray' });
  const clone = frame.clone();
  clone.writable();
  assert.equal(ledger.snapshot(), { frame: 2 });
  frame.close();
  clone.close();
  assert.equal(ledger.snapshot(), {});
});

test('forgotten frames and packets are freed and counted by the finaliser', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const before = ledger.finalised;
  (() => {
    for (let i = 0; i < 10; i++) {
      VideoFrame.alloc({ width: 16, height: 16, format: 'gray' });
      EncodedPacket.alloc(10);
      VideoFrame.alloc({ width: 16, height: 16, format: 'gray' }).close();
    }
  })();
  for (let i = 0; i < 50 && ledger.finalised < before + 20; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.is(ledger.finalised - before, 20);
  assert.equal(ledger.snapshot(), {});
});

test.run();
