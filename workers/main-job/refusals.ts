import type { Denial } from '../../src/domain/outcome.ts';

/** A replay's plan that breaks a rule; nothing was started. */
export class PlanRefused extends Error {
  override readonly name = 'PlanRefused';
  readonly exitCode = 3;
  readonly denial: Denial;

  constructor(file: string, denial: Denial) {
    super(`${file}: ${denial.field} is ${denial.value}: ${denial.rule}. To fix it: ${denial.fix}.`);
    this.denial = denial;
  }
}

/** A file of quotes that cannot be played; the message names file, line, value and rule. Nothing was started. */
export class QuotesRefused extends Error {
  override readonly name = 'QuotesRefused';
  readonly exitCode = 3;
  readonly denial: Denial;

  constructor(file: string, rule: string, fix: string) {
    super(`${rule}. To fix it: ${fix}.`);
    this.denial = { code: 'quotes-unusable', field: 'FILE', value: file, rule, fix };
  }
}
