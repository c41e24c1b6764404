import { constants, copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AGENT, SHELL_AGENT } from '../support/agent.ts';
import type { TestInstance } from '../support/instance.ts';
import type { Command } from './measure.ts';

/** The commands that are compared. */
export interface Agents {
  /** Ours, for an action. */
  ours(action: string): Command;
  /** The shell agent, for an action. */
  shell(action: string): Command;
  /** The least that the script's Node.js takes. */
  readonly bareNode: Command;
}

/**
 * Prepares both agents for one instance. Ours is a copy of `file`, the script unless said otherwise, so that a
 * build in between does not change what is measured; both are called with the same environment. `node` is the
 * Node.js that runs the script.
 */
export function prepareAgents(instance: TestInstance, node: string, file = AGENT): Agents {
  const copy = join(mkdtempSync(join(instance.directory, 'agent-')), 'kamailio');
  copyFileSync(file, copy, constants.COPYFILE_FICLONE);
  writeFileSync(join(dirname(copy), 'package.json'), '{ "type": "commonjs" }\n');
  // kamctl knows no option for its settings: besides /etc/kamailio/kamctlrc it reads this file.
  copyFileSync(instance.kamctlrc, join(instance.directory, '.kamctlrc'));

  const env: NodeJS.ProcessEnv = {
    PATH: `${dirname(node)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: instance.directory,
    OCF_ROOT: '/usr/lib/ocf',
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RA_VERSION_MINOR: '1',
    OCF_RESOURCE_INSTANCE: 'bench',
    OCF_RESKEY_monitoring_ip: '127.0.0.1',
    OCF_RESKEY_kamctl: '/usr/sbin/kamctl',
    OCF_RESKEY_sipsak: '/usr/bin/sipsak',
  };
  for (const [name, value] of Object.entries(instance.params)) env[`OCF_RESKEY_${name}`] = value;
  return {
    ours: (action) => ({ program: copy, args: [action], env }),
    shell: (action) => ({ program: SHELL_AGENT, args: [action], env }),
    bareNode: { program: 'node', args: ['-e', '0'], env },
  };
}
