/**
 * Nix evaluates with a real Nixpkgs, where DISKWRIGHT_NIXPKGS says that one is (scripts/make-nixpkgs-tree.sh makes one).
 * Nothing of it is built. Where the machine's own Nix is too old for it, DISKWRIGHT_NIX is a command that runs its arguments
 * with another one.
 */
import { REPOSITORY } from './nix.ts'
import { mustRun, runTool } from './run-tool.ts'

export const NIXPKGS = process.env.DISKWRIGHT_NIXPKGS

/** Nobody has a Nixpkgs without asking for it: that there is none is no error, but it is said. */
export function hasNixpkgs(): boolean {
  if (NIXPKGS !== undefined) return true
  process.stderr.write(
    '\n*** SKIPPED: NOTHING IS EVALUATED WITH NIXPKGS: DISKWRIGHT_NIXPKGS IS NOT SET ***\n',
  )
  return false
}

/**
 * What an expression sees: `pkgs` of the machine that builds, `tools` with a stand-in for diskwright, and `systemWith`, which
 * makes a system of modules.
 */
const SCOPE = `
  let
    nixpkgs = ${NIXPKGS};
    pkgs = import nixpkgs { system = "x86_64-linux"; };
    inherit (pkgs) lib;
    tools = import ${REPOSITORY}/nix { inherit pkgs; diskwright = pkgs.hello; };
    systemOf = modules: import (nixpkgs + "/nixos/lib/eval-config.nix") { system = null; inherit modules; };
    systemWith = platform: settings: systemOf [
      ${REPOSITORY}/nix/module.nix
      { nixpkgs.hostPlatform = platform; system.stateVersion = "26.05"; diskwright.enable = true; }
      settings
    ];
    failedOf = config: map ({ message, ... }: message) (lib.filter ({ assertion, ... }: !assertion) config.assertions);
  in `

/** The value of an expression. */
export async function evaluateWithNixpkgs(expression: string): Promise<unknown> {
  const [command, ...args] = evaluation(expression)
  const { stdout } = await mustRun(command, args)
  return JSON.parse(stdout)
}

/** The message that evaluating an expression ends with. */
export async function nixpkgsErrorOf(expression: string): Promise<string> {
  const [command, ...args] = evaluation(expression)
  const { code, stderr } = await runTool(command, args)
  if (code === 0) throw new Error(`evaluated without an error: ${expression}`)
  return stderr
}

function evaluation(expression: string): string[] {
  const command = ['nix-instantiate', '--eval', '--strict', '--json', '-E', SCOPE + expression]
  return process.env.DISKWRIGHT_NIX === undefined ? command : [process.env.DISKWRIGHT_NIX, ...command]
}
