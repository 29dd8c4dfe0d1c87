// Do settings of one browser differ as the predictors say? First, for each of them,
//   node tests/bench/measure-browser.mjs --threads 1 --no-click --json one.json
// then node tests/bench/compare-settings.mjs one.json two.json four.json: of networks that none had measured beforehand, which setting is
// faster and by how much, as predicted from 20 measurements of each and as measured.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const kFiles = process.argv.slice(2);
if (kFiles.length < 2) throw new Error(`${kFiles.length} files found; expected two or more of measure-browser.mjs --json`);

const settings = kFiles.map((file) => {
  const { run, unseen_ms } = JSON.parse(readFileSync(file, 'utf8'));
  const unseen = run.proof.architectures.slice(0, run.unseen);
  const { provider, threads } = run.setting;
  return {
    title: `${provider}, ${threads} thread${threads === 1 ? '' : 's'} (${basename(file)})`,
    measured: new Map(unseen.map((architecture, i) => [architecture, unseen_ms[i]])),
    predicted: new Map(unseen.map((architecture, i) => [architecture, run.prediction.latency_ms[i]])),
  };
});
const common = [...settings[0].measured.keys()].filter((each) => settings.every(({ measured }) => measured.has(each)));

function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  return order.reduce((ranked, at, rank) => ((ranked[at] = rank), ranked), []);
}

/** Of readings, which are never equal. */
function spearman(a, b) {
  const [x, y] = [ranks(a), ranks(b)];
  const n = x.length;
  return 1 - (6 * x.reduce((sum, rank, i) => sum + (rank - y[i]) ** 2, 0)) / (n * (n * n - 1));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const percent = (share) => `${(100 * share).toFixed(0)} %`;

console.log(`${common.length} networks that no setting had measured beforehand.\n`);
console.log('| settings | ratio, measured | predicted | Spearman of the ratios | faster setting named rightly |');
console.log('| --- | --- | --- | --- | --- |');
for (const [i, a] of settings.entries()) {
  for (const b of settings.slice(i + 1)) {
    const ratios = (of) => common.map((each) => b[of].get(each) / a[of].get(each));
    const [measured, predicted] = [ratios('measured'), ratios('predicted')];
    const right = measured.filter((ratio, at) => ratio < 1 === predicted[at] < 1).length / common.length;
    console.log(`| ${b.title} over ${a.title} | ${median(measured).toFixed(2)} | ${median(predicted).toFixed(2)} | ${spearman(measured, predicted).toFixed(2)} | ${percent(right)} |`);
  }
}
const best = (of, each) => settings.reduce((least, one, i) => (one[of].get(each) < settings[least][of].get(each) ? i : least), 0);
const named = common.filter((each) => best('measured', each) === best('predicted', each)).length;
console.log(`\nThe fastest of all named rightly: ${percent(named / common.length)}.`);
console.log(`The networks' order within a setting, measured against that of another: ${settings.slice(1).map(({ measured }) => spearman(common.map((each) => settings[0].measured.get(each)), common.map((each) => measured.get(each))).toFixed(3)).join(', ')}.`);
