/** A handler for the tests of the worker pool: the number of the job says what happens. */
import { CorruptError, DoesNotFitError, InputError } from '../../dist/lib/errors.js'

const ERRORS = {
  '-5': () => new CorruptError('superblock', 65536, { expected: 1, found: 2 }),
  '-6': () => new DoesNotFitError('partition 2', { needed: 5, available: 4 }),
  '-7': () =>
    new InputError('damaged', { source: 'a.tar', offset: 512 }, { cause: new RangeError('out of range') }),
  '-8': () => Object.assign(new TypeError('no such thing'), { code: 'ENOENT', callback: () => undefined }),
}

export const createHandler = async (setup) => (memory, job) => {
  const words = new Int32Array(memory)
  if (job === -1) throw new Error('this job was bound to fail')
  if (job === -2) process.exit(7)
  if (job === -3) for (;;) Atomics.wait(words, 1, words[1])
  if (job === -4) throw new Error(`set up with ${setup}`)
  if (job in ERRORS) throw ERRORS[job]()
  if (job === -9) throw 'a string'
  words[0] += job
}
