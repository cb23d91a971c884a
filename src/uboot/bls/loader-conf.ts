/** loader/loader.conf: the settings of systemd-boot. (loader.conf(5)) */
import { confLines } from './entry.ts'

export interface LoaderConf {
  /** Seconds until the default entry is booted; `menu-force` waits for ever, `menu-hidden` shows no menu. Default: 0. */
  timeout?: number | 'menu-force' | 'menu-hidden' | 'menu-disabled' | undefined
  /** Id of the entry that is booted without a choice, or a pattern of the shell. */
  default?: string | undefined
  /** As `default`, which it precedes, unless the entry has no tries left. (systemd 260) */
  preferred?: string | undefined
  /** Whether command lines can be changed in the menu. Default: true. */
  editor?: boolean | undefined
  /** `keep`, `auto`, `max`, or the number of a mode. */
  consoleMode?: string | undefined
}

/** The settings, with everything that is ignored, a sentence each. */
export interface ParsedLoaderConf extends LoaderConf {
  problems: readonly string[]
}

const CONSOLE_MODE = /^(auto|max|keep|\d+)$/
const BOOLEAN = /^(1|0|yes|no|y|n|true|false|t|f|on|off)$/i
const TRUE = /^(1|yes|y|true|t|on)$/i
/** Keys that say nothing about what is booted, with the form of their values. */
const OTHER_KEYS: Readonly<Record<string, RegExp>> = {
  'auto-entries': BOOLEAN,
  'auto-firmware': BOOLEAN,
  'auto-poweroff': BOOLEAN,
  'auto-reboot': BOOLEAN,
  beep: BOOLEAN,
  'secure-boot-enroll': /^(off|manual|if-safe|force)$/,
  'secure-boot-enroll-action': /^(reboot|shutdown)$/,
  'secure-boot-enroll-timeout-sec': /^(\d+|hidden)$/,
  'reboot-for-bitlocker': BOOLEAN,
  'reboot-on-error': /^(yes|no|auto|1|0|true|false|on|off)$/i,
  sysfail: /./,
  'log-level': /./,
}

/** The text of a loader.conf, as NixOS writes it. */
export function formatLoaderConf({
  timeout,
  preferred,
  default: chosen,
  editor,
  consoleMode,
}: LoaderConf): string {
  const lines = [
    ...(timeout === undefined ? [] : [`timeout ${timeout}`]),
    ...(preferred === undefined ? [] : [`preferred ${preferred}`]),
    ...(chosen === undefined ? [] : [`default ${chosen}`]),
    ...(editor === false ? ['editor 0'] : []),
    ...(consoleMode === undefined ? [] : [`console-mode ${consoleMode}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Reads settings as systemd-boot does; what it cannot read it ignores. */
export function parseLoaderConf(text: string): ParsedLoaderConf {
  const conf: LoaderConf = {}
  const problems: string[] = []
  for (const { number, key, value } of confLines(text)) {
    const bad = (expected: string) => {
      problems.push(`line ${number}: ${key} ${JSON.stringify(value)} is ignored: expected ${expected}`)
    }
    if (key === 'timeout') {
      if (/^\d+$/.test(value)) conf.timeout = Number(value)
      else if (value === 'menu-force' || value === 'menu-hidden' || value === 'menu-disabled')
        conf.timeout = value
      else bad('seconds, menu-force, menu-hidden or menu-disabled')
    } else if (key === 'default' || key === 'preferred') conf[key] = value
    else if (key === 'editor') {
      if (BOOLEAN.test(value)) conf.editor = TRUE.test(value)
      else bad('yes or no')
    } else if (key === 'console-mode') {
      if (CONSOLE_MODE.test(value)) conf.consoleMode = value
      else bad('auto, keep, max or a number')
    } else if (!(key in OTHER_KEYS)) problems.push(`line ${number}: the key ${key} is unknown, and ignored`)
    else if (!OTHER_KEYS[key].test(value)) bad('another value')
  }
  return { ...conf, problems }
}
