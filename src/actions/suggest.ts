import { Failure } from '../failure/failure.ts';
import { PARAMETERS } from '../interface/parameters.ts';
import { OCF_SUCCESS } from '../ocf/exit-code.ts';
import type { Invocation } from '../ocf/invocation.ts';
import { print } from '../ocf/output.ts';
import { viewCluster } from '../suggestion/cluster.ts';
import { type FoundKamailio, findKamailios } from '../suggestion/found.ts';
import { type Gathered, gatherConfiguration, gatherRunning } from '../suggestion/gather.ts';
import { answersAsItIs, type ParameterTexts, polled, suggestParameters } from '../suggestion/parameters.ts';
import { listText, type SuggestionReport, suggestionText, type Verdict } from '../suggestion/report.ts';
import { type Basis, makeNotes, makeSteps } from '../suggestion/suggestion.ts';
import { findUnit } from '../suggestion/unit.ts';
import { choose } from './chosen-kamailio.ts';
import { flagValue, hasFlag, oneOf } from './command-flags.ts';
import type { Context } from './context.ts';
import { monitor } from './monitor.ts';
import { validateAll } from './validate-all.ts';

/**
 * Prints what puts the Kamailio that runs on this node under the cluster, ready to paste, after it has checked the
 * result as a monitor and a start would. Changes nothing. Flags: --pid, --conffile, --for=pcs|crm, --standby,
 * --output=text|json. Several Kamailios: the list of them. Throws Failure if there is none, or none that may be seen.
 */
export async function suggest(context: Context): Promise<number> {
  const { invocation, deadline } = context;
  const output = oneOf(invocation, 'output', ['text', 'json']);
  const tool = oneOf(invocation, 'for', ['pcs', 'crm']);
  const conffile = flagValue(invocation, 'conffile');
  const chosen = choose(invocation, findKamailios(), conffile);
  if (Array.isArray(chosen)) {
    print(output === 'json' ? json({ kamailios: chosen.map(describeForJson) }) : listText(chosen));
    return OCF_SUCCESS;
  }
  const cluster = await viewCluster(invocation.env);
  const gathered =
    chosen === undefined
      ? gatherConfiguration(
          PARAMETERS.conffile.parse(conffile ?? ''),
          PARAMETERS.binary.parse(flagValue(invocation, 'binary') ?? PARAMETERS.binary.default),
          cluster,
          deadline,
        )
      : await gatherRunning(withConffile(chosen, conffile), cluster, deadline);
  const { seen, name, found } = gathered;
  const params = suggestParameters(seen);
  const unit = chosen && findUnit(chosen.main.pid);
  const basis: Basis = {
    ...seen,
    name,
    params,
    polled: polled(seen),
    unit,
    cluster,
    standby: hasFlag(invocation, 'standby'),
    tool,
  };
  const report: SuggestionReport = {
    found,
    name,
    parameters: params,
    steps: makeSteps(basis),
    notes: makeNotes(
      basis,
      seen.sockets.filter(({ isSip }) => !isSip),
    ),
    running: chosen !== undefined,
    restart: [...gathered.restart, ...whyByOthers(basis)],
    monitor: chosen ? await asMonitor(context, gathered, params) : NOT_MONITORED,
    start: await verdictOf(() =>
      validateAll({ ...context, invocation: invocationFor(context, name, params) }),
    ),
  };
  print(output === 'json' ? json(report) : suggestionText(report));
  return OCF_SUCCESS;
}

function withConffile(found: FoundKamailio, conffile: string | undefined): FoundKamailio {
  return conffile === undefined ? found : { ...found, options: { ...found.options, conffile } };
}

function whyByOthers({ unit, polled: sockets, conffile }: Basis): string[] {
  return [
    ...(unit ? [`systemd's ${unit.name} holds it, and what stops the unit stops Kamailio`] : []),
    ...(answersAsItIs(sockets) ? [] : [`${conffile} has to answer a poll`]),
  ];
}

const NOT_MONITORED: Verdict = { seen: 'not asked, for nothing runs' };

/** What a monitor says of the running Kamailio; over a FIFO that its kamctlrc is still to name, it has answered already. */
async function asMonitor(
  context: Context,
  { seen, name, restart }: Gathered,
  params: ParameterTexts,
): Promise<Verdict> {
  if (seen.options.pidfile === undefined || seen.options.pidfileIsJoined)
    return { seen: `not asked, as it would not know these processes: ${restart[0]}` };
  const open = seen.control.lines.length > 0;
  const texts = open ? { ...params, kamctlrc: '' } : params;
  const verdict = await verdictOf(() =>
    monitor({ ...context, invocation: invocationFor(context, name, texts) }),
  );
  return open
    ? {
        ...verdict,
        seen: `${verdict.seen}; the control plane answers (${seen.control.answering}), and kamctlrc is to name it`,
      }
    : verdict;
}

function invocationFor({ invocation }: Context, name: string, params: ParameterTexts): Invocation {
  const own = Object.entries(invocation.env).filter(([variable]) => !variable.startsWith('OCF_RESKEY_'));
  const pairs = Object.entries(params).map(([parameter, text]) => [`OCF_RESKEY_${parameter}`, text]);
  return {
    ...invocation,
    flags: [],
    operands: [],
    instance: name,
    checkLevel: undefined,
    env: Object.fromEntries([...own, ...pairs]),
  };
}

async function verdictOf(act: () => Promise<number>): Promise<Verdict> {
  try {
    const exitCode = await act();
    return { exitCode, seen: `${exitCode}` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const exitCode = error.code ?? 1;
    return { exitCode, seen: `${exitCode}, ${error.message}` };
  }
}

function describeForJson({ main, argv, uid, inContainer: inside }: FoundKamailio) {
  return { pid: main.pid, argv, uid, inContainer: inside };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
