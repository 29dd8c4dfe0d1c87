/** Numbers and units as text: three significant digits, one place for the whole page. */

const kMissing = '–';

/** With thousands separated, and as many decimals. By hand: the first formatter of `Intl` takes longer than the page has for all its numbers. */
export function decimal(value: number, most: number, least = 0): string {
  const [whole = '', fraction = ''] = value.toFixed(most).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const kept = fraction.slice(0, least) + fraction.slice(least).replace(/0+$/, '');
  return kept === '' ? grouped : `${grouped}.${kept}`;
}

/** `12.4`, `0.0113`, `1,230`: three significant digits, never an exponent. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return kMissing;
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  const magnitude = Math.floor(Math.log10(Math.abs(rounded)));
  const decimals = Math.max(0, 2 - magnitude);
  return decimal(rounded, decimals, decimals);
}

/** `12.4 ms`. */
export function withUnit(value: number, unit: string): string {
  return `${significant(value)} ${unit}`;
}

/** `11.2 – 13.6`: where a value lies. */
export function between(low: number | undefined, high: number | undefined): string {
  return low !== undefined && high !== undefined && low > 0 ? `${significant(low)} – ${significant(high)}` : '';
}

/** A count of operations or parameters in millions, without its unit. */
export function millions(count: number): string {
  return significant(count / 1e6);
}

/** `15,625`. */
export function count(value: number): string {
  return decimal(value, 0);
}

/** A correlation: `0.957`. */
export function correlation(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : kMissing;
}

/** A fraction as `4.12 %`: three significant digits, two decimals at most. */
export function percent(fraction: number): string {
  if (!Number.isFinite(fraction)) return kMissing;
  const value = fraction * 100;
  return `${Math.abs(value) < 1 ? value.toFixed(2) : significant(value)} %`;
}

/** A fraction as a whole number of percent: `4 %`; one decimal below 10 %. */
export function about(fraction: number): string {
  if (!Number.isFinite(fraction)) return kMissing;
  return `${(fraction * 100).toFixed(fraction < 0.0995 ? 1 : 0)} %`;
}

/** A fraction with its sign: `+4.1 %`. One decimal, so that a column of them lines up. */
export function signedPercent(fraction: number): string {
  if (!Number.isFinite(fraction)) return kMissing;
  const sign = fraction < 0 ? '−' : '+';
  return fraction >= 10 ? '> +999 %' : `${sign}${Math.abs(fraction * 100).toFixed(1)} %`;
}

/** Time left, coarse on purpose: `2 s`, `1 min 20 s`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return kMissing;
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `1 measurement`, `20 measurements`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A field of comma-separated values. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
