/** What is under way, at the bottom of the page: its progress, a way to cancel it, and what came of it. */
import { h } from '../../../src/cli/report/page/dom.ts'
import { bytesText } from '../../../src/cli/units.ts'
import type { ProgressNote } from '../protocol.ts'
import { CancelledError, type CallOptions } from './client.ts'

/** Work that takes less is not shown, in milliseconds. */
const PATIENCE = 250
/** Progress is read out this often at most, in milliseconds. */
const SAID_INTERVAL = 5000

export class Tasks {
  readonly element: HTMLElement
  readonly #list = h('div', { class: 'tasks' })
  /** Read out as it changes. */
  readonly #said = h('p', { class: 'said', role: 'status' })
  readonly #failure = h('div', { class: 'failure', role: 'alert' })

  constructor() {
    this.element = h('div', { class: 'dock' }, this.#failure, this.#list, this.#said)
  }

  /** Says something that does not stay. */
  say(text: string): void {
    this.#said.textContent = text
  }

  fail(error: unknown): void {
    if (error instanceof CancelledError) {
      this.say('Cancelled')
      return
    }
    const close = h('button', { type: 'button', class: 'quiet', label: 'Close the message' }, '×')
    close.addEventListener('click', () => this.#failure.replaceChildren())
    this.#failure.replaceChildren(h('p', {}, error instanceof Error ? error.message : String(error)), close)
  }

  /**
   * Does some work and shows its progress. What goes wrong is shown, too.
   *
   * @returns undefined when it has failed or was cancelled
   */
  async run<T>(title: string, work: (options: CallOptions) => Promise<T>): Promise<T | undefined> {
    this.#failure.replaceChildren()
    const cancelling = new AbortController()
    const row = taskRow(title, () => cancelling.abort())
    const timer = setTimeout(() => this.#list.append(row.element), PATIENCE)
    let said = performance.now()
    try {
      return await work({
        signal: cancelling.signal,
        onProgress: (progress) => {
          const text = row.update(progress)
          if (performance.now() - said < SAID_INTERVAL) return
          said = performance.now()
          this.say(`${title}: ${text}`)
        },
      })
    } catch (error) {
      this.fail(error)
      return undefined
    } finally {
      clearTimeout(timer)
      row.element.remove()
    }
  }
}

function taskRow(title: string, onCancel: () => void) {
  const text = h('span', { class: 'task-text' }, title)
  const bar = h('progress', { label: title })
  const cancel = h('button', { type: 'button', label: `Cancel: ${title}` }, 'Cancel')
  cancel.addEventListener('click', () => {
    cancel.disabled = true
    onCancel()
  })
  const element = h('div', { class: 'task' }, text, bar, cancel)
  return {
    element,
    update({ step, done, total }: ProgressNote): string {
      if (total === undefined || total === 0) bar.removeAttribute('value')
      else {
        bar.max = total
        bar.value = Math.min(done, total)
      }
      const share = total === undefined || total === 0 ? '' : `, ${Math.floor((100 * done) / total)} %`
      const amount = step === 'comparing' ? `${done.toLocaleString('en-US')} entries` : bytesText(done)
      const told = done === 0 ? step : `${step}, ${amount}${share}`
      text.textContent = told
      return told
    },
  }
}
