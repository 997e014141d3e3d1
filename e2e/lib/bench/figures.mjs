// @ts-check
/** Numbers with their budgets. */

/** @typedef {{value: number | string, unit: string, budget: number | null, ok: boolean, note?: string}} Figure */

export class Figures {
  /** @type {Record<string, Figure>} */
  all = {};

  /**
   * Keeps a number that must not be above its budget; without one it is for the reader only.
   * @param {string} name @param {number} value @param {string} unit @param {number | null} [budget] @param {string} [note]
   */
  add(name, value, unit, budget = null, note) {
    const rounded = Math.round(value * 1000) / 1000;
    this.all[name] = { value: rounded, unit, budget, ok: Number.isFinite(value) && (budget === null || rounded <= budget), ...(note ? { note } : {}) };
  }
}

/** The value below which this part of the numbers lies. @param {number[]} numbers @param {number} part @returns {number} */
export function quantile(numbers, part) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * part) - 1))] ?? NaN;
}
