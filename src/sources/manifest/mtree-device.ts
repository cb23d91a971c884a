/** Numbers of devices in mtree(5) manifests. */

export interface DeviceNumbers {
  major: number
  minor: number
}

/** How systems put both into one number; `native` and a plain number are Linux's here. */
const LINUX = (dev: bigint): DeviceNumbers => ({
  major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)),
  minor: Number((dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n)),
})
const FORMATS = new Set([
  'native',
  'linux',
  'netbsd',
  'freebsd',
  '386bsd',
  '4bsd',
  'bsdos',
  'hpux',
  'isc',
  'osf1',
  'sco',
  'solaris',
  'sunos',
  'svr3',
  'svr4',
  'ultrix',
])

const numberOf = (text: string) =>
  /^(?:0x[0-9a-fA-F]{1,16}|\d{1,20})$/.test(text) ? BigInt(text.replace(/^0(?=[0-7]+$)/, '0o')) : undefined

/**
 * `format,major,minor`, or a number.
 *
 * @returns undefined when it is neither, or too large for Linux
 */
export function parseDevice(text: string): DeviceNumbers | undefined {
  const parts = text.split(',')
  let device: DeviceNumbers | undefined
  if (parts.length === 1) {
    const number = numberOf(text)
    device = number === undefined ? undefined : LINUX(number)
  } else if (parts.length === 3 && FORMATS.has(parts[0])) {
    const [major, minor] = parts.slice(1).map(numberOf)
    if (major !== undefined && minor !== undefined) device = { major: Number(major), minor: Number(minor) }
  }
  return device !== undefined && device.major < 2 ** 12 && device.minor < 2 ** 20 ? device : undefined
}
