/** Who calls a host, and as what. */
export interface Caller {
  /** Name of the credential, never the credential. */
  readonly principal: string;
  readonly roles: readonly string[];
}

/** The role that may register and remove agents, and see everybody's jobs. */
export const ADMIN_ROLE = 'admin';
