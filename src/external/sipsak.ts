import type { Deadline } from '../lifetime/deadline.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import type { Target } from '../sip-probe/target.ts';
import { startProgram } from '../system/program.ts';
import { hostPort } from '../text/socket-address.ts';

/** What sipsak found: healthy, or what it said. Outcomes of sipsak carry no reply. */
export type SipsakOutcome =
  | Extract<Outcome, { healthy: false }>
  | { readonly healthy: true; readonly target: Target };

/** Polls one target with sipsak, called as the shell agent calls it. Takes until `deadline` at most. */
export async function pollTargetWithSipsak(
  sipsak: string,
  target: Target,
  user: string,
  deadline: Deadline,
): Promise<SipsakOutcome> {
  const uri = `sip:${user ? `${user}@` : ''}${hostPort(target)}`;
  const args = ['-s', uri, '-H', 'localhost', '--transport', target.transport];
  const end = await startProgram(sipsak, args, process.env, deadline).end;
  if (end.code === 0) return { healthy: true, target };
  return {
    healthy: false,
    target,
    seen: `sipsak ${uri} failed${end.code === undefined ? '' : ` with exit code ${end.code}`}: ${end.said}`,
    remedy: `call \`${[sipsak, ...args].join(' ')} -vv\` by hand to see the exchange`,
  };
}
