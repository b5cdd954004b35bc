import { sleep } from '@temporalio/workflow';
import type { SessionInput, TradeInput } from '../../workflows/contract.ts';
import * as unchanged from '../../workflows/index.ts';

/** The workflows with one step more than they had: no history of the real ones may pass for theirs. */
export async function trade(input: TradeInput): ReturnType<typeof unchanged.trade> {
  const [result] = await Promise.all([unchanged.trade(input), sleep('1 millisecond')]);
  return result;
}

export async function session(input: SessionInput): Promise<void> {
  await Promise.all([sleep('1 millisecond'), unchanged.session(input)]);
}
