import { FigureDevices } from './devices.js';
import { FigureNetwork } from './network.js';
import { FigureTransfer } from './transfer.js';

customElements.define('figure-devices', FigureDevices);
customElements.define('figure-network', FigureNetwork);
customElements.define('figure-transfer', FigureTransfer);
