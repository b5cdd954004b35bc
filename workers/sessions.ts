import type { Client } from '@temporalio/client';
import type { Records } from '../src/trading/records.ts';
import type { AccountAccess } from '../src/trading/trading-service.ts';
import { engineQueue, sessionWorkflowId, sessionWorkflowType, type SessionInput } from '../workflows/contract.ts';

interface SessionDeps {
  readonly client: Client;
  readonly records: Pick<Records, 'accounts'>;
  readonly access: AccountAccess;
}

/** One session workflow per broker link of the active accounts; those that run already are left alone. */
export async function startSessions({ client, records, access }: SessionDeps): Promise<void> {
  const accounts = (await records.accounts()).filter(({ status }) => status === 'ACTIVE');
  const keys = new Set(
    accounts.flatMap((record) => access.connectorFor(record.platform)?.sessionKey(access.reach(record)) ?? []),
  );
  for (const key of keys) await startSession(client, key);
}

export async function startSession(client: Client, key: string): Promise<void> {
  const input: SessionInput = { key };
  await client.workflow.start(sessionWorkflowType, {
    workflowId: sessionWorkflowId(key),
    taskQueue: engineQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `broker session ${key}`,
  });
}
