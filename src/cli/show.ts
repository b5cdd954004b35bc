import type { Command } from 'commander';
import { ordersOf, type FoundTrade, type StoryOrder } from '../db/find.ts';
import { tradeStory, type StoryCommand, type StoryEvent, type TradeStory } from '../db/queries.ts';
import type { DealRow } from '../trading/records.ts';
import { withBook } from './connection.ts';
import { withJson, type JsonOption } from './options.ts';
import { tradeNamed } from './references.ts';
import { iso, table, time } from './table.ts';
import { printJson, type Terminal } from './terminal.ts';
import { tradeJson, tradeText } from './trade-view.ts';

export function showCommand(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('show')
    .description(
      'The story of one trade: its targets, what was asked of the broker and why, what came of it, what it waits for',
    )
    .argument('<trade>', 'its id, or the beginning of it');
  withJson(command).action((text: string, options: JsonOption) => show(terminal, text, options));
}

interface Shown {
  readonly found: FoundTrade;
  readonly story: TradeStory;
  readonly orders: readonly StoryOrder[];
}

async function show(terminal: Terminal, text: string, { json }: JsonOption): Promise<void> {
  const shown = await withBook(async (book): Promise<Shown> => {
    const found = await tradeNamed(book, text);
    const { pool } = book.records;
    const [story, orders] = await Promise.all([tradeStory(pool, found.tradeId), ordersOf(pool, found.tradeId)]);
    if (story === null) throw new Error(`trade ${found.tradeId} was found and has no story`);
    return { found, story, orders };
  });
  if (json === true) printJson(terminal, storyJson(shown));
  else terminal.out(storyText(terminal, shown));
}

function storyJson({ found, story, orders }: Shown): object {
  const { requestedBy, createdAt, openedAt, closedAt, reviewReason, currency } = found;
  const { view, commands, deals, events, triggers } = story;
  return {
    trade: {
      ...tradeJson(found, view),
      requestedBy,
      reviewReason,
      currency,
      createdAt: iso(createdAt),
      openedAt: iso(openedAt),
      closedAt: iso(closedAt),
    },
    commands: commands.map(({ claimedAt, settledAt, ...command }) => ({
      ...command,
      claimedAt: iso(claimedAt),
      settledAt: iso(settledAt),
    })),
    orders: orders.map(({ createdAt: at, ...order }) => ({ ...order, createdAt: iso(at) })),
    deals: deals.map(({ executedAt, ...deal }) => ({ ...deal, executedAt: iso(executedAt) })),
    triggers: triggers.map(({ at, deliveredAt, ...trigger }) => ({
      ...trigger,
      at: iso(at),
      deliveredAt: iso(deliveredAt),
    })),
    events: events.map(({ at, ...event }) => ({ at: iso(at), ...event })),
  };
}

function storyText(terminal: Terminal, { found, story, orders }: Shown): string {
  const { view, commands, deals, events, triggers } = story;
  const crossings = triggers.map(({ level, price, at, source, late }) => [
    time(at),
    level,
    price,
    source,
    late ? 'late' : null,
  ]);
  const sections = [
    section(terminal, 'Commands', commandTable(commands), commands.length),
    section(terminal, 'Orders', orderTable(orders), orders.length),
    section(terminal, `Deals, ${found.currency}`, dealTable(deals), deals.length),
    section(
      terminal,
      'Levels crossed',
      table([['WHEN (UTC)'], ['TARGET', 'right'], ['AT', 'right'], ['SEEN'], ['']], crossings),
      crossings.length,
    ),
    section(terminal, 'Events', table([['WHEN (UTC)'], ['WHAT'], ['']], events.map(eventRow)), events.length),
  ];
  const head = [
    `${found.tradeId}, asked by ${found.requestedBy} at ${time(found.createdAt) ?? ''} UTC`,
    tradeText(terminal, found, view),
  ];
  const review = found.reviewReason === null ? [] : [`  needs review: ${found.reviewReason}`];
  return [...head, ...review, ...sections.flat()].join('\n');
}

function section(terminal: Terminal, title: string, text: string, rows: number): readonly string[] {
  return rows === 0 ? [] : ['', terminal.paint('bold', title), text];
}

function commandTable(commands: readonly StoryCommand[]): string {
  const columns = [
    ['SENT (UTC)'],
    ['STEP'],
    ['STATE'],
    ['TRY', 'right'],
    ['BY'],
    ['WHY'],
    ['EVIDENCE'],
    ['ID'],
  ] as const;
  const rows = commands.map((command) => [
    time(command.claimedAt),
    command.stepKey,
    command.state,
    command.attempt,
    command.actor,
    command.closureText,
    evidenceOf(command),
    command.commandId.slice(0, 8),
  ]);
  return table(columns, rows);
}

/** What settled it, in a few words. */
function evidenceOf({ outcome }: StoryCommand): string | null {
  if (outcome === null) return null;
  const words = Object.entries(outcome).flatMap(([key, value]) => (value === 'confirmed' ? [] : wordsOf(key, value)));
  return words.length === 0 ? null : words.join(', ');
}

function wordsOf(key: string, value: unknown): readonly string[] {
  if (value === null || value === undefined || value === '') return [];
  if (typeof value === 'object') return Object.entries(value).flatMap(([inner, what]) => wordsOf(inner, what));
  if (key === 'readAt' && typeof value === 'number') return [`read ${time(value) ?? ''}`];
  return [`${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`];
}

function orderTable(orders: readonly StoryOrder[]): string {
  const columns = [
    ['ORDER'],
    ['FROM'],
    ['SIDE'],
    ['TYPE'],
    ['LOTS', 'right'],
    ['FILLED', 'right'],
    ['STATE'],
    ['WHY'],
  ] as const;
  const rows = orders.map((order) => [
    order.brokerOrderId,
    order.origin,
    order.side,
    order.type,
    order.lots,
    order.filledLots,
    order.state,
    reasonOf(order),
  ]);
  return table(columns, rows);
}

function dealTable(deals: readonly DealRow[]): string {
  const columns = [
    ['WHEN (UTC)'],
    ['DEAL'],
    [''],
    ['SIDE'],
    ['LOTS', 'right'],
    ['PRICE', 'right'],
    ['PROFIT', 'right'],
    ['COMMISSION', 'right'],
    ['SWAP', 'right'],
    ['WHY'],
  ] as const;
  const rows = deals.map((deal) => [
    time(deal.executedAt),
    deal.dealId ?? 'provisional',
    deal.entry,
    deal.side,
    deal.lots,
    deal.price,
    deal.profit,
    deal.commission,
    deal.swap,
    deal.entry === 'OUT' ? reasonOf(deal) : null,
  ]);
  return table(columns, rows);
}

function reasonOf({
  closeReason,
  closeSubreason,
  inferred,
  closureText,
}: Pick<DealRow, 'closeReason' | 'closeSubreason' | 'inferred' | 'closureText'>): string | null {
  if (closeReason === null) return null;
  const reason = closeSubreason === null ? closeReason : `${closeReason}/${closeSubreason}`;
  return [reason, ...(inferred ? ['(inferred)'] : []), ...(closureText === null ? [] : [closureText])].join(' ');
}

function eventRow({ at, type, body }: StoryEvent): readonly (string | null)[] {
  const words = Object.entries(body).flatMap(([key, value]) => wordsOf(key, value));
  return [time(at), type, words.join(', ').slice(0, eventWidth)];
}

/** Longer bodies are in `--json`. */
const eventWidth = 100;
