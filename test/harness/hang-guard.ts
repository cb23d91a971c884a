/** Ends a test run that hangs. Single tests have no time limit. */
import type { Plugin } from 'vite'
import type { Reporter, TestCase } from 'vitest/node'
import { cpuTicks, descendants, STALL_MS, watchForStall } from './stall.ts'

/** Milliseconds without any result after which even a run that uses the processor counts as hung: in an endless loop. */
const LOOP_MS = 3 * 60 * 60_000

/** A plugin of Vitest: reporters that are given on the command line leave it in place. */
export function hangGuard(): Plugin {
  return {
    name: 'hang-guard',
    configureVitest({ vitest }) {
      vitest.config.reporters.push(new HangGuard())
    },
  }
}

class HangGuard implements Reporter {
  readonly #running = new Set<TestCase>()
  #events = 0
  #stopWatching: (() => void)[] = []

  onTestRunStart(): void {
    this.#stopWatching.forEach((stop) => stop())
    const end = (why: string) => () => this.#end(why)
    this.#stopWatching = [
      watchForStall(
        // This process itself does not count: watching takes time, too.
        () => `${this.#events} ${cpuTicks(descendants(process.pid))}`,
        end('nothing was reported, and no process did anything'),
        STALL_MS,
      ),
      watchForStall(() => this.#events, end('no test ended'), LOOP_MS),
    ]
  }

  onTestModuleStart(): void {
    this.#events++
  }

  onTestCaseReady(test: TestCase): void {
    this.#events++
    this.#running.add(test)
  }

  onTestCaseResult(test: TestCase): void {
    this.#events++
    this.#running.delete(test)
  }

  onTestRunEnd(): void {
    this.#stopWatching.forEach((stop) => stop())
  }

  #end(why: string): void {
    const names = [...this.#running].map((test) => `  ${test.module.relativeModuleId}: ${test.fullName}`)
    process.stderr.write(`\n*** THE TEST RUN HANGS: ${why}. Running:\n${names.join('\n')}\n`)
    for (const pid of descendants(process.pid).reverse()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
    process.exit(1)
  }
}
