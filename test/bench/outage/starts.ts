import type { Testbed } from '../../cluster/testbed/testbed.ts';

/** A start that the cluster reports as done: the line of the controller in pacemaker.log. */
const START = /^(\w{3} \d\d \d\d:\d\d:\d\d\.\d{3}) .* Result of start operation for (\S+) on \S+: ok/gm;

/** When the cluster has reported the first start of a resource after `since`; ms since 1970, undefined when not yet. */
export function reportedStart(testbed: Testbed, resource: string, since: number): number | undefined {
  return testbed.nodes
    .flatMap((node) => [...node.log().matchAll(START)])
    .filter(([, , name]) => name === resource)
    .map(([, stamp = '']) => timeOf(stamp))
    .filter((time) => time > since)
    .sort((a, b) => a - b)[0];
}

/** The log's times have no year: it is this one, or the last when the log is of a December. */
function timeOf(stamp: string): number {
  const year = new Date().getFullYear();
  const time = Date.parse(`${year} ${stamp}`);
  const dayMs = 86_400_000;
  return time > Date.now() + dayMs ? Date.parse(`${year - 1} ${stamp}`) : time;
}
