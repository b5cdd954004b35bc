import { unreachable } from '../../domain/outcome.ts';
import { type Account, type Exchange, type ExchangeEvent, type Step, type Tick } from './book.ts';
import { execute } from './commands.ts';
import { refuse, type Answer, type Command, type Input, type Sender } from './inputs.ts';
import { listed } from './listings.ts';
import { rollOver } from './margin.ts';
import { isOpen } from './sessions.ts';
import { expire, stopOut, trigger } from './triggers.ts';

/**
 * The deterministic core of the simulated broker: the same inputs at the same times give the same events and the same book.
 * No clock, no randomness, no input or output; the journal is the list of inputs and replaying it is starting again.
 *
 * 1. Volume in = volume out + open volume, for each position.
 * 2. Balance = deposit + commission + swap + profit of all deals, and changes with nothing else.
 * 3. Time never goes back; a position's `updatedAt` strictly grows; a symbol's `sequence` grows by one.
 * 4. A level executes on the first quote that touches it in an open session, at the quote.
 * 5. A refused request changes nothing.
 */
export interface Outcome {
  readonly events: readonly ExchangeEvent[];
  /** The answer to a `send`, `null` for every other input. */
  readonly answer: Answer | null;
}

/** Takes one input at `time` (UTC ms; an earlier one than before counts as the same moment). */
export function apply(exchange: Exchange, time: number, input: Input): Outcome {
  exchange.time = Math.max(exchange.time, time);
  const step: Step = { exchange, events: [] };
  expire(step);
  const answer = carryOut(step, input);
  return { events: step.events, answer };
}

function carryOut(step: Step, input: Input): Answer | null {
  switch (input.kind) {
    case 'quote':
      takeQuote(step, input);
      return null;
    case 'send':
      return send(step, input.sender, input.command);
    case 'account':
      step.exchange.accounts.set(input.login, newAccount(input));
      return null;
    case 'source':
      if (input.id !== step.exchange.source.id) step.exchange.source = { id: input.id, taken: 0 };
      return null;
    case 'clock':
      return null;
    default:
      return unreachable(input);
  }
}

function newAccount(input: Extract<Input, { kind: 'account' }>): Account {
  const { kind: _, ...terms } = input;
  return {
    ...terms,
    balance: input.deposit,
    positions: new Map(),
    orders: new Map(),
    working: new Map(),
    deals: [],
    effects: new Map(),
    carriedOut: new Set(),
  };
}

function takeQuote(step: Step, input: Extract<Input, { kind: 'quote' }>): void {
  const { exchange } = step;
  const before = exchange.ticks.get(input.symbol);
  const tick: Tick = {
    symbol: input.symbol,
    bid: input.bid,
    ask: input.ask,
    sequence: (before?.sequence ?? 0) + 1,
    time: exchange.time,
    sourceTime: input.sourceTime,
  };
  exchange.ticks.set(input.symbol, tick);
  exchange.sourceTime = input.sourceTime;
  if (input.taken) exchange.source = { ...exchange.source, taken: exchange.source.taken + 1 };
  step.events.push({ kind: 'quote', tick });
  const listing = listed(input.symbol);
  if (before !== undefined) rollOver(step, listing, before, tick);
  if (isOpen(listing.session, exchange.sourceTime)) trigger(step, tick);
  stopOut(step);
}

function send(step: Step, sender: Sender, command: Command): Answer {
  const account = step.exchange.accounts.get(sender.login);
  if (account === undefined) return refuse('unknown-account', `no account "${sender.login}"`);
  const answer = execute(step, account, sender, command);
  if (answer.code === 'done') countEffect(account, sender);
  return answer;
}

function countEffect(account: Account, { tag, commandId }: Sender): void {
  if (commandId !== '') account.carriedOut.add(commandId);
  if (tag === null) return;
  const executions = (account.effects.get(tag)?.executions ?? 0) + 1;
  account.effects.set(tag, { tag, commandId, executions });
}
