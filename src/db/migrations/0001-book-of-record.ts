import { Migration } from '@mikro-orm/migrations';
import { guards } from './0001-guards.ts';
import { tables } from './0001-tables.ts';

/** The book of record as `docs/decisions/0005-the-schema-as-built.md` describes it. */
export class BookOfRecord extends Migration {
  override up(): void {
    this.addSql(tables);
    this.addSql(guards);
  }
}
