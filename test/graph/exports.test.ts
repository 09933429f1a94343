/** Every function that the package exports says by a code what is wrong with what it is given. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const exported = suite('exports');

const VALUES = [null, 5, 'x', {}, undefined, Symbol('s')];

/** Functions of an entry: those it exports, and what its classes have beside their objects. */
function functionsOf(entry: Record<string, unknown>): [name: string, call: (...args: unknown[]) => unknown][] {
  return Object.entries(entry).flatMap(([name, value]) => {
    if (typeof value !== 'function') return [];
    const own = value as unknown as Record<string, unknown>;
    const statics = Object.getOwnPropertyNames(value).filter(
      (key) => key !== 'prototype' && typeof own[key] === 'function',
    );
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    // A class that is called without `new` is refused by the language.
    const call = (...args: unknown[]): unknown => (isClass ? Reflect.construct(value, args) : value(...args));
    return [
      [name, call],
      ...statics.map((key): [string, (...args: unknown[]) => unknown] => [
        `${name}.${key}`,
        (...args) => (own[key] as (...args: unknown[]) => unknown).apply(value, args),
      ]),
    ];
  });
}

async function close(made: unknown): Promise<void> {
  const { close } = (typeof made === 'object' && made !== null ? made : {}) as { close?: unknown };
  if (typeof close === 'function') await (close as () => unknown).call(made);
}

for (const entry of ['millrace', 'millrace/sync', 'millrace/ringbuffer', 'millrace/testing']) {
  exported(`${entry}: classes have the names they are exported by`, async () => {
    for (const [name, value] of Object.entries((await import(entry)) as Record<string, unknown>)) {
      if (/^class\b/.test(String(value))) assert.is((value as { name: string }).name, name);
    }
  });

  exported(`${entry}: a coded error, or a result`, async () => {
    const wrong: string[] = [];
    const judge = (name: string, args: unknown[], error: unknown): void => {
      const { code, message } = error as { code?: unknown; message?: string };
      if (typeof code === 'string' && code.startsWith('ERR_MILLRACE_')) return;
      wrong.push(`${name}(${args.map(String).join(', ')}): ${message}`);
    };
    for (const [name, call] of functionsOf((await import(entry)) as Record<string, unknown>)) {
      for (const value of VALUES) {
        for (const args of [[value], [value, value], [value, value, value]]) {
          let made: unknown;
          try {
            made = await call(...args);
          } catch (error) {
            judge(name, args, error);
          }
          // Only to end what it may have begun: classes that the package alone makes objects of make something useless.
          await close(made).catch(() => {});
        }
      }
    }
    assert.equal(wrong, []);
  });
}

exported('classes are made with new, and say so', async () => {
  let classes = 0;
  for (const entry of ['millrace', 'millrace/sync', 'millrace/ringbuffer', 'millrace/testing']) {
    for (const [name, value] of Object.entries((await import(entry)) as Record<string, unknown>)) {
      if (typeof value !== 'function' || !/^class\b/.test(Function.prototype.toString.call(value))) continue;
      classes++;
      assert.throws(
        () => value({}),
        (error: Error) => error instanceof TypeError && /without 'new'/.test(error.message),
        name,
      );
    }
  }
  assert.ok(classes > 15, `${classes} classes`);
});

exported.run();
