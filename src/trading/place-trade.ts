import { InvariantViolated, Unavailable, type Denial } from '../domain/outcome.ts';
import type { CommandReport } from '../domain/trade/intent.ts';
import { planOf, type TradePreview } from '../domain/trade/preview.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { executeCommand, type LedgerDeps } from './command-ledger.ts';
import { UnknownSymbol, type Connector } from './connector.ts';
import { checkOpen, openPlan } from './open.ts';
import type { Reads } from './preflight.ts';
import type { AccountRecord } from './records.ts';

export interface OpenResult {
  readonly report: CommandReport;
  /** `null` when nothing was recorded because the request was denied. */
  readonly view: TradeView | null;
  readonly attempt: number;
}

/** An account that may be asked, or why it may not. */
export type UsableAccount = { readonly account: AccountRecord } | { readonly denial: Denial };

/** Whether this request may go to this account at all; `null` for what does not exist. */
export function usable(
  request: TradeRequest,
  account: AccountRecord | null,
  connector: Connector | null,
): UsableAccount {
  if (account === null) return { denial: unknownAccount(request) };
  const denial = accountDenial(request, account, connector);
  return denial === null ? { account } : { denial };
}

function unknownAccount({ accountId }: TradeRequest): Denial {
  return {
    code: 'unknown-account',
    field: 'account',
    value: accountId,
    rule: 'the account must exist',
    fix: 'see `belay account ls`',
  };
}

function accountDenial(request: TradeRequest, account: AccountRecord, connector: Connector | null): Denial | null {
  if (account.status !== 'ACTIVE') {
    return {
      code: 'account-not-active',
      field: 'account',
      value: account.name,
      rule: `the account is ${account.status}`,
      fix: `verify it: belay account test ${account.name}`,
    };
  }
  if (connector === null) {
    return {
      code: 'unsupported-platform',
      field: 'account',
      value: account.platform,
      rule: 'no connector serves this platform',
      fix: 'use an account of a supported platform',
    };
  }
  if (connector.capabilities.orderTypes.includes(request.entry.type)) return null;
  return {
    code: 'unsupported-order-type',
    field: 'entry',
    value: request.entry.type,
    rule: `${account.name} cannot place ${request.entry.type} orders`,
    fix: `use ${connector.capabilities.orderTypes.join(', ')}`,
  };
}

/** A denied open of an account that exists is one event row; no trade is recorded. */
export async function refuseOpen(deps: LedgerDeps, request: TradeRequest, denial: Denial): Promise<OpenResult> {
  if (denial.code !== 'unknown-account') await deps.records.denyTrade(request, denial);
  return { report: { kind: 'denied', ...denial }, view: null, attempt: 0 };
}

/** One go at an opening: which attempt it is, and the signal that ends it. */
export interface Sending {
  readonly attempt: number;
  readonly cancelled: AbortSignal;
}

/**
 * Checks, records and sends an opening. The same request again meets its trade: one that was never claimed is checked against
 * today's quote and keeps the stop it was recorded with; one that was is answered by its row.
 */
export async function placeTrade(
  deps: LedgerDeps,
  request: TradeRequest,
  reads: Reads,
  sending: Sending,
): Promise<OpenResult> {
  const known = await deps.records.trade(request.tradeId);
  if (known !== null && known.requestHash !== request.requestHash) return refuseOpen(deps, request, keyReused(request));
  if (known !== null && known.state !== 'PENDING')
    return send(deps, request, reads, sending, { view: known, takeProfit: null });
  const checked = await checkOrAway(request, reads);
  if (typeof checked === 'string') return brokerAway(deps, request, sending, known, checked);
  if ('code' in checked) {
    return known === null ? refuseOpen(deps, request, checked) : concludeOpen(deps, request, sending, known, checked);
  }
  const recorded = known ?? (await recordTrade(deps, request, checked));
  if ('code' in recorded) return refuseOpen(deps, request, recorded);
  return send(deps, request, reads, sending, { view: recorded, takeProfit: checked.takeProfit });
}

