import { unitOf } from '../process/describe.ts';
import { filesIn, isUnitEnabled, readUnit, settingsIn } from '../process/unit-files.ts';

/** The service of systemd that holds a Kamailio. */
export interface FoundUnit {
  readonly name: string;
  /** It is linked to a target: it starts at boot, beside the cluster. */
  readonly enabled: boolean;
  /**
   * Settings that reach Kamailio through the unit, and that no resource carries: `LimitNOFILE=65536`, and variables of
   * its environment without their values.
   */
  readonly settings: readonly string[];
}

/** The unit in whose control group a process is; undefined if it is in none, or in that of pacemaker. */
export function findUnit(pid: number): FoundUnit | undefined {
  const name = unitOf(pid);
  // What Pacemaker or a session starts is in a group of theirs, which is not to be disabled.
  if (name === undefined || /^(pacemaker|corosync|ssh|sshd|cron|user)\b/.test(name)) return undefined;
  const text = readUnit(name);
  const unused = text.filter((line) => NOT_CARRIED.test(line));
  const environment = [...text.join('\n').matchAll(/^EnvironmentFile=-?(\S+)/gm)].flatMap(([, path = '']) =>
    environmentFile(path),
  );
  const command = text.findLast((line) => line.startsWith('ExecStart=/')) ?? '';
  // What the command line names has reached the process by it. Debian's file also has switches of the old init script.
  const variables = environment.map((line) => line.split('=', 1)[0] ?? '');
  const beside = variables
    .filter(
      (variable) => !new RegExp(`\\$\\{?${variable}\\b`).test(command) && !OF_INIT_SCRIPT.test(variable),
    )
    // The value may be a password.
    .map((variable) => `the environment variable ${variable}`);
  return { name, enabled: isUnitEnabled(name), settings: [...new Set([...unused, ...beside])] };
}

/** `systemctl disable --now kamailio`: `.service` goes without saying. */
export function shortUnitName(name: string): string {
  return name.replace(/\.service$/, '');
}

/** Limits, priorities and rights are those of pacemaker.service once the cluster starts Kamailio. */
const NOT_CARRIED =
  /^(Limit\w+|Nice|IO\w+|CPU\w+|OOMScoreAdjust|AmbientCapabilities|CapabilityBoundingSet|ExecStartPre|ExecStartPost|ExecStopPost|UMask|Memory\w+|TasksMax)=/;
const OF_INIT_SCRIPT = /^(RUN_KAMAILIO|USER|GROUP|DUMP_CORE|CFGFILE|SHM_MEMORY|PKG_MEMORY)$/;

/** The assignments of a file, or of each of `/etc/default/kamailio.d/*`. */
function environmentFile(path: string): string[] {
  const files = path.endsWith('/*') ? filesIn(path.slice(0, -2)) : [path];
  return files.flatMap(settingsIn).filter((line) => /^\w+=./.test(line));
}
