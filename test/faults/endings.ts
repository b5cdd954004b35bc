import { expect } from '@jest/globals';
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
