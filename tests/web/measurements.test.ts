import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

import type { Engine } from '../../web/api/index.js';
import {
  checkMeasurements,
  readMeasurements,
  writeMeasurements,
  type CheckedMeasurements,
  type LatencyUnit,
  type ReadOptions,
} from '../../web/api/measurements.js';
import { api } from './helpers.js';

const kLong = '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|';

/** What a text is read as, one short line for each entry. */
function read(text: string, options?: ReadOptions): string[] {
  return readMeasurements(text, options).lines.map(
    ({ line, status, reason, architecture_text, latency, unit }) =>
      `${line} ${status === 'ok' ? `${architecture_text} ${latency}${unit ? ` ${unit}` : ''}` : `${status}: ${reason}`}`,
  );
}

describe('a line', () => {
  test.each([
    ['421211,12.4', '421211 12.4'],
    ['421211, 12.4', '421211 12.4'],
    ['421211\t12.4', '421211 12.4'],
    ['421211;12.4', '421211 12.4'],
    ['421211 12.4', '421211 12.4'],
    ['  421211    12.4  ', '421211 12.4'],
    ['\ufeff421211,12.4', '421211 12.4'],
    ['421211,12.4,', '421211 12.4'],
    [`${kLong},12.4`, `${kLong} 12.4`],
    [`${kLong}\t12.4`, `${kLong} 12.4`],
    [`${kLong};12,4`, `${kLong} 12.4`],
    [`${kLong} 12.4`, `${kLong} 12.4`],
    [`"${kLong}","12.4"`, `${kLong} 12.4`],
    [`12.4,${kLong}`, `${kLong} 12.4`],
    ['12.4 ms, 421211', '421211 12.4 ms'],
    // Six digits are digits; anything shorter is an index.
    ['13714, 12', '13714 12'],
    ['000000, 12', '000000 12'],
    // Index, digits, latency: what a table's export looks like.
    ['0,421211,10.5', '421211 10.5'],
    [`13714 ${kLong} 10.5`, `${kLong} 10.5`],
    // Units.
    ['421211, 12.4 ms', '421211 12.4 ms'],
    ['421211,12.4,ms', '421211 12.4 ms'],
    ['421211 12.4 ms', '421211 12.4 ms'],
    ['421211 12.4ms', '421211 12.4 ms'],
    ['421211, 0.012s', '421211 0.012 s'],
    ['421211, 0.012 sec', '421211 0.012 s'],
    ['421211, 850us', '421211 850 us'],
    ['421211, 850\u00b5s', '421211 850 us'],
    ['421211, 850 \u03bcs', '421211 850 us'],
    ['421211, 850000 NS', '421211 850000 ns'],
    // Numbers.
    ['421211, 1.2e-3', '421211 0.0012'],
    ['421211, 1E3', '421211 1000'],
    ['421211, .5', '421211 0.5'],
    ['421211, +5.', '421211 5'],
    ['421211;12,4', '421211 12.4'],
    ['421211\t12,4 ms', '421211 12.4 ms'],
    ['421211 12,4', '421211 12.4'],
    ['12,4   421211', '421211 12.4'],
    ['"421211"   "12,4"', '421211 12.4'],
    ['"421211" ; "12,4"', '421211 12.4'],
    ['421211;1,234.5', '421211 1234.5'],
    ['421211;1.234,5', '421211 1234.5'],
    ['421211;1,234,567', '421211 1234567'],
    // Remarks.
    ['421211, 12.4 # warm', '421211 12.4'],
    ['421211, 12.4 // warm', '421211 12.4'],
    // JSON by the line.
    ['{"arch": "421211", "latency_ms": 12.4}', '421211 12.4 ms'],
    ['"421211": 12.4,', '421211 12.4'],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual([`1 ${expected}`]);
  });

  test.each([
    ['421211, abc', '"abc" is no number; expected a latency such as 12.4'],
    ['421211, nan', '"nan" is no number; expected a latency such as 12.4'],
    ['421211, 12.4 km', '"12.4 km" is no number; expected a latency such as 12.4'],
    ['421211, 1.2.3', '"1.2.3" is no number; expected a latency such as 12.4'],
    ['421211, -1', '"-1" is not positive; expected a latency such as 12.4'],
    ['421211, 0', '"0" is not positive; expected a latency such as 12.4'],
    ['421211, 1e999', '"1e999" is too large; expected a latency such as 12.4'],
    ['421211', 'no latency; expected an architecture and a latency such as 12.4'],
    [', 12.4', 'no latency; expected an architecture and a latency such as 12.4'],
    [
      '421211, 12, 4',
      '2 numbers beside the architecture (12, 4); expected one latency; if it has a decimal comma, write a point or separate the columns with a semicolon',
    ],
    [
      '421211, 12.4, 57, 12.9',
      '3 numbers beside the architecture (12.4, 57, 12.9); expected one latency; a first line such as "arch,latency_ms" tells which column counts',
    ],
    ['{"arch": "421211", ', 'this line is no whole JSON; expected for example ["421211", 12.4]'],
    ['{"arch": "421211", "cost": 3, "size": 4}', 'the columns are "arch", "cost", "size"; expected one named for the latency, such as latency_ms'],
  ])('%j is an error', (text, expected) => {
    expect(read(text)).toEqual([`1 error: ${expected}`]);
  });

  test('that is long is quoted in part', () => {
    expect(read(`421211, ${'x'.repeat(1000)}`)[0]).toHaveLength('1 error: '.length + 40 + 5 + 46);
  });
});

