import { describe, expect, test } from 'vitest'
import type * as Module from '../../src/lib/worker-pool.ts'

// Threads run files of dist/.
const built = new URL('../../dist/lib/worker-pool.js', import.meta.url).href
const { WorkerPool } = (await import(built)) as typeof Module

const FAIL = -1
const EXIT = -2
const HANG = -3
const SAY_SETUP = -4

async function withPool(
  workers: number,
  work: (pool: Module.WorkerPool, memories: SharedArrayBuffer[]) => Promise<void>,
  module = new URL('./pool-handler.mjs', import.meta.url),
) {
  const memories = Array.from({ length: 8 }, () => new SharedArrayBuffer(64))
  const pool = new WorkerPool({ workers, module, setup: 'this', memories })
  try {
    await work(pool, memories)
  } finally {
    await pool.close()
  }
}

describe('a worker pool', () => {
  test.each([1, 3])('does jobs in shared memory, %i at a time', async (workers) => {
    await withPool(workers, async (pool, memories) => {
      const jobs = Array.from({ length: 800 }, (_, i) => pool.run(i % 8, 1 + (i % 8)))
      await Promise.all(jobs)
      expect(memories.map((memory) => new Int32Array(memory)[0])).toEqual(
        workers === 1 ? [100, 200, 300, 400, 500, 600, 700, 800] : expect.any(Array),
      )
    })
  })

  test('a job that fails rejects its promise and no other', async () => {
    await withPool(2, async (pool) => {
      const results = await Promise.allSettled([
        pool.run(0, 1),
        pool.run(1, FAIL),
        pool.run(2, 1),
        pool.run(3, 1),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      await expect(pool.run(1, FAIL)).rejects.toThrow('this job was bound to fail')
    })
  })

  test('what its threads are set up with reaches them', async () => {
    await withPool(1, async (pool) => {
      await expect(pool.run(0, SAY_SETUP)).rejects.toThrow('set up with this')
    })
  })

  test('a thread that ends takes the whole pool with it, and nothing hangs', async () => {
    await withPool(2, async (pool) => {
      const jobs = [pool.run(0, EXIT), pool.run(1, HANG), pool.run(2, 1), pool.run(3, 1)]
      const results = await Promise.allSettled(jobs)
      expect(results[0]).toMatchObject({ reason: { message: 'a worker thread ended with code 7' } })
      await expect(pool.run(4, 1)).rejects.toThrow('ended with code 7')
    })
  })

  test('closing it ends threads in the middle of a job', async () => {
    await withPool(2, async (pool) => {
      const hanging = Promise.allSettled([pool.run(0, HANG), pool.run(1, HANG), pool.run(2, 1)])
      await pool.close()
      expect((await hanging).every(({ status }) => status === 'rejected')).toBe(true)
    })
  })

  test('a module that cannot be loaded fails every job', async () => {
    const missing = new URL('./no-such-handler.mjs', import.meta.url)
    await withPool(1, (pool) => expect(pool.run(0, 1)).rejects.toThrow('no-such-handler'), missing)
  })
})
