import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, describe, expect, test } from 'vitest'
import type * as Errors from '../../src/lib/errors.ts'
import type { Finding } from '../../src/lib/finding.ts'
import type * as Module from '../../src/lib/worker-pool.ts'
import { mustRun } from '../judges/run-tool.ts'

// Threads run files of dist/.
const built = (path: string) => new URL(`../../dist/lib/${path}`, import.meta.url).href
const { WorkerPool } = (await import(built('worker-pool.js'))) as typeof Module
const { CorruptError, DoesNotFitError, InputError } = (await import(built('errors.js'))) as typeof Errors

const FAIL = -1
const EXIT = -2
const HANG = -3
const SAY_SETUP = -4
const CORRUPT = -5
const DOES_NOT_FIT = -6
const WITH_CAUSE = -7
const SYSTEM_ERROR = -8
const THROW_TEXT = -9

const HANDLER = new URL('./pool-handler.mjs', import.meta.url)
const MISSING = new URL('./no-such-handler.mjs', import.meta.url)
const load = (url: URL) => () => import(url.href) as Promise<Module.HandlerModule>

interface Handlers {
  module?: () => URL
  loaded?: URL
}

async function withPool(
  workers: number,
  work: (pool: Module.WorkerPool, memories: SharedArrayBuffer[], findings: Finding[]) => Promise<void>,
  { module = () => HANDLER, loaded = HANDLER }: Handlers = {},
) {
  const memories = Array.from({ length: 8 }, () => new SharedArrayBuffer(64))
  const findings: Finding[] = []
  const onFinding = (finding: Finding) => void findings.push(finding)
  const options = { workers, module, load: load(loaded), setup: 'this', memories, onFinding }
  const pool = new WorkerPool(options)
  try {
    await work(pool, memories, findings)
  } finally {
    await pool.close()
  }
}

/** Does one job. */
async function run(pool: Module.WorkerPool, memory: number, job: number): Promise<void> {
  pool.start(memory, job)
  await pool.finish(memory)
}

/** Does jobs in the first eight memories, one of each at a time. */
async function runMany(pool: Module.WorkerPool, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let memory = 0; memory < 8; memory++) pool.start(memory, 1 + memory)
    for (let memory = 0; memory < 8; memory++) await pool.finish(memory)
  }
}

async function errorOf(job: Promise<void>): Promise<Error> {
  return job.then(
    () => new Error('it was done'),
    (error: unknown) => error as Error,
  )
}

