// Cells of a page that run in order, each with what the ones before left in `book`.
const AsyncFunction = (async () => {}).constructor;
const book = {};

const cells = [...document.querySelectorAll('.cell')].map((code) => {
  const shown = document.createElement('output');
  shown.className = 'shown';
  code.after(shown);
  code.contentEditable = 'plaintext-only';
  code.spellcheck = false;
  return { code, shown };
});

/** What a cell calls to print; `show.bars` draws. */
function printer(shown) {
  const show = (text) => shown.append(String(text), document.createElement('br'));
  show.bars = (counts, least, most) => {
    const chart = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const highest = Math.max(...counts);
    chart.setAttribute('class', 'bars');
    chart.setAttribute('viewBox', `0 0 ${counts.length} 1`);
    chart.setAttribute('preserveAspectRatio', 'none');
    for (const [i, count] of counts.entries()) {
      const bar = document.createElementNS(chart.namespaceURI, 'rect');
      const place = { x: i + 0.05, width: 0.9, y: 1 - count / highest, height: count / highest };
      for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
      chart.append(bar);
    }
    shown.append(chart, `${least} to ${most}`);
  };
  return show;
}

let running = Promise.resolve();
function runFrom(first) {
  running = running.then(async () => {
    for (const { code, shown } of cells.slice(first)) {
      shown.replaceChildren();
      shown.classList.remove('failed');
      try {
        await new AsyncFunction('book', 'show', code.textContent)(book, printer(shown));
      } catch (caught) {
        shown.classList.add('failed');
        shown.textContent = caught.message;
        return;
      }
    }
  });
}

for (const [i, { code }] of cells.entries()) {
  code.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !event.shiftKey) return;
    event.preventDefault();
    runFrom(i);
  });
}
runFrom(0);