const kDigits = '7818488874147327324245';
const kNames = ['k3_e1', 'skip', 'k5_e1_g2', ...Array.from({ length: 19 }, () => 'k3_e6')];
const kOfa = '75557757573753735353-64466343363336346436-22223-204';
const kOfaJson = '{"ks":[7,5,5,5],"e":[6,4,4,6],"d":[2,2],"r":[204]}';

describe('an error', () => {
  test.each([
    ['421211, 12.4 ms ± 1.5 %', 0.015],
    ['421211,12.4±1.5%', 0.015],
    ['421211 12.4 +/- 0,5 %', 0.005],
    ['421211 12.4 ms ± 2% # warm', 0.02],
    [`{"ks":[3],"d":[2]}; 12.4 ± 30 %`, 0.3],
    ['421211, 12.4', undefined],
    ['# ± 3 %', undefined],
    ['arch,latency_ms,relative_error\n421211,12.4,0.02', 0.02],
    ['arch;latency_ms;rel_err\n421211;12,4;0,02', 0.02],
    ['arch,latency_ms,relative_error\n421211,12.4,nan', undefined],
    ['arch,latency_ms,relative_error\n421211,12.4,-1', undefined],
    ['arch,latency_ms,relative_error\n421211,12.4', undefined],
    ['[{"arch": "421211", "latency_ms": 12.4, "relative_error": 0.02}]', 0.02],
  ])('%s', (text, error) => {
    const found = readMeasurements(text).lines.at(-1)!;
    if (error !== undefined) expect(found).toMatchObject({ status: 'ok', latency: 12.4 });
    expect(found.relative_error).toBe(error);
  });

  test('is of every reading of its line', () => {
    const { lines } = readMeasurements('arch,run_1,run_2,relative_error\n421211,12.4,12.6,0.02');
    expect(lines.map(({ latency, relative_error }) => [latency, relative_error])).toEqual([[undefined, undefined], [12.4, 0.02], [12.6, 0.02]]);
  });

  test('is no latency, and none in milliseconds', () => {
    expect(read('421211, 12.4 ± 0.3 ms')).toEqual(['1 error: "12.4 ± 0.3 ms" is no number; expected a latency such as 12.4']);
    expect(read('421211 ± 3 %')).toEqual(['1 error: no latency; expected an architecture and a latency such as 12.4']);
  });
});

