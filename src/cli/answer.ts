import type { AccountId, TradeId } from '../domain/ids.ts';
import { unreachable, type Denial } from '../domain/outcome.ts';
import type { Reply } from '../domain/trade/desk.ts';
import type { TradeView } from '../domain/trade/view.ts';
import type { Book } from './connection.ts';
import { belay, CliFailure, deniedBy, unreachablePart } from './failure.ts';

/** The trade a command was about, for the words of its failure. */
export interface About {
  readonly accountId: AccountId;
  readonly tradeId: TradeId;
  /** What was asked: `open`, `close` … */
  readonly verb: string;
}

export const shortId = (id: string) => id.slice(0, 8);

const showing = (tradeId: TradeId) => `${belay} show ${shortId(tradeId)}`;

/** What a reply means to whoever asked; `null` when it was done. */
export function failureOfReply(reply: Reply, about: About): CliFailure | null {
  switch (reply.kind) {
    case 'confirmed':
      return null;
    case 'denied':
      return deniedBy(reply.denial, about.verb === 'open' ? `${belay} open --help` : showing(about.tradeId));
    case 'rejected':
      return brokerSaidNo(reply.code, reply.text, about);
    case 'not-executed':
      return notExecuted(reply.code, reply.text, about);
    case 'review':
      return outcomeUnknown(reply.because, about);
    default:
      return unreachable(reply);
  }
}

function brokerSaidNo(code: string, text: string, { verb, tradeId }: About): CliFailure {
  return new CliFailure(
    'rejected',
    { code, field: 'command', value: verb, rule: text, fix: 'see what the broker said' },
    showing(tradeId),
  );
}

/** Definitely not done: our own mode, a broker that was not reached, or one that said no for now. */
function notExecuted(code: string, text: string, about: About): CliFailure {
  const { verb, tradeId } = about;
  if (code === 'shadow')
    return deniedBy(
      { code, field: 'command', value: verb, rule: text, fix: 'set the account to live' },
      `${belay} account ls`,
    );
  if (notReached.has(code)) return unreachablePart('broker', verb, `${text}; nothing was executed`).with({ tradeId });
  return brokerSaidNo(code, text, about);
}

const notReached: ReadonlySet<string> = new Set(['broker-unavailable', 'never-written', 'never-claimed', 'absent']);

function outcomeUnknown(because: string, { verb, tradeId }: About): CliFailure {
  const detail: Denial = {
    code: 'outcome-unknown',
    field: 'command',
    value: verb,
    rule: because,
    fix: 'look before you repeat it',
  };
  return new CliFailure('unknown', detail, showing(tradeId));
}

/** What is known when the wait is over and no answer came: a command on its way may have happened, anything else lives on. */
export async function failureOfWaiting(
  { records }: Pick<Book, 'records'>,
  about: About,
  waitedMs: number,
): Promise<CliFailure> {
  const { verb, tradeId } = about;
  const unsettled = (await records.trade(tradeId))?.unsettled ?? null;
  if (unsettled !== null && unsettled.state !== 'ACCEPTED') {
    return outcomeUnknown(
      `${unsettled.stepKey} was sent and is ${unsettled.state}: the broker's answer did not come`,
      about,
    );
  }
  const rule =
    unsettled === null
      ? `no answer within ${waitedMs} ms; Belay goes on with it`
      : 'the broker took it, its records do not show it yet';
  const detail: Denial = { code: 'timed-out', field: 'command', value: verb, rule, fix: 'see how it goes on' };
  return new CliFailure('timed-out', detail, showing(tradeId));
}

/** The trade's workflow has ended. */
export function tradeOver({ tradeId }: Pick<About, 'tradeId'>, state: string): CliFailure {
  const detail: Denial = {
    code: 'trade-over',
    field: 'trade',
    value: state,
    rule: 'a trade that is over takes no commands',
    fix: 'see how it ended',
  };
  return deniedBy(detail, showing(tradeId));
}

export function keyReused({ tradeId }: Pick<About, 'tradeId'>, key: string): CliFailure {
  const rule = 'one key belongs to one request body; this key came with another';
  return deniedBy(
    { code: 'idempotency-key-reused', field: 'idempotencyKey', value: key, rule, fix: 'use another key' },
    showing(tradeId),
  );
}

/**
 * Waits until the broker's final figures are in the book.
 *
 * @throws CliFailure (timed-out)
 */
export async function finalView(
  book: Pick<Book, 'records' | 'clock'>,
  view: TradeView,
  about: About,
  untilMs: number,
): Promise<TradeView> {
  let latest = view;
  while (latest.settling) {
    if (book.clock.monotonic() > untilMs) throw await failureOfWaiting(book, about, 0);
    await book.clock.sleep(finalLookMs);
    latest = (await book.records.trade(about.tradeId)) ?? latest;
  }
  return latest;
}

const finalLookMs = 100;
