import { readFileSync } from 'node:fs';
import { readArgv } from './procfs.ts';

/**
 * A process as a person looks for it: `pid 4711 (/usr/sbin/kamailio, pidfile /run/kamailio/kamailio.pid, unit
 * kamailio.service)`.
 */
export function describeProcess(pid: number): string {
  const argv = readArgv(pid) ?? [];
  const pidfile = argv.includes('-P') ? argv[argv.indexOf('-P') + 1] : undefined;
  const unit = unitOf(pid);
  const parts = [
    argv[0] ?? 'unknown program',
    ...(pidfile ? [`pidfile ${pidfile}`] : []),
    ...(unit ? [`unit ${unit}`] : []),
  ];
  return `pid ${pid} (${parts.join(', ')})`;
}

/** The systemd service that a process belongs to, by its control group (cgroups(7)); undefined if it is in none. */
export function unitOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    return /\/([^/\n]+\.service)(?:\/|$)/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
