import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { raiseStand, type Json, type Stand } from './stand.ts';

const ladder = 'open EURUSD buy 0.6 --sl 20p --tp 10p:50% --tp 20p:30% --tp 40p';

let stand: Stand;

/** What the broker holds and has done; our own book may note a refusal. */
async function brokerSide(): Promise<object> {
  const { rows: _rows, ...broker } = (await stand.untouched()) as Json;
  return broker;
}

beforeAll(async () => {
  stand = await raiseStand();
  await stand.quote('1.08490', '1.08500');
}, 60_000);

afterAll(async () => stand.close(), 30_000);

describe('one trade, from the command line', () => {
  let trade = '';

  test('is opened with its ladder and confirmed by the broker', async () => {
    const {
      result,
      idempotencyKey,
      trade: opened,
    } = await stand.done(`${ladder} --wait confirmed --idempotency-key life-1`);
    expect({ result, idempotencyKey }).toEqual({ result: 'CONFIRMED', idempotencyKey: 'life-1' });
    expect(opened).toMatchObject({
      account: 'SIM-HEDGE',
      state: 'OPEN',
      openedLots: '0.6',
      entryPrice: '1.085',
      stopLoss: '1.083',
      settling: false,
    });
    expect(opened.targets).toMatchObject([
      { level: 1, price: '1.086', share: '50%', state: 'ARMED' },
      { level: 2, price: '1.087', share: '30%', state: 'ARMED' },
      { level: 3, price: '1.089', share: '20%', state: 'ARMED' },
    ]);
    expect(opened.breakeven).toEqual({ state: 'WAITING', afterLevel: 1, offset: { points: '10' } });
    trade = opened.tradeId;
  });

  test('asked for again under its key is the same trade, opened once', async () => {
    const again = await stand.done(`${ladder} --idempotency-key life-1`);
    expect(again['trade'].tradeId).toBe(trade);
    expect((await stand.stack.simulator.getBook({ login: 'SIM-HEDGE' })).positions).toHaveLength(1);
  });

  test('is listed, in a table and in JSON', async () => {
    const { trades, cursor } = await stand.done('ps --account sim-hedge --symbol eurusd');
    expect({ trades, cursor }).toMatchObject({
      trades: [{ tradeId: trade, currency: 'EUR', waitsFor: 'target 1 at 1.086' }],
      cursor: null,
    });
    const { code, stdout } = await stand.belay('ps');
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(
      new RegExp(`^${trade.slice(0, 8)} +SIM-HEDGE +EURUSD +BUY +0.6 +0.6 +1.085 +1.083 +1: 1.086 \\(50%\\).* OPEN$`),
    );
  });

  test('has its stop moved by a shortened id', async () => {
    const edited = await stand.done(`edit ${trade.slice(0, 8)} --sl 15p`);
    expect(edited['trade']).toMatchObject({ stopLoss: '1.0835', takeProfit: null });
    const { positions } = await stand.stack.simulator.getBook({ login: 'SIM-HEDGE' });
    expect(positions).toMatchObject([{ stopLoss: '1.0835' }]);
  });

  test('gets another ladder and a take profit at the broker', async () => {
    const edited = await stand.done(`edit ${trade} --broker-tp 1.0950 --tp 30p:25% --tp 2r`);
    expect(edited['trade']).toMatchObject({ takeProfit: '1.095' });
    expect(edited['trade'].targets.slice(3)).toMatchObject([
      { level: 4, price: '1.088', share: '25%', state: 'ARMED' },
      { level: 5, price: '1.089', share: '75%', state: 'ARMED' },
    ]);
  });

  test('is closed in part, once for one key, and refuses the key for another size', async () => {
    const closed = await stand.done(`close ${trade} --part 50% --idempotency-key part-1 --wait confirmed`);
    expect(closed['trade']).toMatchObject({ remainingLots: '0.3', closedLots: '0.3', state: 'OPEN' });
    const before = await stand.untouched();
    expect((await stand.done(`close ${trade} --part 50% --idempotency-key part-1`))['trade'].remainingLots).toBe('0.3');
    const other = await stand.belay(`close ${trade} --part 0.1 --idempotency-key part-1 --json`);
    expect([other.code, other.json()['error'].code]).toEqual([3, 'idempotency-key-reused']);
    expect(await stand.untouched()).toEqual(before);
  });

  test.each<[string, Json]>([
    ['edit TRADE --sl none', { code: 'stop-required', field: 'stopLoss' }],
    ['edit TRADE --sl 2r', { code: 'stop-in-r', field: 'stopLoss', value: '2r' }],
    ['edit TRADE --tp 30p:150%', { code: 'shares-above-100', field: 'targets', value: '150 %' }],
    ['edit TRADE --target 1=act', { code: 'target-not-waiting', field: 'level', value: '1' }],
    ['close TRADE --part 150%', { code: 'shares-above-100', field: 'part', value: '150 %' }],
    ['close TRADE --part 0.105', { code: 'volume-off-step', field: 'volume', value: '0.105' }],
    ['close TRADE --part 0.4', { code: 'volume-exceeds-position', field: 'volume', value: '0.4' }],
  ])('refuses what breaks the rules: %s', async (words, error) => {
    const before = await brokerSide();
    const refused = await stand.belay(`${words.replace('TRADE', trade)} --json`);
    expect([refused.code, refused.json()['error']]).toEqual([3, expect.objectContaining(error)]);
    expect(await brokerSide()).toEqual(before);
  });

  test('goes to breakeven when the price allows it', async () => {
    const early = await stand.belay(`be ${trade} --json`);
    expect([early.code, early.json()['error']]).toEqual([
      3,
      expect.objectContaining({ code: 'level-wrong-side', field: 'stopLoss', value: '1.0851' }),
    ]);
    await stand.quote('1.08600', '1.08610');
    expect((await stand.done(`be ${trade}`))['trade']).toMatchObject({ stopLoss: '1.0851', breakevenFloor: '1.0851' });
  });

  test('rests while it is paused, and goes on when it is resumed', async () => {
    const paused = await stand.done('pause --account SIM-HEDGE');
    expect(paused['trades']).toMatchObject([
      { tradeId: trade, automation: 'PAUSED', waitsFor: 'its automation to be resumed' },
    ]);
    const resumed = await stand.done(`resume ${trade.slice(0, 8)}`);
    expect(resumed['trades']).toMatchObject([{ automation: 'RUNNING' }]);
  });

  test('is closed, and closing it again changes nothing', async () => {
    expect((await stand.done(`close ${trade} --wait confirmed`))['trade']).toMatchObject({
      state: 'CLOSED',
      closeReason: 'MANUAL',
      closeSubreason: 'FULL',
      waitsFor: null,
    });
    const before = await stand.untouched();
    expect((await stand.done(`close ${trade}`))['trade'].state).toBe('CLOSED');
    expect(await stand.untouched()).toEqual(before);
  });

  test('that is over takes no other command', async () => {
    const late = await stand.belay(`be ${trade} --json`);
    expect([late.code, late.json()['error'].code]).toEqual([3, 'trade-over']);
  });

  test('asked for again under its key after its end is answered from the book', async () => {
    const before = await stand.untouched();
    expect((await stand.done(`${ladder} --idempotency-key life-1`))['trade']).toMatchObject({
      tradeId: trade,
      state: 'CLOSED',
    });
    expect(await stand.untouched()).toEqual(before);
  });

  test('tells its whole story', async () => {
    const story = await stand.done(`show ${trade.slice(0, 8)}`);
    expect(story['commands'].map(({ stepKey, state }: Json) => [stepKey.split(':')[0], state])).toEqual([
      ['open', 'CONFIRMED'],
      ['edit', 'CONFIRMED'],
      ['edit', 'CONFIRMED'],
      ['close', 'CONFIRMED'],
      ['edit', 'NOT_EXECUTED'],
      ['edit', 'NOT_EXECUTED'],
      ['edit', 'CONFIRMED'],
      ['close', 'CONFIRMED'],
    ]);
    expect(story['commands'][0].outcome).toMatchObject({ evidence: { by: 'reply and read' } });
    expect(story['deals'].map(({ entry, lots }: Json) => [entry, lots])).toEqual([
      ['IN', '0.6'],
      ['OUT', '0.3'],
      ['OUT', '0.3'],
    ]);
    expect(story['orders']).toHaveLength(3);
    expect(story['events'].map(({ type }: Json) => type)).toEqual(
      expect.arrayContaining(['trade.requested', 'deal.added', 'trade.pause', 'trade.closed']),
    );
    const { stdout } = await stand.belay(`show ${trade}`);
    for (const title of ['Commands', 'Orders', 'Deals, EUR', 'Events']) expect(stdout).toContain(title);
    expect((await stand.done('ps --all'))['trades']).toHaveLength(1);
    expect((await stand.done('ps'))['trades']).toEqual([]);
  });
});

