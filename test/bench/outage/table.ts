import type { Case } from './cases.ts';
import type { Column } from './columns.ts';
import type { Outages } from './results.ts';

/** What was measured of a case in a column; undefined if nothing was. */
export type Look = (one: Case, column: Column) => Outages | undefined;

/** Median / worst of each case in each column, as a table in Markdown, and below it what it shows of goals and peers. */
export function outageTable(
  cases: readonly Case[],
  columns: readonly Column[],
  watched: Column,
  look: Look,
): string {
  const head = [
    'case',
    ...columns.map(({ name }) => `\`${name}\``.replaceAll(/`(shell agent|keepalived)`/g, '$1')),
  ];
  const rows = cases.map((one) => [one.name, ...columns.map((column) => cell(look(one, column)))]);
  const table = [head, ['---', ...columns.map(() => '--:')], ...rows].map(
    (words) => `| ${words.join(' | ')} |`,
  );
  const measured = cases.flatMap((one) => columns.flatMap((column) => look(one, column) ?? []));
  const runs = measured.map((one) => one.runs);
  return [
    ...table,
    '',
    `Median / worst in seconds of ${span(Math.min(...runs), Math.max(...runs))} each.`,
    ...goalLines(cases, watched, look),
    ...aheadLines(cases, columns, watched, look),
  ].join('\n');
}

function cell(found: Outages | undefined): string {
  return found ? `${short(found.median)} / ${short(found.most)}` : '–';
}

function span(least: number, most: number): string {
  return least === most ? `${most} ${most === 1 ? 'run' : 'runs'}` : `${least} to ${most} runs`;
}

/** Where the watcher does not keep what this project has set itself. */
function goalLines(cases: readonly Case[], watched: Column, look: Look): string[] {
  const missed = cases.flatMap((one) => {
    const [found, goal] = [look(one, watched), one.goal];
    if (!found || !goal) return [];
    const isOver = found.median > goal.median || found.most > (goal.worst ?? Number.POSITIVE_INFINITY);
    const worst = goal.worst === undefined ? '' : ` / ${goal.worst}`;
    return isOver ? [`${one.name} (${cell(found)}, the goal is ${goal.median}${worst})`] : [];
  });
  return missed.length > 0 ? ['', `With \`${watched.name}\` over its goal: ${missed.join('; ')}.`] : [];
}

function aheadLines(
  cases: readonly Case[],
  columns: readonly Column[],
  watched: Column,
  look: Look,
): string[] {
  const peer = columns.find(({ keeper }) => keeper === 'keepalived');
  if (!peer) return [];
  const ahead = cases.flatMap((one) => {
    const [ours, theirs] = [look(one, watched), look(one, peer)];
    return ours && theirs && theirs.median < ours.median
      ? [`${one.name} (${short(theirs.median)} against ${short(ours.median)} s)`]
      : [];
  });
  return ahead.length > 0 ? ['', `keepalived is ahead of \`${watched.name}\`: ${ahead.join('; ')}.`] : [];
}

function short(seconds: number): string {
  return seconds.toFixed(seconds < 10 ? 2 : 1);
}
