/** The page without a network: its service worker, and the way to a newer version. */

import type { Action } from './state.js';

/** Installs the service worker (sw.js), once the page has all it needs itself. Of no consequence where a browser has none. */
export async function keepOffline(send: (action: Action) => void): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register(new URL('sw.js', document.baseURI));
    const tell = (): void => {
      if (registration.waiting && navigator.serviceWorker.controller) send({ type: 'offline', offline: 'newer' });
      else if (registration.active) send({ type: 'offline', offline: 'kept' });
    };
    const watch = (): void => {
      const { installing } = registration;
      installing?.addEventListener('statechange', () => {
        if (['installed', 'activated'].includes(installing.state)) tell();
      });
    };
    registration.addEventListener('updatefound', watch);
    watch();
    tell();
  } catch {
    // Storage may be full or forbidden; the page works with a network then.
  }
}

/** Takes the version that waits and shows it; what the user wrote is stored before. */
export async function takeNewer(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  if (!registration?.waiting) {
    location.reload();
    return;
  }
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  registration.waiting.postMessage('take over');
}