describe('a request that our rules refuse ends with 3, names field, value, rule and fix, and leaves both books untouched', () => {
  const refusals: readonly (readonly [string, string, Json])[] = [
    [
      'shares above 100 %',
      'open EURUSD buy 0.6 --sl 20p --tp 10p:70% --tp 20p:40%',
      { code: 'shares-above-100', field: 'targets', value: '110 %' },
    ],
    [
      'a target on the wrong side',
      'open EURUSD buy 0.6 --sl 20p --tp 1.0800',
      { code: 'target-wrong-side', field: 'targets[0].price', value: '1.08' },
    ],
    [
      'a stop on the wrong side',
      'open EURUSD sell 0.6 --sl 1.0800',
      { code: 'level-wrong-side', field: 'stopLoss', value: '1.08' },
    ],
    [
      'volume off the step',
      'open EURUSD buy 0.105 --sl 20p',
      { code: 'volume-off-step', field: 'volume', value: '0.105' },
    ],
    [
      'volume under the minimum',
      'open EURUSD buy 0.005 --sl 20p',
      { code: 'volume-below-minimum', field: 'volume', value: '0.005' },
    ],
    [
      'a stop inside the minimum distance',
      'open EURUSD buy 0.1 --sl 12pt',
      { code: 'min-stop-distance', field: 'stopLoss' },
    ],
    [
      'a stop in multiples of the risk it defines',
      'open EURUSD buy 0.1 --sl 1r',
      { code: 'stop-in-r', field: 'stopLoss', value: '1r' },
    ],
    ['an unknown symbol', 'open EURXXX buy 0.1 --sl 20p', { code: 'unknown-symbol', field: 'symbol', value: 'EURXXX' }],
    [
      'an unknown account',
      'open EURUSD buy 0.1 --sl 20p --account nobody',
      { code: 'unknown-account', field: 'account', value: 'nobody' },
    ],
    [
      'a key that belongs to another request',
      'open EURUSD buy 0.2 --sl 20p --idempotency-key life-1',
      { code: 'idempotency-key-reused', field: 'idempotencyKey', value: 'life-1' },
    ],
    ['an unknown trade', 'close 00000000', { code: 'unknown-trade', field: 'trade', value: '00000000' }],
    [
      'an unknown command',
      'resolve 00000000 executed --evidence seen',
      { code: 'unknown-command', field: 'command', value: '00000000' },
    ],
  ];

  test.each(refusals)('%s', async (_what, words, error) => {
    const before = await stand.untouched();
    const { code, json } = await stand.belay(`${words} --json`);
    expect(code).toBe(3);
    expect(json()['error']).toMatchObject(error);
    expect(Object.keys(json()['error'])).toEqual(expect.arrayContaining(['code', 'field', 'value', 'rule', 'fix']));
    expect(await stand.untouched()).toEqual(before);
  });

  test('as three lines for people: what, why, the next command', async () => {
    const { stdout, stderr } = await stand.belay('open EURUSD buy 0.005 --sl 20p');
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
      '✘ denied, nothing was sent: volume 0.005 (volume-below-minimum)',
      '  EURUSD trades at least 0.01 lots',
      '  → use 0.01 or more: npm run belay -- open --help',
    ]);
  });

  test('also when the refused key is used again', async () => {
    const words = 'open EURUSD buy 0.005 --sl 20p --idempotency-key refused-1 --json';
    expect((await stand.belay(words)).code).toBe(3);
    expect((await stand.belay(words)).code).toBe(3);
  });
});

