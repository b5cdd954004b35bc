import { unreachable } from '../../domain/outcome.ts';
import { exitPoints, newId, recordOrder, recordPosition, type Account, type Order, type Step } from './book.ts';
import { closeUnits, fill, marketOrder } from './fills.ts';
import { refuse, type Answer, type Command, type CommandOf, type Refusal, type Sender } from './inputs.ts';
import { listed } from './listings.ts';
import {
  affordable,
  closingUnits,
  frozen,
  isRefusal,
  levels,
  openingUnits,
  restingPrice,
  tradable,
  type LevelsInPoints,
  type Market,
} from './rules.ts';

/** Carries a request out, or refuses it and changes nothing. */
export function execute(step: Step, account: Account, sender: Sender, command: Command): Answer {
  switch (command.kind) {
    case 'market':
      return buyOrSell(step, account, sender, command);
    case 'pending':
      return place(step, account, sender, command);
    case 'amend':
      return amend(step, account, command);
    case 'cancel':
      return cancel(step, account, command);
    case 'close':
      return close(step, account, sender, command);
    case 'modify':
      return modify(step, account, command);
    default:
      return unreachable(command);
  }
}

function buyOrSell(step: Step, account: Account, sender: Sender, command: CommandOf<'market'>): Answer {
  const market = tradable(step.exchange, command.symbol, 'open');
  if (isRefusal(market)) return market;
  const units = openingUnits(command.lots, market.listing);
  if (isRefusal(units)) return units;
  const protection = levels(command, command.side, exitPoints(command.side, market.tick), market.listing);
  if (isRefusal(protection)) return protection;
  const tooMuch = affordable(step.exchange, account, { symbol: command.symbol, side: command.side, units }, market);
  if (tooMuch !== null) return tooMuch;
  const blank = marketOrder(newId(step), command.symbol, command.side, units);
  const order = fill(step, account, { ...blank, ...signature(sender), ...protection }, market.tick);
  return { code: 'done', orderId: order.id, positionId: order.positionId };
}

function place(step: Step, account: Account, sender: Sender, command: CommandOf<'pending'>): Answer {
  const market = tradable(step.exchange, command.symbol, 'open');
  if (isRefusal(market)) return market;
  const units = openingUnits(command.lots, market.listing);
  if (isRefusal(units)) return units;
  const resting = restingLevels(step, command, command, market);
  if (isRefusal(resting)) return resting;
  const blank = marketOrder(newId(step), command.symbol, command.side, units);
  const order = recordOrder(step, account, { ...blank, ...signature(sender), ...resting, type: command.type });
  return { code: 'done', orderId: order.id, positionId: null };
}

function amend(step: Step, account: Account, command: CommandOf<'amend'>): Answer {
  const order = account.working.get(command.orderId);
  if (order === undefined) return noOrder(command.orderId);
  const market = tradable(step.exchange, order.symbol, 'close');
  if (isRefusal(market)) return market;
  const type = order.type === 'STOP' ? 'STOP' : 'LIMIT';
  const resting = restingLevels(step, command, { side: order.side, type }, market);
  if (isRefusal(resting)) return resting;
  if (sameLevels(order, resting) && order.price === resting.price && order.expiresAt === resting.expiresAt) {
    return refuse('no-changes', `order ${order.id} stands like that already`);
  }
  const caught = frozen(market, exitPoints(order.side, market.tick), [order.price]);
  if (caught !== null) return caught;
  recordOrder(step, account, { ...order, ...resting });
  return { code: 'done', orderId: order.id, positionId: null };
}

function cancel(step: Step, account: Account, command: CommandOf<'cancel'>): Answer {
  const order = account.working.get(command.orderId);
  if (order === undefined) return noOrder(command.orderId);
  const market = tradable(step.exchange, order.symbol, 'close');
  if (isRefusal(market)) return market;
  const caught = frozen(market, exitPoints(order.side, market.tick), [order.price]);
  if (caught !== null) return caught;
  recordOrder(step, account, { ...order, state: 'CANCELLED' });
  return { code: 'done', orderId: order.id, positionId: null };
}

function close(step: Step, account: Account, sender: Sender, command: CommandOf<'close'>): Answer {
  const position = account.positions.get(command.positionId);
  if (position === undefined) return noPosition(command.positionId);
  const market = tradable(step.exchange, position.symbol, 'close');
  if (isRefusal(market)) return market;
  const units = closingUnits(command.lots, listed(position.symbol), position.units);
  if (isRefusal(units)) return units;
  const order = closeUnits(step, account, position, { units, ...signature(sender) }, market.tick);
  return { code: 'done', orderId: order.id, positionId: position.id };
}

function modify(step: Step, account: Account, command: CommandOf<'modify'>): Answer {
  const position = account.positions.get(command.positionId);
  if (position === undefined) return noPosition(command.positionId);
  const market = tradable(step.exchange, position.symbol, 'close');
  if (isRefusal(market)) return market;
  const exit = exitPoints(position.side, market.tick);
  // An unchanged leg may stand closer than the stops level by now: only a changed one is measured.
  const asked = levels(command, position.side, exit, market.listing, position);
  if (isRefusal(asked)) return asked;
  if (sameLevels(position, asked))
    return refuse('no-changes', `position ${position.id} is protected like that already`);
  const caught = frozen(market, exit, [position.stop, position.target]);
  if (caught !== null) return caught;
  recordPosition(step, account, { ...position, ...asked });
  return { code: 'done', orderId: null, positionId: position.id };
}

interface RestingLevels extends LevelsInPoints {
  readonly price: number;
  readonly expiresAt: number | null;
}

function restingLevels(
  step: Step,
  asked: CommandOf<'amend'> | CommandOf<'pending'>,
  order: Pick<CommandOf<'pending'>, 'side' | 'type'>,
  market: Market,
): RestingLevels | Refusal {
  const price = restingPrice({ price: asked.price, ...pickSide(order) }, market);
  if (isRefusal(price)) return price;
  const protection = levels(asked, order.side, price, market.listing);
  if (isRefusal(protection)) return protection;
  const { expiresAt } = asked;
  if (expiresAt !== null && expiresAt <= step.exchange.time) return refuse('other', `expiry ${expiresAt} has passed`);
  return { ...protection, price, expiresAt };
}

const pickSide = ({ side, type }: Pick<CommandOf<'pending'>, 'side' | 'type'>) => ({ side, type });

function signature(sender: Sender): Pick<Order, 'tag' | 'comment' | 'reason'> {
  return { tag: sender.shownTag, comment: sender.comment, reason: sender.reason };
}

const sameLevels = (left: LevelsInPoints, right: LevelsInPoints) =>
  left.stop === right.stop && left.target === right.target;

const noOrder = (id: string) => refuse('order-not-found', `no working order ${id}`);
const noPosition = (id: string) => refuse('position-not-found', `no open position ${id}`);
