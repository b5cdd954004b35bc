import {
  WithStartWorkflowOperation,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { AccountId, TradeId } from '../domain/ids.ts';
import type { Wish } from '../domain/trade/desk.ts';
import type { TradeRequest } from '../domain/trade/request.ts';
import type { TradeView } from '../domain/trade/view.ts';
import { tradeIdOf } from '../identity.ts';
import {
  decideCommand,
  defaultTiming,
  engineQueue,
  open,
  searchAttributes,
  tradeWorkflowId,
  tradeWorkflowType,
  wishUpdates,
  type CommandVerdict,
  type OpenAnswer,
  type TradeInput,
  type TradeTiming,
  type WishAnswer,
} from '../../workflows/contract.ts';

/** A request as its caller knows it; the rest of {@link TradeRequest} follows from it. */
export type OpenOrder = Omit<TradeRequest, 'tradeId' | 'requestHash'>;

export interface OpenOptions {
  readonly idempotencyKey: string;
  readonly platform: string;
  /** How long to wait for the outcome; the trade lives on when it passes. */
  readonly waitMs: number;
  readonly timing?: TradeTiming;
}

/** What a caller learns. `waiting`: the outcome is not known yet, look at the trade. */
export type Answer<Settled> =
  | { readonly kind: 'answered'; readonly value: Settled }
  | { readonly kind: 'waiting' }
  /** The trade's workflow is over or never was. */
  | { readonly kind: 'gone' }
  /** The key or request id belongs to another request: nothing was done. */
  | { readonly kind: 'another-body' };

export interface OpenedTrade {
  readonly tradeId: TradeId;
  /** Hash of this request: tells whose a trade is that is over already. */
  readonly requestHash: string;
  readonly answer: Answer<OpenAnswer>;
}

export interface Steering {
  /** Starts the trade, or meets the one that the same key started. */
  openTrade(order: OpenOrder, options: OpenOptions): Promise<OpenedTrade>;
  /** Asks a running trade; the same request id asks once. */
  ask(account: AccountId, trade: TradeId, wish: Wish, waitMs: number): Promise<Answer<WishAnswer>>;
  decideCommand(
    account: AccountId,
    trade: TradeId,
    verdict: CommandVerdict,
    waitMs: number,
  ): Promise<Answer<TradeView>>;
}

/** Starts and steers trade workflows: what every surface (CLI, API, page) calls. */
export function createSteering({ client, clock }: { readonly client: Client; readonly clock: Clock }): Steering {
  const settled = async <Value>(waitMs: number, call: () => Promise<Value>): Promise<Answer<Value>> => {
    try {
      return { kind: 'answered', value: await client.withDeadline(clock.now() + waitMs, call) };
    } catch (error) {
      // Each way an update can end without its answer is an answer of its own; anything else is a fault.
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return { kind: 'waiting' };
      if (isGone(error)) return { kind: 'gone' };
      throw error;
    }
  };

  return {
    openTrade: async (order, options) => {
      const tradeId = tradeIdOf(order.accountId, options.idempotencyKey);
      const request: TradeRequest = { ...order, tradeId, requestHash: hashOf(order) };
      const answer = await settled(options.waitMs, () =>
        client.workflow.executeUpdateWithStart(open, {
          updateId: `open:${options.idempotencyKey}`,
          args: [request],
          startWorkflowOperation: startOperation(request, options, clock.now()),
        }),
      );
      const another = answer.kind === 'answered' && answer.value.requestHash !== request.requestHash;
      return { tradeId, requestHash: request.requestHash, answer: another ? { kind: 'another-body' } : answer };
    },

    ask: async (account, trade, wish, waitMs) => {
      const handle = client.workflow.getHandle(tradeWorkflowId(account, trade));
      // Every wish has its own update, all with the same answer; the table pairs them.
      const update = wishUpdates[wish.kind] as (typeof wishUpdates)['close'];
      const answer = await settled(waitMs, () =>
        handle.executeUpdate(update, { updateId: `${wish.kind}:${wish.requestId}`, args: [wish as never] }),
      );
      const another = answer.kind === 'answered' && hashOf(answer.value.wish) !== hashOf(wish);
      return another ? { kind: 'another-body' } : answer;
    },

    decideCommand: (account, trade, verdict, waitMs) => {
      const handle = client.workflow.getHandle(tradeWorkflowId(account, trade));
      return settled(waitMs, () => handle.executeUpdate(decideCommand, { args: [verdict] }));
    },
  };
}

function isGone(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError) return true;
  return (
    error instanceof WorkflowFailedError || (error instanceof WorkflowUpdateFailedError && error.cause === undefined)
  );
}

/** Of the body as it was asked, keys in order, so that the same request always hashes the same. */
function hashOf(body: OpenOrder | Wish): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(body)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function startOperation(request: TradeRequest, options: OpenOptions, now: number) {
  const { accountId, tradeId, symbol, side, volume, targets } = request;
  const input: TradeInput = { accountId, tradeId, timing: options.timing ?? defaultTiming, desk: null };
  return new WithStartWorkflowOperation(tradeWorkflowType, {
    workflowId: tradeWorkflowId(accountId, tradeId),
    taskQueue: engineQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    // How long a task waits that an engine had in hand when it was killed.
    workflowTaskTimeout: '5s',
    staticSummary: `${side} ${volume} ${symbol} · account ${accountId} · ${targets.length} targets`,
    typedSearchAttributes: [
      { key: searchAttributes.accountId, value: accountId },
      { key: searchAttributes.platform, value: options.platform },
      { key: searchAttributes.symbol, value: symbol },
      { key: searchAttributes.side, value: side },
      { key: searchAttributes.tradeState, value: 'PENDING' },
      { key: searchAttributes.attention, value: 'NONE' },
      { key: searchAttributes.openedAt, value: new Date(now) },
    ],
  });
}
