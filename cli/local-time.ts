/** Times for people: they sort, and read the same in both languages. */

/** `2026-01-02`, here. */
export function localDate(time: Date): string {
  return [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
}

/** `2026-01-02 03:04:05`, here. */
export function localTime(time: Date): string {
  return `${localDate(time)} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":")}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