describe('an architecture that is long or holds separators', () => {
  test.each<[string, string]>([
    [`${kDigits}, 12.4`, `${kDigits} 12.4`],
    [`12.4 ms\t${kDigits}`, `${kDigits} 12.4 ms`],
    [`${kDigits} 12,4`, `${kDigits} 12.4`],
    [`0,${kDigits},12.4`, `${kDigits} 12.4`],
    ...['_', ' ', ', ', ','].map((joint) => [`${kNames.join(joint)}, 12.4 ms`, `${kNames.join(joint)} 12.4 ms`] as [string, string]),
    [`${kNames.join('_')} 12,4`, `${kNames.join('_')} 12.4`],
    [`"${kNames.join(',')}",12.4`, `${kNames.join(',')} 12.4`],
    [`['${kNames.join("', '")}'], 12.4`, `['${kNames.join("', '")}'] 12.4`],
    [`${JSON.stringify([...kDigits].map(Number))}\t12.4`, `${JSON.stringify([...kDigits].map(Number))} 12.4`],
    [`${kOfa}, 12.4`, `${kOfa} 12.4`],
    [`12.4;${kOfa}`, `${kOfa} 12.4`],
    [`${kOfaJson}, 12.4 ms`, `${kOfaJson} 12.4 ms`],
    [`{"arch": ${kOfaJson}, "latency_ms": 12.4}`, `${kOfaJson} 12.4 ms`],
    [`[[${kOfaJson}, 12.4]]`, `${kOfaJson} 12.4`],
    [`{"arch": ${JSON.stringify(kNames)}, "latency_ms": 12.4}`, `${JSON.stringify(kNames)} 12.4 ms`],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual([`1 ${expected}`]);
  });

  test('stands in columns', () => {
    expect(read(`arch,latency_ms\n${kNames.join('_')},12.4\n${kOfaJson},3.5`)).toEqual([
      '1 skipped: header',
      `2 ${kNames.join('_')} 12.4 ms`,
      `3 ${kOfaJson} 3.5 ms`,
    ]);
  });
});

test('a line whose latency is left open waits for it', () => {
  expect(read('arch,latency_ms\n421211,\n334131,5')).toEqual([
    '1 skipped: header',
    '2 skipped: no latency yet',
    '3 334131 5 ms',
  ]);
  expect(read(`421211,\n${kDigits};\n${kOfaJson}, \n421211`)).toEqual([
    '1 skipped: no latency yet',
    '2 skipped: no latency yet',
    '3 skipped: no latency yet',
    '4 error: no latency; expected an architecture and a latency such as 12.4',
  ]);
});

