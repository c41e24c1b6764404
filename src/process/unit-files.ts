import { readdirSync } from 'node:fs';

/** Whether a unit is linked to a target of systemd (systemctl(1), enable): it starts at boot. */
export function isUnitEnabled(name: string): boolean {
  return ['/etc/systemd/system', '/run/systemd/system'].some((place) =>
    filesIn(place).some((path) => path.endsWith('.wants') && filesIn(path).includes(`${path}/${name}`)),
  );
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
