/** The role every pool connection takes: reads and writes rows, owns nothing, so that no trigger can be switched off. */
export const appRole = 'belay_app';