describe('a header', () => {
  const kRow = `7,421211,12.4,0.3`;

  test.each([
    ['index,arch,latency_ms,std_ms', '421211 12.4 ms'],
    ['Index,Architecture,Latency (ms),StdDev (ms)', '421211 12.4 ms'],
    ['index,arch_str,latencyMs,std', '421211 12.4 ms'],
    ['index,config,time [us],err', '421211 12.4 us'],
    ['index,cell,ms,p95', '421211 12.4 ms'],
    ['index,arch,s,p95', '421211 12.4 s'],
    ['run,arch,runtime_ns,min_ns', '421211 12.4 ns'],
    ['id,arch,latency,max', '421211 12.4'],
    ['index,name,latency_ms,batch', '7 12.4 ms'],
    ['index,arch,other,latency_ms', '421211 0.3 ms'],
    ['index,arch,mean,median', '421211 0.3'],
  ])('%s', (header, expected) => {
    expect(read(`${header}\n${kRow}`)).toEqual(['1 skipped: header', `2 ${expected}`]);
  });

  test.each([
    ['latency_ms;arch\n12,4;421211', '421211 12.4 ms'],
    ['arch\tlatency (\u00b5s)\n421211\t850', '421211 850 us'],
    ['arch latency (ms)\n421211 12.4', '421211 12.4 ms'],
    ['arch latency unit\n421211 12.4 ms', '421211 12.4 ms'],
    ['arch,raspi4\n421211,12.4', '421211 12.4'],
    ['arch,raspi4_ms\n421211,12.4', '421211 12.4 ms'],
    // A value's own unit is nearer than its column's.
    ['arch,latency_ms\n421211,0.0124 s', '421211 0.0124 s'],
    // A row that does not fit is read by its looks.
    ['index,arch,latency_ms\n421211,12.4', '421211 12.4'],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(['1 skipped: header', `2 ${expected}`]);
  });

  test('may come again, with other columns', () => {
    expect(read('arch,ms\n421211,12.4\n\nus,arch\n850,334131')).toEqual([
      '1 skipped: header',
      '2 421211 12.4 ms',
      '4 skipped: header',
      '5 334131 850 us',
    ]);
  });

  test('that numbers its columns holds several readings of each architecture', () => {
    expect(read('arch,run_1_ms,run_2_ms,run_3_ms\n421211,12.4,12.9,12.1\n334131,9.1,,9.3\n430222,,,\n')).toEqual([
      '1 skipped: header',
      ...['12.4', '12.9', '12.1'].map((ms) => `2 421211 ${ms} ms`),
      ...['9.1', '9.3'].map((ms) => `3 334131 ${ms} ms`),
      '4 skipped: no latency yet',
    ]);
    expect(read('arch;t1;t2\n421211;12.4;99')).toEqual(['1 skipped: header', '2 421211 12.4', '2 421211 99']);
    expect(read('arch\tlatency 1 (us)\tlatency 2 (us)\n421211\t12.4\tfast')).toEqual([
      '1 skipped: header',
      '2 421211 12.4 us',
      '2 error: "fast" is no number; expected a latency such as 12.4',
    ]);
  });

  test('is not needed for three readings or more that are alike', () => {
    expect(read('421211, 12.4, 13.1, 12.9')).toEqual(['1 421211 12.4', '1 421211 13.1', '1 421211 12.9']);
    expect(read('421211 12.4ms 13.1ms 12900us')[0]).toContain('3 numbers beside the architecture');
    expect(read('421211, 12.4 ms, 13.1 ms, 12.9 ms')).toEqual(['1 421211 12.4 ms', '1 421211 13.1 ms', '1 421211 12.9 ms']);
  });

  test('that names several latencies or none is an error, and the rows count all the same where they can', () => {
    expect(read('arch,pixel3_ms,raspi4_ms\n421211,3.6,10.4')).toEqual([
      '1 error: the columns are "arch", "pixel3_ms", "raspi4_ms"; expected only one named for the latency, such as latency_ms',
      '2 error: 2 numbers beside the architecture (3.6, 10.4); expected one latency; a first line such as "arch,latency_ms" tells which column counts',
    ]);
    expect(read('arch,batch,cores\n421211,3.6')).toEqual([
      '1 error: the columns are "arch", "batch", "cores"; expected one named for the latency, such as latency_ms',
      '2 421211 3.6',
    ]);
  });

  test('is not made of a bad line', () => {
    expect(read('421211,12.4\nmodel x,none')).toEqual([
      '1 421211 12.4',
      '2 error: "none" is no number; expected a latency such as 12.4',
    ]);
  });
});

test('comments, blank lines and every kind of line end', () => {
  expect(read('# device: mine\r\n// two\r\n\r\n421211,1\r334131,2\n   \n# end')).toEqual([
    '1 skipped: comment',
    '2 skipped: comment',
    '4 421211 1',
    '5 334131 2',
    '7 skipped: comment',
  ]);
  expect(read('')).toEqual([]);
  expect(read(' \n\t\r\n')).toEqual([]);
});

test('a unit asked for is for the values that state none', () => {
  expect(read('421211,12\n334131,13 ms', { unit: 'us' })).toEqual(['1 421211 12 us', '2 334131 13 ms']);
});

test('decimal commas are noted', () => {
  const { notes } = readMeasurements('421211;12,345\n334131;54,8');
  expect(notes).toEqual([
    { kind: 'decimal-comma', message: 'Commas in numbers are read as decimal points: 12,345 is 12.345.', fixes: [] },
  ]);
  expect(readMeasurements('421211;1,234.5').notes).toEqual([]);
});

