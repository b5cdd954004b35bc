import { describe, expect, test } from '@jest/globals';
import { tellSubscriptions, type SubscriptionChange } from '../../activities/price-subscriptions.ts';
import { accountId } from '../../src/domain/ids.ts';
import { createLog, marker } from '../../src/log.ts';
import { createDemand } from '../../src/market/demand.ts';
import type { BrokerAccount } from '../../src/trading/connector.ts';

const account: BrokerAccount = {
  id: accountId('7'),
  platform: 'sim',
  endpoint: '',
  login: 'l',
  credentials: {},
  bounds: {},
};

describe('a session that streams prices', () => {
  test('tells each symbol once when it is subscribed and once when it is released', () => {
    const demand = createDemand();
    const told: SubscriptionChange[] = [];
    const release = demand.want('EURUSD');
    const stop = tellSubscriptions(demand, { key: 'k', accounts: [account] }, (change) => told.push(change));
    demand.want('EURUSD');
    demand.want('XAUUSD');
    release();
    stop();
    expect(told.map(({ flow, symbol }) => `${flow} ${symbol}`)).toEqual([
      'subscribe_price EURUSD',
      'subscribe_price XAUUSD',
      'unsubscribe_price EURUSD',
      'unsubscribe_price XAUUSD',
    ]);
  });

  test('marks them with TS_PATH in the log', () => {
    const lines: string[] = [];
    const log = createLog({ process: 'market', level: 'info', to: { write: (line: string) => void lines.push(line) } });
    marker(log, 'TS_PATH', { flow: 'subscribe_price', accountId: '7', symbol: 'EURUSD', ok: true });
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({
      marker: 'TS_PATH',
      msg: 'TS_PATH',
      flow: 'subscribe_price',
      symbol: 'EURUSD',
    });
  });
});
