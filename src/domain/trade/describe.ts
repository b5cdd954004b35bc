import type { Desk } from './desk.ts';
import { isOver } from './state.ts';
import type { TradeView } from './view.ts';

/** Why a person should look at this trade; the value of the search attribute `Attention`. */
export type Attention = 'NONE' | 'REVIEW' | 'UNKNOWN' | 'BREAKEVEN_PENDING' | 'TARGET_FAILED' | 'LATE_TARGET';

/** The most pressing reason to look at this trade. */
export function attentionOf(desk: Desk): Attention {
  const { view } = desk;
  if (desk.stuck !== null || view?.state === 'NEEDS_REVIEW' || view?.unsettled?.state === 'REVIEW') return 'REVIEW';
  if (view?.unsettled?.state === 'UNKNOWN') return 'UNKNOWN';
  if (view?.breakeven.state === 'PENDING' && view.state === 'OPEN') return 'BREAKEVEN_PENDING';
  if (view?.targets.some(({ state }) => state === 'FAILED') === true) return 'TARGET_FAILED';
  return waitsForPerson(desk) ? 'LATE_TARGET' : 'NONE';
}

function waitsForPerson(desk: Desk): boolean {
  const targets = desk.view?.targets ?? [];
  return targets.some(({ level, late, state }) => {
    return (
      state === 'TRIGGERED' && late === 'ask' && desk.triggers[level]?.late === true && !desk.actOnLate.includes(level)
    );
  });
}

/** The trade in a trader's words, as Markdown lists: the Temporal UI draws no table borders. */
export function describeTrade(desk: Desk): string {
  const { view } = desk;
  if (view === null) return `Opening ${desk.request.side} ${desk.request.volume} ${desk.request.symbol}`;
  const last = isOver(view.state)
    ? `- **ended** ${view.closeReason ?? view.state}`
    : `- **waits for** ${waitsFor(desk)}`;
  return [`**${view.state}**`, '', ...position(view), ...ladder(view), last].join('\n');
}

function position(view: TradeView): readonly string[] {
  if (view.entryPrice === null) return [];
  const stop = view.stopLoss ?? 'none at the broker';
  return [
    `- **open** ${view.remainingLots} of ${view.openedLots} lots at ${view.entryPrice}`,
    `- **stop** ${stop}${view.breakeven.state === 'PENDING' ? ', breakeven pending' : ''}`,
  ];
}

function ladder(view: TradeView): readonly string[] {
  return view.targets.map(({ level, price, closeBps, state }) => {
    return `- **TP${level}** ${price ?? 'at the fill'} → close ${closeBps / 100} %: ${state}`;
  });
}

/** What the trade waits for now, in one line. */
export function waitsFor(desk: Pick<Desk, 'view' | 'lane'>): string {
  const { view } = desk;
  if (view === null) return 'the broker to answer the opening order';
  if (view.unsettled?.state === 'REVIEW') return `a person to decide ${view.unsettled.stepKey}`;
  if (desk.lane?.doing === 'resolve') return `evidence of ${desk.lane.stepKey}`;
  if (desk.lane?.doing === 'send') return `the broker to answer ${desk.lane.plan.stepKey}`;
  if (view.settling) return 'the final deal figures';
  if (view.automation === 'PAUSED') return 'its automation to be resumed';
  if (view.state === 'WORKING') return 'its entry order to be filled';
  const next = view.targets.find(({ state }) => state === 'ARMED');
  return next === undefined ? 'its stop or an order of yours' : `target ${next.level} at ${next.price ?? 'the fill'}`;
}
