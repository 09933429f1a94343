// The same work per frame for every contender of bench/frame-code.ts: invert a corner of the luma plane and read the mean,
// of that corner or of the whole plane.
const SIDE = 64;

/**
 * @param mean 'corner' or 'picture'
 * @returns The mean after the upper left 64x64 were inverted.
 */
export function touch(mean, data, stride, width, height) {
  for (let y = 0; y < SIDE; y++) {
    const row = y * stride;
    for (let x = 0; x < SIDE; x++) data[row + x] = 255 - data[row + x];
  }
  const [columns, rows] = mean === 'corner' ? [SIDE, SIDE] : [width, height];
  let sum = 0;
  for (let y = 0; y < rows; y++) {
    const row = y * stride;
    for (let x = 0; x < columns; x++) sum += data[row + x];
  }
  return sum / (columns * rows);
}
