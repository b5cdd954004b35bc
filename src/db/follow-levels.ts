import type { Price } from '../domain/decimal.ts';
import { isTighter, tighterStop } from '../domain/protection.ts';
import { hasPosition } from '../domain/trade/state.ts';
import type { TradeState } from '../domain/trade/view.ts';
import type { Book, BookCommand, BookTrade } from './book.ts';
import type { News } from './news.ts';

export interface ReadBack {
  readonly stopLoss: Price | null;
  readonly takeProfit: Price | null;
}

type Levels = Pick<
  BookTrade,
  'stopLoss' | 'takeProfit' | 'levelsAsOf' | 'intendedStop' | 'breakevenFloor' | 'breakevenState' | 'hasProtectDeadline'
>;

export interface LevelStep {
  readonly levels: Levels;
  readonly slOverride: '' | 'operator' | 'external';
  readonly news: readonly News[];
}

/** Stop, target, floor and deadline after the newest look at the position; an older look never overwrites. */
export function followLevels(
  book: Book,
  { state, readBack }: { state: TradeState; readBack: ReadBack | null },
): LevelStep {
  const { trade } = book;
  const seen = newestLevels(book, readBack);
  const { floor, done } = floorOf(book);
  const explained = explanationOf(book, seen);
  const isLooser = floor !== null && (seen.stopLoss === null || isTighter(trade.side, floor, seen.stopLoss));
  const allowed = explained?.plan.intent.kind === 'MODIFY_PROTECTION' && explained.plan.intent.mayLoosen;
  const slOverride = isLooser ? (allowed ? 'operator' : 'external') : '';
  return {
    slOverride,
    news: hasPosition(state)
      ? levelNews(trade, seen, { isExplained: explained !== null, loosened: slOverride === 'external' })
      : [],
    levels: {
      ...seen,
      intendedStop: intendedStop(trade, seen.stopLoss, {
        floor: slOverride === 'external' ? floor : null,
        isOurs: explained !== null && explained.isUnderWay && !allowed,
      }),
      breakevenFloor: floor,
      breakevenState: done ? 'DONE' : trade.breakevenState,
      hasProtectDeadline: seen.stopLoss === null && (hasPosition(state) || trade.hasProtectDeadline),
    },
  };
}

type Seen = Pick<Levels, 'stopLoss' | 'takeProfit' | 'levelsAsOf'>;

function newestLevels({ trade, position }: Book, readBack: ReadBack | null): Seen {
  if (position !== null && (trade.levelsAsOf === null || position.updatedAt > trade.levelsAsOf)) {
    return { stopLoss: position.stopLoss, takeProfit: position.takeProfit, levelsAsOf: position.updatedAt };
  }
  if (readBack !== null) return { ...readBack, levelsAsOf: trade.levelsAsOf };
  return { stopLoss: trade.stopLoss, takeProfit: trade.takeProfit, levelsAsOf: trade.levelsAsOf };
}

/** The tightest stop that a confirmed breakeven reached: no later stop may stand below it. */
function floorOf({ trade, commands }: Book): { readonly floor: Price | null; readonly done: boolean } {
  const reached = commands.filter(
    ({ state, plan }) => state === 'CONFIRMED' && plan.intent.kind === 'MODIFY_PROTECTION' && plan.intent.setsFloor,
  );
  const stops = reached.map(confirmedStop).filter((stop) => stop !== null);
  const floor = stops.reduce((tightest: Price | null, stop) => {
    return tightest === null ? stop : tighterStop(trade.side, tightest, stop);
  }, trade.breakevenFloor);
  return { floor, done: reached.length > 0 };
}

function confirmedStop({ wire, plan }: BookCommand): Price | null {
  if (wire?.kind === 'MODIFY_PROTECTION') return wire.stopLoss;
  const { intent } = plan;
  if (intent.kind !== 'MODIFY_PROTECTION' || intent.stopLoss === 'keep') return null;
  return intent.stopLoss.to;
}

/** The newest edit of ours that asks for exactly these levels. */
function explanationOf({ commands }: Book, { stopLoss, takeProfit }: Seen): BookCommand | null {
  const asked = commands.filter(({ state, wire }) => {
    if (wire?.kind !== 'MODIFY_PROTECTION' || state === 'REJECTED' || state === 'NOT_EXECUTED') return false;
    return wire.stopLoss === stopLoss && wire.takeProfit === takeProfit;
  });
  return asked.at(-1) ?? null;
}

/**
 * The trade follows a stop that somebody moved, but not below the floor. A stop that somebody tightened while an edit of ours
 * was on its way stays wanted: our edit took it back without meaning to.
 */
function intendedStop(
  trade: BookTrade,
  seen: Price | null,
  { floor, isOurs }: { floor: Price | null; isOurs: boolean },
): Price | null {
  if (seen === null || seen === trade.stopLoss) return trade.intendedStop;
  if (isOurs && trade.intendedStop !== null && isTighter(trade.side, trade.intendedStop, seen))
    return trade.intendedStop;
  return floor ?? seen;
}

function levelNews(
  trade: BookTrade,
  seen: Seen,
  { isExplained, loosened }: { isExplained: boolean; loosened: boolean },
): readonly News[] {
  const changed = trade.stopLoss !== seen.stopLoss || trade.takeProfit !== seen.takeProfit;
  const firstLook = trade.levelsAsOf === null && seen.levelsAsOf !== null;
  const body = {
    stopLoss: seen.stopLoss,
    takeProfit: seen.takeProfit,
    before: { stopLoss: trade.stopLoss, takeProfit: trade.takeProfit },
  };
  if (seen.stopLoss === null && (firstLook || trade.stopLoss !== null))
    return [{ type: 'stop.missing', body, wakes: true }];
  if (!changed || isExplained || firstLook) return [];
  return [{ type: loosened ? 'stop.loosened-outside' : 'levels.moved-outside', body, wakes: true }];
}
