import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that wait longest. If they started last, the processor would be idle until they ended. */
const longest = /\/e2e\/(kubernetes(-failures)?|restarts-leases)\.test\.ts$/;

/** Starts the files that wait longest before all others. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { true: first = [], false: others = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      longest.test(moduleId) ? "true" : "false",
    );
    return [...first, ...others];
  }
}
