import { mustRun } from './run-tool.ts'

const TIME = /^\[\s*(\d+\.\d+)\]/

async function lines(): Promise<string[]> {
  return (await mustRun('dmesg', ['--color=never'])).stdout.split('\n')
}

/** The time of the last line of the kernel's log, in seconds since boot. */
export async function kernelLogEnd(): Promise<number> {
  return (await lines()).reduce((last, line) => Math.max(last, Number(TIME.exec(line)?.[1] ?? 0)), 0)
}

/** Kernel messages since then about this device or about the BTRFS code. */
export async function kernelComplaints(since: number, device: string): Promise<string[]> {
  const name = device.replace('/dev/', '')
  const ours = new RegExp(`\\(device ${name}[ )]`)
  return (await lines()).filter((line) => {
    const time = Number(TIME.exec(line)?.[1] ?? 0)
    if (time <= since) return false
    if (/(WARNING|BUG|Oops).*fs\/btrfs/.test(line)) return true
    return ours.test(line) && /BTRFS (warning|error|critical|alert|emergency)/i.test(line)
  })
}
