#!/usr/bin/env node
import { EXIT } from './exit.ts'
import { run } from './run.ts'

const code = await run(process.argv.slice(2))
process.exitCode = code
// After a signal nothing is waited for any more, not even a reader of what standard output still holds.
if (code > EXIT.signal) process.exit()
