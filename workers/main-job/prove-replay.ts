import { isOver } from '../../src/domain/trade/state.ts';
import type { Stack } from '../stack.ts';
import { audit } from './audit.ts';
import type { PlannedTrade } from './plan.ts';
import type { Opener } from './planned-trades.ts';
import type { Summary } from './summary.ts';
import type { Terminal } from './terminal.ts';

/** A replay under way. */
export interface Stage {
  readonly stack: Stack;
  readonly opener: Opener;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What a replay came to, but for the time it took and what only the dead broker can tell. */
export interface Finished {
  readonly facts: Omit<Summary, 'ok' | 'problems' | 'seconds'>;
  readonly problems: readonly string[];
}

export interface Played {
  readonly symbol: string;
  readonly plan: readonly PlannedTrade[];
  readonly kills: { readonly asked: number; readonly done: number };
  readonly heldMs: number;
}

/** Proves both books once all is quiet. */
export async function proveBooks(
  { stack, opener, terminal }: Stage,
  { symbol, plan, kills, heldMs }: Played,
): Promise<Finished> {
  const found = await audit(stack, { symbol, after: { sequence: 0, time: 0 } });
  const { dealsEngine, dealsBroker, duplicates, booksEqual, unrest } = found;
  const stillOpen = found.trades.filter(({ state }) => !isOver(state));
  const refused = opener.refused();
  const problems = [
    ...opener.problems(),
    ...found.problems,
    ...stillOpen.map(({ tradeId, state }) => `trade ${tradeId}: still ${state} at the end`),
    ...(kills.done === kills.asked ? [] : [`${kills.done} kills of ${kills.asked} asked`]),
    ...(opener.started() === plan.length
      ? []
      : [`${opener.started()} trades of ${plan.length} planned: the others lie behind the last quote`]),
    ...(refused.length === plan.length ? [`no trade was opened: ${refused[0] ?? ''}`] : []),
  ];
  for (const [reason, count] of tally(refused)) terminal.say(`  ${count} opens refused: ${reason}`);
  const facts = {
    trades: found.trades.length,
    targetsFired: found.watches.filter(({ state }) => state === 'FIRED').length,
    dealsEngine,
    dealsBroker,
    duplicates,
    unknown: unrest.unsettledCommands,
    booksEqual,
    kills: kills.done,
    heldSeconds: Math.round(heldMs / 100) / 10,
    refused: refused.length,
  };
  return { facts, problems };
}

/** Refusals by their kind, most frequent first. */
function tally(refused: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const line of refused) {
    const kind = line.replace(/^trade \d+: /u, '').replace(/\d+(\.\d+)?/gu, '…');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].toSorted(([, left], [, right]) => right - left);
}
