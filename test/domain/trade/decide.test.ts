import { describe, expect, test } from '@jest/globals';
import { lots } from '../../../src/domain/decimal.ts';
import type { CommandPlan } from '../../../src/domain/trade/intent.ts';
import { afterExecution, next, opened, request, withTarget } from './book-model.ts';
import { closeWish, crossing, kinds, now, planOf, Rig } from './rig.ts';

describe('a ladder of 50, 30 and the rest', () => {
  test('closes each share once, moves the stop after the first, and ends with the last', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    expect(first).toMatchObject({
      stepKey: 'tp:1:1',
      intent: { kind: 'PARTIAL_CLOSE', leaveLots: '0.3' },
      closeReason: { reason: 'TAKE_PROFIT', subreason: 'TP1' },
    });
    const breakeven = planOf(rig.executed(first));
    expect(breakeven).toMatchObject({
      stepKey: 'breakeven:1',
      intent: { stopLoss: { to: '1.0851' }, setsFloor: true, mayLoosen: false },
    });
    expect(rig.executed(breakeven)).toEqual([]);
    const second = planOf(rig.crossed(2));
    expect(second.intent).toEqual({ kind: 'PARTIAL_CLOSE', leaveLots: '0.12' });
    rig.executed(second);
    const third = planOf(rig.crossed(3));
    expect(third.intent).toEqual({ kind: 'FULL_CLOSE' });
    expect(kinds(rig.executed(third))).toEqual(['finish']);
  });

  test('crossed twice at once closes in order, with breakeven between', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    expect(rig.crossed(2)).toEqual([]);
    const breakeven = planOf(rig.executed(first));
    expect(planOf(rig.executed(breakeven)).stepKey).toBe('tp:2:1');
  });

  test('a crossing heard during a command survives a report that was read before the level fired', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    const breakeven = planOf(rig.executed(first));
    const readBefore = afterExecution(rig.view(), breakeven);
    rig.crossed(2);
    expect(planOf(rig.report(breakeven, { kind: 'confirmed' }, readBefore)).stepKey).toBe('tp:2:1');
  });

  test('closes a share of the original from what a trader left', () => {
    const rig = new Rig(next(opened(request()), { closedLots: lots('0.4'), remainingLots: lots('0.2') }));
    expect(planOf(rig.crossed(1)).intent).toEqual({ kind: 'FULL_CLOSE' });
  });

  test('ignores a crossing of a generation that is over', () => {
    const rig = new Rig(withTarget(opened(request()), 1, { state: 'TRIGGERED', generation: 2 }));
    expect(rig.hear({ kind: 'crossed', trigger: crossing(1) })).toEqual([]);
  });

  test('hearing the same crossing again sends nothing again', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    expect(rig.hear({ kind: 'crossed', trigger: crossing(1) })).toEqual([]);
    rig.executed(first);
    expect(kinds(rig.hear({ kind: 'crossed', trigger: crossing(1) }))).toEqual([]);
  });
});

describe('an outcome that nobody heard', () => {
  test('is looked up before anything else is sent', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    expect(rig.hear({ kind: 'lost', stepKey: first.stepKey })).toEqual([{ kind: 'resolve', stepKey: 'tp:1:1' }]);
    expect(rig.crossed(2)).toEqual([]);
    expect(planOf(rig.executed(first)).stepKey).toBe('breakeven:1');
  });

  test('proved absent is sent again as the next attempt of the same command', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    rig.report(first, { kind: 'unknown', because: 'no answer' });
    const again = rig.report(
      first,
      { kind: 'not-executed', code: 'absent', text: 'no trace', retryAfterMs: 0 },
      withTarget(rig.view(), 1, { state: 'EXECUTING' }),
    );
    expect(planOf(again)).toMatchObject({ stepKey: 'tp:1:1', attempt: 2 });
  });

  test('of an open, proved absent, ends the trade instead of opening at another price', () => {
    const rig = new Rig(null);
    expect(rig.hear({ kind: 'begin' })).toEqual([{ kind: 'open', attempt: 1 }]);
    expect(rig.hear({ kind: 'lost', stepKey: 'open' as CommandPlan['stepKey'] })).toEqual([
      { kind: 'resolve', stepKey: 'open' },
    ]);
    const rejected = { ...opened(request()), state: 'REJECTED' as const };
    const effects = rig.hear({
      kind: 'open-reported',
      report: { kind: 'not-executed', code: 'absent', text: 'no trace', retryAfterMs: 0 },
      view: rejected,
      attempt: 1,
    });
    expect(kinds(effects)).toEqual(['finish']);
  });

  test('of an open that was never claimed is asked again at once', () => {
    const rig = new Rig(null);
    rig.hear({ kind: 'begin' });
    rig.hear({ kind: 'lost', stepKey: 'open' as CommandPlan['stepKey'] });
    const effects = rig.hear({
      kind: 'open-reported',
      report: { kind: 'not-executed', code: 'never-claimed', text: '', retryAfterMs: 0 },
      view: null,
      attempt: 0,
    });
    expect(effects).toEqual([{ kind: 'open', attempt: 1 }]);
  });

  test('left to a person blocks everything but an emergency close', () => {
    const rig = new Rig();
    const first = planOf(rig.crossed(1));
    const unsettled = { commandId: 'c' as never, stepKey: first.stepKey, state: 'REVIEW' as const, attempt: 1 };
    rig.report(first, { kind: 'review', because: 'two candidates' }, next(rig.view(), { unsettled }));
    expect(rig.hear({ kind: 'asked', wish: closeWish() })).toEqual([]);
    const emergency = planOf(rig.hear({ kind: 'asked', wish: closeWish({ requestId: 'r2', emergency: true }) }));
    expect(emergency).toMatchObject({ stepKey: 'close:r2', intent: { kind: 'EMERGENCY_CLOSE' } });
  });
});