describe('a worker pool', () => {
  test.each([1, 3])('does jobs in shared memory, %i at a time', async (workers) => {
    await withPool(workers, async (pool, memories) => {
      await runMany(pool, 100)
      expect(memories.map((memory) => new Int32Array(memory)[0])).toEqual([
        100, 200, 300, 400, 500, 600, 700, 800,
      ])
    })
  })

  test('a job that fails rejects its promise and no other', async () => {
    await withPool(2, async (pool) => {
      const results = await Promise.allSettled([
        run(pool, 0, 1),
        run(pool, 1, FAIL),
        run(pool, 2, 1),
        run(pool, 3, 1),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      await expect(run(pool, 1, FAIL)).rejects.toThrow('this job was bound to fail')
    })
  })

  test('what its threads are set up with reaches them', async () => {
    await withPool(1, async (pool) => {
      await expect(run(pool, 0, SAY_SETUP)).rejects.toThrow('set up with this')
    })
  })

  test('a thread that ends takes the whole pool with it, and nothing hangs', async () => {
    await withPool(2, async (pool) => {
      const jobs = [run(pool, 0, EXIT), run(pool, 1, HANG), run(pool, 2, 1), run(pool, 3, 1)]
      const results = await Promise.allSettled(jobs)
      expect(results[0]).toMatchObject({ reason: { message: 'a worker thread ended with code 7' } })
      await expect(run(pool, 4, 1)).rejects.toThrow('ended with code 7')
    })
  })

  test('closing it ends threads in the middle of a job', async () => {
    await withPool(2, async (pool) => {
      const hanging = Promise.allSettled([run(pool, 0, HANG), run(pool, 1, HANG), run(pool, 2, 1)])
      await pool.close()
      expect((await hanging).every(({ status }) => status === 'rejected')).toBe(true)
    })
  })

  test('the threads are started without a notice', async () => {
    await withPool(2, async (pool, _, findings) => {
      await Promise.all([run(pool, 0, 1), run(pool, 1, 1)])
      expect(findings).toEqual([])
    })
  })

  test('threads are started when there are jobs for them, and no more than it may have', async () => {
    let started = 0
    const module = () => {
      started++
      return HANDLER
    }
    await withPool(2, (pool) => Promise.resolve(expect(pool.finish(0)).toBeUndefined()), { module })
    expect(started).toBe(0)
    await withPool(
      2,
      async (pool) => {
        for (let i = 0; i < 3; i++) await run(pool, i, 1)
        expect(started).toBe(1)
        await runMany(pool, 2)
        expect(started).toBe(2)
      },
      { module },
    )
  })

  test('a memory has one job at a time', async () => {
    await withPool(1, async (pool) => {
      pool.start(0, 1)
      expect(() => pool.start(0, 1)).toThrow('memory 0: expected no job under way')
      await pool.finish(0)
    })
  })

  test('waiting for nothing takes no time', async () => {
    await withPool(1, async (pool) => {
      expect(pool.finish(0)).toBeUndefined()
      await run(pool, 0, 1)
      expect(pool.finish(0)).toBeUndefined()
    })
  })
})

describe.each([1, 0])('errors of jobs, %i threads', (workers) => {
  const thrown = async (job: number) => {
    let error = new Error('')
    await withPool(workers, async (pool) => {
      error = await errorOf(run(pool, 0, job))
    })
    return error
  }

  test('those of this project keep their class and fields', async () => {
    const corrupt = await thrown(CORRUPT)
    expect(corrupt).toBeInstanceOf(CorruptError)
    const fields = { name: 'CorruptError', code: 'CORRUPT', what: 'superblock', offset: 65536 }
    expect(corrupt).toMatchObject({ ...fields, expected: '1', found: '2' })
    expect(corrupt.message).toBe('superblock at offset 65536: expected 1, found 2')
    expect(await thrown(DOES_NOT_FIT)).toBeInstanceOf(DoesNotFitError)
    expect(await thrown(DOES_NOT_FIT)).toMatchObject({ needed: 5, available: 4 })
  })

  test('all keep their stack and cause', async () => {
    const error = await thrown(WITH_CAUSE)
    expect(error).toBeInstanceOf(InputError)
    expect(error.stack).toContain('pool-handler.mjs')
    expect(error.cause).toBeInstanceOf(RangeError)
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'out of range' })
  })

  test('those of JavaScript keep their class, and the code of the system', async () => {
    const error = await thrown(SYSTEM_ERROR)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ name: 'TypeError', message: 'no such thing', code: 'ENOENT' })
  })

  test('anything else that is thrown is a message', async () => {
    if (workers > 0) expect(await thrown(THROW_TEXT)).toMatchObject({ name: 'Error', message: 'a string' })
  })
})

describe('a pool whose threads cannot be started', () => {
  const works = (options: Handlers) =>
    withPool(
      3,
      async (pool, memories, findings) => {
        await runMany(pool, 10)
        expect(memories.map((memory) => new Int32Array(memory)[0])).toEqual([10, 20, 30, 40, 50, 60, 70, 80])
        await expect(run(pool, 0, SAY_SETUP)).rejects.toThrow('set up with this')
        await expect(run(pool, 0, FAIL)).rejects.toThrow('this job was bound to fail')
        expect(findings).toMatchObject([
          {
            severity: 'notice',
            where: 'worker threads',
            message: expect.stringContaining('the main thread does their work') as string,
          },
        ])
      },
      options,
    )

  test('works in the main thread when there is no module for threads', () => works({ module: () => MISSING }))

  test('works in the main thread when there is no place for one', () =>
    works({
      module: () => {
        throw new TypeError('import.meta.url is undefined')
      },
    }))

  test('fails every job when the module cannot be loaded there either', async () => {
    await withPool(1, (pool) => expect(run(pool, 0, 1)).rejects.toThrow('no-such-handler'), {
      module: () => MISSING,
      loaded: MISSING,
    })
  })
})

describe('a program in one file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const PROGRAM = `
    import { WorkerPool } from ${JSON.stringify(new URL(built('worker-pool.js')).pathname)}
    const memories = [new SharedArrayBuffer(64)]
    const pool = new WorkerPool({
      workers: 2,
      module: () => new URL('./pool-handler.mjs', import.meta.url),
      load: () => import(${JSON.stringify(HANDLER.pathname)}),
      memories,
      onFinding: ({ severity, where }) => console.log(severity + ': ' + where),
    })
    void (async () => {
      for (let i = 0; i < 10; i++) {
        pool.start(0, i)
        await pool.finish(0)
      }
      await pool.close()
      console.log(new Int32Array(memories[0])[0])
    })()
  `

  test.each(['esm', 'cjs'] as const)('%s: works, with a notice', async (format) => {
    const source = join(folder, 'program.mjs')
    const bundle = join(folder, format, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`)
    writeFileSync(source, PROGRAM)
    await build({
      entryPoints: [source],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'error',
    })
    const { stdout } = await mustRun(process.execPath, [bundle])
    expect(stdout.trim().split('\n')).toEqual(['notice: worker threads', '45'])
  })
})