describe('what the broker makes of it', () => {
  afterEach(async () => {
    await stand.stack.simulator.clearFaults({});
  });

  test('a rejection ends with 4 and the words of the broker', async () => {
    await stand.stack.simulator.addFault({ kind: 'refuse', on: 'market', times: 1, code: 'not-enough-money' });
    const { code, json } = await stand.belay('open EURUSD buy 0.1 --sl 20p --json');
    expect([code, json()['error']]).toEqual([
      4,
      expect.objectContaining({ code: 'not-enough-money', field: 'command', value: 'open' }),
    ]);
  });

  test('a lost reply ends with 5, and the trade is found and opened once', async () => {
    await stand.stack.simulator.addFault({ kind: 'lose-reply', on: 'market', times: 1 });
    const words = 'open EURUSD buy 0.1 --sl 20p --idempotency-key lost-1';
    const { code, json } = await stand.belay(`${words} --timeout 700ms --json`);
    expect([code, json()['error'].code, json()['idempotencyKey']]).toEqual([5, 'outcome-unknown', 'lost-1']);
    const found = await stand.done(`${words} --wait confirmed`);
    expect(found['trade']).toMatchObject({ tradeId: json()['tradeId'], state: 'OPEN', openedLots: '0.1' });
    const { effects } = await stand.stack.simulator.getBook({ login: 'SIM-HEDGE' });
    expect(effects.filter(({ executions }) => executions > 1)).toEqual([]);
    await stand.done(`close ${json()['tradeId']} --emergency`);
  });

  test('an order that nobody can find is decided by a person, with evidence', async () => {
    await stand.stack.simulator.addFault({ kind: 'lose-request', on: 'market', times: 1 });
    await stand.stack.simulator.addFault({ kind: 'fail-read', on: 'GetOrders' });
    const { code, json } = await stand.belay('open EURUSD buy 0.1 --sl 20p --timeout 1500ms --json');
    expect([code, json()['error'].rule]).toEqual([5, expect.stringContaining('open was sent and is UNKNOWN')]);
    const story = await stand.done(`show ${json()['tradeId']}`);
    const [{ commandId, state }] = story['commands'];
    expect([state, story['trade'].waitsFor]).toEqual(['UNKNOWN', 'evidence of open']);
    const decided = await stand.done(`resolve ${commandId.slice(0, 8)} NOT-EXECUTED --evidence terminal-shows-nothing`);
    expect(decided).toMatchObject({
      result: 'DECIDED',
      commandId,
      verdict: 'not-executed',
      trade: { state: 'REJECTED' },
    });
    const again = await stand.belay(`resolve ${commandId} executed --evidence no --json`);
    expect([again.code, again.json()['error'].code]).toEqual([3, 'command-not-open']);
  });

  test('an answer that does not come in time ends with 7, and the command lives on', async () => {
    await stand.stack.simulator.addFault({ kind: 'delay-request', on: 'GetQuote', times: 1, ms: 900 });
    const words = 'open EURUSD sell 0.1 --sl 20p --idempotency-key slow-1';
    const { code, json } = await stand.belay(`${words} --timeout 300ms --json`);
    expect([code, json()['error'].code]).toEqual([7, 'timed-out']);
    expect((await stand.done(words))['trade'].state).toBe('OPEN');
    await stand.done(`close ${json()['tradeId']}`);
  });
});

