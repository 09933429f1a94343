/** What FFmpeg itself says of a failure ends its message, wherever the node runs. */
import { type FFmpegError, Graph, GraphError } from 'millrace';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { long } from '../../kit/long.js';
import { failureOf } from '../../kit/media.js';
import { REASONS } from '../../kit/reasons.js';
import { sharedThreads } from '../../kit/shared-threads.js';

const test = suite("FFmpeg's own words");
const graphOn = await sharedThreads(2);

for (const [name, { words, build }] of Object.entries(REASONS)) {
  for (const threads of [0, 2]) {
    test(`${name}: the reason ends the message, with ${threads} threads`, async () => {
      const graph = graphOn({ threads });
      build(graph);
      const failure = await failureOf(graph);
      assert.match(failure.message, words);
      const cause = failure.cause as FFmpegError;
      assert.ok(cause.lines.length > 0);
      assert.ok(failure.message.endsWith(cause.lines.at(-1)!), cause.lines.join('\n'));
      // The whole of it is the last cause, for those who print the chain.
      assert.is((cause.cause as Error).name, 'FFmpegLog');
      assert.is((cause.cause as Error).message, cause.lines.join('\n'));
    });
  }
}

test('of many graphs at once each has its own reason and no other', async () => {
  // Of an encoder, of a filter, of frames and of a file.
  const cases = Object.values(REASONS).filter((_, i) => long || i % 3 === 0);
  // Each on a thread of its own: together they are over before anybody has waited for the log as long as one ever does.
  const failures = await Promise.all(
    cases.map(async ({ words, build }) => {
      const graph = new Graph({ threads: 1 });
      build(graph);
      return [words, await graph.run().catch((error: GraphError) => error)] as const;
    }),
  );
  for (const [words, failure] of failures) {
    assert.instance(failure, GraphError);
    const message = (failure as GraphError).message;
    assert.match(message, words, message);
    for (const other of cases) if (other.words.source !== words.source) assert.not.match(message, other.words);
  }
});

test.run();
