import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * A process of its own: downloads the official server into the folder named by its first argument. The SDK starts what
 * it downloaded, so it is stopped again at once.
 */
const [, , downloadDir = '.'] = process.argv;
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', version: 'v1.9.1', downloadDir } },
});
await environment.teardown();
