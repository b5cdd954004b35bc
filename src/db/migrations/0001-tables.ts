/** Tables and the constraints that hold on one row; what spans rows is in the guards. */
export const tables = String.raw`
create extension if not exists pgcrypto;
create function refuse(m text) returns void language plpgsql as $$ begin raise exception '%', m using errcode = '23514'; end $$;

create table account(
  id bigint generated always as identity primary key,
  name text not null unique,
  platform text not null,
  endpoint text not null,
  login text not null,
  status text not null default 'UNVERIFIED' check (status in ('UNVERIFIED','ACTIVE','DISABLED')),
  margin_mode text not null check (margin_mode in ('HEDGING','NETTING')),
  currency text not null,
  execution_mode text not null default 'live' check (execution_mode in ('off','shadow','live')),
  trading_state text not null default 'ACTIVE' check (trading_state in ('ACTIVE','REDUCING','HALTED')),
  sealed_credentials text not null,
  bounds jsonb not null default '{}',
  next_wire_tag int not null default 536870912 check (next_wire_tag between 536870912 and 2147483646),
  epoch bigint not null default 1,
  version int not null default 1);
create table account_symbol(account_id bigint not null references account, alias text not null, broker_symbol text not null, primary key (account_id, alias));

create table trade(
  id uuid primary key, account_id bigint not null references account,
  symbol text not null, side text not null check (side in ('BUY','SELL')),
  position_key text,
  state text not null check (state in ('PENDING','OPENING','WORKING','OPEN','CLOSING','CLOSED','REJECTED','CANCELLED','EXPIRED','NEEDS_REVIEW')),
  requested_lots numeric not null check (requested_lots > 0),
  opened_lots numeric not null default 0 check (opened_lots >= 0),
  closed_lots numeric not null default 0 check (closed_lots >= 0),
  remaining_lots numeric generated always as (opened_lots - closed_lots) stored,
  entry_price numeric,
  sl numeric, tp numeric,
  levels_as_of timestamptz,
  initial_stop numeric not null,
  intended_stop numeric,
  breakeven_floor numeric,
  breakeven_rule jsonb,
  breakeven_state text not null default 'OFF' check (breakeven_state in ('OFF','WAITING','PENDING','DONE')),
  protect_by timestamptz,
  automation text not null default 'RUNNING' check (automation in ('RUNNING','PAUSED')),
  instrument jsonb not null,
  request jsonb not null,
  request_hash text not null,
  requested_by text not null,
  review_reason text,
  close_reason text, close_subreason text,
  created_at timestamptz not null default now(),
  opened_at timestamptz, closed_at timestamptz,
  version int not null default 1, unique (account_id, id),
  check (breakeven_rule is not null or breakeven_state in ('OFF','DONE')),
  check (state <> 'NEEDS_REVIEW' or review_reason is not null),
  check (closed_lots <= opened_lots),
  check (state <> 'CLOSED' or (opened_lots > 0 and closed_lots = opened_lots)),
  check (state not in ('CANCELLED','EXPIRED') or opened_lots = 0),
  check (state not in ('OPEN','CLOSING') or (opened_lots > closed_lots and position_key is not null)),
  check (state not in ('OPEN','CLOSING') or sl is not null or protect_by is not null));
create unique index one_live_trade_per_position on trade(account_id, position_key)
  where position_key is not null and state in ('OPENING','WORKING','OPEN','CLOSING','NEEDS_REVIEW');
create index trade_position on trade(account_id, position_key) where position_key is not null;
create index trade_by_account on trade(account_id, created_at, id);

create table broker_command(
  id uuid primary key, account_id bigint not null, trade_id uuid not null,
  step_key text not null check (length(step_key) between 1 and 120),
  kind text not null check (kind in ('OPEN','PARTIAL_CLOSE','FULL_CLOSE','EMERGENCY_CLOSE','MODIFY_PROTECTION',
                                     'PLACE_PENDING','AMEND_PENDING','CANCEL_PENDING')),
  position_key text,
  intent jsonb not null, intent_hash bytea not null,
  plan jsonb not null,
  wire jsonb,
  close_reason text, close_subreason text, closure_text text,
  actor text not null,
  wire_tag int check (wire_tag > 0), client_order_id text check (length(client_order_id) <= 50),
  state text not null default 'PLANNED' check (state in
    ('PLANNED','SENDING','ACCEPTED','UNKNOWN','CONFIRMED','REJECTED','NOT_EXECUTED','REVIEW')),
  attempt smallint not null default 0, claimed_at timestamptz, send_by timestamptz, retry_not_before timestamptz,
  before_snapshot jsonb, outcome jsonb, contradicted_at timestamptz,
  created_at timestamptz not null default now(), settled_at timestamptz,
  version int not null default 1, unique (trade_id, step_key),
  foreign key (account_id, trade_id) references trade(account_id, id),
  check (kind in ('OPEN','PLACE_PENDING') or position_key is not null),
  check (state <> 'SENDING' or (send_by is not null and attempt >= 1 and claimed_at is not null and wire is not null)),
  check (state <> 'SENDING' or kind not in ('PARTIAL_CLOSE','FULL_CLOSE','MODIFY_PROTECTION') or before_snapshot is not null),
  check (state <> 'UNKNOWN' or retry_not_before is not null),
  check (state not in ('CONFIRMED','REJECTED','NOT_EXECUTED') or outcome is not null));
create unique index cmd_wire_tag on broker_command(account_id, wire_tag) where wire_tag is not null;
create unique index cmd_client_order on broker_command(account_id, client_order_id) where client_order_id is not null;
create unique index one_unsettled_per_position on broker_command(account_id, position_key)
  where position_key is not null and state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW') and kind <> 'EMERGENCY_CLOSE';
create index cmd_unsettled on broker_command(account_id, created_at) where state in ('SENDING','ACCEPTED','UNKNOWN','REVIEW');

create table trade_order(
  id uuid primary key, account_id bigint not null references account,
  trade_id uuid, command_id uuid references broker_command, broker_order_id text,
  origin text not null check (origin in ('ENGINE','EXTERNAL','SERVER_SL','SERVER_TP','STOP_OUT')),
  position_id text,
  symbol text not null, side text not null check (side in ('BUY','SELL')),
  type text check (type in ('MARKET','LIMIT','STOP')),
  lots numeric, price numeric,
  reason text, tag bigint, comment text not null default '',
  expires_at timestamptz,
  reported_at timestamptz,
  state text not null check (state in ('NEW','SUBMITTED','WORKING','PARTIALLY_FILLED','FILLED','CANCELLED','EXPIRED','REJECTED')),
  filled_lots numeric not null default 0 check (filled_lots >= 0),
  close_reason text, close_subreason text, reason_inferred boolean not null default false, closure_text text,
  created_at timestamptz not null default now(),
  version int not null default 1, unique (account_id, id), unique (account_id, id, trade_id),
  foreign key (account_id, trade_id) references trade(account_id, id),
  check ((origin = 'ENGINE') = (command_id is not null)),
  check (trade_id is not null or origin = 'EXTERNAL'));
create unique index ord_broker on trade_order(account_id, broker_order_id) where broker_order_id is not null;
create unique index ord_command on trade_order(command_id) where command_id is not null;
create index ord_trade on trade_order(trade_id) where trade_id is not null;
create index ord_position on trade_order(account_id, position_id) where trade_id is null;

create table broker_deal(
  id uuid primary key, account_id bigint not null, order_id uuid not null, trade_id uuid,
  broker_deal_id text,
  position_id text, symbol text not null, side text not null check (side in ('BUY','SELL')), reason text,
  entry text not null check (entry in ('IN','OUT')), lots numeric not null check (lots > 0),
  price numeric, executed_at timestamptz,
  commission numeric, swap numeric, profit numeric,
  check (broker_deal_id is null or (price is not null and executed_at is not null)),
  foreign key (account_id, order_id) references trade_order(account_id, id),
  foreign key (account_id, order_id, trade_id) references trade_order(account_id, id, trade_id));
create unique index deal_broker on broker_deal(account_id, broker_deal_id) where broker_deal_id is not null;
create unique index one_provisional_per_order on broker_deal(order_id) where broker_deal_id is null;
create index deal_order on broker_deal(order_id);
create index deal_trade on broker_deal(trade_id) where trade_id is not null;

create table broker_position(
  account_id bigint not null references account, position_id text not null,
  symbol text not null, side text not null check (side in ('BUY','SELL')), lots numeric not null,
  entry_price numeric not null, stop_loss numeric, take_profit numeric,
  opened_at timestamptz not null, updated_at timestamptz not null,
  tag bigint, comment text not null default '', primary key (account_id, position_id));
create table account_balance(
  account_id bigint primary key references account,
  balance numeric not null, equity numeric not null, margin numeric not null, free_margin numeric not null, as_of timestamptz not null);

create table price_watch(
  id uuid primary key, account_id bigint not null, trade_id uuid not null, purpose text not null, generation int not null default 1,
  symbol text not null, digits smallint not null, quote_side text not null check (quote_side in ('BID','ASK')), crosses text not null check (crosses in ('UP','DOWN')),
  level numeric not null, target_level smallint not null, armed_at timestamptz not null default clock_timestamp(),
  state text not null default 'ARMED' check (state in ('ARMED','FIRED','DISARMED')),
  fired_price numeric, fired_at timestamptz, fired_sequence bigint, source text, late boolean not null default false,
  delivered_at timestamptz,
  unique (trade_id, purpose, generation), foreign key (account_id, trade_id) references trade(account_id, id),
  check (delivered_at is null or state = 'FIRED'),
  check (state <> 'FIRED' or (fired_price is not null and fired_at is not null and source is not null)));
create index watch_undelivered on price_watch(account_id) where state = 'FIRED' and delivered_at is null;
create index watch_armed on price_watch(account_id) where state = 'ARMED';
create table profit_target(
  id uuid primary key, trade_id uuid not null references trade,
  level smallint not null check (level between 1 and 20),
  rule jsonb not null check (num_nonnulls(rule->>'price', rule->>'pips', rule->>'points', rule->>'r') = 1 and num_nonnulls(rule->>'share', rule->>'rest') = 1),
  price numeric,
  close_bps int not null check (close_bps between 1 and 10000),
  state text not null check (state in ('ARMED','TRIGGERED','EXECUTING','DONE','SKIPPED','CANCELLED','FAILED')),
  reason text,
  generation int not null default 1, command_id uuid references broker_command, watch_id uuid references price_watch,
  version int not null default 1, unique (trade_id, level),
  check (state not in ('EXECUTING','DONE') or command_id is not null),
  check (state in ('ARMED','CANCELLED','SKIPPED') or watch_id is not null),
  check (watch_id is null or price is not null));
create unique index pt_cmd on profit_target(command_id) where command_id is not null;
create unique index pt_watch on profit_target(watch_id) where watch_id is not null;

create table discrepancy_case(
  id uuid primary key, account_id bigint not null references account, trade_id uuid references trade,
  kind text not null, state text not null check (state in ('OPEN','PROPOSED','RESOLVED')),
  evidence jsonb not null, proposal jsonb, deadline timestamptz not null, decided_by text, decision jsonb,
  check (state <> 'RESOLVED' or (decided_by is not null and decision is not null)));
create table event_log(
  id bigserial primary key, xid xid8 not null default pg_current_xact_id(), account_id bigint not null references account, trade_id uuid,
  type text not null, body jsonb not null,
  wakes boolean not null default false, delivered_at timestamptz,
  created_at timestamptz not null default now(),
  check (not wakes or trade_id is not null), check (delivered_at is null or wakes));
create index event_undelivered on event_log(account_id, id) where wakes and delivered_at is null;
create index event_trade on event_log(trade_id, id) where trade_id is not null;
create table audit_log(
  chain_id bigint not null, seq bigint not null, at timestamptz not null, actor text not null,
  action text not null, body jsonb not null, prev_hash bytea not null, row_hash bytea not null, primary key (chain_id, seq));
create index audit_by_subject on audit_log((body->>'id'));

create table feed_session(
  key text primary key, epoch bigint not null default 1, holder text not null,
  taken_at timestamptz not null default clock_timestamp(), alive_at timestamptz not null default clock_timestamp());
create table feed_cursor(
  key text not null references feed_session, symbol text not null, sequence bigint not null, quoted_at timestamptz not null,
  primary key (key, symbol));
create table legal_edge(machine text, from_state text, to_state text, primary key (machine, from_state, to_state));
`;
