import { add, compare, fromPoints, larger, smaller, subtract, times, type Price } from './decimal.ts';
import { exitPrice, type Quote, type Side } from './facts.ts';
import { restingDistancePoints, roundStop, type Instrument } from './instrument.ts';
import type { Denial } from './outcome.ts';
import type { BreakevenRule } from './trade/request.ts';

/** Whether `left` protects a position of this side more than `right`: a long's stop is tighter when higher. */
export function isTighter(side: Side, left: Price, right: Price): boolean {
  return side === 'BUY' ? compare(left, right) > 0 : compare(left, right) < 0;
}

/** The stop that protects more. */
export function tighterStop(side: Side, left: Price, right: Price): Price {
  return side === 'BUY' ? larger(left, right) : smaller(left, right);
}

/** Entry plus the offset on the profit side, on the tick. */
export function breakevenStop(
  side: Side,
  entry: Price,
  offset: BreakevenRule['offset'],
  instrument: Pick<Instrument, 'digits' | 'pipSize' | 'tickSize'>,
): Price {
  const distance =
    'pips' in offset ? times(instrument.pipSize, offset.pips) : times(fromPoints(1, instrument.digits), offset.points);
  return roundStop(side === 'BUY' ? add(entry, distance) : subtract(entry, distance), side, instrument);
}

/**
 * Where the stop loss should stand after a move to `wanted`, or `null` to leave it. Only ever tightens, so calling it twice is
 * calling it once.
 */
export function tightenedStop(side: Side, current: Price | null, wanted: Price): Price | null {
  if (current === null) return wanted;
  return isTighter(side, wanted, current) ? wanted : null;
}

/**
 * Why the broker would refuse these levels against the current quote, or `null`.
 *
 * `stopLoss` rests on the losing side of the exit price (bid for a long, ask for a short), `takeProfit` on the winning side,
 * both at least the broker's stops level away.
 */
export function protectionDenial(
  side: Side,
  levels: { readonly stopLoss: Price | null; readonly takeProfit: Price | null },
  quote: Pick<Quote, 'bid' | 'ask'>,
  instrument: Pick<Instrument, 'symbol' | 'digits' | 'stopsLevelPoints' | 'pipSize'>,
): Denial | null {
  const exit = exitPrice(side, quote);
  return (
    legDenial('stop', levels.stopLoss, side, exit, instrument) ??
    legDenial('target', levels.takeProfit, side, exit, instrument)
  );
}

function legDenial(
  leg: 'stop' | 'target',
  level: Price | null,
  side: Side,
  exit: Price,
  instrument: Pick<Instrument, 'symbol' | 'digits' | 'stopsLevelPoints'>,
): Denial | null {
  if (level === null) return null;
  const { symbol, digits, stopsLevelPoints } = instrument;
  const points = restingDistancePoints(leg, level, side, exit, digits);
  if (points >= Math.max(stopsLevelPoints, 1)) return null;
  const field = leg === 'stop' ? 'stopLoss' : 'takeProfit';
  const below = (leg === 'stop') === (side === 'BUY');
  const needed = fromPoints(stopsLevelPoints, digits);
  const limit = below ? subtract(exit, needed) : add(exit, needed);
  const fix = below ? `at most ${limit}` : `at least ${limit}`;
  if (points <= 0) {
    const where = below ? 'below' : 'above';
    return { code: 'level-wrong-side', field, value: level, rule: `a ${side}'s ${field} lies ${where} ${exit}`, fix };
  }
  const rule = `${symbol} needs ${stopsLevelPoints} points between price and ${field}, this is ${points}`;
  return { code: 'min-stop-distance', field, value: level, rule, fix };
}
