// The whole life of an instance on loopback, through dist/kamailio alone. Each step is shown with its exit
// code, time and reason; a code that is not the expected one makes the demo fail. Nothing is left behind.
// `demo.mjs standby` shows a hot standby in a cluster of three nodes on this machine instead, `demo.mjs drain` a planned
// move without a dropped call.
import { existsSync } from 'node:fs';
import { callAgent, endAgent } from './agent.mjs';
import { showDrain } from './drain.mjs';
import { makeInstance } from './instance.mjs';
import { showStandby } from './standby.mjs';

const MEANING = { 0: 'success', 1: 'failed', 7: 'not running' };

/** Thrown to end the demo, with the exit code that it ends with. */
class Abort extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

let interrupted = false;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    interrupted = true;
    endAgent();
  });
}

async function main() {
  if (!existsSync('/usr/sbin/kamailio'))
    throw new Abort('/usr/sbin/kamailio is not installed; install the package kamailio first', 1);
  const instance = await makeInstance();
  try {
    await live(instance);
  } catch (error) {
    throw interrupted ? new Abort('interrupted', 130) : error;
  } finally {
    await instance.dispose();
    console.log(`\nRemoved ${instance.directory}; no process of the instance is left.`);
  }
}

async function live(instance) {
  const step = (action, expected, note) => runStep(instance, action, expected, note);
  console.log('One instance of Kamailio, as the cluster would call the agent for it:\n');
  for (const [name, value] of Object.entries(instance.params)) console.log(`    ${name}=${value}`);
  console.log('\nstep          exit              time');

  await step('validate-all', 0, 'parameters, files, accounts and the configuration are right');
  await step('start', 0, 'returns when the SIP sockets and the control plane answer');
  await step('monitor', 0, 'main process, OPTIONS over UDP and TCP, up-time through the FIFO');

  const crashed = await instance.crash();
  console.log(
    `\n  The main process ${crashed.pid} is killed with SIGKILL; ${crashed.left} processes live on and hold the sockets.\n`,
  );
  await step('monitor', 1, 'not 7: the cluster must not start a second Kamailio beside them');
  await step('stop', 0, 'the recovery of the cluster, first half: nothing is left');
  await step('start', 0, 'second half');
  await step('monitor', 0);
  await step('stop', 0);
  await step('monitor', 7, 'now nothing runs, and it says so');
}

/** Calls the agent and shows what came of it. Throws Abort when the exit code is not the expected one. */
async function runStep(instance, action, expected, note = '') {
  if (interrupted) throw new Abort('interrupted', 130);
  const call = await callAgent(action, instance.params);
  if (interrupted) throw new Abort('interrupted', 130);
  const exit = `${call.code} ${MEANING[call.code] ?? ''}`;
  console.log(
    `${action.padEnd(12)}  ${exit.padEnd(14)}  ${call.milliseconds.toFixed(0).padStart(5)} ms  ${note}`.trimEnd(),
  );
  if (call.reason) console.log(`              reason: ${call.reason}`);
  if (call.code === expected) return;
  if (!call.reason && call.stderr) console.log(call.stderr.trimEnd());
  throw new Abort(`${action} was to exit with ${expected}, not ${call.code}`, 1);
}

try {
  if (process.argv[2] === 'standby') process.exitCode = showStandby();
  else if (process.argv[2] === 'drain') process.exitCode = showDrain();
  else {
    await main();
    console.log('Every step ended as it should.');
  }
} catch (error) {
  if (!(error instanceof Abort)) throw error;
  console.error(`The demo failed: ${error.message}`);
  process.exitCode = error.code;
}
