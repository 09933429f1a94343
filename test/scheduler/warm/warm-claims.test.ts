/** Warm modules that a run has claimed, and gives back once. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeSpec } from '../../../src/scheduler/plan/spec.js';
import { Undo } from '../../../src/scheduler/threads/undo.js';
import { WarmClaims } from '../../../src/scheduler/warm/warm-claims.js';

const claims = suite('claims of warm modules');

/** A node of that number with a warm module that notes what becomes of it. */
function warmNode(id: number, name: string, noted: string[]): NodeSpec {
  const claim = (): (() => void) => {
    noted.push(`${name} claimed`);
    return () => noted.push(`${name} released`);
  };
  return { id, warm: { claim, takeWarnings: () => [] } } as never;
}

claims('what is undone late gives nothing back that another node of the same number has', async () => {
  const noted: string[] = [];
  const warm = new WarmClaims('graph', () => {});
  const undo = new Undo();
  warm.take([warmNode(3, 'first', noted)], undo);
  // The node has not come: its number is another one's before all of it is undone.
  warm.release([3]);
  warm.take([warmNode(3, 'second', noted)], new Undo());
  await undo.all();
  assert.equal(noted, ['first claimed', 'first released', 'second claimed']);
  warm.releaseAll();
  warm.releaseAll();
  assert.equal(noted.slice(3), ['second released']);
});

claims.run();
