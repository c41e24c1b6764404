import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chart } from './chart.ts';
import { longestGap } from './gap.ts';

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

const charts = suite('the chart of outages');

const bar = (median: number) => ({ median, least: median / 2, most: median * 2 });
const rows = [{ name: 'a hang & <more>', ours: bar(1), shell: bar(4) }];

charts('draws bars as long as their medians', () => {
  const svg = chart('a title', rows);
  const [ours = 0, shell = 0] = [...svg.matchAll(/<rect class="\w+" x="250" [^>]*width="([\d.]+)"/g)].map(
    ([, width]) => Number(width),
  );
  assert.ok(ours > 0);
  assert.ok(Math.abs(shell / ours - 4) < 0.02, `${shell} / ${ours}`);
});

charts('names the unit and the values', () => {
  const svg = chart('a title', rows);
  assert.match(svg, '>seconds<');
  assert.match(svg, '>1.00 s<');
  assert.match(svg, '>4.00 s<');
});

if (existsSync('/usr/bin/xmllint'))
  charts('is well-formed XML whatever a case is called', () => {
    execFileSync('/usr/bin/xmllint', ['--noout', '-'], { input: chart('"quoted" & <angled>', rows) });
  });
else charts.skip('is well-formed XML whatever a case is called (xmllint is missing: libxml2-utils)');

charts.run();
