import { rootCause, sleep } from '@temporalio/workflow';
import type { StepKey } from '../src/domain/ids.ts';
import { unreachable } from '../src/domain/outcome.ts';
import type { Desk, TradeEvent } from '../src/domain/trade/desk.ts';
import type { Effect } from '../src/domain/trade/effects.ts';
import type { CommandPlan } from '../src/domain/trade/intent.ts';
import type { TradeTiming } from './contract.ts';
import { changeTrade, commandProxies, resolveCommand, syncTrade } from './proxies.ts';

type Work = Exclude<Effect, { kind: 'answer' | 'finish' }>;

/** Carries out one effect and tells what came of it. A command activity that dies is an event like any other. */
export async function carryOut(effect: Work, desk: Desk, timing: TradeTiming): Promise<TradeEvent> {
  const { tradeId, accountId } = desk.request;
  switch (effect.kind) {
    case 'open':
      return openTrade(desk, effect.attempt, timing);
    case 'send':
      return sendCommand(effect.plan, timing);
    case 'resolve':
      return resolve(desk, effect.stepKey);
    case 'sync': {
      const summary = 'read deals until they are final';
      return { kind: 'synced', view: await syncTrade.executeWithOptions({ summary }, [{ tradeId, accountId }]) };
    }
    case 'change':
      return changeRecord(desk, effect);
    case 'wake':
      await sleep(effect.afterMs, { summary: effect.why });
      return { kind: 'due' };
    default:
      return unreachable(effect);
  }
}

async function changeRecord(
  desk: Desk,
  { change, actor, requestId }: Extract<Work, { kind: 'change' }>,
): Promise<TradeEvent> {
  const { tradeId } = desk.request;
  try {
    const view = await changeTrade.executeWithOptions({ summary: `${change.kind} by ${actor}` }, [
      { tradeId, change, actor },
    ]);
    return { kind: 'changed', requestId, view };
  } catch (error) {
    // Only a broken promise ends the retries of a record step; people can still steer the trade.
    return { kind: 'change-failed', requestId, because: rootCause(error) ?? 'the book refused it' };
  }
}

async function openTrade(desk: Desk, attempt: number, timing: TradeTiming): Promise<TradeEvent> {
  const { request } = desk;
  const summary = `open ${request.side} ${request.volume} ${request.symbol}`;
  try {
    return await commandProxies(timing).openTrade.executeWithOptions({ summary }, [{ request, attempt }]);
  } catch {
    // Whatever ended the activity, only the broker's and our own records can tell what it did.
    return { kind: 'lost', stepKey: 'open' as StepKey };
  }
}

async function sendCommand(plan: CommandPlan, timing: TradeTiming): Promise<TradeEvent> {
  try {
    return await commandProxies(timing).sendCommand.executeWithOptions({ summary: summaryOf(plan) }, [plan]);
  } catch {
    return { kind: 'lost', stepKey: plan.stepKey };
  }
}

function summaryOf({ intent, closeReason, stepKey }: CommandPlan): string {
  if (intent.kind === 'PARTIAL_CLOSE') return `${closeReason?.text ?? stepKey}: leave ${intent.leaveLots} lots`;
  if (intent.kind !== 'MODIFY_PROTECTION') return closeReason?.text ?? stepKey;
  return intent.stopLoss === 'keep'
    ? `move the take profit (${stepKey})`
    : `stop to ${intent.stopLoss.to ?? 'none'} (${stepKey})`;
}

async function resolve(desk: Desk, stepKey: StepKey): Promise<TradeEvent> {
  const { tradeId, accountId } = desk.request;
  const summary = `find out what became of ${stepKey}`;
  const found = await resolveCommand.executeWithOptions({ summary }, [{ tradeId, accountId, stepKey }]);
  return stepKey === 'open'
    ? { kind: 'open-reported', report: found.report, view: found.view, attempt: found.attempt }
    : found;
}
