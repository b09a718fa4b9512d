/** Does `work` for every item, `jobs` at a time; the results in the order of the items. */
export async function mapConcurrent<Item, Result>(
  jobs: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const takeTurns = async () => {
    while (next < items.length) {
      const turn = next++
      results[turn] = await work(items[turn]!)
    }
  }
  await Promise.all(Array.from({ length: jobs }, takeTurns))
  return results
}
