import { realpathSync } from 'node:fs';

/**
 * What calls this very agent again, before the action: Node.js and the script that it runs, or the standalone binary,
 * which carries it.
 */
export function ownProgram(): [program: string, ...script: string[]] {
  const [, script = ''] = process.argv;
  try {
    return realpathSync(script) === realpathSync(process.execPath)
      ? [process.execPath]
      : [process.execPath, realpathSync(script)];
  } catch {
    // An upgrade has removed the file this agent runs from; the next monitor is the new version's.
    return [process.execPath, script];
  }
}
