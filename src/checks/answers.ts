import { Failure, joinProblems, type Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { nextTurn } from '../lifetime/clock.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import type { ProcessStat } from '../process/procfs.ts';
import { describeOutcome, type Outcome } from '../sip-probe/outcome.ts';
import type { Note } from '../tracing/note.ts';
import { type ControlReport, checkControlPlane } from './control-plane.ts';
import { checkPolls, hasReplied, NOTHING_POLLED } from './health.ts';
import { isPolled } from './tools.ts';
import type { Usable } from './usable.ts';
import { checkOwnSockets } from './whose-socket.ts';

/** What came of asking a Kamailio that runs, over SIP and its control plane. */
export interface Answers {
  /** What is not healthy; the worst first. */
  readonly problems: readonly Problem[];
  /** What could not be checked, and that an operator drains it. */
  readonly unchecked: readonly Problem[];
  /** Outcomes of the agent's own polls. */
  readonly outcomes: readonly Outcome[];
  /** Whether Kamailio, a tool or the control plane gave no answer at all: it may hang. */
  readonly isSilent: boolean;
  /** Whether more may be asked over the control plane: what it cannot say has been reported. */
  readonly isControlled: boolean;
}

/** Polls SIP and asks the control plane at the same time, and makes sure that it was this instance that answered. */
export async function askKamailio(
  { params, unusable, polls }: Usable,
  main: ProcessStat,
  level: 10 | 20,
  deadline: Deadline,
  note: Note,
): Promise<Answers> {
  const unchecked = polls === 'none' ? [...unusable, UNPOLLED] : [...unusable];
  const [polled, control] = await Promise.all([
    polls === 'none'
      ? NOTHING_POLLED
      : ifUsable(checkPolls(params, main.pid, deadline, polls === 'stand-in'), unchecked),
    // Kamailio answers the probes, which are out by then, while a FIFO for its other reply is made.
    nextTurn().then(() => ifUsable(checkControlPlane(params, main.pid, deadline), unchecked)),
  ]);
  const { problems, targets, outcomes, drained, unchecked: unpolled } = polled ?? NOTHING_POLLED;
  for (const outcome of outcomes) note(() => `polled ${describeOutcome(outcome)}`);
  if (!isPolled(params)) note(() => 'SIP is not polled (probes=none)');
  note(() => describeControlPlane(params, control));
  const looked = level === 20 ? targets : targets.filter(({ transport }) => transport === 'udp');
  const whose = checkOwnSockets(looked, main, params);
  // Without a poll that was answered, only the control plane could have shown that it lives.
  const uncontrolled = control?.unchecked ?? [];
  const controlled = control?.problems ?? [];
  const isAnswered = polls !== 'none' && isPolled(params);
  const [failed, degraded] = isAnswered ? [[], uncontrolled] : [uncontrolled, []];
  return {
    problems: [...whose.problems, ...problems, ...controlled, ...failed],
    unchecked: [...drained, ...unchecked, ...unpolled, ...whose.unchecked, ...degraded],
    outcomes,
    // sipsak does not tell a refusal from silence.
    isSilent:
      !outcomes.every(hasReplied) || (outcomes.length === 0 && problems.length > 0) || controlled.length > 0,
    isControlled: control !== undefined && uncontrolled.length === 0,
  };
}

const UNPOLLED: Problem = { seen: 'SIP is not polled, for the address, port, transport or URI is not known' };

function describeControlPlane({ kamctlrc }: Params, control: ControlReport | undefined): string {
  if (!kamctlrc) return 'control plane: not asked, for kamctlrc is empty';
  if (!control) return 'control plane: could not be asked';
  const problems = [...control.problems, ...control.unchecked];
  return problems.length === 0 ? 'control plane: answers' : joinProblems(problems);
}

/**
 * The result of a check, or undefined if it could not be done: a kamctlrc that somebody removed or that needs a shell,
 * a sipsak that an upgrade has just taken away. Why goes to `unchecked`.
 */
async function ifUsable<T>(check: Promise<T>, unchecked: Problem[]): Promise<T | undefined> {
  try {
    return await check;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    unchecked.push(...error.problems);
    return undefined;
  }
}
