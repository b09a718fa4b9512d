/** Calls `work` for every item, for at most `jobs` items at once. Returns the results in the order of the items. */
export async function mapConcurrent<Item, Result>(
  jobs: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const runJob = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!)
    }
  }
  await Promise.all(Array.from({ length: jobs }, runJob))
  return results
}
