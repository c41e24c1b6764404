import { checkAccounts, checkBinary, checkConffile } from '../checks/node.ts';
import { checkDirectories } from '../checks/pidfile-directory.ts';
import { predictFailures, udpSockets } from '../checks/predictions.ts';
import { usableParams } from '../checks/usable.ts';
import type { Problem } from '../failure/failure.ts';
import type { Params } from '../interface/parameters.ts';
import { kamailiosWords } from '../journal/journal.ts';
import { checkConfiguration } from '../launch/configuration.ts';
import { switchedOffByUdp } from '../launch/without-tcp.ts';
import type { Deadline } from '../lifetime/deadline.ts';
import { OCF_DEGRADED } from '../ocf/exit-code.ts';
import type { ParameterFault } from '../params/parse.ts';
import { findMain } from '../process/pidfile.ts';
import type { ProcessStat } from '../process/procfs.ts';
import type { Outcome } from '../sip-probe/outcome.ts';
import { runProgram } from '../system/run-program.ts';
import { oneLine } from '../text/one-line.ts';
import { controlPlane } from './control-plane.ts';
import { drain } from './drain.ts';
import { examine, type Finding, failed, ok, type Result, skipped, warning } from './finding.ts';
import { diagnosePolls } from './polls.ts';
import { processes } from './processes.ts';
import { watcher } from './watcher.ts';

/** Runs every check of a diagnosis, whatever the ones before came to. Changes nothing on the machine. */
export async function runChecks(
  given: Params,
  faults: readonly ParameterFault[],
  deadline: Deadline,
): Promise<Finding[]> {
  const { params, unusable, polls } = usableParams(given, faults);
  const main = findMain(params);
  const findings = [
    ...(await examine('parameters', () => parameters(unusable))),
    ...(await examine('binary', () => version(params, deadline))),
    ...(await examine('configuration', () => configuration(params, deadline))),
    ...(await examine('accounts', () => accounts(params))),
    ...(await examine('directories', () => directories(params))),
    ...(await examine('processes', () => processes(params, main, deadline))),
  ];
  const socketsBefore = main.found ? udpSockets(main.process.pid) : [];
  const polled = polls === 'none' ? [] : await diagnosePolls(params, main, polls === 'stand-in', deadline);
  if (polls === 'none')
    findings.push(...(await examine('probes', () => skipped('what to poll is not known, see parameters'))));
  findings.push(...polled.flatMap((poll) => poll.findings));
  const control = await examine('control plane', () => controlPlane(params, main, deadline));
  findings.push(...control);
  findings.push(
    ...(await examine('predictions', () => {
      if (!main.found) return skipped('Kamailio does not run');
      // A control plane that is dead has been told; it is not asked for the shared memory again.
      const asked = control.every(({ verdict }) => verdict === 'ok') ? params : { ...params, kamctlrc: '' };
      const outcomes = polled.flatMap(({ outcome }) => outcome ?? []);
      return predictions(asked, main.process, socketsBefore, outcomes, deadline);
    })),
  );
  if (params.drain || params.probe_drained.length > 0)
    findings.push(
      ...(await examine('drain', () =>
        control.some(({ verdict }) => verdict === 'failed')
          ? skipped('the control plane does not answer')
          : drain(params, main, deadline),
      )),
    );
  if (params.watch !== 'off') findings.push(...(await examine('watcher', () => watcher(params, main))));
  findings.push(...(await examine("Kamailio's log", () => lastWords(params, deadline))));
  return findings;
}

/** What Kamailio itself said last, where the journal of systemd has it. It explains, and fails nothing. */
async function lastWords(params: Params, deadline: Deadline): Promise<Result> {
  const words = await kamailiosWords(params, '-1h', deadline);
  if (!words) return skipped('this node has no journalctl');
  const lines = [...words.telling, ...words.others];
  if (lines.length === 0) return ok('no error line of this instance in the journal of the last hour');
  return warning(lines.map((seen) => ({ seen })));
}

function parameters(unusable: readonly Problem[]): Result {
  return unusable.length === 0 ? ok('all within their domains') : failed(unusable, OCF_DEGRADED);
}

function version(params: Params, deadline: Deadline): Result {
  checkBinary(params);
  const answer = runProgram(params.binary, ['-v'], { limitMs: deadline.sooner(5000).remaining });
  const [line = ''] = answer.stdout.split('\n');
  return answer.status === 0
    ? ok(`${params.binary}: ${oneLine(line, 100)}`)
    : failed({
        seen: `${params.binary} -v fails: ${oneLine(answer.error?.message ?? answer.stderr, 200)}`,
        remedy: 'reinstall the package kamailio',
      });
}

function configuration(params: Params, deadline: Deadline): Result {
  checkBinary(params);
  checkConffile(params);
  const account = checkAccounts(params);
  checkConfiguration(params, account, deadline.sooner(10_000));
  const lost = switchedOffByUdp(params, account, deadline.sooner(10_000));
  return lost ? warning(lost) : ok(`${params.conffile}: Kamailio accepts it`);
}

function accounts(params: Params): Result {
  const owner = checkAccounts(params);
  if (!params.kamuser) return ok('runs as the calling account; kamuser is empty');
  return ok(`${params.kamuser} is uid ${owner?.uid}, gid ${owner?.gid}`);
}

function directories(params: Params): Result {
  checkDirectories(params, checkAccounts(params));
  return ok(`the directory of ${params.pidfile} is safe`);
}

async function predictions(
  params: Params,
  main: ProcessStat,
  socketsBefore: Parameters<typeof predictFailures>[2],
  outcomes: readonly Outcome[],
  deadline: Deadline,
): Promise<Result> {
  const signs = await predictFailures(params, main, socketsBefore, outcomes, deadline);
  const unseen = params.kamctlrc ? '' : '; the shared memory cannot be seen without a control plane';
  return signs.length === 0 ? ok(`nothing predicts a failure${unseen}`) : warning(signs, OCF_DEGRADED);
}
