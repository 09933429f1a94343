import { MillraceError } from '../../src/errors/errors.js';
import { Tensor } from '../../src/media/index.js';

/**
 * The tensors one behind the other along `axis`, as NNStreamer's tensor_merge does in mode `linear`.
 * @param axis Index in `shape`, from 0 for the outermost; a negative one counts from the innermost.
 * @throws MillraceError ERR_MILLRACE_PAYLOAD that names both tensors if types or other dimensions differ.
 */
export function concatTensors(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0]!;
  const rank = first.shape.length;
  const at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) {
    throw new MillraceError('ERR_MILLRACE_PAYLOAD', `merge: axis ${axis} is outside ${named(first, 0)}`, {
      hint: `option is an axis from ${-rank} to ${rank - 1}`,
    });
  }
  tensors.forEach((tensor, i) => {
    const fits =
      tensor.shape.length === rank && tensor.shape.every((length, d) => d === at || length === first.shape[d]);
    if (fits && tensor.dtype === first.dtype) return;
    throw new MillraceError(
      'ERR_MILLRACE_PAYLOAD',
      `merge: ${named(first, 0)} and ${named(tensor, i)} do not go together along axis ${axis}`,
      { hint: 'Types, and all other dimensions, must be the same' },
    );
  });
  const shape = first.shape.map((length, d) => (d === at ? tensors.reduce((sum, t) => sum + t.shape[d]!, 0) : length));
  const inner = first.shape.slice(at + 1).reduce((product, length) => product * length, 1);
  const outer = first.shape.slice(0, at).reduce((product, length) => product * length, 1);
  const Data = first.data.constructor as new (length: number) => typeof first.data;
  const data = new Data(shape.reduce((product, length) => product * length, 1));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const tensor of tensors) {
      const run = tensor.shape[at]! * inner;
      // Both are of one type, which was checked; TypeScript does not see that of a union of array types.
      (data as Uint8Array).set((tensor.data as Uint8Array).subarray(o * run, (o + 1) * run), to);
      to += run;
    }
  }
  return Tensor.from(data, shape);
}

function named(tensor: Tensor, input: number): string {
  return `${tensor.dtype} [${tensor.shape.join(', ')}] (input ${input})`;
}
