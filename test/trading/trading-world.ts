import { systemClock } from '../../src/clock.ts';
import { createRegistry, isUnsupported, platformConnectors } from '../../src/connectors/registry.ts';
import { createRecords, type OpenRecords } from '../../src/db/records.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import { createControl, type Control } from '../../src/simulator/control-client.ts';
import { parseOptions } from '../../src/simulator/options.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import type { NewAccount } from '../../src/trading/records.ts';
import { createTradingService, type ExecutionLog, type TradingService } from '../../src/trading/trading-service.ts';
import { freshDatabase } from '../support/database.ts';

type Executed = Parameters<ExecutionLog['executed']>[0];

/** The real service on real parts: PostgreSQL, the connector, a broker in this process. */
export interface TradingWorld {
  readonly trading: TradingService;
  readonly records: OpenRecords;
  readonly control: Control;
  readonly executed: readonly Executed[];
  readonly hedge: AccountId;
  readonly net: AccountId;
  quote(bid: string, ask: string): Promise<unknown>;
  end(): Promise<void>;
}

export async function tradingWorld(): Promise<TradingWorld> {
  const [database, simulator] = await Promise.all([
    freshDatabase(),
    startSimulator(parseOptions(['--market', 'manual']), systemClock),
  ]);
  const records = createRecords({ url: database.url });
  const registry = createRegistry(platformConnectors({ clock: systemClock }));
  const control = createControl(`127.0.0.1:${simulator.controlPort}`, systemClock.now);
  const executed: Executed[] = [];
  const connectorFor = (platform: string) => {
    const found = registry.connectorFor({ platform });
    return isUnsupported(found) ? null : found;
  };
  const trading = createTradingService({
    records,
    clock: systemClock,
    log: { executed: (event) => executed.push(event) },
    access: {
      connectorFor,
      reach: ({ id, platform, endpoint, login, bounds }) => ({
        id,
        platform,
        endpoint,
        login,
        bounds,
        credentials: { password: 'sim' },
      }),
    },
  });
  const add = async (name: string, marginMode: NewAccount['marginMode'], platform = 'sim') => {
    const { id } = await records.addAccount({
      name,
      marginMode,
      platform,
      endpoint: `127.0.0.1:${simulator.port}`,
      login: name,
      currency: 'EUR',
      executionMode: 'live',
      sealedCredentials: '',
      bounds: {},
    });
    return (await trading.verifyAccount(id, 'test')).id;
  };
  const quote = (bid: string, ask: string) => control.pushQuote({ symbol: 'EURUSD', bid, ask });
  await quote('1.08490', '1.08500');
  const [hedge, net] = [await add('SIM-HEDGE', 'HEDGING'), await add('SIM-NET', 'NETTING')];
  const end = async () => {
    control.close();
    await registry.close();
    await simulator.close();
    await records.close();
    await database.drop();
  };
  return { trading, records, control, executed, hedge, net, quote, end };
}
