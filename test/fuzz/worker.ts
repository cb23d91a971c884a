/** Fuzzes one target. A thread of its own, so that one that hangs can be ended. */
import { parentPort, workerData } from 'node:worker_threads'
import { Fuzzer } from './engine.ts'
import { Shared, type WorkerMessage, type WorkerOrders } from './protocol.ts'
import { TARGETS } from './targets.ts'

const { target, seed, executions, milliseconds, shared, bytes } = workerData as WorkerOrders
const numbers = new Int32Array(shared)
const copy = new Uint8Array(bytes)
const end = milliseconds === undefined ? Infinity : performance.now() + milliseconds
const post = (message: WorkerMessage) => parentPort!.postMessage(message)

const counters = Reflect.get(globalThis, '__fuzzCounters') as Uint8Array
const status = await new Fuzzer(
  TARGETS.find(({ name }) => name === target)!,
  seed,
  counters,
  {
    onInput(input) {
      copy.set(input)
      numbers[Shared.length] = input.length
      Atomics.add(numbers, Shared.executions, 1)
    },
    onCrasher: (input, fault) => post({ kind: 'crasher', input, fault: fault.stack ?? String(fault) }),
    onStatus: (status) => post({ kind: 'status', status }),
    isOver: (count) => count >= (executions ?? Infinity) || performance.now() >= end,
  },
).run()
post({ kind: 'end', status })
