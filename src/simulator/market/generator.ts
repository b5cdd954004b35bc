import { InvariantViolated } from '../../domain/outcome.ts';
import { listed, type Listing } from '../exchange/listings.ts';
import { normal, seededRandom, type Random } from '../random.ts';
import type { QuoteSource, SourceQuote } from './quote-source.ts';

interface Character {
  readonly symbol: string;
  /** Points around which the price is pulled, very weakly. */
  readonly anchor: number;
  /** Typical move of one quote, points. */
  readonly volatility: number;
  /** Spread in a calm market, points. */
  readonly spread: number;
  /** Chance of being the symbol that quotes next, relative to the others. */
  readonly weight: number;
}

const characters: readonly Character[] = [
  { symbol: 'EURUSD', anchor: 108_500, volatility: 2.2, spread: 7, weight: 5 },
  { symbol: 'GBPUSD', anchor: 127_400, volatility: 2.8, spread: 11, weight: 3 },
  { symbol: 'USDJPY', anchor: 149_800, volatility: 3, spread: 10, weight: 3 },
  { symbol: 'XAUUSD', anchor: 2_351_000, volatility: 45, spread: 180, weight: 3 },
  { symbol: 'US500', anchor: 54_300, volatility: 1.6, spread: 4, weight: 1 },
];

/** Milliseconds between two quotes of the whole market, on average. */
const MEAN_PAUSE = 120;

interface GeneratedMarket extends QuoteSource {
  quotes(from: number): Generator<SourceQuote>;
}

interface Walk {
  readonly character: Character;
  readonly listing: Listing;
  middle: number;
  /** Multiplier of the volatility: clusters, because today's shock stays for a while. */
  heat: number;
  /** Points per quote of the present small trend, and how many quotes of it are left. */
  trend: number;
  trendLeft: number;
}

/**
 * A market made up from a seed: small trends that end without notice, calm and hot spells, a spread that widens with the heat.
 * The same seed gives the same quotes.
 */
export function generatedMarket(seed: string): GeneratedMarket {
  return {
    id: `generator ${seed}`,
    ends: true,
    *quotes(from) {
      const random = seededRandom(seed);
      const walks = characters.map(begin);
      for (let n = 0; ; n += 1) {
        const quote = next(walks, random);
        if (n >= from) yield quote;
      }
    },
  };
}

function begin(character: Character): Walk {
  return { character, listing: listed(character.symbol), middle: character.anchor, heat: 1, trend: 0, trendLeft: 0 };
}

function next(walks: readonly Walk[], random: Random): SourceQuote {
  const walk = pick(walks, random);
  move(walk, random);
  const { character, listing } = walk;
  const spread = Math.max(1, Math.round(character.spread * (0.7 + 0.5 * walk.heat * random())));
  const bid = Math.max(1, Math.round(walk.middle - spread / 2));
  const pauseMs = Math.round((-Math.log(1 - random()) * MEAN_PAUSE) / Math.sqrt(walk.heat));
  return { symbol: listing.symbol, bid, ask: bid + spread, sourceTime: null, pauseMs };
}

function pick(walks: readonly Walk[], random: Random): Walk {
  let left = random() * characters.reduce((total, { weight }) => total + weight, 0);
  const chosen = walks.find((walk) => (left -= walk.character.weight) < 0);
  if (chosen === undefined) throw new InvariantViolated('no symbol was picked');
  return chosen;
}

function move(walk: Walk, random: Random): void {
  const { volatility, anchor } = walk.character;
  if (walk.trendLeft <= 0) {
    walk.trendLeft = 20 + Math.floor(random() * 180);
    walk.trend = normal(random) * volatility * 0.15;
  }
  walk.trendLeft -= 1;
  const shock = normal(random);
  walk.heat = Math.min(6, 0.05 + 0.9 * walk.heat + 0.06 * shock * shock);
  const pull = (anchor - walk.middle) * 0.00002;
  walk.middle += walk.trend + pull + shock * volatility * walk.heat;
}
