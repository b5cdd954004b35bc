import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import type { Retention } from '../src/db/sweep.ts';
import { engineQueue, retentionScheduleId, retentionWorkflowType } from '../workflows/contract.ts';

/** How long settled rows are kept. The audit log is never swept: its chain proves something only while it is whole. */
export const retention: Retention = { eventLogDays: 90, firedWatchDays: 90 };

/** Sets the daily Schedule; one that is there already is left as it is, so that an operator's changes stay. */
export async function scheduleRetention(client: Client): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: retentionScheduleId,
      spec: { intervals: [{ every: '1 day' }] },
      policies: { overlap: 'SKIP' },
      action: { type: 'startWorkflow', workflowType: retentionWorkflowType, taskQueue: engineQueue, args: [] },
    });
  } catch (error) {
    // Every engine process asks at its start; the first one made it.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
