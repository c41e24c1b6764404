// First in the standalone binary: NODE_* variables of the caller are for a Node.js of the caller's, not for
// the agent. Node.js ignores NODE_OPTIONS here (execArgvExtension); others, such as NODE_DEBUG, it has read
// by now, so the process begins anew without them. Its pid stays. /proc/self/exe is this file even when
// an upgrade has replaced it meanwhile.
if (Object.keys(process.env).some((name) => name.startsWith('NODE_'))) {
  for (const name of Object.keys(process.env)) if (name.startsWith('NODE_')) delete process.env[name];
  if (canBeginAnew()) process.execve('/proc/self/exe', [process.argv0, ...process.argv.slice(2)], process.env);
}

// Node.js 24 aborts if execve fails: so not without /proc (in a chroot while packages are installed), and not under
// an emulator, which shows the agent as /proc/self/exe, but itself under the other name. What comes after is at least
// free of the variables.
function canBeginAnew() {
  const { readlinkSync } = require('node:fs');
  try {
    return readlinkSync('/proc/self/exe') === readlinkSync('/proc/thread-self/exe');
  } catch {
    return false;
  }
}
