export { session } from './session.workflow.ts';
export { trade } from './trade.workflow.ts';
