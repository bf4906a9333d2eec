import type { DatabaseSync } from 'node:sqlite';
import type { MustFit, StoreMethods, WriteMethods } from './thread.ts';

/** The table `registered_agents`: those that were registered over the network. */
export function agentTable(
  db: DatabaseSync,
  mustFit: MustFit,
): Pick<WriteMethods, 'register' | 'unregister'> & Pick<StoreMethods, 'registered'> {
  const put = db.prepare(
    `INSERT INTO registered_agents (id, registration, registered_at) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET registration = excluded.registration, registered_at = excluded.registered_at`,
  );
  const remove = db.prepare('DELETE FROM registered_agents WHERE id = ?');
  const all = db.prepare('SELECT id, registration FROM registered_agents ORDER BY seq');
  return {
    register({ id, registration, now }) {
      mustFit(registration.length);
      put.run(id, registration, now);
    },
    unregister: ({ id }) => void remove.run(id),
    registered: () => all.all().map((row) => ({ id: String(row['id']), registration: String(row['registration']) })),
  };
}
