import type { World } from "./world.ts";

/** What can go wrong, with its weight. */
const faults: readonly (readonly [number, (world: World) => void])[] = [
  [4, ({ random, runners }) => random.pickAny(runners)?.kill()],
  [
    4,
    ({ random, runners, clock }) => {
      const runner = random.pickAny(runners.filter(({ isStopped }) => !isStopped));
      runner?.stop();
      const late = random.chance(0.3) ? random.between(0, 20_000) : 0;
      const ms = random.chance(0.2) ? random.between(75_000, 120_000) : random.between(100, 70_000);
      clock.after(ms, () => {
        if (runner?.isAlive === true) runner.resume(late, ms);
      });
    },
  ],
  [1, ({ runners }) => runners.forEach((runner) => runner.cut(0))],
  [2, ({ cluster }) => cluster.agent.cut()],
  [2, ({ cluster, random }) => cluster.crash(random.chance(0.5))],
  [3, ({ jobs, random }) => random.pick(jobs).host.crash()],
  [3, ({ jobs, random }) => random.pick(jobs).host.evict()],
  [1, ({ registry }) => registry.crash()],
  [1, ({ registry }) => registry.evict()],
  [1, ({ clusterHost }) => clusterHost.crash()],
  [1, ({ clusterHost }) => clusterHost.evict()],
  [
    1,
    (world) => {
      world.isUnreachable = true;
      world.clock.after(world.random.between(100, 60_000), () => {
        world.isUnreachable = false;
      });
      for (const runner of world.runners) runner.cut(0);
    },
  ],
  [
    1,
    (world) => {
      world.isMute = true;
      world.clock.after(world.random.between(100, 60_000), () => {
        world.isMute = false;
      });
    },
  ],
  [
    4,
    ({ random, store }) => {
      const path = random.pickAny([...store.objects.keys()].filter((key) => key.includes(".edgefold")));
      if (path !== undefined) store.objects.delete(path);
    },
  ],
  [
    1,
    ({ random, store }) => {
      const upload = random.pickAny([...store.uploads.keys()]);
      if (upload !== undefined) store.uploads.delete(upload);
    },
  ],
  [1, ({ client, jobs, random }) => void client.describe(random.pick(jobs))],
];

/** Makes one thing go wrong. */
export const strike = (world: World): void => {
  const all: typeof faults = [
    [world.options.evictions, ({ cluster, random, runners }) => cluster.evict(random.pickAny(runners))],
    [
      world.options.cuts,
      ({ random, runners }) => random.pickAny(runners)?.cut(random.chance(0.3) ? random.between(100, 60_000) : 0),
    ],
    [world.options.drains, ({ cluster, random, runners }) => cluster.drain(random.pickAny(runners))],
    ...faults,
  ];
  let left = world.random.between(
    0,
    all.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, fault] of all) {
    left -= weight;
    if (left < 0) {
      world.checks.trace(`fault ${String(fault).slice(0, 300)}`);
      fault(world);
      return;
    }
  }
};
