/** Starts the fuzzer for each target, watches over it, and stores what it finds. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Shared, type WorkerMessage, type WorkerOrders } from './protocol.ts'
import type { FuzzTarget } from './target.ts'
import { TARGETS } from './targets.ts'

/** CPU time of one execution after which it counts as hung, in microseconds. */
const HANG = 60_000_000
/** Bytes of memory that all of this may take. */
const MAX_MEMORY = 1 << 30
const LOOK_INTERVAL = 200
const REPORT_INTERVAL = 10_000
/** Bytes of the longest input. */
const MAX_INPUT = 1 << 20

export interface FuzzPlaces {
  /** The compiled worker. */
  worker: string
  /** Folder for crashers. */
  crashers: string
}

/** @returns the exit code: 1 when a fault was found */
export async function supervise(args: readonly string[], places: FuzzPlaces): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: { type: 'string', multiple: true },
      minutes: { type: 'string' },
      executions: { type: 'string' },
      seed: { type: 'string', default: '1' },
      crashers: { type: 'string', default: places.crashers },
    },
  })
  const unknown = values.target?.find((name) => !TARGETS.some((target) => target.name === name))
  if (unknown !== undefined) {
    throw new Error(`no target ${unknown}: expected ${TARGETS.map(({ name }) => name).join(', ')}`)
  }
  const targets = TARGETS.filter(({ name }) => values.target?.includes(name) ?? true)
  const milliseconds =
    values.minutes === undefined ? undefined : (Number(values.minutes) * 60_000) / targets.length
  const executions = values.executions === undefined ? undefined : Number(values.executions)
  let crashers = 0
  for (const target of targets) {
    crashers += await fuzz(
      target,
      { ...places, crashers: values.crashers },
      {
        seed: Number(values.seed),
        milliseconds,
        executions: executions ?? (milliseconds === undefined ? target.executions : undefined),
      },
    )
  }
  return crashers === 0 ? 0 : 1
}

/** @returns the number of crashers */
async function fuzz(
  { name }: FuzzTarget,
  places: FuzzPlaces,
  limits: Pick<WorkerOrders, 'seed' | 'executions' | 'milliseconds'>,
): Promise<number> {
  const shared = new SharedArrayBuffer(64)
  const bytes = new SharedArrayBuffer(MAX_INPUT)
  const numbers = new Int32Array(shared)
  const workerData: WorkerOrders = { target: name, ...limits, shared, bytes }
  const worker = new Worker(places.worker, {
    workerData,
    execArgv: ['--enable-source-maps'],
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  })
  const begin = performance.now()
  let reported = begin
  let crashers = 0
  let isEnded = false

  const print = (text: string) => process.stdout.write(`${name}: ${text}\n`)
  const store = (input: Uint8Array, fault: string) => {
    crashers++
    const folder = join(places.crashers, name)
    mkdirSync(folder, { recursive: true })
    const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16))
    writeFileSync(path, input)
    print(`FAULT, stored as ${path}\n${fault}`)
  }
  const storeLast = (fault: string) => store(new Uint8Array(bytes).slice(0, numbers[Shared.length]), fault)

  print(`seed ${limits.seed}`)
  worker.on('message', (message: WorkerMessage) => {
    if (message.kind === 'crasher') return store(message.input, message.fault)
    const now = performance.now()
    if (message.kind === 'status' && now < reported + REPORT_INTERVAL) return
    reported = now
    isEnded = message.kind === 'end'
    const { executions, corpus, blocks, slowest } = message.status
    const speed = Math.round(executions / ((now - begin) / 1000))
    print(
      `${executions} executions, ${speed}/s, corpus ${corpus}, ${blocks} blocks, slowest ${Math.round(slowest)} ms, ${crashers} faults`,
    )
  })

  let lastExecution = -1
  let cpuThen = 0
  const look = setInterval(() => {
    const { user, system } = process.cpuUsage()
    const cpu = user + system
    if (numbers[Shared.executions] !== lastExecution) {
      lastExecution = numbers[Shared.executions]
      cpuThen = cpu
    }
    const isHung = cpu - cpuThen > HANG
    const memory = process.memoryUsage.rss()
    if (!isHung && memory <= MAX_MEMORY) return
    clearInterval(look)
    storeLast(isHung ? 'it hangs' : `it takes ${memory} bytes of memory`)
    isEnded = true
    void worker.terminate()
  }, LOOK_INTERVAL)

  await new Promise<void>((resolve) => {
    worker.on('error', (error) => {
      storeLast(error.stack ?? String(error))
      isEnded = true
    })
    worker.on('exit', () => resolve())
  })
  clearInterval(look)
  if (!isEnded) storeLast('it waits for something that never comes')
  return crashers
}