describe('JSON', () => {
  test.each([
    ['[{"arch":"421211","latency_ms":12.4},\n {"latency_ms":"54,8","arch":"334131"}]', ['1 421211 12.4 ms', '2 334131 54.8 ms']],
    ['[\n["421211", 12.4],\n["334131", "54.8 ms"]\n]', ['1 skipped', '2 421211 12.4', '3 334131 54.8 ms', '4 skipped']],
    ['{"421211": 12.4, "334131": 54.8}', ['1 421211 12.4', '1 334131 54.8']],
    [`{"${kLong}": "12.4ms"}`, [`1 ${kLong} 12.4 ms`]],
    ['{"device": "mine", "measurements": [{"architecture": 13714, "time": 3}]}', ['1 13714 3']],
    ['["421211", 12.4]', ['1 421211 12.4']],
    ['// mine\n[["421211", 12.4],]', ['1 skipped', '2 421211 12.4']],
    ['{"arch":"421211","ms":1}\n{"arch":"334131","ms":2}\n', ['1 421211 1 ms', '2 334131 2 ms']],
    ['[["421211", null]]', ['1 error']],
    ['[["421211", -3]]', ['1 error']],
    ['[7]', ['1 error']],
    ['[]', ['1 skipped']],
    ['{}//\r421211, 12.4', ['1 skipped', '2 421211 12.4']],
  ])('%j', (text, expected) => {
    const found = read(text, { filename: 'mine.json' }).map((line) => line.replace(/(skipped|error): .*/, '$1'));
    expect(found).toEqual(expected);
  });

  test('keeps both values of one name', () => {
    expect(read('{"421211": 12.4,\n"421211": 12.6}')).toEqual(['1 421211 12.4', '2 421211 12.6']);
  });

  test('that is broken is read line by line, with a note', () => {
    const { lines, notes } = readMeasurements('[\n  ["421211", 12.4],\n  ["334131" 54.8],\n  ["333333", 90.1]\n');
    expect(lines.map(({ line, status }) => [line, status])).toEqual([
      [1, 'skipped'],
      [2, 'ok'],
      [3, 'error'],
      [4, 'ok'],
    ]);
    expect(notes).toMatchObject([{ kind: 'broken-json' }]);
    expect(readMeasurements('{"arch":"421211","ms":1}\n{"arch":"334131","ms":2}').notes).toEqual([]);
  });

  test('as deep as anyone likes is no trouble', () => {
    expect(readMeasurements('['.repeat(100_000)).lines).toHaveLength(1);
    expect(readMeasurements('['.repeat(3000) + '1' + ']'.repeat(3000)).lines).toHaveLength(1);
  });
});

