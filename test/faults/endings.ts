import { expect } from '@jest/globals';
import { Client } from 'pg';
import { bothBooks, duplicateEffects, unsettled } from './proofs.ts';
import { ask, closeAll, result, type Opened, type Stage } from './stage.ts';

/** Every scenario ends so: the person gets out, the workflow ends, and nothing is left over or different at the broker. */
export async function settleAndClose(stage: Stage, trade: Opened): Promise<void> {
  const answer = await ask(stage, trade, 'end', closeAll);
  expect(answer).toMatchObject({ kind: 'answered', value: { reply: { kind: 'confirmed' } } });
  expect(await result(stage, trade)).toMatchObject({ state: 'CLOSED' });
  await proveInOrder(stage, trade);
}

/** No effect twice, nothing unsettled, both books equal to the last deal. */
export async function proveInOrder(stage: Stage, { account }: Opened): Promise<void> {
  expect(await duplicateEffects(stage, account)).toEqual([]);
  expect(await unsettled(stage, account)).toEqual([]);
  const { ours, brokers } = await bothBooks(stage, account);
  expect(ours).toEqual(brokers);
}

/** As if the command had been sent eleven minutes ago: a test cannot wait that long. */
export async function backdateClaim({ stack }: Stage, commandId: string): Promise<void> {
  const owner = new Client({ connectionString: stack.parts.config.databaseUrl ?? '' });
  await owner.connect();
  try {
    await owner.query(
      `update broker_command set claimed_at = claimed_at - interval '11 minutes', version = version + 1 where id = $1`,
      [commandId],
    );
  } finally {
    await owner.end();
  }
}
