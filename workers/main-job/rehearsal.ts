import { isAbsolute, resolve } from 'node:path';
import { listed } from '../../src/simulator/exchange/listings.ts';
import { seededKills, type PlannedKill } from './kills.ts';
import type { ReplayOptions } from './options.ts';
import { readPlan, type PlannedTrade } from './plan.ts';
import { scanQuotes, type QuoteScan } from './quote-scan.ts';
import { seededPlan } from './seeded-plan.ts';

/** What is played: the file, the trades and the kills, all known before anything starts. */
export interface Rehearsal {
  readonly options: ReplayOptions;
  readonly file: string;
  readonly scan: QuoteScan;
  readonly plan: readonly PlannedTrade[];
  readonly kills: readonly PlannedKill[];
}

/** @throws QuotesRefused or PlanRefused before anything is started */
export async function prepare(options: ReplayOptions): Promise<Rehearsal> {
  const listing = listed(options.symbol);
  const file = isAbsolute(options.file) ? options.file : resolve(options.file);
  const scan = await scanQuotes(file, listing);
  const plan = options.plan === null ? seededPlan(scan, listing, options.seed) : await readPlan(options.plan);
  return { options, file, scan, plan, kills: seededKills(options.kills, scan.quotes, options.seed) };
}
