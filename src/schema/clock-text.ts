/** Seconds of "90", "1:30" or "0:01:30.5", as people write times; undefined for other texts. */
export function secondsOf(text: string): number | undefined {
  const match = /^(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)$/.exec(text.trim());
  if (!match) return undefined;
  const [, hours = 0, minutes = 0, seconds] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
