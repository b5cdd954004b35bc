import type { TradeId } from '../src/domain/ids.ts';
import { tradeWorkflowId } from '../workflows/contract.ts';
import { figure, type Figure } from './figure.ts';
import { bidAt, ENTRY_BID, onStand, type Stand } from './stand.ts';

const LEVELS = [10, 20, 40] as const;
const REST_MS = 10_000;

/** What a life with three targets and a breakeven leaves in the server's history, and what resting adds. */
export function history(): AsyncGenerator<Figure> {
  return onStand(measured);
}

async function* measured(stand: Stand): AsyncGenerator<Figure> {
  const { quote, open, until, parts } = stand;
  await quote(ENTRY_BID);
  const trade = await open('life', LEVELS, true);
  await parts.clock.sleep(500);
  const opened = await sizeOf(stand, trade);
  await parts.clock.sleep(REST_MS);
  const rested = (await sizeOf(stand, trade)).events - opened.events;
  yield figure({
    name: `history events in ${REST_MS / 1_000} s at rest`,
    value: rested,
    unit: '',
    against: 'goal: 0',
    ratio: rested,
    rounds: 1,
  });
  for (const [nth, level] of LEVELS.entries()) {
    await quote(bidAt(level));
    await until(
      trade,
      ({ targets, breakeven, settling }) => !settling && targets[nth]?.state === 'DONE' && breakeven.state === 'DONE',
    );
  }
  await parts.client.workflow.getHandle(tradeWorkflowId(stand.account.id, trade)).result();
  const { events, bytes } = await sizeOf(stand, trade);
  yield figure({
    name: 'history events of a life with three targets',
    value: events,
    unit: '',
    against: 'goal: 60',
    ratio: events / 60,
    rounds: 1,
  });
  yield figure({
    name: 'history bytes of a life with three targets',
    value: bytes,
    unit: 'B',
    against: 'goal: 8192 B',
    ratio: bytes / 8_192,
    rounds: 1,
  });
}

async function sizeOf(
  { parts, account }: Stand,
  trade: TradeId,
): Promise<{ readonly events: number; readonly bytes: number }> {
  const { historyLength, historySize } = await parts.client.workflow
    .getHandle(tradeWorkflowId(account.id, trade))
    .describe();
  return { events: historyLength, bytes: historySize ?? Number.NaN };
}
