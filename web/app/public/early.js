// Before anything is shown: whether what index.html holds is what this visitor will see. The page itself takes over in main.ts;
// storage.ts writes what is read here.
{
  const { dataset } = document.documentElement;
  const stored = (name) => {
    try {
      return JSON.parse(localStorage.getItem(`latencast.notebook.3/${name}`));
    } catch {
      // Blocked, or damaged: as good as none.
      return null;
    }
  };
  const theme = stored('theme');
  if (theme === 'light' || theme === 'dark') dataset.theme = theme;
  if (location.hash.length > 1 || dataset.theme || stored('method') === 'finetune' || stored('sheets/nb201/raspi4')) dataset.seen = '';
}
