import { Migration } from '@mikro-orm/migrations';
import { appRole } from '../app-role.ts';

/**
 * Roles belong to the cluster, databases migrate side by side: losing the race to create one is no error. Without the right to
 * create roles the grants go to a role that an administrator made beforehand.
 */
const grants = `
do $$ begin
  if not exists (select from pg_roles where rolname = '${appRole}') then create role ${appRole} nologin; end if;
exception when duplicate_object or unique_violation or insufficient_privilege then null; end $$;
do $$ begin
  if not exists (select from pg_roles where rolname = '${appRole}') then return; end if;
  grant usage on schema public to ${appRole};
  grant select, insert, update on all tables in schema public to ${appRole};
  grant delete on event_log, price_watch, feed_cursor to ${appRole};
  revoke insert, update on legal_edge from ${appRole};
  revoke update on audit_log from ${appRole};
  grant usage on all sequences in schema public to ${appRole};
end $$;
`;

export class LeastPrivilege extends Migration {
  override up(): void {
    this.addSql(grants);
  }
}
