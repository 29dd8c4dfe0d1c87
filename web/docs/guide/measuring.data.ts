import { kProtocol } from '../../kit/protocol.js';
import { kRuntimes } from '../../kit/runtimes.js';

/** The kit's own list of runtimes, so that the guide cannot say anything else. */
export default { load: () => ({ runtimes: kRuntimes, protocol: kProtocol }) };

export declare const data: { runtimes: typeof kRuntimes; protocol: typeof kProtocol };
