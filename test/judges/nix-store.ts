/** Nix's own commands for stores, in stores that lie in folders of their own. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buildWithNix } from './nix.ts'
import { mustRun, requireJudge, runTool, type ToolResult } from './run-tool.ts'

const ENVIRONMENT = {
  NIX_CONFIG: 'build-users-group =\nsubstituters =\nexperimental-features = nix-command',
}

export function canJudgeStores(): boolean {
  return requireJudge('nix-store')
}

/** A chroot store: its store paths are called /nix/store/..., and lie below `root`. */
export class ChrootStore {
  readonly root: string

  constructor(root: string) {
    this.root = root
    mkdirSync(join(root, 'nix/store'), { recursive: true })
  }

  /** Where its store paths lie. */
  get directory(): string {
    return join(this.root, 'nix/store')
  }

  /** Names of what lies there, valid or not, but for Nix's own folder. */
  get names(): string[] {
    return readdirSync(this.directory)
      .filter((name) => !name.startsWith('.'))
      .sort()
  }

  /** @returns what it prints, without the end of the last line */
  async run(command: string, args: readonly string[], input?: string | Uint8Array): Promise<string> {
    const options = { env: ENVIRONMENT, ...(input !== undefined && { input }) }
    const { stdout } = await mustRun(command, [...args, '--store', this.root], options)
    return stdout.trimEnd()
  }

  try(command: string, args: readonly string[]): Promise<ToolResult> {
    return runTool(command, [...args, '--store', this.root], { env: ENVIRONMENT })
  }

  /** The store paths that one refers to, directly or not, and itself. */
  async closureOf(...paths: string[]): Promise<string[]> {
    return (await this.run('nix-store', ['--query', '--requisites', ...paths])).split('\n').sort()
  }
}

/**
 * Builds a library and a program: the library refers to itself, the program to both of them, in a script, in a name of a
 * symlink's target, and in a file that is larger than a piece that is read.
 *
 * @returns the store and /nix/store/...-app
 */
export async function buildClosure(root: string): Promise<{ store: ChrootStore; app: string; lib: string }> {
  // Bash stays the last program: one in its place closes its output before it ends, and Nix then kills it.
  const script = (text: string) =>
    JSON.stringify(`export PATH=/usr/bin:/bin; set -e; ${text}; exit 0`).replaceAll('$', '\\$')
  const derivation = (name: string, text: string, more = '') =>
    `derivation { name = "${name}"; system = builtins.currentSystem; builder = "/bin/bash"; args = [ "-c" ${script(text)} ]; ${more} }`
  const lib = derivation(
    'lib-1.0',
    'mkdir -p $out/lib $out/empty; echo self $out > $out/lib/self; echo code > $out/lib/a.so; ln -s a.so $out/lib/b.so; cp $out/lib/a.so "$out/lib/é x"',
  )
  const app = derivation(
    'app',
    'mkdir -p $out/bin; printf "#!/bin/sh\\necho $out\\n" > $out/bin/app; chmod +x $out/bin/app; ln -s $lib/lib/a.so $out/link; (head -c 300000 /dev/zero; echo $lib; head -c 1000003 /dev/zero | tr "\\0" "0") > $out/large',
    'inherit lib;',
  )
  const [path] = await buildWithNix(root, `let lib = ${lib}; in ${app}`)
  const store = new ChrootStore(root)
  const libPath = store.names.find((name) => name.endsWith('-lib-1.0'))!
  return { store, app: `/nix/store/${basename(path)}`, lib: `/nix/store/${libPath}` }
}

/** Bytes that a command prints. */
export function outputOf(command: string, args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (piece: Buffer) => stdout.push(piece))
    child.stderr.on('data', (piece: Buffer) => stderr.push(piece))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(stdout))
      else reject(new Error(`${command} ${args.join(' ')}: ${Buffer.concat(stderr).toString()}`))
    })
  })
}

/** The NAR that `nix-store --dump` writes of a directory, file or symlink. */
export function dumpNar(path: string): Promise<Buffer> {
  return outputOf('nix-store', ['--dump', path])
}

/** Unpacks a NAR as `nix-store --restore` does. */
export async function restoreNar(nar: Uint8Array, target: string): Promise<void> {
  await mustRun('nix-store', ['--restore', target], { env: ENVIRONMENT, input: nar })
}
