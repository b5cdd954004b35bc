import { compare, isOnStep, roundToStep, toPoints, type Lots, type Price } from './decimal.ts';
import type { Side } from './facts.ts';
import type { Denial } from './outcome.ts';

/** What a broker says about one symbol. Volumes in lots, distances in points (10^-digits). */
export interface Instrument {
  readonly symbol: string;
  readonly digits: number;
  /** Smallest price change the broker accepts. */
  readonly tickSize: Price;
  readonly pipSize: Price;
  /** Units of the base per lot. */
  readonly contractSize: string;
  readonly volumeMin: Lots;
  readonly volumeMax: Lots;
  readonly volumeStep: Lots;
  /** Smallest distance between a stop or target and the price it would execute at. */
  readonly stopsLevelPoints: number;
  /** Inside this distance of the price a level may not be changed any more. */
  readonly freezeLevelPoints: number;
  readonly baseCurrency: string;
  readonly profitCurrency: string;
  readonly swapLong: string;
  readonly swapShort: string;
  readonly swapTripleWeekday: number;
  readonly tradeMode: 'FULL' | 'CLOSE_ONLY' | 'DISABLED';
  readonly sessionOpen: boolean;
}

/** Volume down to the step: never more than asked. */
export function floorVolume(volume: Lots, instrument: Pick<Instrument, 'volumeStep'>): Lots {
  return roundToStep(volume, instrument.volumeStep, 'down');
}

/**
 * A stop loss on the tick, rounded to the side of less risk: a long's stop up, a short's stop down.
 */
export function roundStop(level: Price, side: Side, instrument: Pick<Instrument, 'tickSize'>): Price {
  return roundToStep(level, instrument.tickSize, side === 'BUY' ? 'up' : 'down');
}

/** A profit level on the tick, rounded away from the entry: a long's target up, a short's target down. */
export function roundTarget(level: Price, side: Side, instrument: Pick<Instrument, 'tickSize'>): Price {
  return roundToStep(level, instrument.tickSize, side === 'BUY' ? 'up' : 'down');
}

/** Why this volume may not be traded, or `null`. */
export function volumeDenial(
  volume: Lots,
  instrument: Pick<Instrument, 'symbol' | 'volumeMin' | 'volumeMax' | 'volumeStep'>,
): Denial | null {
  const { symbol, volumeMin, volumeMax, volumeStep } = instrument;
  const denial = (code: string, rule: string, fix: string): Denial => ({
    code,
    field: 'volume',
    value: volume,
    rule,
    fix,
  });
  if (compare(volume, volumeMin) < 0) {
    return denial('volume-below-minimum', `${symbol} trades at least ${volumeMin} lots`, `use ${volumeMin} or more`);
  }
  if (compare(volume, volumeMax) > 0) {
    return denial('volume-above-maximum', `${symbol} trades at most ${volumeMax} lots`, `use ${volumeMax} or less`);
  }
  if (!isOnStep(volume, volumeStep)) {
    const below = roundToStep(volume, volumeStep, 'down');
    return denial('volume-off-step', `${symbol} trades in steps of ${volumeStep} lots`, `use ${below}`);
  }
  return null;
}

/**
 * Points between a level and the price it would execute at, positive when the level is on the side where it rests:
 * a long's stop below the bid, a short's stop above the ask; targets the other way round.
 */
export function restingDistancePoints(
  leg: 'stop' | 'target',
  level: Price,
  side: Side,
  exit: Price,
  digits: number,
): number {
  const away = toPoints(exit, digits) - toPoints(level, digits);
  const stopBelow = side === 'BUY';
  return (leg === 'stop') === stopBelow ? away : -away;
}
