/** Bits and bytes as people write them. */

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, K: 1, M: 2, G: 3 };

/** 3000000, '3M', '800k', '8MiB'; undefined for what is none, or not above zero. */
export function amountOf(value: unknown): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([kKMG]?)(i?)B?$/.exec(String(value));
  if (!found) return undefined;
  const amount = Number(found[1]) * (found[3] ? 1024 : 1000) ** POWERS[found[2]!]!;
  return amount > 0 ? amount : undefined;
}
