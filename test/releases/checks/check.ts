import { spawnSync } from 'node:child_process';

/** Something that is tried on each release. */
export interface Check {
  /** What holds, as the row of the table and the test's title say it. */
  readonly name: string;
  /** Why this release cannot do it at all; undefined when it can. */
  readonly whyNot?: () => string | undefined;
  run(): Promise<void>;
}

/** `whyNot` for what only this Kamailio and newer ones have. */
export function sinceKamailio(major: number, minor: number): () => string | undefined {
  return () => {
    const { stdout } = spawnSync('/usr/sbin/kamailio', ['-v'], { encoding: 'utf8' });
    const [, ...found] = /^version: kamailio (\d+)\.(\d+)\./m.exec(stdout) ?? [];
    if (found.length === 0) throw new Error(`kamailio -v prints no version: ${stdout}`);
    const [has = 0, hasMinor = 0] = found.map(Number);
    return has > major || (has === major && hasMinor >= minor)
      ? undefined
      : `Kamailio ${has}.${hasMinor} has none`;
  };
}
