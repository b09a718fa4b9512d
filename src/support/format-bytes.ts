const units = ['KiB', 'MiB', 'GiB'] as const

/** Returns a number of bytes for people, in binary units with at most one decimal: `512 bytes`, `1.2 KiB`, `10 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  let value = bytes / 1024
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}
