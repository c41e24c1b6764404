/** Where the agent leaves notes and watchers say who they are. Root's alone, so no other account can forge one; empty after a boot. */
export const RUN_DIRECTORY = '/run/ocf-kamailio';
