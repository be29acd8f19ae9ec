/** The address of a sample's worker, which the build puts in; see backend/host/console-files.ts. */
declare const sampleWorker: string;