describe('a broker that is away', () => {
  test('never makes a crossed target be given up, and is asked again soon after it is back', () => {
    const rig = new Rig();
    let plan = planOf(rig.crossed(1, {}, now));
    let at = now;
    for (let round = 0; round < 40; round += 1) {
      rig.report(
        plan,
        { kind: 'not-executed', code: 'broker-unavailable', text: 'away', retryAfterMs: 1_000 },
        rig.view(),
        at,
      );
      at += 15_000;
      plan = planOf(rig.hear({ kind: 'due' }, at));
    }
    expect(plan).toMatchObject({ stepKey: 'tp:1:1', intent: { kind: 'PARTIAL_CLOSE' } });
  });

  test('is told to a person who waits for an answer', () => {
    const rig = new Rig();
    let effects = rig.hear({ kind: 'asked', wish: closeWish() });
    for (let at = now; !kinds(effects).includes('answer'); at += 60_000) {
      const asked = effects.some(({ kind }) => kind === 'send') ? effects : rig.hear({ kind: 'due' }, at);
      effects = rig.report(
        planOf(asked),
        { kind: 'not-executed', code: 'broker-unavailable', text: 'away', retryAfterMs: 1_000 },
        rig.view(),
        at,
      );
    }
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'answer', reply: expect.objectContaining({ kind: 'not-executed' }) }),
    );
  });
});

describe('a late crossing', () => {
  const late = { late: true, source: 'catch-up:ticks' };

  test('acts only while the price is at or beyond its level', () => {
    expect(planOf(new Rig().crossed(1, late)).onlyIfBeyond).toBe('1.086');
  });

  test('is late also when it was seen in time but heard of too late', () => {
    expect(planOf(new Rig().crossed(1, {}, now + 60_000)).onlyIfBeyond).toBe('1.086');
    expect(planOf(new Rig().crossed(1, {}, now + 100)).onlyIfBeyond).toBeNull();
  });

  test('that came back is armed again one generation higher', () => {
    const rig = new Rig();
    const plan = planOf(rig.crossed(1, late));
    const effects = rig.report(plan, {
      kind: 'denied',
      code: 'price-came-back',
      field: 'price',
      value: '1.0855',
      rule: 'r',
      fix: 'f',
    });
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'change', change: expect.objectContaining({ kind: 'rearm-target', level: 1 }) }),
    );
  });

  test.each([
    ['act', 'send'],
    ['skip', 'change'],
  ] as const)('of a target with policy %s leads to %s', (policy, expected) => {
    const asked = request({ targets: request().targets.map((target) => ({ ...target, late: policy })) });
    expect(kinds(new Rig(opened(asked), asked).crossed(1, late))).toContain(expected);
  });

  test('of a target that asks waits for a person and then acts', () => {
    const asked = request({ targets: request().targets.map((target) => ({ ...target, late: 'ask' as const })) });
    const rig = new Rig(opened(asked), asked);
    expect(rig.crossed(1, late)).toEqual([]);
    const effects = rig.hear({
      kind: 'asked',
      wish: { kind: 'decide-target', requestId: 'd1', by: 'ada', level: 1, verdict: 'act' },
    });
    expect(planOf(effects)).toMatchObject({ stepKey: 'tp:1:1', onlyIfBeyond: null });
    expect(kinds(effects)).toContain('answer');
  });
});

