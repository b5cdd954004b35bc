import { price } from '../../../src/domain/decimal.ts';
import { decide } from '../../../src/domain/trade/decide.ts';
import { newDesk, type Desk, type TradeEvent, type Trigger, type Wish } from '../../../src/domain/trade/desk.ts';
import type { Effect } from '../../../src/domain/trade/effects.ts';
import type { CommandPlan, CommandReport } from '../../../src/domain/trade/intent.ts';
import type { TradeView } from '../../../src/domain/trade/view.ts';
import { afterExecution, opened, request } from './book-model.ts';

export const now = 1_000_000;
export const crossing = (level: number, over: Partial<Trigger> = {}): Trigger => ({
  level,
  generation: 1,
  price: price('1.0861'),
  at: now,
  source: 'live',
  late: false,
  ...over,
});

/** A desk fed with events; remembers what it asked for. */
export class Rig {
  desk: Desk;
  readonly effects: Effect[] = [];
  constructor(view: TradeView | null = opened(request()), asked = request()) {
    this.desk = { ...newDesk(asked), view };
  }
  hear(event: TradeEvent, at = now): Effect[] {
    const { desk, effects } = decide(this.desk, event, at);
    this.desk = desk;
    this.effects.push(...effects);
    return [...effects];
  }
  view(): TradeView {
    return this.desk.view as TradeView;
  }
  crossed(level: number, over: Partial<Trigger> = {}, at = now): Effect[] {
    return this.hear({ kind: 'crossed', trigger: crossing(level, over) }, at);
  }
  report(plan: CommandPlan, report: CommandReport, view = this.view(), at = now): Effect[] {
    return this.hear({ kind: 'reported', stepKey: plan.stepKey, report, view, attempt: plan.attempt }, at);
  }
  executed(plan: CommandPlan): Effect[] {
    return this.report(plan, { kind: 'confirmed' }, afterExecution(this.view(), plan));
  }
}

export const planOf = (effects: readonly Effect[]): CommandPlan => {
  const send = effects.find((effect) => effect.kind === 'send');
  if (send?.kind !== 'send') throw new Error(`no command among ${JSON.stringify(effects.map(({ kind }) => kind))}`);
  return send.plan;
};
export const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);
export const closeWish = (over: Partial<Extract<Wish, { kind: 'close' }>> = {}): Wish => ({
  kind: 'close',
  requestId: 'r1',
  by: 'ada',
  emergency: false,
  reason: { reason: 'MANUAL', subreason: 'FULL', text: 'asked' },
  ...over,
});
