/**
 * What runs in full only by `npm run test:long`: repetitions of what is drawn at random, and every combination of what can be
 * combined. `npm test` has each value in at least one combination.
 */
export const long = process.env.MILLRACE_TEST_LONG === '1';

/** How often something is repeated that may turn out otherwise the next time. */
export function times(short: number, all: number): number {
  return long ? all : short;
}

/** For each row some of the columns, in turn, so that none is left out; in the long form all of them. */
export function crossed<Row, Column>(
  rows: readonly Row[],
  columns: readonly Column[],
  perRow: number,
): readonly (readonly [row: Row, columns: readonly Column[]])[] {
  if (!long && rows.length * perRow < columns.length) throw new Error('some columns would be left out');
  return rows.map((row, i) => [
    row,
    long ? columns : Array.from({ length: perRow }, (_, k) => columns[(i * perRow + k) % columns.length]!),
  ]);
}
