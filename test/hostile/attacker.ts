import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestInstance, until } from '../support/instance.ts';
import { account } from '../support/ordinary-user.ts';
import { type Bystander, withProgram } from '../support/processes.ts';
import { copyNode } from '../support/stand-in.ts';

/** What every attack has at hand; `attempt` swallows what the kernel refuses. */
const PRELUDE = `
const fs = require('node:fs');
const attempt = (action) => { try { action(); } catch {} };
const everyMs = (action) => setInterval(() => attempt(action), 1);
`;

/**
 * Runs a script of Node.js as an account without privileges, in a directory of its own (its current one), while
 * `body` runs; it is killed afterwards. `ready` is called by the script when the attack is prepared.
 */
export async function withAttacker(
  instance: TestInstance,
  script: string,
  body: (attacker: Bystander) => Promise<void>,
  { uid, gid } = account('nobody'),
): Promise<void> {
  const home = join(instance.directory, `attacker-${uid}`);
  const node = join(instance.directory, 'attackers-node');
  mkdirSync(home, { recursive: true });
  chownSync(home, uid, gid);
  if (!existsSync(node)) copyNode(node);
  const ready = join(home, `ready-${Math.random()}`);
  const whole = `${PRELUDE}const ready = () => fs.writeFileSync(${JSON.stringify(ready)}, '');\n${script}`;
  await withProgram(node, ['-e', whole], { uid, gid, cwd: home }, async (attacker) => {
    await until(() => existsSync(ready) || attacker.ended() !== undefined, 'the attacker is ready');
    if (attacker.ended() !== undefined) throw new Error(`the attacker failed: ${attacker.ended()}`);
    await body(attacker);
  });
}
