/** Lets everything that waits on promises (not on time) run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
