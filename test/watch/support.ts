import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runFile } from '../../src/process/run-directory.ts';
import { readPolls, readState } from '../../src/watch/state.ts';
import { endWatcherProcess } from '../../src/watch/watcher-process.ts';
import type { Call, CallOptions } from '../support/agent.ts';
import { call, withInstance } from '../support/calls.ts';
import { type InstanceOptions, type TestInstance, until } from '../support/instance.ts';
import { isAlive, processesNaming, stateOf } from '../support/processes.ts';

export const NODE = 'node1';
export const RESOURCE = 'ocfk_test';

/** Stand-ins for the cluster's tools: no cluster hangs, or loses a tool, when a test wants it to. */
export interface WatchedInstance {
  readonly instance: TestInstance;
  /** Calls the agent with the watcher on, as the cluster's executor does. */
  act(action: string, params?: Readonly<Record<string, string>>, options?: CallOptions): Promise<Call>;
  /** The words of each call of crm_resource so far. */
  reports(): string[];
  /** What the agent and the watcher wrote into HA_LOGFILE. */
  log(): string;
  /** Attributes that crm_mon shows of the resource, over those of one that is wanted here. */
  setAttributes(attributes: Readonly<Record<string, string>>): void;
  /** Puts a script in the place of a tool; without a script the tool is missing. */
  setTool(tool: 'crm_mon' | 'crm_resource' | 'crm_node', script?: string): void;
  /** Pids of the watchers of the instance that live. */
  watchers(): number[];
  /** Waits until there is one watcher, and it is at work. */
  untilWatched(): Promise<number>;
}

const WANTED = { role: 'Started', managed: 'true', failed: 'false' };

/** Runs `body` with an instance and a stand-in cluster of one node. No watcher outlives it. */
export async function withWatched(
  body: (watched: WatchedInstance) => Promise<void>,
  options: InstanceOptions = {},
): Promise<void> {
  await withInstance(options, async (instance) => {
    const bin = join(instance.directory, 'tools');
    mkdirSync(bin);
    const logfile = join(instance.directory, 'log');
    const reported = join(instance.directory, 'reported');
    const env = {
      PATH: `${bin}:${dirname(process.execPath)}`,
      HA_LOGFILE: logfile,
      OCF_RESKEY_CRM_meta_on_node: NODE,
    };
    const watched: WatchedInstance = {
      instance,
      act: (action, params = {}, more = {}) =>
        call(instance, action, { watch: 'process', ...params }, { ...more, env: { ...env, ...more.env } }),
      reports: () => linesOf(reported),
      log: () => linesOf(logfile).join('\n'),
      setAttributes: (attributes) => {
        const words = Object.entries({ ...WANTED, ...attributes }).map(
          ([name, value]) => `${name}="${value}"`,
        );
        const xml = `<resource id="${RESOURCE}" ${words.join(' ')}><node name="${NODE}" id="1"/></resource>`;
        watched.setTool('crm_mon', `echo '<resources>${xml}</resources>'`);
      },
      setTool: (tool, script) => {
        const path = join(bin, tool);
        if (script === undefined) return rmSync(path, { force: true });
        writeFileSync(`${path}.new`, `#!/bin/sh\n${script}\n`);
        chmodSync(`${path}.new`, 0o755);
        renameSync(`${path}.new`, path);
      },
      watchers: () => watchersOf(instance),
      untilWatched: async () => {
        await until(() => {
          const state = readState(instance.pidfile);
          return (
            state !== undefined &&
            existsSync(runFile(instance.pidfile, 'polls')) &&
            isAlive(state.watcher.pid)
          );
        }, 'the watcher is at work');
        return readState(instance.pidfile)?.watcher.pid ?? 0;
      },
    };
    watched.setAttributes({});
    watched.setTool('crm_resource', `echo "$*" >>${reported}`);
    try {
      await body(watched);
    } catch (error) {
      console.log(describe(watched));
      throw error;
    } finally {
      await call(instance, 'stop');
      for (const pid of watchersOf(instance)) process.kill(pid, 'SIGKILL');
      const state = readState(instance.pidfile);
      if (state) await endWatcherProcess(state.watcher);
      rmSync(runFile(instance.pidfile, 'watcher'), { force: true });
    }
  });
}

/** What a person would look at first. */
function describe({ instance, log }: WatchedInstance): string {
  const states = instance.pids().map((pid) => `${pid} ${stateOf(pid)}`);
  return `log: ${log()}\npolls: ${readPolls(instance.pidfile)}\nKamailio: ${states.join(', ')}`;
}

/** By the environment: the title holds the resource's name alone, and that is the same for each test. */
function watchersOf({ conffile }: TestInstance): number[] {
  return [...processesNaming(`ocf-watcher: ${RESOURCE}`).keys()].filter((pid) => {
    try {
      return isAlive(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${conffile}\0`);
    } catch {
      return false;
    }
  });
}

function linesOf(path: string): string[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}
