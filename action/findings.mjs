/** The findings of a verification, the worst first, as lines of text. */
const RANKS = ['error', 'warning', 'notice']

/** @param {{ findings: object[], boot?: object[] }} verified what `diskwright verify --json` prints */
export function findingsOf({ findings, boot = [] }) {
  return [...findings, ...boot]
    .map(({ severity, partition, where, offset, message }) => ({
      severity,
      text: [
        ...(partition === undefined ? [] : [`partition ${partition}`]),
        offset === undefined ? where : `${where} at offset ${offset}`,
        message,
      ].join(': '),
    }))
    .sort((a, b) => RANKS.indexOf(a.severity) - RANKS.indexOf(b.severity))
}
