/**
 * Tells work that hangs from work that is slow. A stall is a long time without any sign of progress; no test has a limit
 * on the time it takes, since that depends on what else the machine is doing.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds without a sign of progress after which work counts as hung. */
export const STALL_MS = 10 * 60_000
/**
 * Samples in a row that must show no change. Counting samples instead of reading a clock means that a machine that was
 * suspended, or that did not let this process run, is not taken for a stall.
 */
const SAMPLES = 60

/**
 * Calls `onStall` once `sign` has returned the same value for `stallMs`.
 *
 * @param sign anything that changes with each sign of progress
 * @returns stops watching
 */
export function watchForStall(
  sign: () => string | number,
  onStall: () => void,
  stallMs = STALL_MS,
): () => void {
  let last = sign()
  let unchanged = 0
  const timer = setInterval(() => {
    const now = sign()
    unchanged = now === last ? unchanged + 1 : 0
    last = now
    if (unchanged < SAMPLES) return
    clearInterval(timer)
    onStall()
  }, stallMs / SAMPLES)
  timer.unref()
  return () => clearInterval(timer)
}

/** The processes that `root` has started, and those they have started, from the oldest generation to the youngest. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>()
  for (const [pid, { parent }] of processes()) {
    const siblings = children.get(parent)
    if (siblings === undefined) children.set(parent, [pid])
    else siblings.push(pid)
  }
  const found = [...(children.get(root) ?? [])]
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i]) ?? []))
  return found
}

/** CPU time that processes have used, with that of their children that have ended, in clock ticks. 0 without /proc. */
export function cpuTicks(pids: readonly number[]): number {
  const all = new Map(processes())
  return pids.reduce((sum, pid) => sum + (all.get(pid)?.ticks ?? 0), 0)
}

/** Every process, from /proc/PID/stat. (proc_pid_stat(5)) */
function* processes(): Generator<[pid: number, { parent: number; ticks: number }]> {
  for (const name of process.platform === 'linux' ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(name)) continue
    let stat: string
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'latin1')
    } catch {
      continue // it has ended
    }
    // The name of the program, in parentheses, may hold spaces and parentheses. Field 3 follows it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const field = (number: number) => Number(fields[number - 3])
    // utime, stime, and those of children that have ended: cutime, cstime
    const ticks = field(14) + field(15) + field(16) + field(17)
    yield [Number(name), { parent: field(4), ticks }]
  }
}
