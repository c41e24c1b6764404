import { joinProblems, type Problem } from '../failure/failure.ts';
import { oneLine } from '../text/one-line.ts';
import type { FoundKamailio } from './found.ts';
import type { ParameterTexts } from './parameters.ts';
import type { Step } from './suggestion.ts';

/** All that suggest has to say of one Kamailio. */
export interface SuggestionReport {
  readonly found: string;
  /** The name of the resource. */
  readonly name: string;
  readonly parameters: ParameterTexts;
  readonly steps: readonly Step[];
  readonly notes: readonly Problem[];
  /** There are processes to take over. */
  readonly running: boolean;
  /** Why the cluster cannot take over the running processes as they are. Empty if it can. */
  readonly restart: readonly string[];
  /** What a monitor with these parameters says of the running Kamailio. */
  readonly monitor: Verdict;
  /** What a start would say, as far as it can without starting. */
  readonly start: Verdict;
}

/** What an action came to; no exit code if it was not asked. */
export interface Verdict {
  readonly exitCode?: number;
  readonly seen: string;
}

/** As text that can be pasted into a shell as a whole: all but the commands is comment. */
export function suggestionText(report: SuggestionReport): string {
  const { found, steps, notes, running, restart, monitor, start } = report;
  const lines = [
    comment(found),
    comment(`A monitor with the parameters below: ${monitor.seen}`),
    comment(`validate-all with them: ${start.seen}`),
    ...(restart.length > 0
      ? restart.map((why) => comment(`A restart is needed: ${why}`))
      : running
        ? [comment('No restart is needed: the cluster takes over the processes that run.')]
        : []),
    ...notes.map((note) => comment(`Note: ${joinProblems([note])}`)),
    ...steps.flatMap(({ why, commands, configuration }, index) => [
      '',
      comment(`${index + 1}. ${why}`),
      ...(configuration ? configuration.split('\n').map((line) => `#     ${line}`) : []),
      ...commands,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The Kamailios of this machine, one a line. */
export function listText(all: readonly FoundKamailio[]): string {
  const lines = all.map(
    ({ main, argv, uid, inContainer }) =>
      `  ${main.pid}  uid ${uid}  ${oneLine(argv.join(' '), 200)}${inContainer ? "  (in a container: not this node's own)" : ''}`,
  );
  return `Several Kamailios run; call suggest with --pid=PID for one of them:\n${lines.join('\n')}\n`;
}

/** A comment of a shell, in which an interactive one finds no history (`!`) and a reader nothing that looks executed. */
export function comment(text: string): string {
  return `# ${oneLine(text).replaceAll(/[`$!]/g, '?')}`;
}
