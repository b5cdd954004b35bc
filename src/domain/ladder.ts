import { Big } from 'big.js';
import {
  add,
  compare,
  fromPoints,
  isZero,
  larger,
  roundToStep,
  smaller,
  subtract,
  times,
  ZERO_LOTS,
  type Lots,
  type Price,
} from './decimal.ts';
import type { Side } from './facts.ts';
import { floorVolume, roundTarget, type Instrument } from './instrument.ts';
import type { Denial } from './outcome.ts';
import type { LevelRule, TargetRule } from './trade/request.ts';

/** Facts of an instrument that the ladder needs; small enough to travel in a workflow's state. */
export type LadderInstrument = Pick<Instrument, 'digits' | 'tickSize' | 'pipSize' | 'volumeMin' | 'volumeStep'>;

const wholeBps = 10_000;

/**
 * The absolute price of a level on the profit side of `entry`: a long's above it, a short's below.
 *
 * `riskStop` is the first stop loss, the measure of `r`. Rounded to the tick away from the entry.
 */
export function targetPrice(
  rule: LevelRule,
  entry: Price,
  riskStop: Price,
  side: Side,
  instrument: LadderInstrument,
): Price {
  if ('price' in rule) return roundTarget(rule.price, side, instrument);
  return roundTarget(away(entry, distance(rule, entry, riskStop, instrument), side), side, instrument);
}

/**
 * The absolute price of a stop loss given as a distance on the losing side of `entry`. Rounded to the tick toward the entry.
 *
 * @throws RangeError for a rule in multiples of risk: the stop itself defines the risk
 */
export function stopPrice(rule: LevelRule, entry: Price, side: Side, instrument: LadderInstrument): Price {
  if ('r' in rule) throw new RangeError('a stop loss cannot be given in multiples of risk');
  const losing: Side = side === 'BUY' ? 'SELL' : 'BUY';
  const level = 'price' in rule ? rule.price : away(entry, distance(rule, entry, entry, instrument), losing);
  return roundToStep(level, instrument.tickSize, side === 'BUY' ? 'up' : 'down');
}

/** A distance as a price difference, positive. */
function distance(
  rule: Exclude<LevelRule, { price: Price }>,
  entry: Price,
  riskStop: Price,
  instrument: LadderInstrument,
): Price {
  if ('pips' in rule) return times(instrument.pipSize, rule.pips);
  if ('points' in rule) return times(fromPoints(1, instrument.digits), rule.points);
  const risk = compare(entry, riskStop) >= 0 ? subtract(entry, riskStop) : subtract(riskStop, entry);
  return times(risk, rule.r);
}

function away(from: Price, by: Price, side: Side): Price {
  return side === 'BUY' ? add(from, by) : subtract(from, by);
}

/**
 * What share of the original volume each target closes, in hundredths of a percent; a `rest` takes what the others leave.
 *
 * A valid ladder (see {@link ladderDenial}) sums to at most 10 000.
 */
export function closeBps(targets: readonly TargetRule[]): readonly number[] {
  const shares = targets.map(({ size }) => ('share' in size ? shareBps(size.share) : 0));
  const rest = wholeBps - shares.reduce((total, bps) => total + bps, 0);
  return targets.map(({ size }, index) => ('rest' in size ? rest : (shares[index] ?? 0)));
}

function shareBps(percent: string): number {
  return new Big(percent).times(100).round(0, Big.roundHalfEven).toNumber();
}

/** Why this ladder may not be armed, or `null`. Checks shares, order and sizes; the sides of the levels need a price. */
export function ladderDenial(
  targets: readonly TargetRule[],
  volume: Lots,
  instrument: LadderInstrument,
): Denial | null {
  return sharesDenial(targets) ?? sizesDenial(targets, volume, instrument);
}