interface Recorded {
  readonly view: TradeView;
  readonly takeProfit: TradeView['takeProfit'];
}

function send(
  deps: LedgerDeps,
  request: TradeRequest,
  reads: Reads,
  { attempt, cancelled }: Sending,
  recorded: Recorded,
): Promise<OpenResult> {
  return executeCommand(deps, planFor(request, attempt, recorded), recorded.view, reads, cancelled);
}

function planFor(request: TradeRequest, attempt: number, { view, takeProfit }: Recorded) {
  const { initialStop } = view;
  if (initialStop === null) throw new InvariantViolated(`trade ${request.tradeId} was recorded without a stop`);
  return openPlan(request, { stopLoss: initialStop, takeProfit }, attempt);
}

/** The checks, or why the broker could not be asked. */
async function checkOrAway(request: TradeRequest, reads: Reads) {
  try {
    return await checkFresh(request, reads);
  } catch (error) {
    // Nothing was sent, and an open is not asked again by itself: its price would be another one.
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

async function brokerAway(
  deps: LedgerDeps,
  request: TradeRequest,
  { attempt }: Sending,
  known: TradeView | null,
  text: string,
): Promise<OpenResult> {
  const code = 'broker-unavailable';
  const report: CommandReport = { kind: 'not-executed', code, text, retryAfterMs: null };
  if (known === null) return { report, view: null, attempt: 0 };
  const plan = planFor(request, attempt, { view: known, takeProfit: null });
  return { report, view: await deps.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code, text }), attempt };
}

/** A recorded trade that does not fit any more ends, with the reason on its command. */
async function concludeOpen(
  deps: LedgerDeps,
  request: TradeRequest,
  { attempt }: Sending,
  view: TradeView,
  denial: Denial,
): Promise<OpenResult> {
  const plan = planFor(request, attempt, { view, takeProfit: null });
  const text = `${denial.field} ${denial.value}: ${denial.rule}`;
  const concluded = await deps.records.concludeUnsent(plan, { state: 'NOT_EXECUTED', code: denial.code, text });
  return { report: { kind: 'denied', ...denial }, view: concluded, attempt };
}

/** The checks of an opening and what it would come to now; nothing is recorded or sent. */
export async function previewTrade(request: TradeRequest, reads: Reads): Promise<TradePreview> {
  const checked = await checkFresh(request, reads);
  if ('code' in checked) return { kind: 'denied', denial: checked };
  return planOf(request, checked, checked.instrument, checked.quote);
}

async function checkFresh(request: TradeRequest, reads: Reads) {
  try {
    const instrument = await reads.instrument(request.symbol);
    const quote = await reads.connector.quote(reads.account, request.symbol);
    const checked = checkOpen(request, instrument, quote);
    return 'code' in checked ? checked : { ...checked, instrument, quote };
  } catch (error) {
    // The broker's own list is the authority on symbols, so its answer is the check.
    if (!(error instanceof UnknownSymbol)) throw error;
    return {
      code: 'unknown-symbol',
      field: 'symbol',
      value: request.symbol,
      rule: error.message,
      fix: 'use a symbol the broker lists',
    };
  }
}

type Checked = Exclude<Awaited<ReturnType<typeof checkFresh>>, Denial>;

async function recordTrade(deps: LedgerDeps, request: TradeRequest, checked: Checked): Promise<TradeView | Denial> {
  const opened = await deps.records.openTrade(request, checked.stopLoss, checked.instrument, checked.closeBps);
  return opened.kind === 'recorded' ? opened.view : keyReused(request);
}

function keyReused(request: TradeRequest): Denial {
  return {
    code: 'idempotency-key-reused',
    field: 'idempotencyKey',
    value: request.tradeId,
    rule: 'one key belongs to one request body',
    fix: 'use a new key for another trade',
  };
}
