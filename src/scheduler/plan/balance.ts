/** Cutting a sequence of weights into consecutive stretches of about equal weight. */

/**
 * Stretch of every item when the sequence is cut into `parts` stretches (or one per item, if there are fewer) so that
 * the heaviest is as light as possible and, of all such cuts, the sum of squares is the least: the others are as even as
 * they can be.
 */
export function balance(weights: readonly number[], parts: number): number[] {
  const count = Math.min(parts, weights.length);
  const most = leastMost(weights, count);
  const sums = [0];
  for (const weight of weights) sums.push(sums.at(-1)! + weight);
  // best[k][n]: least sum of squares of the first n items in k + 1 stretches; from[k][n]: where the last one begins.
  const best: number[][] = [];
  const from: number[][] = [];
  for (let k = 0; k < count; k++) {
    const row = new Array<number>(weights.length + 1).fill(Number.POSITIVE_INFINITY);
    const starts = new Array<number>(weights.length + 1).fill(0);
    for (let end = k + 1; end <= weights.length; end++) {
      for (let start = end - 1; start >= k && sums[end]! - sums[start]! <= most; start--) {
        const before = k === 0 ? (start === 0 ? 0 : Number.POSITIVE_INFINITY) : best[k - 1]![start]!;
        const total = before + (sums[end]! - sums[start]!) ** 2;
        if (total < row[end]!) {
          row[end] = total;
          starts[end] = start;
        }
      }
    }
    best.push(row);
    from.push(starts);
  }
  const stretchOf = new Array<number>(weights.length).fill(0);
  let end = weights.length;
  for (let k = count - 1; k >= 0; k--) {
    const start = from[k]![end]!;
    stretchOf.fill(k, start, end);
    end = start;
  }
  return stretchOf;
}

/** The least that the heaviest of `parts` stretches can weigh, to a thousandth of the whole. */
function leastMost(weights: readonly number[], parts: number): number {
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const precision = whole / 1000;
  let low = Math.max(0, ...weights) + 1e-9;
  let high = whole + 1e-9;
  if (stretches(weights, low) <= parts) return low;
  while (high - low > precision) {
    const middle = (low + high) / 2;
    if (stretches(weights, middle) <= parts) high = middle;
    else low = middle;
  }
  return high;
}

/** How many stretches it takes if none may weigh more than `most`. */
function stretches(weights: readonly number[], most: number): number {
  let count = 0;
  let sum = Number.POSITIVE_INFINITY;
  for (const weight of weights) {
    if (sum + weight > most) {
      count++;
      sum = 0;
    }
    sum += weight;
  }
  return count;
}
