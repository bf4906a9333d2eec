/** What undoes each thing that was opened, in the order in which they were. */
export type CleanUp = (() => Promise<void>)[];

/**
 * Assembles something out of many parts. `close` undoes them all, the last one first, also when one of them fails, and then rejects
 * with the first failure. When `assemble` rejects, nothing is left behind.
 */
export async function withCleanUp<T>(
  assemble: (cleanUp: CleanUp, close: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const cleanUp: CleanUp = [];
  const close = async (): Promise<void> => {
    let failure: unknown;
    for (const step of cleanUp.splice(0).toReversed()) {
      try {
        await step();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  };
  try {
    return await assemble(cleanUp, close);
  } catch (error) {
    await close();
    throw error;
  }
}
