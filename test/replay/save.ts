import { configOfThisProcess } from '../../src/config.ts';
import { tradeWorkflowId } from '../../workflows/contract.ts';
import { raiseStage, type Opened, type Stage } from '../faults/stage.ts';
import { saveHistory } from './histories.ts';
import { lives } from './lives.ts';

/** Lives every life on real processes and keeps its histories; run after a change of the workflows that was meant. */
const { temporalCliPath } = configOfThisProcess();
const stage = await raiseStage({ accounts: Object.keys(lives), temporalCliPath });
try {
  for (const [name, live] of Object.entries(lives)) await save(stage, name, await live(stage, name));
} finally {
  await stage.close();
}

async function save({ stack }: Stage, name: string, { tradeId, account }: Opened): Promise<void> {
  const { workflow } = stack.parts.client;
  const workflowId = tradeWorkflowId(account.id, tradeId);
  let run = 0;
  for (let runId: string | undefined = await firstRun(stack, workflowId); runId !== undefined; ) {
    const history = await workflow.getHandle(workflowId, runId, { followRuns: false }).fetchHistory();
    run += 1;
    await saveHistory({ name: `${name}-${run}`, history });
    process.stdout.write(`${name}-${run}: ${history.events?.length ?? 0} events\n`);
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
}

async function firstRun({ parts }: Stage['stack'], workflowId: string): Promise<string | undefined> {
  const last = await parts.client.workflow.getHandle(workflowId).fetchHistory();
  const started = last.events?.[0]?.workflowExecutionStartedEventAttributes;
  return started?.firstExecutionRunId ?? undefined;
}
