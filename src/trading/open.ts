import { compare, type Price } from '../domain/decimal.ts';
import { entryPrice, type Quote } from '../domain/facts.ts';
import { openStep } from '../domain/ids.ts';
import { volumeDenial, type Instrument } from '../domain/instrument.ts';
import { closeBps, ladderDenial, ladderSideDenial, stopPrice, targetPrice } from '../domain/ladder.ts';
import type { Denial } from '../domain/outcome.ts';
import { protectionDenial } from '../domain/protection.ts';
import type { CommandPlan, Intent } from '../domain/trade/intent.ts';
import type { TradeRequest } from '../domain/trade/request.ts';

/** An opening that passed every check: the levels in prices, the ladder in shares. */
export interface CheckedOpen {
  readonly stopLoss: Price;
  readonly takeProfit: Price | null;
  readonly closeBps: readonly number[];
}

/**
 * Works out the levels of a request from the current quote and checks them against the broker's rules, or says what is wrong:
 * field, value, rule and fix. Nothing is recorded or sent.
 */
export function checkOpen(request: TradeRequest, instrument: Instrument, quote: Quote): CheckedOpen | Denial {
  const entry = request.entry.type === 'MARKET' ? entryPrice(request.side, quote) : request.entry.price;
  const denial =
    volumeDenial(request.volume, instrument) ??
    ladderDenial(request.targets, request.volume, instrument) ??
    breakevenDenial(request);
  if (denial !== null) return denial;
  if ('r' in request.stopLoss) return stopInR(request.stopLoss.r);
  const stopLoss = stopPrice(request.stopLoss, entry, request.side, instrument);
  const wrong = wrongSideStop(request, stopLoss, entry);
  if (wrong !== null) return wrong;
  const levelAt = (rule: TradeRequest['targets'][number]['at']) =>
    targetPrice(rule, entry, stopLoss, request.side, instrument);
  const takeProfit = request.takeProfit === null ? null : levelAt(request.takeProfit);
  const at = request.entry.type === 'MARKET' ? quote : { bid: entry, ask: entry };
  const sides = ladderSideDenial(
    request.targets.map((target) => levelAt(target.at)),
    entry,
    request.side,
  );
  const refused = sides ?? protectionDenial(request.side, { stopLoss, takeProfit }, at, instrument);
  return refused ?? { stopLoss, takeProfit, closeBps: closeBps(request.targets) };
}

function breakevenDenial({ breakeven, targets }: TradeRequest): Denial | null {
  if (breakeven === null || breakeven.afterLevel <= targets.length) return null;
  const value = String(breakeven.afterLevel);
  return {
    code: 'no-such-target',
    field: 'breakeven.afterLevel',
    value,
    rule: `the ladder has ${targets.length} targets`,
    fix: 'name one of them, or leave breakeven out',
  };
}

function stopInR(value: string): Denial {
  return {
    code: 'stop-in-r',
    field: 'stopLoss',
    value: `${value}r`,
    rule: 'the stop defines the risk, so it cannot be a multiple of it',
    fix: 'use a price, pips or points',
  };
}

function wrongSideStop(request: TradeRequest, stop: Price, entry: Price): Denial | null {
  const losing = request.side === 'BUY' ? compare(stop, entry) < 0 : compare(stop, entry) > 0;
  if (losing) return null;
  const where = request.side === 'BUY' ? 'below' : 'above';
  return {
    code: 'level-wrong-side',
    field: 'stopLoss',
    value: stop,
    rule: `a ${request.side}'s stop lies ${where} the entry at ${entry}`,
    fix: `use a price ${where} ${entry}`,
  };
}

/** The opening command of a checked request. */
export function openPlan(
  request: TradeRequest,
  levels: Pick<CheckedOpen, 'stopLoss' | 'takeProfit'>,
  attempt: number,
): CommandPlan {
  const { symbol, side, volume: lots, entry } = request;
  const { stopLoss, takeProfit } = levels;
  const intent: Intent =
    entry.type === 'MARKET'
      ? { kind: 'OPEN', symbol, side, lots, stopLoss, takeProfit }
      : {
          kind: 'PLACE_PENDING',
          symbol,
          side,
          lots,
          type: entry.type,
          price: entry.price,
          stopLoss,
          takeProfit,
          expiresAt: entry.expiresAt,
        };
  return {
    tradeId: request.tradeId,
    accountId: request.accountId,
    stepKey: openStep,
    intent,
    attempt,
    targetLevel: null,
    onlyIfBeyond: null,
    closeReason: null,
    by: 'person',
    actor: request.requestedBy,
  };
}
