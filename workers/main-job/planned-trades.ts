import type { TradeId } from '../../src/domain/ids.ts';
import { isOver } from '../../src/domain/trade/state.ts';
import { createSteering, type OpenOrder, type Steering } from '../../src/steering/trades.ts';
import type { AccountRecord } from '../../src/trading/records.ts';
import type { Stack } from '../stack.ts';
import type { LivingTrade } from './kills.ts';
import type { PlannedTrade } from './plan.ts';
import { until } from './rest.ts';

export interface OpenerDeps {
  readonly stack: Stack;
  readonly account: AccountRecord;
  readonly symbol: string;
  readonly plan: readonly PlannedTrade[];
  readonly signal: AbortSignal;
}

/** Opens the trades of a plan as the market comes to their quotes, and closes at the end what still lives. */
export interface Opener {
  /** Starts all that are due; does not wait for them. */
  due(quotes: number): void;
  started(): number;
  /** Waits until the outcome of every started open is known. */
  settled(): Promise<void>;
  readonly living: () => Promise<LivingTrade | null>;
  /** Closes by the ordinary update what is still open. */
  closeAll(): Promise<void>;
  /** Opens that our rules or the broker refused: nothing was opened. */
  refused(): readonly string[];
  problems(): readonly string[];
}

/** An open or close is asked again under the same id until its outcome is known: parts die on purpose meanwhile. */
const outcomeWithinMs = 120_000;
const answerWithinMs = 15_000;
const askAgainMs = 250;
const closesAtOnce = 8;

export function createOpener({ stack, account, symbol, plan, signal }: OpenerDeps): Opener {
  const { parts } = stack;
  const steering = createSteering(parts);
  const opened: TradeId[] = [];
  const refused: string[] = [];
  const problems: string[] = [];
  const running = new Set<Promise<void>>();
  let next = 0;

  const wait = (what: string) => ({ what, withinMs: outcomeWithinMs, everyMs: askAgainMs, signal });
  const isLive = async (id: TradeId) => {
    const view = await parts.records.trade(id);
    return view !== null && !isOver(view.state);
  };

  const open = async (trade: PlannedTrade, number: number): Promise<void> => {
    const ask = () =>
      openOnce(steering, orderOf(trade, account, symbol), {
        idempotencyKey: `replay-${number}`,
        platform: account.platform,
      });
    try {
      const outcome = await until(parts, wait(`the open of trade ${number}`), ask);
      opened.push(outcome.tradeId);
      if (outcome.refusal !== null) refused.push(`trade ${number}: ${outcome.refusal}`);
      if (outcome.problem !== null) problems.push(`trade ${number}: ${outcome.problem}`);
    } catch (error) {
      // One open without an outcome is a finding; the others go on.
      if (!signal.aborted) problems.push(String(error));
    }
  };

  const close = async (id: TradeId): Promise<void> => {
    const reason = { reason: 'MANUAL', subreason: 'REPLAY_END', text: 'The replay is over' } as const;
    const wish = { requestId: 'replay-end', by: 'replay', kind: 'close', emergency: false, reason } as const;
    try {
      await until(parts, wait(`the close of trade ${id}`), async () => {
        if (!(await isLive(id))) return true;
        await steering.ask(account.id, id, wish, answerWithinMs);
        return (await isLive(id)) ? null : true;
      });
    } catch (error) {
      // One trade that does not close is a finding; the others are closed all the same.
      if (!signal.aborted) problems.push(String(error));
    }
  };

  return {
    due: (quotes) => {
      for (let trade = plan[next]; trade !== undefined && trade.atQuote <= quotes; trade = plan[next]) {
        next += 1;
        const work: Promise<void> = open(trade, next).finally(() => running.delete(work));
        running.add(work);
      }
    },
    started: () => next,
    settled: async () => {
      while (running.size > 0) await Promise.all(running);
    },
    living: async () => {
      for (const tradeId of opened.toReversed()) if (await isLive(tradeId)) return { accountId: account.id, tradeId };
      return null;
    },
    closeAll: async () => {
      const rest = opened.values();
      const worker = async () => {
        for (const id of rest) if (await isLive(id)) await close(id);
      };
      await Promise.all(Array.from({ length: closesAtOnce }, worker));
    },
    refused: () => refused,
    problems: () => problems,
  };
}

interface OpenOutcome {
  readonly tradeId: TradeId;
  readonly refusal: string | null;
  readonly problem: string | null;
}

/** `null` while the outcome is not known. */
async function openOnce(
  steering: Steering,
  order: OpenOrder,
  asked: { readonly idempotencyKey: string; readonly platform: string },
): Promise<OpenOutcome | null> {
  const { tradeId, answer } = await steering.openTrade(order, { ...asked, waitMs: answerWithinMs });
  if (answer.kind === 'waiting') return null;
  if (answer.kind !== 'answered') return { tradeId, refusal: null, problem: `the open answered ${answer.kind}` };
  const { reply } = answer.value;
  switch (reply.kind) {
    case 'confirmed':
      return { tradeId, refusal: null, problem: null };
    case 'denied': {
      const { field, value, rule } = reply.denial;
      return { tradeId, refusal: `denied: ${field} ${value}: ${rule}`, problem: null };
    }
    case 'rejected':
    case 'not-executed':
      return { tradeId, refusal: `${reply.kind}: ${reply.code}: ${reply.text}`, problem: null };
    case 'review':
      return { tradeId, refusal: null, problem: `needs a person: ${reply.because}` };
  }
}

function orderOf(
  { side, volume, stopLoss, targets, breakeven }: PlannedTrade,
  account: AccountRecord,
  symbol: string,
): OpenOrder {
  const entry = { type: 'MARKET' } as const;
  return {
    accountId: account.id,
    symbol,
    side,
    volume,
    entry,
    stopLoss,
    takeProfit: null,
    targets,
    breakeven,
    requestedBy: 'replay',
  };
}
