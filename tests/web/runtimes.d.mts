export type Runtime = 'onnxruntime' | 'openvino' | 'ncnn' | 'litert' | 'pytorch';
export const kPackages: Readonly<Record<Runtime, readonly (readonly string[])[]>>;
export function run(program: string, args: readonly string[], options?: object): string;
export function unpackKit(root: string, folder: string, space: string, architectures: readonly string[]): string;
export function install(folder: string, ...packages: readonly string[]): string;
export function python(folder: string, runtime: Runtime): string;
export function debianPyTorch(folder: string): { readonly program: string; readonly env: NodeJS.ProcessEnv };
export function reachesPyPI(folder: string): boolean;
