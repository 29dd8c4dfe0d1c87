// Writes nb201.accuracy.bin: the test accuracies of NAS-Bench-201 as the page shows them.
//   node weights/make-accuracy.mjs --data DIR
// DIR holds nb201/accuracy.csv: `index` (official), test_acc_cifar10, test_acc_cifar100, test_acc_ImageNet16-120 in percent, of all
// 15,625 cells. The file holds hundredths of a percent (u16, little endian), one data set after the other, official order.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Papa from 'papaparse';

const kCells = 15625;
const kColumns = ['test_acc_cifar10', 'test_acc_cifar100', 'test_acc_ImageNet16-120'];

const { values: args } = parseArgs({ options: { data: { type: 'string' } } });
if (args.data === undefined) {
  console.error('make-accuracy: no --data; expected the folder that holds nb201/accuracy.csv');
  process.exit(1);
}
const { data } = Papa.parse(readFileSync(join(args.data, 'nb201/accuracy.csv'), 'utf8'), { header: true, skipEmptyLines: true });
const rows = new Map(data.map((row) => [Number(row.index), row]));
const out = Buffer.alloc(2 * kColumns.length * kCells);
kColumns.forEach((column, set) => {
  for (let index = 0; index < kCells; index++) {
    const percent = Number(rows.get(index)?.[column] ?? Number.NaN);
    if (!(percent >= 0 && percent <= 100)) throw new Error(`accuracy.csv: cell ${index} has ${column} ${percent}; expected a percentage`);
    out.writeUInt16LE(Math.round(100 * percent), 2 * (set * kCells + index));
  }
});
writeFileSync(join(import.meta.dirname, 'nb201.accuracy.bin'), out);
console.log(`nb201.accuracy.bin: ${kCells} cells, ${kColumns.length} data sets`);
