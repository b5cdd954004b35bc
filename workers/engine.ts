import { Worker } from '@temporalio/worker';
import { createEngineActivities } from '../activities/index.ts';
import { configOfThisProcess } from '../src/config.ts';
import { engineQueue } from '../workflows/contract.ts';
import { workflowBundle } from './bundle.ts';
import { sweep } from '../src/db/sweep.ts';
import { compose, connectWorker, runUntilStopped } from './compose.ts';
import { retention, scheduleRetention } from './retention.ts';
import { startSessions } from './sessions.ts';

/** One engine process: workflows, and the activities that command, record and read, with broker connections of its own. */
const config = configOfThisProcess();
const parts = await compose(config, 'engine');
const [connection, workflowBundleCode] = await Promise.all([connectWorker(config), workflowBundle(config.home)]);
const worker = await Worker.create({
  connection,
  namespace: config.temporalNamespace,
  identity: parts.identity,
  taskQueue: engineQueue,
  workflowBundle: workflowBundleCode,
  activities: createEngineActivities({ ...parts, sweepBook: () => sweep(parts.records.pool, retention) }),
  maxCachedWorkflows: 2_000,
  maxConcurrentActivityTaskExecutions: 100,
  maxEagerActivityReservationsPerWorkflowTask: 50,
  // The pause after a killed worker is this timeout.
  stickyQueueScheduleToStartTimeout: '1s',
  shutdownGraceTime: '10s',
});
await Promise.all([startSessions(parts), scheduleRetention(parts.client)]);
await runUntilStopped(worker, parts);
