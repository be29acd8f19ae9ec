import { isNumber, parseNumber } from "./numbers";

/** What becomes of the values of a key. The host has the same numbers. */
export const list: u32 = 0;
const sum: u32 = 1;
const count: u32 = 2;
const least: u32 = 3;
const greatest: u32 = 4;
const first: u32 = 5;
export const uniq: u32 = 6;

/** The aggregate in use. */
export let aggregate: u32 = list;
/** Whether the values of a key become a number. */
export let isNumeric: bool = false;
/** Whether only the first value of a key is kept; with `uniq`, not even that. */
export let keepsFirst: bool = false;

/** Why a value could not be taken: 0 if it could. */
export let failure: u32 = 0;
const notNumber: u32 = 1;
const tooLarge: u32 = 2;

/** The sum of all numbers that were taken, modulo 2^64. */
export let total: i64 = 0;

/**
 * Begins with an aggregate.
 * @param ofAggregates the values are those that aggregates have come to, in place of those that programs emit
 */
export function setAggregate(which: u32, ofAggregates: bool): void {
  aggregate = ofAggregates && which == count ? sum : which;
  isNumeric = which >= sum && which <= greatest;
  keepsFirst = which >= first;
  failure = 0;
  total = 0;
}

/** Whether the numbers of keys add up to those that were taken. */
@inline
export function addsUp(): bool {
  return aggregate == sum || aggregate == count;
}

/**
 * Takes a value of a key.
 * @param before what the earlier values have come to, 0 if there are none
 * @param isFirst whether there are none
 * @returns what the values have come to; see `failure`
 */
@inline
export function take(before: i64, isFirst: bool, value: usize, length: u32): i64 {
  let number: i64 = 1;
  if (aggregate != count) {
    number = <i64>load<u8>(value) - 48;
    if (length != 1 || <u64>number > 9) {
      number = parseNumber(value, length);
      if (!isNumber) {
        failure = notNumber;
        return before;
      }
    }
  }
  if (aggregate <= count) {
    const after = before + number;
    if (((before ^ after) & (number ^ after)) < 0) {
      failure = tooLarge;
      return before;
    }
    total += number;
    return after;
  }
  if (isFirst) return number;
  return aggregate == least ? min(before, number) : max(before, number);
}
