import { withBase, type Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import '../../../app/tokens.css';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    // For addresses in attributes of elements, which Vite does not see.
    app.config.globalProperties['at'] = withBase;
    // Elements exist in browsers only; pages are rendered without them first, and can be used before they are there.
    if (!import.meta.env.SSR) void Promise.all([import('../../../element/index.js'), import('../../figures/index.js')]);
  },
} satisfies Theme;
