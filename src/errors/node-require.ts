/** Node's own `createRequire`: where webpack sees an import of it, it puts a function of its own that finds only what it took. */
export const { createRequire } = process.getBuiltinModule('node:module');
