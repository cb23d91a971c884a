import { setFlagsFromString } from 'node:v8'

/**
 * Makes V8 inline less into the code that it optimizes: up to 150 bytes of bytecode instead of 920.
 *
 * A build ends before most inlining pays for the time that it takes to compile: with the default, a build takes 5 % more
 * processor time.
 */
export function limitInlining(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=150')
}
