/** State machines, immutability, totals and audit: what no single row's constraint can say. */
export const guards = String.raw`
insert into legal_edge select m, f, t from (values ('broker_command','','PLANNED'), ('trade','','PENDING'), ('profit_target','','ARMED'),
 ('broker_command','PLANNED','SENDING,CONFIRMED,REJECTED,NOT_EXECUTED'),
 ('broker_command','SENDING','ACCEPTED,CONFIRMED,REJECTED,UNKNOWN,NOT_EXECUTED'),
 ('broker_command','ACCEPTED','CONFIRMED,REJECTED,UNKNOWN'),
 ('broker_command','UNKNOWN','ACCEPTED,CONFIRMED,REJECTED,NOT_EXECUTED,REVIEW'),
 ('broker_command','NOT_EXECUTED','SENDING,CONFIRMED'),
 ('broker_command','REVIEW','CONFIRMED,NOT_EXECUTED,REJECTED'),
 ('trade','PENDING','OPENING,WORKING,REJECTED,NEEDS_REVIEW'), ('trade','OPENING','WORKING,OPEN,CLOSED,REJECTED,NEEDS_REVIEW'),
 ('trade','WORKING','OPEN,CLOSED,CANCELLED,EXPIRED,NEEDS_REVIEW'),
 ('trade','CANCELLED','NEEDS_REVIEW'), ('trade','EXPIRED','NEEDS_REVIEW'),
 ('trade','OPEN','CLOSING,CLOSED,NEEDS_REVIEW'), ('trade','CLOSING','OPEN,CLOSED,NEEDS_REVIEW'),
 ('trade','CLOSED','NEEDS_REVIEW'), ('trade','REJECTED','NEEDS_REVIEW'),
 ('trade','NEEDS_REVIEW','WORKING,OPEN,CLOSING,CLOSED,REJECTED,CANCELLED,EXPIRED'),
 ('profit_target','ARMED','TRIGGERED,CANCELLED,SKIPPED'), ('profit_target','TRIGGERED','EXECUTING,SKIPPED,CANCELLED,ARMED'),
 ('profit_target','EXECUTING','DONE,FAILED,SKIPPED'), ('profit_target','FAILED','ARMED,CANCELLED')
) as e(m, f, ts), unnest(string_to_array(ts, ',')) as t;
create function state_guard() returns trigger language plpgsql as $$
declare prev text := case when tg_op = 'UPDATE' then old.state else '' end; begin
  if new.state <> prev and not exists (select 1 from legal_edge where machine = tg_table_name and from_state = prev and to_state = new.state)
    then perform refuse(format('illegal %s transition %s -> %s', tg_table_name, prev, new.state)); end if;
  if tg_op = 'UPDATE' and new.version <> old.version + 1
    then raise exception 'stale version of %', tg_table_name using errcode = '40001'; end if;
  return new; end $$;
create function cmd_guard() returns trigger language plpgsql as $$ declare st text; begin
  if old.attempt > 0 and (new.intent, new.intent_hash, new.wire_tag, new.client_order_id, new.kind, new.step_key, new.position_key, new.trade_id)
     is distinct from (old.intent, old.intent_hash, old.wire_tag, old.client_order_id, old.kind, old.step_key, old.position_key, old.trade_id)
    then perform refuse('intent is immutable once sent'); end if;
  if new.state = 'SENDING' and old.state <> 'SENDING' then
    if new.attempt <> old.attempt + 1 then perform refuse('claim must count the attempt'); end if;
    if old.state = 'NOT_EXECUTED' and clock_timestamp() < old.retry_not_before
      then perform refuse('retry before quiet window'); end if;
    select trading_state into st from account where id = new.account_id for share;
    if st = 'HALTED' and new.kind not in ('CANCEL_PENDING','EMERGENCY_CLOSE')
       or st = 'REDUCING' and new.kind in ('OPEN','PLACE_PENDING')
      then perform refuse(format('trading state %s refuses %s', st, new.kind)); end if;
  end if;
  if old.state = 'REVIEW' and new.state <> 'REVIEW' and not coalesce(new.outcome ? 'decided_by', false)
    then perform refuse('review needs a named decision'); end if;
  return new; end $$;
create trigger b_cmd before update on broker_command for each row execute function cmd_guard();
create function target_guard() returns trigger language plpgsql as $$ begin
  if old.state in ('FAILED','TRIGGERED') and new.state = 'ARMED' and new.generation <> old.generation + 1
    then perform refuse('re-arming needs a new generation'); end if;
  return new; end $$;
create trigger b_target before update on profit_target for each row execute function target_guard();
create function watch_guard() returns trigger language plpgsql as $$ begin
  if old.state <> 'ARMED' and not (old.state = 'FIRED' and to_jsonb(new) - 'delivered_at' = to_jsonb(old) - 'delivered_at')
    then perform refuse('a watch fires or is disarmed once'); end if;
  return new; end $$;
create trigger b_watch before update on price_watch for each row execute function watch_guard();
create function event_guard() returns trigger language plpgsql as $$ begin
  if to_jsonb(new) - 'delivered_at' <> to_jsonb(old) - 'delivered_at' then perform refuse('only the delivery of an event may change'); end if;
  return new; end $$;
create trigger b_event before update on event_log for each row execute function event_guard();
create function order_guard() returns trigger language plpgsql as $$ begin
  if new.filled_lots < old.filled_lots then perform refuse('filled volume only grows'); end if;
  return new; end $$;
create trigger b_order before update on trade_order for each row execute function order_guard();
create function deal_guard() returns trigger language plpgsql as $$
declare soft text[] := array['trade_id','commission','swap','profit']; begin
  if tg_op = 'DELETE' then perform refuse('a deal is never deleted'); end if;
  if tg_op = 'INSERT' then new.trade_id := (select o.trade_id from trade_order o where o.id = new.order_id); return new; end if;
  if old.broker_deal_id is not null and to_jsonb(new) - soft <> to_jsonb(old) - soft or old.trade_id is distinct from new.trade_id and old.trade_id is not null
    then perform refuse('a real deal is immutable'); end if;
  return new; end $$;
create trigger b_deal before insert or update or delete on broker_deal for each row execute function deal_guard();
create function order_adopt() returns trigger language plpgsql as $$ begin
  update broker_deal set trade_id = new.trade_id where order_id = new.id and trade_id is null; return null; end $$;
create trigger c_adopt after update of trade_id on trade_order for each row execute function order_adopt();

create function sl_guard() returns trigger language plpgsql as $$ begin  -- I5
  if new.breakeven_floor is not null and new.state in ('OPEN','CLOSING')
     and (new.sl is null or (new.side = 'BUY' and new.sl < new.breakeven_floor)
       or (new.side = 'SELL' and new.sl > new.breakeven_floor))
     and coalesce(current_setting('app.sl_override', true), '') not in ('operator','external')
    then perform refuse('stop below the breakeven floor'); end if;
  return new; end $$;
create trigger b_sl before insert or update of sl, breakeven_floor on trade for each row execute function sl_guard();
create function totals_check() returns trigger language plpgsql as $$ declare t uuid; o numeric; c numeric; r record; begin  -- I1
  if tg_table_name = 'trade' then t := new.id; else t := new.trade_id; end if;
  if t is null then return null; end if;
  select coalesce(sum(lots) filter (where entry = 'IN'), 0), coalesce(sum(lots) filter (where entry = 'OUT'), 0)
    into o, c from broker_deal where trade_id = t;
  select opened_lots, closed_lots, state into r from trade where id = t;
  -- closing deals that were seen before their opening deals count no further than what is known to be open
  if r.state = 'NEEDS_REVIEW' then c := least(c, o); end if;
  if r.opened_lots <> o or r.closed_lots <> c
    then perform refuse(format('totals of trade %s differ from its deals', t)); end if;
  return null; end $$;
create constraint trigger z_totals after insert or update of opened_lots, closed_lots, state on trade deferrable initially deferred for each row execute function totals_check();
create constraint trigger z_totals after insert or update on broker_deal deferrable initially deferred for each row execute function totals_check();
create function ladder_check() returns trigger language plpgsql as $$ begin  -- I6
  if (select sum(close_bps) from profit_target where trade_id = new.trade_id and state <> 'CANCELLED') > 10000
    then perform refuse('targets exceed 100 percent'); end if;
  if new.price is not null and exists (select 1 from trade where id = new.trade_id and state in ('PENDING','OPENING','WORKING','REJECTED','CANCELLED','EXPIRED'))
    then perform refuse('a target has no price before its trade is open'); end if;
  return null; end $$;
create constraint trigger z_ladder after insert or update on profit_target deferrable initially deferred for each row execute function ladder_check();
create function audit_chain() returns trigger language plpgsql as $$ declare p record; begin
  perform pg_advisory_xact_lock(hashtextextended('audit:' || new.chain_id, 0));
  select seq, row_hash into p from audit_log where chain_id = new.chain_id order by seq desc limit 1;
  new.seq := coalesce(p.seq, 0) + 1; new.prev_hash := coalesce(p.row_hash, '\x00'::bytea); new.at := clock_timestamp();
  new.row_hash := digest(new.prev_hash || convert_to(jsonb_build_object('chain', new.chain_id, 'seq', new.seq, 'at_us', (extract(epoch from new.at) * 1000000)::bigint, 'actor', new.actor, 'action', new.action, 'body', new.body)::text, 'UTF8'), 'sha256');
  return new; end $$;
create trigger a_chain before insert on audit_log for each row execute function audit_chain();
create function audit_frozen() returns trigger language plpgsql as $$ begin
  perform refuse('audit log is append-only'); end $$;
create trigger a_frozen before update or delete on audit_log for each row execute function audit_frozen();
create trigger a_notrunc before truncate on audit_log for each statement execute function audit_frozen();
create function audit_state() returns trigger language plpgsql as $$ declare prev text; acc bigint; begin  -- I9
  if tg_op = 'UPDATE' then prev := old.state; if prev = new.state then return null; end if; end if;
  if tg_table_name = 'profit_target' then select account_id into acc from trade where id = new.trade_id; else acc := new.account_id; end if;
  insert into audit_log(chain_id, actor, action, body) values (acc,
    coalesce(nullif(current_setting('app.actor', true), ''), 'unset'), tg_table_name || '.' || new.state,
    jsonb_build_object('id', new.id, 'from', prev, 'to', new.state, 'version', new.version));
  return null; end $$;

do $$ declare t text; begin
  foreach t in array array['trade','broker_command','profit_target'] loop
    execute format('create trigger a_state before insert or update on %1$I for each row execute function state_guard();
      create trigger z_audit after insert or update on %1$I for each row execute function audit_state()', t);
  end loop; end $$;
`;
