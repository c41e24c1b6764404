import type { Problem } from '../../failure/failure.ts';
import type { Params } from '../../interface/parameters.ts';
import { examine, type Finding, ok, type Result, skipped, warning } from '../finding.ts';
import { checkAddress } from './address.ts';
import { checkBeside } from './beside.ts';
import { readCluster } from './cib.ts';
import { checkHistory } from './history.ts';
import { checkOperations } from './operations.ts';
import { checkVersions } from './versions.ts';

/** The cluster's half of a diagnosis: how a resource is configured, and what happened to it. Changes nothing. */
export async function examineCluster(id: string, params: Params, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const facts = await readCluster(id, env);
  const beside = await examine('this node', () =>
    result(checkBeside(id, params), 'nothing starts or sets up another Kamailio'),
  );
  if (!facts) {
    return [...beside, ...(await examine('the cluster', () => skipped('the CIB could not be read')))];
  }
  return [
    ...(await examine('operations', () => result(checkOperations(facts, params), 'recur, and have time'))),
    ...(await examine('address', () => result(checkAddress(facts, params), 'comes with Kamailio'))),
    ...(await examine('versions', () => result(checkVersions(facts), 'no node has told of another agent'))),
    ...(await examine('history', () => result(checkHistory(facts), 'no failure in the last day'))),
    ...beside,
  ];
}

/** What the cluster's half finds is no matter of a monitor. */
function result(problems: readonly Problem[], otherwise: string): Result {
  return problems.length === 0 ? ok(otherwise) : warning(problems);
}
