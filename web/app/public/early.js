// Before anything is shown: whether what index.html holds is what this visitor will see. The page itself takes over in main.ts;
// storage.ts writes what is read here.
{
  const { dataset } = document.documentElement;
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem('latencast.notebook.2')) ?? {};
  } catch {
    // Blocked, or damaged: as good as none.
  }
  const { theme, method, sheets = {} } = stored;
  if (theme === 'light' || theme === 'dark') dataset.theme = theme;
  if (location.hash.length > 1 || theme === 'light' || theme === 'dark' || method === 'finetune' || 'nb201/raspi4' in sheets) dataset.seen = '';
}
