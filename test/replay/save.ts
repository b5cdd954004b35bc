import { configOfThisProcess } from '../../src/config.ts';
import { sessionWorkflowId, tradeWorkflowId } from '../../workflows/contract.ts';
import { raiseStage, type Opened, type Stage } from '../faults/stage.ts';
import { saveHistory } from './histories.ts';
import { lives } from './lives.ts';

/** Lives every life on real processes and keeps its histories; run after a change of the workflows that was meant. */
const { temporalCliPath } = configOfThisProcess();
const stage = await raiseStage({ accounts: Object.keys(lives), temporalCliPath });
try {
  for (const [name, live] of Object.entries(lives)) await save(stage, name, await live(stage, name));
  await saveSession(stage);
} finally {
  await stage.close();
}

async function save({ stack }: Stage, name: string, { tradeId, account }: Opened): Promise<void> {
  const { workflow } = stack.parts.client;
  const workflowId = tradeWorkflowId(account.id, tradeId);
  let run = 0;
  for (let runId: string | undefined = await firstRun(stack, workflowId); runId !== undefined;) {
    const history = await workflow.getHandle(workflowId, runId, { followRuns: false }).fetchHistory();
    run += 1;
    await saveHistory({ name: `${name}-${run}`, history });
    process.stdout.write(`${name}-${run}: ${history.events?.length ?? 0} events\n`);
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
}

/** The session never ends by itself: its history so far is replayed like an ended one. */
async function saveSession({ stack, account }: Stage): Promise<void> {
  const { parts } = stack;
  const record = account(Object.keys(lives)[0] ?? '');
  const key = parts.access.connectorFor(record.platform)?.sessionKey(parts.access.reach(record)) ?? '';
  const history = await parts.client.workflow.getHandle(sessionWorkflowId(key)).fetchHistory();
  await saveHistory({ name: 'session-1', history });
}

async function firstRun({ parts }: Stage['stack'], workflowId: string): Promise<string | undefined> {
  const last = await parts.client.workflow.getHandle(workflowId).fetchHistory();
  const started = last.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.firstExecutionRunId ?? undefined;
}