function sharesDenial(targets: readonly TargetRule[]): Denial | null {
  if (targets.length > 20) {
    return denial('too-many-targets', 'targets', String(targets.length), 'at most 20 targets', 'merge some of them');
  }
  const restAt = targets.findIndex(({ size }) => 'rest' in size);
  if (restAt >= 0 && restAt !== targets.length - 1) {
    return denial(
      'rest-not-last',
      `targets[${restAt}]`,
      'rest',
      'only the last target may take the rest',
      'give it a share',
    );
  }
  const bps = closeBps(targets);
  const bad = bps.findIndex((share) => share <= 0);
  const total = bps.reduce((sum, share) => sum + share, 0);
  if (total > wholeBps || (bad >= 0 && bad === restAt)) {
    const asked = targets.reduce((sum, { size }) => sum + ('share' in size ? shareBps(size.share) : 0), 0);
    return denial(
      'shares-above-100',
      'targets',
      `${asked / 100} %`,
      'shares add up to at most 100 %',
      'lower the shares',
    );
  }
  if (bad >= 0)
    return denial(
      'share-not-positive',
      `targets[${bad}].share`,
      `${(bps[bad] ?? 0) / 100} %`,
      'a share is above 0 %',
      'leave the target out',
    );
  return null;
}

function sizesDenial(targets: readonly TargetRule[], volume: Lots, instrument: LadderInstrument): Denial | null {
  const bps = closeBps(targets);
  let remaining = volume;
  for (const [index, share] of bps.entries()) {
    const size = targetLots(
      { original: volume, remaining, bps: share, closesRest: closesRest(bps, index) },
      instrument,
    );
    if (size.kind === 'skip') {
      const rule = `each target closes at least ${instrument.volumeMin} lots and leaves none or as much`;
      return denial(
        'target-too-small',
        `targets[${index}]`,
        `${share / 100} % of ${volume} lots`,
        rule,
        'raise the volume or merge targets',
      );
    }
    remaining = subtract(remaining, size.lots);
  }
  return null;
}

/** Whether the target at `index` is the last of a ladder that closes everything. */
export function closesRest(bps: readonly number[], index: number): boolean {
  return index === bps.length - 1 && bps.reduce((total, share) => total + share, 0) === wholeBps;
}

/** Why a level is on the wrong side of the entry or out of order, or `null`. Prices are absolute, nearest first. */
export function ladderSideDenial(prices: readonly Price[], entry: Price, side: Side): Denial | null {
  let previous = entry;
  for (const [index, level] of prices.entries()) {
    const beyond = side === 'BUY' ? compare(level, previous) > 0 : compare(level, previous) < 0;
    if (!beyond) {
      const direction = side === 'BUY' ? 'above' : 'below';
      const than = index === 0 ? `the entry at ${entry}` : `target ${index} at ${previous}`;
      return denial(
        'target-wrong-side',
        `targets[${index}].price`,
        level,
        `a ${side}'s target lies ${direction} ${than}`,
        `use a price ${direction} ${previous}`,
      );
    }
    previous = level;
  }
  return null;
}

export type TargetSizing =
  | { readonly kind: 'close'; readonly lots: Lots }
  | { readonly kind: 'skip'; readonly reason: string };

/**
 * How many lots a target closes now.
 *
 * A share of the *original* volume, down to the step, never more than remains; the last target of a full ladder closes exactly
 * the remainder. What stays is nothing or at least the minimum volume: where it would be less, the target closes less, and
 * where that is below the minimum it is skipped.
 */
export function targetLots(
  ask: { readonly original: Lots; readonly remaining: Lots; readonly bps: number; readonly closesRest: boolean },
  instrument: LadderInstrument,
): TargetSizing {
  if (isZero(ask.remaining)) return { kind: 'skip', reason: 'nothing left to close' };
  if (ask.closesRest) return { kind: 'close', lots: ask.remaining };
  const share = floorVolume(times(ask.original, new Big(ask.bps).div(wholeBps).toString()), instrument);
  return withoutDust(smaller(share, ask.remaining), ask.remaining, instrument);
}

/** `lots` of `remaining`, made smaller where it would leave less than the minimum. */
export function withoutDust(lots: Lots, remaining: Lots, instrument: LadderInstrument): TargetSizing {
  const left = subtract(remaining, lots);
  const leavesTooLittle = !isZero(left) && compare(left, instrument.volumeMin) < 0;
  const closable = leavesTooLittle
    ? floorVolume(larger(ZERO_LOTS, subtract(remaining, instrument.volumeMin)), instrument)
    : lots;
  if (compare(closable, instrument.volumeMin) < 0) {
    return { kind: 'skip', reason: `${closable} lots are below the minimum of ${instrument.volumeMin}` };
  }
  return { kind: 'close', lots: closable };
}

function denial(code: string, field: string, value: string, rule: string, fix: string): Denial {
  return { code, field, value, rule, fix };
}
