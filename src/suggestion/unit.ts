import { readFileSync } from 'node:fs';
import { unitOf } from '../process/describe.ts';
import { filesIn, isUnitEnabled } from '../process/unit-files.ts';

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

/** In the order in which systemd looks (systemd.unit(5)). */
const PLACES = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

/** The unit in whose control group a process is; undefined if it is in none, or in that of pacemaker. */
export function findUnit(pid: number): FoundUnit | undefined {
  const name = unitOf(pid);
  // What Pacemaker or a session starts is in a group of theirs, which is not to be disabled.
  if (name === undefined || /^(pacemaker|corosync|ssh|sshd|cron|user)\b/.test(name)) return undefined;
  const text = unitText(name);
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

/** The lines of a unit and of its drop-ins, in the order in which they count. A template's instance has the template's. */
function unitText(name: string): string[] {
  const template = name.replace(/@[^@]*\.service$/, '@.service');
  const names = [...new Set([template, name])];
  const files = names.flatMap((one) => PLACES.map((place) => readLines(`${place}/${one}`)));
  const dropIns = names.flatMap((one) =>
    PLACES.flatMap((place) => filesIn(`${place}/${one}.d`).filter((path) => path.endsWith('.conf'))),
  );
  return [...(files.find((lines) => lines.length > 0) ?? []), ...dropIns.flatMap(readLines)];
}

/** The assignments of a file, or of each of `/etc/default/kamailio.d/*`. */
function environmentFile(path: string): string[] {
  const files = path.endsWith('/*') ? filesIn(path.slice(0, -2)) : [path];
  return files.flatMap(readLines).filter((line) => /^\w+=./.test(line));
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^[#;]/.test(line));
  } catch {
    return [];
  }
}
