import { ACTIONS } from '../interface/actions.ts';
import { PARAMETER_NAMES, PARAMETERS } from '../interface/parameters.ts';
import { type ExitCode, OCF_SUCCESS } from '../ocf/exit-code.ts';
import { print } from '../ocf/output.ts';

/** Prints the actions and parameters for a person. */
export async function help(): Promise<ExitCode> {
  const actions = Object.entries(ACTIONS)
    .filter(([, row]) => !row.aliasOf)
    .map(([name, row]) => `  ${name.padEnd(16)}${row.short}`);
  const parameters = PARAMETER_NAMES.map((name) => {
    const row = PARAMETERS[name];
    const note = 'required' in row ? ' (required)' : row.default && ` [${row.default}]`;
    return `  ${name.padEnd(16)}${row.short}${note}`;
  });
  print(`usage: kamailio ACTION [--PARAMETER=VALUE ...]

OCF resource agent for the Kamailio SIP server. Under Pacemaker the parameters come as
OCF_RESKEY_PARAMETER in the environment; a person may give them as flags. Example:

  kamailio monitor --listen_address=192.0.2.10 --proto=udp

Actions:
${actions.join('\n')}

Parameters [default]:
${parameters.join('\n')}
`);
  return OCF_SUCCESS;
}
