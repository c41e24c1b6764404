import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CASES, type Case } from './cases.ts';
import { chart } from './chart.ts';
import { COLUMNS } from './columns.ts';
import { longestGap } from './gap.ts';
import { type Look, outageTable } from './table.ts';

const gaps = suite('an outage, from the polls that were answered');

/** Polls every 10 ms from `from` up to `to`, both included. */
function served(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / 10 + 1 }, (_, index) => from + 10 * index);
}

gaps('lasts from the last answer before to the first after', () => {
  assert.equal(longestGap([...served(0, 1000), ...served(5000, 6000)], 995), { from: 1000, to: 5000 });
});

gaps('may come long after what caused it', () => {
  assert.equal(longestGap([...served(0, 4000), ...served(4400, 6000)], 100), { from: 4000, to: 4400 });
});

gaps('is not divided by a few answers in between', () => {
  const answered = [...served(0, 1000), ...served(3000, 3050), ...served(5000, 6000)];
  assert.equal(longestGap(answered, 900), { from: 1000, to: 5000 });
});

gaps('is another one when service was back for a while', () => {
  const answered = [...served(0, 1000), ...served(3000, 4000), ...served(4500, 6000)];
  assert.equal(longestGap(answered, 900), { from: 1000, to: 3000 });
});

gaps('does not begin before the case', () => {
  const answered = [...served(0, 100), ...served(5000, 6000), ...served(6300, 7000)];
  assert.equal(longestGap(answered, 5500), { from: 6000, to: 6300 });
});

gaps('is the longest silence where none is long', () => {
  assert.equal(longestGap([...served(0, 1000), ...served(1060, 2000)], 500), { from: 1000, to: 1060 });
});

gaps('is unknown when nothing was answered before, or after', () => {
  assert.is(longestGap(served(1000, 2000), 500), undefined);
  assert.is(longestGap(served(0, 1000), 1000), undefined);
});

gaps.run();

const charts = suite('the chart and the table of outages');

const [first, ...others] = CASES;
const named = (name: string): Case[] => (first ? [{ ...first, name }] : []);
const column = (style: string) => COLUMNS.filter((one) => one.style === style);
const two = [...column('watch'), ...column('keepalived')];
/** 0.5 s with the watcher and 5 s with keepalived. */
const look: Look = (_, { style }) => {
  const median = style === 'watch' ? 0.5 : 5;
  return { median, least: median / 2, most: median * 2, runs: 3 };
};

charts('there are a case and a column each for all that is compared', () => {
  assert.is(others.length + 1, new Set(CASES.map(({ name }) => name)).size);
  assert.is(COLUMNS.length, new Set(COLUMNS.map(({ style }) => style)).size);
});

charts('draws bars to their medians on a logarithmic scale, and marks T1', () => {
  const svg = chart('a title', named('a hang'), two, look);
  const [ours = 0, theirs = 0] = [...svg.matchAll(/<rect class="\w+" x="250" [^>]*width="([\d.]+)"/g)].map(
    ([, width]) => Number(width),
  );
  // From 0.05 s on, 0.5 s is one power of ten and 5 s two.
  assert.ok(ours > 0);
  assert.ok(Math.abs(theirs / ours - 2) < 0.02, `${theirs} / ${ours}`);
  const t1 = Number(/<line class="t1" x1="([\d.]+)"/.exec(svg)?.[1]);
  assert.ok(Math.abs(250 + ours - t1) < 0.2, 'a bar of 0.5 s ends at T1');
});

charts('names the unit and the values', () => {
  const svg = chart('a title', named('a hang'), two, look);
  assert.match(svg, '>seconds, on a logarithmic scale<');
  assert.match(svg, '>0.50<');
  assert.match(svg, '>5.00<');
});

charts('says where a goal is missed and where keepalived is ahead', () => {
  const [watched] = two;
  assert.ok(watched);
  const slow: Look = (one, { style }) =>
    style === 'watch' ? { median: 3, least: 3, most: 4, runs: 3 } : look(one, watched);
  const table = outageTable(named('a crash'), two, watched, slow);
  assert.match(table, '| a crash | 3.00 / 4.00 | 0.50 / 1.00 |');
  assert.match(table, /over its goal: a crash \(3\.00 \/ 4\.00, the goal is/);
  assert.match(table, /keepalived is ahead of .*: a crash \(0\.50 against 3\.00 s\)/);
  assert.not.match(outageTable(named('a crash'), two, watched, look), /keepalived is ahead/);
});

if (existsSync('/usr/bin/xmllint'))
  charts('is well-formed XML whatever a case is called', () => {
    const svg = chart('"quoted" & <angled>', named('a hang & <more>'), two, look);
    execFileSync('/usr/bin/xmllint', ['--noout', '-'], { input: svg });
  });
else charts.skip('is well-formed XML whatever a case is called (xmllint is missing: libxml2-utils)');

charts.run();
