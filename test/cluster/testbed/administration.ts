import { KAMAILIO } from './kamailio.ts';
import type { Testbed } from './testbed.ts';

/** Turns the maintenance mode of the whole cluster on or off, as an administrator does. */
export function setMaintenance(testbed: Testbed, isOn: boolean): Promise<string> {
  return testbed.command(['crm_attribute', '--name', 'maintenance-mode', '--update', String(isOn)]);
}

/** Gives a parameter of Kamailio's resource a value. */
export function setParameter(testbed: Testbed, name: string, value: string): Promise<string> {
  const parameter = ['--set-parameter', name, `--parameter-value=${value}`];
  return testbed.command(['crm_resource', '--resource', KAMAILIO, ...parameter]);
}
