import type { Denial } from '../domain/outcome.ts';
import type { CommandPlan } from '../domain/trade/intent.ts';
import { hasPosition } from '../domain/trade/state.ts';
import type { AccountRecord } from '../trading/records.ts';
import { isOpening, unsettledStates, type Book } from './book.ts';

/** Why this command may not be claimed now, or `null`. */
export function claimDenial(plan: CommandPlan, account: AccountRecord, book: Book): Denial | null {
  return accountDenial(plan, account) ?? stateDenial(plan, book) ?? busyDenial(plan, book);
}

function accountDenial({ intent, by }: CommandPlan, account: AccountRecord): Denial | null {
  const { status, executionMode, tradingState, name } = account;
  if (status !== 'ACTIVE') {
    return {
      code: 'account-not-active',
      field: 'account',
      value: name,
      rule: `the account is ${status}`,
      fix: 'verify or enable it',
    };
  }
  if (executionMode === 'shadow') {
    return {
      code: 'shadow',
      field: 'account',
      value: name,
      rule: 'in shadow mode nothing is sent',
      fix: 'switch its mode to live',
    };
  }
  if (executionMode === 'off' && (by === 'automation' || isOpening(intent.kind))) {
    return {
      code: 'execution-mode-off',
      field: 'account',
      value: name,
      rule: 'execution mode is off',
      fix: 'switch its mode to live',
    };
  }
  const halted = tradingState === 'HALTED' && intent.kind !== 'CANCEL_PENDING' && intent.kind !== 'EMERGENCY_CLOSE';
  if (!halted && !(tradingState === 'REDUCING' && isOpening(intent.kind))) return null;
  const allowed =
    tradingState === 'HALTED' ? 'only cancels and emergency closes pass' : 'only what reduces risk passes';
  return {
    code: 'trading-state',
    field: 'account',
    value: tradingState,
    rule: allowed,
    fix: 'switch trading to ACTIVE',
  };
}

function stateDenial({ intent, by }: CommandPlan, { trade }: Book): Denial | null {
  const { state, automation, positionKey } = trade;
  if (automation === 'PAUSED' && by === 'automation') {
    return { code: 'paused', field: 'trade', value: state, rule: 'its automation is paused', fix: 'resume the trade' };
  }
  const denial = (rule: string): Denial => ({
    code: 'trade-state',
    field: 'trade',
    value: state,
    rule,
    fix: 'read the trade again',
  });
  if (isOpening(intent.kind)) return state === 'PENDING' ? null : denial('a trade is opened once');
  if (intent.kind === 'CANCEL_PENDING')
    return state === 'WORKING' ? null : denial('no entry order rests at the broker');
  const passesReview = by === 'person' || intent.kind === 'EMERGENCY_CLOSE';
  const acts = hasPosition(state) || (state === 'NEEDS_REVIEW' && passesReview);
  return acts && positionKey !== null ? null : denial('the trade has no open position');
}

function busyDenial({ intent, stepKey }: CommandPlan, { commands }: Book): Denial | null {
  if (intent.kind === 'EMERGENCY_CLOSE') return null;
  const other = commands.find((command) => {
    return command.stepKey !== stepKey && unsettledStates.has(command.state) && command.kind !== 'EMERGENCY_CLOSE';
  });
  if (other === undefined) return null;
  const rule = `${other.stepKey} is ${other.state}`;
  return { code: 'position-busy', field: 'trade', value: stepKey, rule, fix: 'wait until it is settled' };
}
