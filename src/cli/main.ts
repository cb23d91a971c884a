#!/usr/bin/env node
import { EXIT } from './exit.ts'
import { run } from './program.ts'

const code = await run(process.argv.slice(2))
process.exitCode = code
// After a signal, do not wait for a reader to take what standard output still holds.
if (code > EXIT.signal) process.exit()
