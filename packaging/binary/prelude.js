// First in the standalone binary: NODE_* variables of the caller are for a Node.js of the caller's, not for
// the agent. Node.js ignores NODE_OPTIONS here (execArgvExtension); others, such as NODE_V8_COVERAGE, it has
// read by now, so the process begins anew without them. Its pid stays. /proc/self/exe is this file even when
// an upgrade has replaced it meanwhile.
if (Object.keys(process.env).some((name) => name.startsWith('NODE_'))) {
  for (const name of Object.keys(process.env)) if (name.startsWith('NODE_')) delete process.env[name];
  try {
    process.execve('/proc/self/exe', [process.argv0, ...process.argv.slice(2)], process.env);
  } catch {
    // No /proc, or an emulated processor: what comes after is at least free of them.
  }
}
