import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Clock } from '../src/clock.ts';
import type { AccountId, StepKey, TradeId } from '../src/domain/ids.ts';
import { unreachable } from '../src/domain/outcome.ts';
import type { TradeEvent } from '../src/domain/trade/desk.ts';
import type { CommandPlan, CommandReport } from '../src/domain/trade/intent.ts';
import type { TradeRequest } from '../src/domain/trade/request.ts';
import type { CommandResult } from '../src/trading/command-ledger.ts';
import type { TradingService } from '../src/trading/trading-service.ts';

export interface CommandActivityDeps {
  readonly trading: TradingService;
  readonly clock: Clock;
}

type Reported = Extract<TradeEvent, { kind: 'reported' }>;
type OpenReported = Extract<TradeEvent, { kind: 'open-reported' }>;

/** A dead worker is noticed by the missing heartbeat long before the time-out. */
const heartbeatMs = 2_000;

/** The activities that write to a broker, and the one that finds out what a write came to. */
export function commandActivities(deps: CommandActivityDeps) {
  const heartbeating = async <Result>(work: (cancelled: AbortSignal) => Promise<Result>): Promise<Result> => {
    const { cancellationSignal, heartbeat } = Context.current();
    const stop = deps.clock.every(heartbeatMs, () => heartbeat());
    try {
      return await work(cancellationSignal);
    } finally {
      stop();
    }
  };

  return {
    openTrade: async (input: { readonly request: TradeRequest; readonly attempt: number }): Promise<OpenReported> =>
      heartbeating(async (cancelled) => {
        const result = await deps.trading.placeTrade(input.request, input.attempt, cancelled);
        return { kind: 'open-reported', ...result };
      }),

    sendCommand: async (plan: CommandPlan): Promise<Reported> =>
      heartbeating(async (cancelled) => reported(plan.stepKey, await verbOf(plan, deps.trading)(plan, cancelled))),

    /** Answers once the outcome is decided; until then each attempt is one look and names the next. */
    resolveCommand: async (step: {
      readonly tradeId: TradeId;
      readonly accountId: AccountId;
      readonly stepKey: StepKey;
    }): Promise<Reported | OpenReported> => {
      const resolution = await deps.trading.resolveCommand(step, Context.current().info.attempt);
      if (resolution === null) return { kind: 'open-reported', report: neverRecorded, view: null, attempt: 0 };
      if (resolution.kind === 'decided') return reported(step.stepKey, resolution.result);
      throw ApplicationFailure.create({
        message: `${step.stepKey}: ${resolution.because}`,
        type: 'OutcomeOpen',
        nextRetryDelay: resolution.lookAgainAfterMs,
      });
    },
  };
}

const neverRecorded: CommandReport = {
  kind: 'not-executed',
  code: 'never-claimed',
  text: 'nothing was recorded or sent',
  retryAfterMs: 0,
};

function reported(stepKey: StepKey, { report, view, attempt }: CommandResult): Reported {
  return { kind: 'reported', stepKey, report, view, attempt };
}

function verbOf({ intent }: CommandPlan, trading: TradingService): TradingService['closePosition'] {
  switch (intent.kind) {
    case 'PARTIAL_CLOSE':
    case 'FULL_CLOSE':
    case 'EMERGENCY_CLOSE':
      return trading.closePosition;
    case 'MODIFY_PROTECTION':
      return trading.modifyPositionProtection;
    case 'CANCEL_PENDING':
      return trading.cancelOrder;
    case 'OPEN':
    case 'PLACE_PENDING':
      throw ApplicationFailure.nonRetryable('an opening goes through openTrade', 'InvariantViolated');
    default:
      return unreachable(intent);
  }
}
