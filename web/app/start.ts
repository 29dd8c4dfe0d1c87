/** What index.html holds is on the screen before the page itself takes the processor; where nothing of it will be, at once. */

const kPatience = 300; // ms that a browser gets to paint and to say so

let begun = false;
function begin(): void {
  if (begun) return;
  begun = true;
  // To evaluate it and to start it are two tasks.
  void import('./main.js').then(({ start }) => setTimeout(start));
}

if ('seen' in document.documentElement.dataset) {
  document.getElementById('page')?.replaceChildren();
  begin();
} else if (document.hidden || !PerformanceObserver.supportedEntryTypes.includes('paint')) {
  begin();
} else {
  new PerformanceObserver(begin).observe({ type: 'paint', buffered: true });
  setTimeout(begin, kPatience);
}
