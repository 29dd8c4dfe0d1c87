/** The style sheet: the page's tokens and drawings, with rules of the element's own. */

import { unsafeCSS } from 'lit';
import glyphs from '../app/glyphs.css?inline';
import tokens from '../app/tokens.css?inline';
import element from './element.css?inline';

// Tokens stand on the element itself, so that the page around may set each of them there, and nothing leaks in from above.
const own = tokens.replaceAll(':root', ':host').replace(/color-scheme:[^;}]*;?/, '');

export const styles = unsafeCSS(own + glyphs + element);