describe('properties', () => {
  const digits = fc.stringMatching(/^[0-4]{6}$/);
  const operation = fc.constantFrom('none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3');
  const long = fc
    .tuple(operation, operation, operation, operation, operation, operation)
    .map(([a, b, c, d, e, f]) => `|${a}~0|+|${b}~0|${c}~1|+|${d}~0|${e}~1|${f}~2|`);
  const index = fc.nat(15624).map(String);
  const latency = fc.integer({ min: 1, max: 10_000_000 }).map((n) => n / 1000);
  const unit = fc.constantFrom<LatencyUnit>('ns', 'us', 'ms', 's', 'uJ', 'mJ', 'J');

  test('what is written in any common way is read back', () => {
    const layout = fc.record({
      separator: fc.constantFrom(',', ', ', '\t', ';', ' ; ', ' ', '   '),
      end: fc.constantFrom('\n', '\r\n', '\r'),
      units: fc.constantFrom('none', 'values', 'apart', 'header'),
      swapped: fc.boolean(),
      quoted: fc.boolean(),
      decimalComma: fc.boolean(),
      comments: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(digits, long, index), latency), { maxLength: 30 }), unit, layout, (rows, unit, layout) => {
        const { separator, end, units, swapped, quoted, comments } = layout;
        const header = units === 'header' || swapped;
        const number = (value: number) =>
          layout.decimalComma && !separator.includes(',') ? String(value).replace('.', ',') : String(value);
        const quote = (field: string) => (quoted ? `"${field}"` : field);
        const lines = rows.map(([architecture, value]) => {
          const stated = units === 'values' ? `${number(value)}${unit}` : units === 'apart' ? `${number(value)} ${unit}` : number(value);
          const fields = [quote(architecture), quoted && units !== 'apart' ? quote(stated) : stated];
          return (swapped ? fields.reverse() : fields).join(separator);
        });
        const names = ['arch', units === 'header' ? `latency_${unit}` : 'latency'];
        if (header) lines.unshift((swapped ? names.reverse() : names).join(separator));
        if (comments) lines.splice(lines.length >> 1, 0, '# a remark', '');
        // With the unit apart and blanks as separators the columns shift; nobody can tell latency, unit, architecture then.
        fc.pre(!(swapped && units === 'apart' && separator.trim() === ''));
        const found = readMeasurements(lines.join(end)).lines.filter(({ status }) => status !== 'skipped');
        expect(found.map((one) => [one.architecture_text, one.latency, one.unit])).toEqual(
          rows.map(([architecture, value]) => [architecture, value, units === 'none' ? undefined : unit]),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('writeMeasurements is read back to the last bit', () => {
    const positive = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.record({ architecture: fc.oneof(digits, long), latency_ms: positive })), fc.boolean(), (measurements, energies) => {
        const { lines, notes } = readMeasurements(writeMeasurements(measurements, energies ? 'energy' : 'latency'));
        expect(lines.map((one) => ({ architecture: one.architecture_text, latency_ms: one.latency }))).toEqual(measurements);
        expect(lines.every((one) => one.unit === (energies ? 'mJ' : 'ms'))).toBe(true);
        expect(notes).toEqual([]);
      }),
    );
  });

  test('errors are written behind latencies and read back', () => {
    const positive = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
    const error = fc.oneof(fc.constant(undefined), fc.double({ min: 1e-7, max: 10, noNaN: true }));
    fc.assert(
      fc.property(fc.array(fc.record({ architecture: fc.oneof(digits, long), latency_ms: positive, relative_error: error })), (measurements) => {
        const { lines } = readMeasurements(writeMeasurements(measurements.map(({ relative_error, ...rest }) => ({ ...rest, ...(relative_error && { relative_error }) }))));
        lines.forEach((line, i) => {
          const { architecture, latency_ms, relative_error } = measurements[i]!;
          expect([line.architecture_text, line.latency]).toEqual([architecture, latency_ms]);
          if (relative_error === undefined) expect(line.relative_error).toBeUndefined();
          else expect(line.relative_error! / relative_error).toBeCloseTo(1, 9);
        });
      }),
    );
  });

  const junk = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          ...['421211', kLong, '12.4', '12,4', 'ms', 'us', 's', 'arch', 'latency', 'index', ',', ';', '\t', ' ', '"', "'", '|', '#', '//'],
          ...['[', ']', '{', '}', ':', '\n', '\r\n', '\r', '-', '1e999', '\ufeff', '\u00b5s', '\ud800', 'null'],
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join('')),
  );
  const options = fc.record(
    { unit: fc.constantFrom<LatencyUnit | 'auto'>('auto', 'ns', 'us', 'ms', 's', 'mJ'), filename: fc.constantFrom('a.json', 'a.csv') },
    { requiredKeys: [] },
  );

  test('no text is too odd, and every line that is not blank is accounted for', () => {
    fc.assert(
      fc.property(junk, options, (text, given) => {
        const { lines } = readMeasurements(text, given);
        const source = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
        const expected = source.flatMap((line, i) => (line.trim() === '' ? [] : [i + 1]));
        expect([...new Set(lines.map(({ line }) => line))]).toEqual(expected);
        // Only JSON has several measurements on a line.
        if (given.filename !== 'a.json' && !/[[{:]/.test(text)) {
          expect(lines.map(({ line }) => line)).toEqual(expected);
          expect(lines.map((line) => line.text)).toEqual(expected.map((line) => source[line - 1]));
        }
        for (const line of lines) {
          if (line.status === 'ok') {
            expect(line.latency).toBeGreaterThan(0);
            expect(line.latency).toBeLessThan(Infinity);
            expect(line.architecture_text).not.toBe('');
            expect(line).not.toHaveProperty('reason');
          } else {
            expect(line.reason).not.toBe('');
          }
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('checkMeasurements', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await api.createEngine({ kind: 'local' });
    return () => engine.dispose();
  });

  // The arch string of 421211.
  const kFirst = '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|';

  const check = (text: string, options?: ReadOptions): Promise<CheckedMeasurements> =>
    checkMeasurements(engine, 'nb201', readMeasurements(text, options));

  test('gives canonical architectures and milliseconds', async () => {
    const checked = await check(`arch,us\n${kFirst},12400\n|nonsense|,5\n334131,54.8 ms\n# end`);
    expect(checked.measurements).toEqual([
      { architecture: '421211', latency_ms: 12.4 },
      { architecture: '334131', latency_ms: 54.8 },
    ]);
    expect(checked.measurement_lines).toEqual([2, 4]);
    expect(checked.lines.map(({ line, status }) => [line, status])).toEqual([
      [1, 'skipped'],
      [2, 'ok'],
      [3, 'error'],
      [4, 'ok'],
      [5, 'skipped'],
    ]);
    expect(checked.lines[2]?.reason).toContain('|nonsense|');
    expect(checked.notes).toEqual([]);
    expect(checked).not.toHaveProperty('guessed_unit');
  });

  test('nothing gives nothing', async () => {
    expect(await check('')).toEqual({ lines: [], quantity: 'latency', measurements: [], measurement_lines: [], notes: [] });
  });

  test.each([
    ['421211,12.4\n334131,54.8\n333333,90.1', 'ms', 54.8, 'No unit is given. Values look like milliseconds: median 54.8, read as ms.'],
    ['421211,0.01\n334131,0.012\n333333,0.05', 's', 12, 'No unit is given. Values look like seconds: median 0.012, read as s, so 12 ms.'],
    ['421211,9000\n334131,12400\n333333,50000', 'us', 12.4, 'No unit is given. Values look like microseconds: median 12,400, read as us, so 12.4 ms.'],
    ['421211,9e6\n334131,1.24e7\n333333,5e7', 'ns', 12.4, 'No unit is given. Values look like nanoseconds: median 12,400,000, read as ns, so 12.4 ms.'],
  ])('guesses the unit, and says so: %j', async (text, unit, second, message) => {
    const { guessed_unit, notes, measurements } = await check(text);
    expect(guessed_unit).toBe(unit);
    expect(measurements[1]?.latency_ms).toBeCloseTo(second, 9);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatchObject({ kind: 'unit', message });
    expect(notes[0]?.fixes.map((fix) => 'unit' in fix && fix.unit)).toEqual(
      ['ns', 'us', 'ms', 's'].filter((other) => other !== unit),
    );
    expect((await check(text, { unit: 'ms' })).notes.filter(({ kind }) => kind === 'unit')).toEqual([]);
  });

  test('guesses by the lines that state one', async () => {
    const { guessed_unit, notes, measurements } = await check('421211,250 ms\n334131,0.3\n333333,0.4');
    expect(guessed_unit).toBe('s');
    expect(notes[0]?.message).toBe('2 of 3 values have no unit (median 0.35); read as s, so 350 ms, close to the others.');
    expect(measurements[2]?.latency_ms).toBe(400);
  });

  const kFive = '421211,12.4 ms\n334131,14.8 ms\n333333,19.1 ms\n222222,11 ms\n';

  test('suggests another unit for a line far off', async () => {
    const text = `${kFive}123402, 12.9 s  # slow?`;
    const { notes, measurements } = await check(text);
    expect(notes).toEqual([
      {
        kind: 'far-off',
        line: 5,
        message: '12.9 s is 872 times slower than the median, 14.8 ms. Is it in ms?',
        fixes: [{ label: 'Change to 12.9 ms', line: 5, text: '123402, 12.9 ms  # slow?' }],
      },
    ]);
    // Suggested, not done.
    expect(measurements[4]?.latency_ms).toBe(12_900);
    expect((await check(`${kFive}123402, 12.9 ms  # slow?`)).notes).toEqual([]);
  });

  test('has no suggestion where no unit fits, and doubts no cell without a path', async () => {
    const [note] = (await check(`${kFive}123402, 900000 s`)).notes;
    expect(note).toMatchObject({ kind: 'far-off', line: 5, fixes: [] });
    expect(note?.message).toMatch(/Is it right\?$/);
    // Pre-computed by some runtimes: 0.01 ms is true.
    expect((await check(`${kFive}333000, 0.01 ms`)).notes).toEqual([]);
    expect((await check(`${kFive}123402, 0.01 ms`)).notes).toMatchObject([{ kind: 'far-off', line: 5 }]);
  });

  test('notes an architecture that comes again, and keeps both', async () => {
    const { notes, measurements } = await check(`421211,12 ms\n334131,13 ms\n${kFirst},14 ms`);
    expect(notes).toEqual([
      { kind: 'duplicate', line: 3, message: 'Same architecture as line 1; both readings count.', fixes: [] },
    ]);
    expect(measurements).toHaveLength(3);
  });

  test('asks whether readings far apart are of one device', async () => {
    const { notes } = await check('421211,12 ms\n334131,13 ms\n421211,36 ms\n334131,14 ms');
    expect(notes.map(({ message }) => message)).toEqual([
      'Same architecture as line 1; both readings count. They are a factor of 3 apart: of the same device, in the same setting?',
      'Same architecture as line 2; both readings count.',
    ]);
  });

  test('sees past what cannot be seen', () => {
    const { lines } = readMeasurements('\u200b421211, 12.4 ms\u200b\n\u200e334131\t\u200b13 ms\u2060');
    expect(lines.map(({ status, architecture_text, latency }) => [status, architecture_text, latency])).toEqual([
      ['ok', '421211', 12.4],
      ['ok', '334131', 13],
    ]);
  });

  test('notes digits that may have lost their zeros', async () => {
    const { notes } = await check('421211,12 ms\n334131,13 ms\n3112,14 ms');
    expect(notes).toEqual([
      {
        kind: 'short-digits',
        line: 3,
        message: '3112 is read as an index. If its leading zeros were lost, write 003112.',
        fixes: [{ label: 'Change to 003112', line: 3, text: '003112,14 ms' }],
      },
    ]);
    expect((await check('0,12 ms\n1,13 ms\n3112,14 ms')).notes).toEqual([]);
  });

  test('a fix to a line of JSON is left to its writer', async () => {
    const { notes } = await check('[["421211",12],["334131",13],["333333",14],["222222",15],["123402","12.9 s"],["12", 13]]', { unit: 'ms' });
    expect(notes.map(({ kind, fixes }) => [kind, fixes])).toEqual([
      ['far-off', []],
      ['short-digits', []],
    ]);
  });

  test('every fix settles its note', async () => {
    for (const text of [`${kFive}123402, 12.9 s`, '421211,12 ms\n334131,13 ms\n3112,14 ms', `${kFive}123402; 12900 us\n1111,4 us`]) {
      const lines = text.split('\n');
      for (let round = 0; round < 5; ++round) {
        const fix = (await check(lines.join('\n'))).notes.flatMap(({ fixes }) => fixes)[0];
        if (!fix || !('line' in fix)) break;
        lines[fix.line - 1] = fix.text;
      }
      expect((await check(lines.join('\n'))).notes.filter(({ kind }) => kind !== 'duplicate')).toEqual([]);
    }
  });

  test('energies are read like latencies, in millijoules', async () => {
    const found = await check('arch,energy_mj\n421211,3.2\n334131,0.0041 J\n333333,5100 uJ\n');
    expect(found.quantity).toBe('energy');
    expect(found.measurements.map(({ latency_ms }) => Number(latency_ms.toPrecision(6)))).toEqual([3.2, 4.1, 5.1]);
    expect((await check('421211 3.2 mJ\n334131 4.1')).measurements[1]?.latency_ms).toBeCloseTo(4.1, 9);
    expect((await check('421211 12\n334131 13', { unit: 'mJ' })).quantity).toBe('energy');
    expect((await check('421211 12 ms\n334131 13')).quantity).toBe('latency');
  });

  test('a latency among energies is an error of its line', async () => {
    const found = await check('421211, 3.2 mJ\n# later\n334131, 12 ms\n333333, 5.1 mJ\n');
    expect(found.lines.filter(({ status }) => status === 'error').map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'ms beside mJ in line 1; expected latencies alone or energies alone'],
    ]);
    expect(found.measurements).toHaveLength(2);
  });
});
