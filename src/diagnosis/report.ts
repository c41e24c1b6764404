import { oneLine } from '../text/one-line.ts';
import type { Finding, Verdict } from './finding.ts';

/** A whole diagnosis. */
export interface Report {
  /** The name of the instance. */
  readonly instance: string;
  /** Where the parameters came from. */
  readonly source: string;
  readonly findings: readonly Finding[];
  /** As monitor's. */
  readonly exitCode: number;
}

const COLOURS: Readonly<Record<Verdict, number>> = { ok: 32, warning: 33, failed: 31, skipped: 90 };
const WORDS: Readonly<Record<Verdict, string>> = {
  ok: 'ok',
  warning: 'WARNING',
  failed: 'FAILED',
  skipped: 'skipped',
};

/** The report for a person: a line a check, and under each failure what to do. */
export function textReport({ instance, source, findings, exitCode }: Report, coloured: boolean): string {
  const paint = (verdict: Verdict, text: string) =>
    coloured ? `\u001b[${COLOURS[verdict]}m${text}\u001b[0m` : text;
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, seen, ms, remedy }) => [
    `  ${paint(verdict, WORDS[verdict].padEnd(8))} ${check.padEnd(width)}  ${oneLine(seen)}${verdict === 'skipped' ? '' : ` (${ms} ms)`}`,
    ...(remedy ? [`  ${' '.repeat(8)} ${' '.repeat(width)}  -> ${oneLine(remedy)}`] : []),
  ]);
  return `Kamailio instance ${oneLine(instance, 80)}, parameters from ${source}\n${lines.join('\n')}\nA monitor would exit with ${exitCode}.\n`;
}

/** The report for a program. */
export function jsonReport(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}
