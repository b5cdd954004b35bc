import { waitsFor } from '../domain/trade/describe.ts';
import type { Lane } from '../domain/trade/desk.ts';
import { isOver } from '../domain/trade/state.ts';
import type { TargetView, TradeView } from '../domain/trade/view.ts';
import { shortId } from './answer.ts';
import { table } from './table.ts';
import type { Terminal } from './terminal.ts';

/** A trade as people and scripts see it. */

export interface Named {
  readonly tradeId: string;
  readonly accountName: string;
}

/** The trade of every `--json` answer. Decimals are text, lots and prices as the broker counts them. */
export function tradeJson({ tradeId, accountName }: Named, view: TradeView): object {
  const { requestHash: _hash, instrument: _instrument, targets, breakeven, ...rest } = view;
  return {
    tradeId,
    account: accountName,
    ...rest,
    breakeven: { state: breakeven.state, ...breakeven.rule },
    targets: targets.map(targetJson),
    waitsFor: waitingFor(view),
  };
}

function targetJson({ level, rule, late, price, closeBps, state, generation }: TargetView): object {
  return { level, at: rule, price, share: percent(closeBps), late, state, generation };
}

/** What it waits for, as far as the book tells; `null` when it is over. */
export function waitingFor(view: TradeView): string | null {
  if (isOver(view.state) && !view.settling && view.unsettled === null) return null;
  const { unsettled } = view;
  const lane: Lane | null =
    unsettled === null || unsettled.state === 'REVIEW' ? null : { doing: 'resolve', stepKey: unsettled.stepKey };
  return view.state === 'NEEDS_REVIEW' && unsettled === null ? 'a person to look at it' : waitsFor({ view, lane });
}

/** `50%`, of hundredths of a percent. */
const percent = (bps: number) => `${bps / 100}%`;

/** `20p`, `1.085`: a level as it was typed. */
function levelText(rule: TargetView['rule']): string {
  if ('price' in rule) return rule.price;
  if ('pips' in rule) return `${rule.pips}p`;
  return 'points' in rule ? `${rule.points}pt` : `${rule.r}r`;
}

/** One trade in a few lines. */
export function tradeText(terminal: Terminal, { tradeId, accountName }: Named, view: TradeView): string {
  const { symbol, side, openedLots, remainingLots, entryPrice, stopLoss, takeProfit, breakeven } = view;
  const waits = waitingFor(view);
  const lines = [
    `${terminal.paint('bold', shortId(tradeId))}  ${symbol} ${side} on ${accountName}  ${stateText(terminal, view)}`,
    ...(entryPrice === null ? [] : [`  open     ${remainingLots} of ${openedLots} lots at ${entryPrice}`]),
    `  stop     ${stopLoss ?? 'none at the broker'}${breakeven.state === 'OFF' ? '' : `, breakeven ${breakeven.state}`}${takeProfit === null ? '' : `, take profit ${takeProfit}`}`,
    ...view.targets.map((target) => `  target ${target.level} ${targetText(target)}`),
    ...(waits === null ? [] : [`  waits for ${waits}`]),
  ];
  return lines.join('\n');
}

function targetText({ rule, price, closeBps, state }: TargetView): string {
  return `${price ?? levelText(rule)}  ${percent(closeBps)}  ${state}`;
}

const colourOf = {
  PENDING: 'yellow',
  OPENING: 'yellow',
  WORKING: 'cyan',
  OPEN: 'green',
  CLOSING: 'yellow',
  CLOSED: 'dim',
  REJECTED: 'red',
  CANCELLED: 'dim',
  EXPIRED: 'dim',
  NEEDS_REVIEW: 'red',
} as const satisfies Record<TradeView['state'], Parameters<Terminal['paint']>[0]>;

/** The state with what qualifies it: an unknown outcome is never shown as open or failed. */
export function stateText(terminal: Terminal, view: TradeView): string {
  const { state, automation, settling, unsettled, closeReason, closeSubreason } = view;
  const reason = closeReason === null ? [] : [[closeReason, closeSubreason].filter((word) => word !== null).join('/')];
  const marks = [
    ...reason,
    ...(automation === 'PAUSED' && !isOver(state) ? ['PAUSED'] : []),
    ...(settling ? ['settling'] : []),
    ...(unsettled === null ? [] : [`${unsettled.stepKey} ${unsettled.state}`]),
  ];
  return [terminal.paint(colourOf[state], state), ...marks].join(' · ');
}

export interface TradeLine extends Named {
  readonly view: TradeView;
  /** Profit, commission and swap of all deals together, and its currency. */
  readonly result: string;
}

/** One line per trade. */
export function tradeTable(terminal: Terminal, trades: readonly TradeLine[]): string {
  const rows = trades.map(({ tradeId, accountName, view, result }) => [
    shortId(tradeId),
    accountName,
    view.symbol,
    view.side,
    view.remainingLots,
    view.openedLots,
    view.entryPrice,
    view.stopLoss,
    nextTarget(view),
    result,
    stateText(terminal, view),
  ]);
  const columns = [
    ['ID'],
    ['ACCOUNT'],
    ['SYMBOL'],
    ['SIDE'],
    ['LOTS', 'right'],
    ['OPENED', 'right'],
    ['ENTRY', 'right'],
    ['STOP', 'right'],
    ['NEXT TARGET'],
    ['RESULT', 'right'],
    ['STATE'],
  ] as const;
  return table(columns, rows);
}

function nextTarget({ targets }: TradeView): string | null {
  const next = targets.find(({ state }) => state === 'ARMED' || state === 'TRIGGERED' || state === 'EXECUTING');
  return next === undefined ? null : `${next.level}: ${next.price ?? levelText(next.rule)} (${percent(next.closeBps)})`;
}
