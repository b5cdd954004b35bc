export { retention } from './retention.workflow.ts';
export { session } from './session.workflow.ts';
export { trade } from './trade.workflow.ts';
