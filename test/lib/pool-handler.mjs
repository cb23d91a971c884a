/** A handler for the tests of the worker pool: the job says what is to happen. */
export const createHandler = async (setup) => (memory, job) => {
  const words = new Int32Array(memory)
  if (job === -1) throw new Error('this job was bound to fail')
  if (job === -2) process.exit(7)
  if (job === -3) for (;;) Atomics.wait(words, 1, words[1])
  if (job === -4) throw new Error(`set up with ${setup}`)
  words[0] += job
}
