#!/usr/bin/env node
import { version } from './version.ts'

const args = process.argv.slice(2)

// The rest of the command takes longer to load than Node takes to start.
if (args.length === 1 && ['-v', '--version'].includes(args[0])) process.stdout.write(`${version()}\n`)
else void runCommand()

async function runCommand(): Promise<void> {
  const [{ run }, { EXIT }] = await Promise.all([import('./program.ts'), import('./exit.ts')])
  const code = await run(args)
  process.exitCode = code
  // After a signal, do not wait for a reader to take what standard output still holds.
  if (code > EXIT.signal) process.exit()
}
