import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { freePort } from '../../src/embedded/ports.ts';
import { startTemporal } from '../../src/embedded/temporal.ts';

export interface TestTemporal {
  readonly address: string;
  readonly env: TestWorkflowEnvironment;
  stop(): Promise<void>;
}

/** The path of the `temporal` program that the global set-up found. */
export function temporalProgram(): string {
  const program = process.env['TEST_TEMPORAL_PROGRAM'];
  if (program === undefined)
    throw new Error('TEST_TEMPORAL_PROGRAM is not set: run the tests through Jest, whose global set-up finds it');
  return program;
}

/**
 * A real development server in memory, with our search attributes and settings, one per suite: stop the workers first.
 *
 * It runs under our own guard and not the SDK's, so that a killed Jest leaves no server behind.
 */
export async function startTestTemporal(): Promise<TestTemporal> {
  quietSdk();
  const [port, uiPort] = [await freePort(null), await freePort(null)];
  const server = await startTemporal({
    program: temporalProgram(),
    home: null,
    port,
    uiPort,
    onEvent: () => undefined,
  });
  const env = await TestWorkflowEnvironment.createFromExistingServer({ address: server.address });
  return {
    address: server.address,
    env,
    stop: async () => {
      await env.teardown();
      await server.stop();
    },
  };
}

let quiet = false;

/** The SDK fills the output otherwise; it takes a runtime only once per process. */
function quietSdk(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
}
