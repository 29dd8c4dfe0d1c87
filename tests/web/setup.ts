import { buildPackage } from '../../.ci/package.mjs';

/** Builds the package: a worker of Node cannot run TypeScript, so the tests use what is published. */
export default buildPackage;
