/** Times in the format of ISO 8601, in UTC. */

/** The last second that Date knows. */
const MAX_DATE = 8_640_000_000_000

/** `2023-11-14T22:13:20Z`, or `@SECONDS` beyond the range of Date. */
export function formatTime({ sec }: { sec: number }): string {
  if (Math.abs(sec) > MAX_DATE) return `@${sec}`
  return new Date(sec * 1000).toISOString().replace('.000Z', 'Z')
}

/** The same with nine digits of a second. */
export function exactTimeText(time: { sec: number; nsec: number }): string {
  const fraction = `.${String(time.nsec).padStart(9, '0')}`
  const seconds = formatTime(time)
  return seconds.startsWith('@') ? `${seconds}${fraction}` : seconds.replace(/Z$/, `${fraction}Z`)
}
