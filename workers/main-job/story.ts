import type { StoryCommand, StoryTrigger, TradeStory } from '../../src/db/queries.ts';
import type { DealRow } from '../../src/trading/records.ts';

/** Lines about a trade, made of what the book holds and nothing else. */

/** Claim to settlement of one step, as the book dated both. */
function took(command: StoryCommand | undefined): string {
  if (command === undefined || command.claimedAt === null || command.settledAt === null) return '';
  return `confirmed ${Math.round(command.settledAt - command.claimedAt)} ms`;
}

const columns = (what: string, timing: string) => (timing === '' ? what : `${what.padEnd(84)} ${timing}`);

const step = ({ commands }: TradeStory, key: string) =>
  commands.find(({ stepKey, state }) => stepKey === key && state === 'CONFIRMED');

export function openedLine(name: string, story: TradeStory): string {
  const { symbol, side, openedLots, entryPrice, stopLoss, targets } = story.view;
  const shares = targets.map(({ closeBps }) => `${closeBps / 100} %`).join(' ');
  const what = `${name} ${symbol} ${side.toLowerCase()} ${openedLots}  executed ${entryPrice ?? '?'} · stop ${stopLoss ?? '?'} · targets ${shares}`;
  return columns(what, took(step(story, 'open')));
}

/** `null` while the level has no trigger row. */
export function crossedLine(name: string, story: TradeStory, level: number): string | null {
  const trigger = triggerOf(story, level);
  if (trigger === undefined) return null;
  const exit = story.view.side === 'BUY' ? 'bid' : 'ask';
  const target = story.view.targets.find((candidate) => candidate.level === level);
  const found = trigger.source === 'live' ? '' : ', found by catching up';
  return `${name} target ${level}  ${exit} ${trigger.price} reached ${target?.price ?? '?'}${found}`;
}

/** What was closed at a target, why, and how long it took from the crossing to the broker's confirmation. */
export function targetLine(name: string, story: TradeStory, level: number): string {
  const trigger = triggerOf(story, level);
  const command = step(story, `tp:${level}:${trigger?.generation ?? 1}`);
  const deals = closing(story, level);
  const closed = deals.map(({ lots, price }) => `closed ${lots} @ ${price ?? '?'}`).join(', ');
  const because = deals[0]?.closureText ?? `target ${level}`;
  return columns(`${name} target ${level}  ${closed}  (${because})`, sinceCrossing(command, trigger));
}

function sinceCrossing(command: StoryCommand | undefined, trigger: StoryTrigger | undefined): string {
  const settledAt = command?.settledAt ?? null;
  if (settledAt === null || trigger === undefined) return took(command);
  return `${took(command)}, ${seconds(settledAt - trigger.at)} after the crossing`;
}

const seconds = (ms: number) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);

export function breakevenLine(name: string, story: TradeStory): string {
  const command = story.commands.find(
    ({ stepKey, state }) => stepKey.startsWith('breakeven:') && state === 'CONFIRMED',
  );
  return columns(`${name} stop → ${story.view.stopLoss ?? '?'}  (breakeven after target 1)`, took(command));
}

export function closedLine(name: string, story: TradeStory): string {
  const { openedLots, closedLots, closeReason } = story.view;
  const sent = story.commands.reduce((total, { attempt }) => total + attempt, 0);
  return `${name} closed  ${closedLots} of ${openedLots} lots, ${closeReason ?? '?'} · ${story.commands.length} commands, ${sent} sends`;
}

const triggerOf = ({ triggers }: TradeStory, level: number) => triggers.findLast((trigger) => trigger.level === level);

const closing = ({ deals }: TradeStory, level: number): readonly DealRow[] =>
  deals.filter(({ entry, closeSubreason }) => entry === 'OUT' && closeSubreason === `TP${level}`);
