/** Set by build.mjs; absent where the sources run unbuilt, as in tests. */
declare const AGENT_VERSION: string | undefined;
declare const AGENT_COMMIT: string | undefined;

/** The agent's version, as in package.json. */
export const VERSION: string = typeof AGENT_VERSION === 'string' ? AGENT_VERSION : '0.0.0-unbuilt';

/** The commit it was built from, `+` behind it when files were changed; `unknown` without git. */
export const COMMIT: string = typeof AGENT_COMMIT === 'string' ? AGENT_COMMIT : 'unknown';
