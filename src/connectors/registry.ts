import type { Clock } from '../clock.ts';
import type { AccountId, CommandId } from '../domain/ids.ts';
import { InvariantViolated, type CommandOutcome } from '../domain/outcome.ts';
import type { Accepted, BrokerAccount, Capabilities, Connector } from '../trading/connector.ts';
import { createSimulatedConnector } from './simulated/connector.ts';

/** What every platform's connector is made of. */
export interface PlatformDeps {
  readonly clock: Clock;
  /** A pino logger fits; without one nothing is told. */
  readonly log?: {
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Called with an answer that came after its `send` had answered `unknown`; its facts belong into `ledger.ingest`. */
  readonly onLateReply?: (late: {
    readonly account: AccountId;
    readonly commandId: CommandId;
    readonly outcome: CommandOutcome<Accepted>;
  }) => void;
}

// One line per platform and its import: without them the rest still compiles.
const platforms: readonly ((deps: PlatformDeps) => Connector)[] = [
  createSimulatedConnector, // "sim"
];

/** A connector for every platform this Belay speaks. */
export function platformConnectors(deps: PlatformDeps): readonly Connector[] {
  return platforms.map((create) => create(deps));
}

/** No connector speaks this account's platform: loops skip it and say so once, a new trade is refused. */
export interface UnsupportedPlatform {
  readonly kind: 'unsupported';
  readonly platform: string;
}

type Find = (account: Pick<BrokerAccount, 'platform'>) => Connector | UnsupportedPlatform;

/** Platform → connector. */
export interface Registry {
  readonly connectorFor: Find;
  /** The seed's name of `connectorFor`. */
  readonly getConnector: Find;
  /** The seed's other name of `connectorFor`. */
  readonly getPlatformConnector: Find;
  /** What a platform can do; `null` when no connector speaks it. */
  readonly supports: (platform: string) => Capabilities | null;
  /** Ends every connection. */
  readonly close: () => Promise<void>;
}

/** @throws InvariantViolated when two connectors claim one platform */
export function createRegistry(connectors: readonly Connector[]): Registry {
  const byPlatform = new Map<string, Connector>();
  for (const connector of connectors) {
    const { platform } = connector;
    if (byPlatform.has(platform)) throw new InvariantViolated(`two connectors claim platform "${platform}"`);
    byPlatform.set(platform, connector);
  }

  const connectorFor: Find = ({ platform }) => byPlatform.get(platform) ?? { kind: 'unsupported', platform };
  return {
    connectorFor,
    getConnector: connectorFor,
    getPlatformConnector: connectorFor,
    supports: (platform) => byPlatform.get(platform)?.capabilities ?? null,
    close: async () => {
      await Promise.all(connectors.map((connector) => connector.close()));
    },
  };
}

export function isUnsupported(found: Connector | UnsupportedPlatform): found is UnsupportedPlatform {
  return 'kind' in found;
}
