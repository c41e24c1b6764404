import { runChecks } from '../diagnosis/checks.ts';
import { examineCluster } from '../diagnosis/cluster/examine.ts';
import { askCluster } from '../diagnosis/cluster-resource.ts';
import { type Finding, findingsOf, ok, warning } from '../diagnosis/finding.ts';
import { jsonReport, textReport } from '../diagnosis/report.ts';
import { now } from '../lifetime/clock.ts';
import { OCF_DEGRADED, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';
import { readParamsWithFaults } from '../params/parse.ts';
import { oneOf } from './command-flags.ts';
import type { Context } from './context.ts';

/**
 * Runs every check and prints what was seen, how long it took and what to do: for a person, coloured on a
 * terminal, or as JSON (`--output=json`). Parameters come from the environment and flags, or, with the
 * name of a resource, from the cluster. Returns the exit code that a monitor would; changes nothing.
 * Throws Failure for an unknown resource or output.
 */
export async function diagnose({ invocation, deadline }: Context): Promise<number> {
  const output = oneOf(invocation, 'output', ['text', 'json']);
  const [resource] = invocation.operands;
  const askedAt = now();
  const asked =
    resource === undefined
      ? { id: undefined, invocation, source: 'environment and flags', problems: [] }
      : await askCluster(resource, invocation);
  const ms = now() - askedAt;
  const { params, faults } = readParamsWithFaults(asked.invocation);
  const findings = [
    ...('found' in asked ? findingsOf('cluster', ok(asked.found), ms) : []),
    ...findingsOf('cluster', warning(asked.problems), ms),
    ...(await runChecks(params, faults, deadline)),
    ...(asked.id === undefined ? [] : await examineCluster(asked.id, params, invocation.env)),
  ];
  const exitCode = exitCodeOf(findings);
  const report = {
    instance: asked.invocation.instance,
    source: asked.source,
    findings,
    exitCode,
  };
  const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR;
  print(output === 'json' ? jsonReport(report) : textReport(report, coloured));
  return exitCode;
}

/** The first finding that would end a monitor decides; what only predicts a failure comes last. */
function exitCodeOf(findings: readonly Finding[]): number {
  const codes = findings
    .filter(({ check }) => !BEFORE_A_START.includes(check))
    .flatMap(({ exitCode }) => exitCode ?? []);
  return codes.find((code) => code !== OCF_DEGRADED) ?? codes[0] ?? OCF_SUCCESS;
}

/** What these find keeps a Kamailio from starting, but is no matter of a monitor. */
const BEFORE_A_START = ['binary', 'configuration', 'accounts', 'directories'];
