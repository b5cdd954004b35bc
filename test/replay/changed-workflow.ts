import { sleep } from '@temporalio/workflow';
import type { TradeInput } from '../../workflows/contract.ts';
import { trade as unchanged } from '../../workflows/index.ts';

/** The trade with one step more than it had: no history of the real one may pass for its own. */
export async function trade(input: TradeInput): ReturnType<typeof unchanged> {
  const result = await Promise.all([sleep('1 millisecond'), unchanged(input)]);
  return result[1];
}
