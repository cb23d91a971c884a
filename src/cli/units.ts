/** Rounded amounts with units, for people. `formatSize` gives exact ones. */
import { counted, nounFor } from '../lib/counted.ts'

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.2 GiB`, `512 MiB`, `37 bytes` */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return counted(bytes, 'byte')
  let amount = bytes
  let unit = 0
  // 1023.96 KiB would be rounded up to 1024.0 KiB.
  while (amount >= (unit === 0 ? 1024 : 1023.95) && unit < UNITS.length - 1) {
    amount /= 1024
    unit++
  }
  const digits = unit === 0 || Number.isInteger(amount) || amount >= 100 ? 0 : 1
  return `${amount.toFixed(digits)} ${UNITS[unit]}`
}

/** `1,234`. Without Intl: loading its data takes longer than everything else in a report. */
export function digitGroups(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `1,234 files`, `1 file` */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${digitGroups(count)} ${nounFor(count, one, many)}`
}

/** `3.4 s`, `2 min 5 s`, `1 h 2 min` */
export function secondsText(seconds: number, digits = 1): string {
  if (seconds < 60) return `${seconds.toFixed(digits)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Rows with their columns aligned to the left, without spaces at the ends. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i].length)))
  return rows
    .map((row) => `${indent}${row.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`.trimEnd())
    .join('\n')
}
