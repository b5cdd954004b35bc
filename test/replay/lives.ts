import { lots } from '../../src/domain/decimal.ts';
import {
  ask,
  basePoints,
  closeAll,
  isQuiet,
  open,
  quote,
  result,
  targetState,
  until,
  untilView,
  type Opened,
  type OpenWith,
  type Stage,
} from '../faults/stage.ts';

/** Lives of a trade whose histories are kept: each is lived on an account of its own name, to its end. */
export const lives: Readonly<Record<string, (stage: Stage, account: string) => Promise<Opened>>> = {
  'full-life': async (stage, account) => {
    const trade = await begin(stage, account);
    await cross(stage, 111);
    await protectedBy(stage, trade);
    await cross(stage, 211);
    await done(stage, trade, 2);
    await cross(stage, 411);
    return ended(stage, trade);
  },

  'lost-reply': async (stage, account) => {
    const trade = await begin(stage, account);
    await stage.stack.simulator.addFault({ kind: 'lose-reply', on: 'close', login: account, times: 1 });
    await cross(stage, 111);
    await protectedBy(stage, trade);
    return closed(stage, trade);
  },

  'lost-request': async (stage, account) => {
    const trade = await begin(stage, account);
    await stage.stack.simulator.addFault({ kind: 'lose-request', on: 'close', login: account, times: 1 });
    await cross(stage, 111);
    await protectedBy(stage, trade);
    return closed(stage, trade);
  },

  'engine-killed': async (stage, account) => {
    const trade = await begin(stage, account);
    await stage.stack.simulator.addFault({ kind: 'park-reply', on: 'close', login: account, times: 1 });
    await cross(stage, 111);
    await untilView(stage, trade, 'sent', ({ unsettled }) => unsettled?.stepKey === 'tp:1:1');
    await stage.stack.part('engine')?.kill9();
    await stage.stack.simulator.clearFaults({});
    await protectedBy(stage, trade);
    return closed(stage, trade);
  },

  'continued-as-new': async (stage, account) => {
    const trade = await begin(stage, account, { timing: { continueAfterEvents: 12 } });
    await cross(stage, 111);
    await protectedBy(stage, trade);
    await cross(stage, 211);
    await done(stage, trade, 2);
    return closed(stage, trade);
  },

  'steered-by-a-person': async (stage, account) => {
    const trade = await begin(stage, account);
    await ask(stage, trade, 'pause', { kind: 'pause', reason: 'lunch' });
    await ask(stage, trade, 'resume', { kind: 'resume' });
    await ask(stage, trade, 'part', { kind: 'close-part', size: { lots: lots('0.1') } });
    await ask(stage, trade, 'ladder', {
      kind: 'edit-ladder',
      targets: [{ at: { pips: '15' }, size: { share: '50' }, late: 'act' }],
    });
    await cross(stage, 100);
    await ask(stage, trade, 'even', { kind: 'breakeven' });
    return closed(stage, trade, { emergency: true });
  },

  'refused-breakeven': async (stage, account) => {
    const trade = await begin(stage, account);
    await stage.stack.simulator.addFault({
      kind: 'refuse',
      on: 'modify',
      code: 'invalid-stops',
      login: account,
      times: 1,
    });
    await cross(stage, 111);
    await protectedBy(stage, trade);
    return closed(stage, trade);
  },

  'lagging-deals': async (stage, account) => {
    const trade = await begin(stage, account);
    await stage.stack.simulator.addFault({ kind: 'lag-deals', login: account, ms: 1_500, times: 1 });
    await cross(stage, 111);
    await protectedBy(stage, trade);
    return closed(stage, trade);
  },

  'closed-by-the-trader': async (stage, account) => {
    const trade = await begin(stage, account);
    const { positionId } = await untilView(stage, trade, 'open', isQuiet);
    const close = { case: 'close', value: { positionId: positionId ?? '', lots: '0.6' } } as const;
    await stage.stack.simulator.traderSend({ account: { login: account }, comment: 'by hand', command: close });
    return ended(stage, trade);
  },

  denied: async (stage, account) => {
    await quote(stage, 'EURUSD', basePoints('EURUSD'));
    return ended(stage, await open(stage, account, { order: { volume: lots('0.015') } }));
  },
};

async function begin(stage: Stage, account: string, how: OpenWith = {}): Promise<Opened> {
  await quote(stage, 'EURUSD', basePoints('EURUSD'));
  return open(stage, account, how);
}

const cross = (stage: Stage, points: number) => quote(stage, 'EURUSD', basePoints('EURUSD') + points);

const done = (stage: Stage, trade: Opened, level: number) =>
  untilView(stage, trade, `target ${level} done`, (seen) => targetState(seen, level) === 'DONE' && isQuiet(seen));

const protectedBy = (stage: Stage, trade: Opened) =>
  untilView(stage, trade, 'breakeven done', (seen) => seen.breakeven.state === 'DONE' && isQuiet(seen), 30_000);

async function closed(stage: Stage, trade: Opened, { emergency } = { emergency: false }): Promise<Opened> {
  await until(
    stage,
    'the close is confirmed',
    () => ask(stage, trade, 'out', { ...closeAll, emergency }),
    ({ kind }) => kind === 'answered',
  );
  return ended(stage, trade);
}

async function ended(stage: Stage, trade: Opened): Promise<Opened> {
  await result(stage, trade);
  return trade;
}
