/** What is made when it is first asked for, and kept. */
export interface Lazy<T> {
  /** Undefined until it has been made. */
  readonly value: T | undefined;
  /** Those who ask meanwhile wait for the same; after a failure, which they all are told, the next one tries anew. */
  load(): Promise<T>;
}

/** For what most runs never need, with the modules that it is made of: `make` imports them. */
export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let value: T | undefined;
  let loading: Promise<T> | undefined;
  const run = async (): Promise<T> => {
    try {
      value = await make();
      return value;
    } catch (error) {
      loading = undefined;
      throw error;
    }
  };
  return {
    get value() {
      return value;
    },
    load: () => (loading ??= run()),
  };
}
