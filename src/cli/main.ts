import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Compiled code is kept beside the packages, so that a command starts in half the time; where it cannot be written, nothing is lost.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/belay', import.meta.url)));
const [{ runCli }, { processTerminal }] = await Promise.all([import('./program.ts'), import('./terminal.ts')]);

process.exitCode = await runCli(process.argv.slice(2), processTerminal());
