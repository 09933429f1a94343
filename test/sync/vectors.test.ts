/** The four policies against what NNStreamer 2.7 did, case by case. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SYNC_MODES } from '../../src/sync/index.js';
import { observe, replay, synchronizerFor, vectors } from './vectors.js';

for (const mode of SYNC_MODES) {
  const test = suite(`${mode} as recorded from NNStreamer`);
  for (const vector of vectors(mode)) {
    test(vector.name, () => {
      const { expected, end } = vector;
      assert.equal(observe(vector), { expected, end });
    });
  }
  test('a reset synchroniser does the same again', () => {
    for (const vector of vectors(mode)) {
      const synchronizer = synchronizerFor(vector);
      replay(vector, synchronizer, () => {});
      synchronizer.reset();
      assert.not(synchronizer.finished);
      assert.equal(observe(vector, synchronizer).expected, vector.expected, vector.name);
    }
  });
  test('every buffer is used or dropped, and every entry of an output is one use', () => {
    for (const vector of vectors(mode)) {
      const synchronizer = synchronizerFor(vector);
      let outputs = 0;
      replay(vector, synchronizer, (some) => {
        outputs += some.length;
      });
      if (!vector.end.sent) continue;
      for (const { received, used, dropped, reused } of synchronizer.counters) {
        assert.is(received, used + dropped, vector.name);
        assert.is(used + reused, outputs, vector.name);
      }
    }
  });
  test.run();
}