describe('protection', () => {
  test('that disappeared is restored before anything else', () => {
    const rig = new Rig(next(opened(request()), { stopLoss: null }));
    expect(planOf(rig.hear({ kind: 'begin' }))).toMatchObject({
      stepKey: 'protect:1',
      intent: { stopLoss: { to: '1.083' } },
    });
  });

  test('that no broker takes ends in closing the position', () => {
    const rig = new Rig(next(opened(request()), { stopLoss: null }));
    let plan = planOf(rig.hear({ kind: 'begin' }));
    for (let at = now; plan.intent.kind === 'MODIFY_PROTECTION'; at += 400_000) {
      rig.report(plan, { kind: 'rejected', code: 'invalid-stops', text: 'too close' }, rig.view(), at);
      plan = planOf(rig.effects.slice(-2).concat(rig.hear({ kind: 'due' }, at + 399_000)));
    }
    expect(plan).toMatchObject({
      intent: { kind: 'EMERGENCY_CLOSE' },
      closeReason: { reason: 'RISK', subreason: 'UNPROTECTED' },
    });
  });

  test('refused at breakeven shows as pending and is tried again later', () => {
    const rig = new Rig();
    const breakeven = planOf(rig.executed(planOf(rig.crossed(1))));
    const effects = rig.report(breakeven, {
      kind: 'denied',
      code: 'min-stop-distance',
      field: 'stopLoss',
      value: '1.0851',
      rule: 'r',
      fix: 'f',
    });
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'change', change: expect.objectContaining({ kind: 'breakeven-pending' }) }),
    );
    rig.hear({
      kind: 'changed',
      requestId: null,
      view: next(rig.view(), { breakeven: { ...rig.view().breakeven, state: 'PENDING' } }),
    });
    expect(rig.effects.at(-1)?.kind).toBe('wake');
    expect(planOf(rig.hear({ kind: 'due' }, now + 2_000)).stepKey).toBe('breakeven:1');
  });
});

describe('what people ask', () => {
  test('a close ends the trade and is answered', () => {
    const rig = new Rig();
    const plan = planOf(rig.hear({ kind: 'asked', wish: closeWish() }));
    expect(plan).toMatchObject({ stepKey: 'close:r1', by: 'person', actor: 'ada', intent: { kind: 'FULL_CLOSE' } });
    expect(rig.executed(plan)).toEqual([
      { kind: 'answer', requestId: 'r1', reply: { kind: 'confirmed' } },
      { kind: 'finish' },
    ]);
  });

  test.each([false, true])('a close of an entry that still rests cancels its order (emergency: %s)', (emergency) => {
    const rig = new Rig(next(opened(request()), { state: 'WORKING', entryOrderId: '70' as never }));
    const plan = planOf(rig.hear({ kind: 'asked', wish: closeWish({ emergency }) }));
    expect(plan).toMatchObject({ stepKey: 'cancel:r1', intent: { kind: 'CANCEL_PENDING' } });
  });

  test('part of a position may be named in percent of what remains', () => {
    const rig = new Rig();
    const effects = rig.hear({
      kind: 'asked',
      wish: { kind: 'close-part', requestId: 'p', by: 'ada', size: { percentOfRemaining: '50' } },
    });
    expect(planOf(effects).intent).toEqual({ kind: 'PARTIAL_CLOSE', leaveLots: '0.3' });
  });

  test('more than is open is denied with the fix', () => {
    const rig = new Rig();
    const effects = rig.hear({
      kind: 'asked',
      wish: { kind: 'close-part', requestId: 'p', by: 'ada', size: { lots: lots('0.7') } },
    });
    expect(effects).toContainEqual(
      expect.objectContaining({ kind: 'answer', reply: expect.objectContaining({ kind: 'denied' }) }),
    );
  });

  test('a paused trade lets its targets wait and works them off when resumed', () => {
    const rig = new Rig(next(opened(request()), { automation: 'PAUSED' }));
    expect(rig.crossed(1)).toEqual([]);
    const effects = rig.hear({ kind: 'facts', view: next(rig.view(), { automation: 'RUNNING' }) });
    expect(planOf(effects).stepKey).toBe('tp:1:1');
  });

  test('asked of a trade that is over is denied', () => {
    const rig = new Rig(next(opened(request()), { state: 'CLOSED' }));
    const effects = rig.hear({ kind: 'asked', wish: { kind: 'breakeven', requestId: 'b', by: 'ada' } });
    expect(kinds(effects)).toEqual(['answer', 'finish']);
  });
});

describe('a step that the book refuses', () => {
  test('stops the automation, but not people', () => {
    const asked = request({ targets: request().targets.map((target) => ({ ...target, late: 'skip' as const })) });
    const rig = new Rig(opened(asked), asked);
    expect(kinds(rig.crossed(1, { late: true }))).toEqual(['change']);
    expect(rig.hear({ kind: 'change-failed', requestId: null, because: 'constraint' })).toEqual([]);
    expect(rig.crossed(2)).toEqual([]);
    expect(planOf(rig.hear({ kind: 'asked', wish: closeWish() })).intent).toEqual({ kind: 'FULL_CLOSE' });
  });

  test('is told to the person who asked for it', () => {
    const rig = new Rig();
    rig.hear({ kind: 'asked', wish: { kind: 'pause', requestId: 'p', by: 'ada', reason: 'lunch' } });
    const effects = rig.hear({ kind: 'change-failed', requestId: 'p', because: 'constraint' });
    expect(effects).toContainEqual({
      kind: 'answer',
      requestId: 'p',
      reply: { kind: 'rejected', code: 'invariant', text: 'constraint' },
    });
  });
});
