/** What index.html holds is on the screen before the page itself takes the processor; where nothing of it will be, at once. */

const kPatience = 300; // ms that a browser gets to paint and to say so

/** What the example on the first screen consists of: on its way while the page's script is evaluated, which asks for it then. */
const kFirstFiles = ['examples/nb201/space.bin', 'examples/nb201/raspi4.estimates.bin', 'examples/nb201/raspi4.bounds.bin', 'weights/nb201.accuracy.bin'];

function preload(path: string): void {
  const link = document.createElement('link');
  Object.assign(link, { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: new URL(path, document.baseURI).href });
  document.head.append(link);
}

let begun = false;
function begin(): void {
  if (begun) return;
  begun = true;
  if (!('seen' in document.documentElement.dataset)) kFirstFiles.forEach(preload);
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
