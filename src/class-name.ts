/** What messages call an object. */

/** The name of its class. The bundler gives one that refers to itself a leading underscore. */
export function className(value: object): string {
  return (value.constructor?.name ?? 'object').replace(/^_/, '');
}

/** The same with the article: 'a Tensor', 'an EncodedPacket', 'a Uint8Array'. */
export function anObject(value: object): string {
  const name = className(value);
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}
