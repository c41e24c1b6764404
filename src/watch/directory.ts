/** Where watchers leave who they are. Root's alone, and empty after a boot: no other account can forge a watcher. */
export const WATCHERS_DIRECTORY = '/run/ocf-kamailio';