describe('an entry order', () => {
  test('waits at the broker and is cancelled by a close', async () => {
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const { trade } = await stand.done(
      `open EURUSD buy 0.1 --limit 1.0800 --sl 20p --tp 1r --no-be --expires ${expires}`,
    );
    expect(trade).toMatchObject({
      state: 'WORKING',
      waitsFor: 'its entry order to be filled',
      breakeven: { state: 'OFF' },
    });
    expect((await stand.done(`close ${trade.tradeId}`))['trade'].state).toBe('CANCELLED');
  });
});

describe('a replay', () => {
  test('is a process of its own that judges the options, and its exit code is ours', async () => {
    const { code, stderr } = await stand.belay('replay --speed never quotes.csv.gz');
    expect([code, stderr]).toEqual([2, expect.stringContaining('never')]);
  });
});

describe('an account', () => {
  test('is listed without its credentials and tested at the broker', async () => {
    const { accounts } = await stand.done('account ls');
    expect(accounts.toSorted((left: Json, right: Json) => (left['name'] < right['name'] ? -1 : 1))).toMatchObject([
      { name: 'SIM-HEDGE', status: 'ACTIVE', executionMode: 'live', tradingState: 'ACTIVE', currency: 'EUR' },
      { name: 'SIM-NET' },
    ]);
    expect(JSON.stringify(accounts)).not.toContain('ealed');
    expect(await stand.done('account test sim-net')).toEqual({
      result: 'VERIFIED',
      account: 'SIM-NET',
      currency: 'USD',
      marginMode: 'NETTING',
    });
  });

  test('that is halted takes no opens, and in shadow mode sends nothing', async () => {
    expect((await stand.done('account state SIM-HEDGE halted'))['account'].tradingState).toBe('HALTED');
    const halted = await stand.belay('open EURUSD buy 0.1 --sl 20p --json');
    await stand.done('account state SIM-HEDGE active');
    expect((await stand.done('account mode SIM-HEDGE SHADOW'))['account'].executionMode).toBe('shadow');
    const broker = async () => (await stand.stack.simulator.getBook({ login: 'SIM-HEDGE' })).effects.length;
    const before = await broker();
    const shadow = await stand.belay('open EURUSD buy 0.1 --sl 20p --json');
    await stand.done('account mode SIM-HEDGE live');
    expect([halted.code, shadow.code, shadow.json()['error'].code]).toEqual([3, 3, 'shadow']);
    expect(await broker()).toBe(before);
  });

  test('previews a trade in money without touching anything', async () => {
    const before = await stand.untouched();
    await stand.quote('1.08490', '1.08500');
    const { result, plan } = await stand.done(`${ladder} --dry-run`);
    expect(result).toBe('DRY_RUN');
    expect(plan).toMatchObject({
      entry: '1.085',
      stopLoss: '1.083',
      risk: '120',
      currency: 'USD',
      limits: { volumeMin: '0.01' },
    });
    expect(plan.targets).toEqual([
      { level: 1, price: '1.086', lots: '0.3', profit: '30' },
      { level: 2, price: '1.087', lots: '0.18', profit: '36' },
      { level: 3, price: '1.089', lots: '0.12', profit: '48' },
    ]);
    expect(await stand.untouched()).toEqual(before);
  });
});
