// @ts-check
/** Which rows show avatar and name, and where days begin. Pure; the server has the same rule. */

/** Rows of one author this close belong together. */
export const TOGETHER_MS = 5 * 60 * 1000;

/**
 * What grouping needs to know of a row.
 * @typedef {{owner: number, at: number, day: string, reply: boolean}} Place
 */

/**
 * How a row stands below its neighbour.
 * @param {Place | null} before the row above, if any
 * @param {Place} row
 * @returns {{head: boolean, day: boolean}} `head`: shows avatar and name; `day`: a day pill stands above
 */
export function grouping(before, row) {
  const day = before === null || before.day !== row.day;
  const together = before !== null && !day && !row.reply && before.owner === row.owner
    && row.at - before.at < TOGETHER_MS && row.at >= before.at;
  return { head: !together, day };
}
