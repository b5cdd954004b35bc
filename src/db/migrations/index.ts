import { BookOfRecord } from './0001-book-of-record.ts';
import { LeastPrivilege } from './0002-least-privilege.ts';

/** In the order they are applied. A name, once released, never changes. */
export const migrationsList = [
  { name: '0001-book-of-record', class: BookOfRecord },
  { name: '0002-least-privilege', class: LeastPrivilege },
];
