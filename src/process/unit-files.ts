import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** In the order in which systemd looks (systemd.unit(5)). */
const PLACES = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];

/** Whether a unit is linked to a target of systemd (systemctl(1), enable): it starts at boot. */
export function isUnitEnabled(name: string): boolean {
  return PLACES.slice(0, 2).some((place) =>
    filesIn(place).some((path) => path.endsWith('.wants') && filesIn(path).includes(`${path}/${name}`)),
  );
}

/** Whether a unit is masked (systemctl(1), mask): nobody and nothing starts it, or stops it. */
export function isUnitMasked(name: string): boolean {
  const path = PLACES.map((place) => `${place}/${name}`).find((one) =>
    lstatSync(one, { throwIfNoEntry: false }),
  );
  if (path === undefined) return false;
  try {
    return readlinkSync(path) === '/dev/null';
  } catch {
    return lstatSync(path, { throwIfNoEntry: false })?.size === 0;
  }
}

/** The names of all services that systemd has files of; a template's ends in `@.service`. */
export function serviceNames(): readonly string[] {
  const names = PLACES.flatMap(filesIn).map((path) => path.slice(path.lastIndexOf('/') + 1));
  return [...new Set(names.filter((name) => name.endsWith('.service')))];
}

/**
 * The lines of a unit and of its drop-ins, in the order in which they count, without comments. A template's instance has
 * the template's. Empty if there is none.
 */
export function readUnit(name: string): string[] {
  const template = name.replace(/@[^@]*\.service$/, '@.service');
  const names = [...new Set([template, name])];
  const files = names.flatMap((one) => PLACES.map((place) => settingsIn(`${place}/${one}`)));
  const dropIns = names.flatMap((one) =>
    PLACES.flatMap((place) => filesIn(`${place}/${one}.d`).filter((path) => path.endsWith('.conf'))),
  );
  return [...(files.find((lines) => lines.length > 0) ?? []), ...dropIns.flatMap(settingsIn)];
}

/** The lines of a file of systemd, without comments; none if it cannot be read. */
export function settingsIn(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !/^[#;]/.test(line));
  } catch {
    return [];
  }
}

/** The paths of what is in a directory, in the order of their names; none if it cannot be read. */
export function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .sort()
      .map((name) => `${directory}/${name}`);
  } catch {
    return [];
  }
}
