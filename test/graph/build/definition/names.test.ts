/** The numbers of inputs and the names of nodes while a graph is built and changed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Links } from '../../../../src/graph/build/definition/links.js';
import { Names } from '../../../../src/graph/build/definition/names.js';
import { Scopes } from '../../../../src/graph/build/subgraph/scope.js';
import type { NodeSpec } from '../../../../src/scheduler/plan/spec.js';

const parts = suite('links and names of a graph');

function link(from: number, node: number, input: number) {
  return { from: { node: from, output: 0 }, to: { node, input } };
}

parts('an input that was fed keeps its number when what fed it has left', () => {
  const links = new Links();
  const { all } = links;
  all.push(link(0, 9, 0), link(1, 9, 1), link(9, 10, 0));
  assert.is(links.inputOf(9, 'mix'), 2);
  links.leave(1);
  assert.is(links.inputOf(9, 'mix'), 2);
  assert.is(links.inputOf(9, 'mix', 1), 1);
  assert.is(all, links.all);
  links.drop([all[0]!]);
  assert.equal(all, [link(9, 10, 0)]);
});

parts('an input is fed once, and has a number', () => {
  const links = new Links();
  links.all.push(link(0, 9, 0));
  assert.throws(() => links.inputOf(9, 'mix', 0), /input 0 of "mix" cannot be connected/);
  for (const wrong of [-1, 0.5, Number.NaN]) assert.throws(() => links.inputOf(9, 'mix', wrong), /cannot be connected/);
});

function named(...aliases: string[]) {
  const nodes = aliases.map((alias, id) => ({ id, alias }) as NodeSpec);
  const scopes = new Scopes();
  return { nodes, scopes, names: new Names<object>(nodes, () => [{ id: -1, alias: 'in' } as NodeSpec], scopes) };
}

parts('within a sub-graph its own node goes before one outside with the same alias', () => {
  const { names, scopes } = named('scale', 'half/scale', 'half/only');
  assert.is(names.find('scale').id, 0);
  scopes.within('half', {}, () => {
    assert.is(names.find('scale').id, 1);
    assert.is(names.find('only').id, 2);
    assert.is(names.find('half/only').id, 2);
  });
  assert.is(names.find(-1).alias, 'in');
  assert.throws(() => names.find('scala'), /the graph has no node 'scala'/);
});

parts('a sub-graph goes with the last of its nodes, and its alias is free again', () => {
  const { nodes, names } = named('outer/a', 'outer/inner/b');
  const [outer, inner] = [{}, {}];
  names.note('outer', outer);
  names.note('outer/inner', inner);
  assert.is(names.pathOf(inner), 'outer/inner');
  assert.is(names.free('outer', false), 'outer_2');
  assert.throws(() => names.free('outer', true), /the graph has 'outer' already/);
  names.forget(nodes.pop()!);
  assert.equal(names.paths, ['outer']);
  names.forget(nodes.pop()!);
  assert.equal([names.paths, names.free('outer', true)], [[], 'outer']);
});

parts.run();
