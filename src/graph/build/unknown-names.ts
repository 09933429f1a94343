/**
 * A name that streams do not have is an error that says so, instead of an `undefined` that fails somewhere else.
 */
import { Filter } from 'node-av/lib';
import { MillraceError } from '../../errors/errors.js';
import { didYouMean } from '../../schema/schema.js';

/** What others ask any object for, to find out what it is: promises, JSON, module loaders, test runners, debuggers. */
const PROBES: ReadonlySet<string> = new Set(
  (
    'then catch finally toJSON default __esModule length size splice inspect next return throw pipe on emit close clone ' +
    'destroy getReader getWriter cause stack message code errors path href entry schema process prototype payload control ' +
    'isEof pts timeBase timestamp nodeType nodeName tagName hasAttribute asymmetricMatch getMockName calls callCount ' +
    'sample type props key ref displayName'
  ).split(' '),
);

/** To be put at the root of a class: looked up behind everything that its objects have. */
export function refusingUnknownNames(name: (receiver: object) => string): object {
  return new Proxy(Object.create(Object.prototype) as object, {
    get(target, key, receiver: object) {
      if (typeof key !== 'string' || key in target || PROBES.has(key) || !/^[a-z]\w*$/i.test(key)) {
        return Reflect.get(target, key, receiver) as unknown;
      }
      throw new MillraceError('ERR_MILLRACE_CONFIG', `${name(receiver)} has no '${key}'`, {
        hint: Filter.getByName(key) === null ? similar(key, receiver) : `The filter is added by .filter('${key}', …)`,
      });
    },
  });
}

function similar(key: string, receiver: object): string {
  const names = new Set<string>();
  for (let at: object | null = receiver; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    for (const known of Object.getOwnPropertyNames(at)) names.add(known);
  }
  return didYouMean(
    key,
    names,
    "A node's outputs are .video, .audio, [0], [1], …; filters without a method are added by .filter(name, …)",
  );
}
