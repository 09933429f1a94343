/**
 * Random graphs whose joins read their inputs in an order of their own, with queues of one to four packets: inline, and
 * scattered over threads. Every one must end with every packet. The short form runs inside `npm test`.
 *
 *   npm run stress [-- seeds]
 *
 * Then the same graphs with relays that fail and are dropped: every one must end, with all that passes none of these.
 */
import { randomGraph } from '../../kit/random-graph.js';

const seeds = Number(process.argv[2] ?? 300);
const FORMS = [
  { threads: 0 },
  { threads: 2 },
  { threads: 'auto', scatter: 3 },
  { threads: 'auto', scatter: 5 },
] as const;

for (let seed = 1; seed <= seeds; seed++) {
  for (const form of FORMS) {
    const { graph, sink, expected } = randomGraph(seed, form);
    const stuck = setTimeout(() => {
      console.error(`seed ${seed} ${JSON.stringify(form)} does not end:\n${JSON.stringify(graph.stats(), null, 1)}`);
      process.exit(1);
    }, 60_000);
    await graph.run();
    clearTimeout(stuck);
    if (sink.packets.length !== expected) {
      throw new Error(`seed ${seed} ${JSON.stringify(form)}: ${sink.packets.length} of ${expected} packets`);
    }
  }
  for (const form of FORMS) {
    const { graph, sink, expected, sure } = randomGraph(seed, { ...form, failing: 50 });
    const stuck = setTimeout(() => {
      console.error(
        `seed ${seed} ${JSON.stringify(form)}, failing, does not end:\n${JSON.stringify(graph.stats(), null, 1)}`,
      );
      process.exit(1);
    }, 60_000);
    await graph.run();
    clearTimeout(stuck);
    const { length } = sink.packets;
    if (length < sure || length > expected) {
      throw new Error(
        `seed ${seed} ${JSON.stringify(form)}, failing: ${length} packets, ${sure} to ${expected} expected`,
      );
    }
  }
  if (seed % 50 === 0) console.log(`${seed} graphs, each ${FORMS.length} ways`);
}
