import * as k8s from "@kubernetes/client-node";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../helpers/until.ts";
import { mergePatch, namespace, startScene, type Scene } from "./scene.ts";

const path = `/api/v1/namespaces/${namespace}/configmaps`;
const create = async ({ core }: Scene, name: string, labels: Record<string, string> = {}): Promise<void> => {
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels } } });
};

/** Watches, and records the events, such as `ADDED one`, and the end, as `end`. */
const watch = async ({ config }: Scene, query: Record<string, string | boolean | number> = {}): Promise<string[]> => {
  const seen: string[] = [];
  const controller = await new k8s.Watch(config).watch(
    path,
    query,
    (type: string, object: { code?: number; metadata?: { name?: string; resourceVersion?: string } }) =>
      seen.push(
        `${type} ${object.metadata?.name ?? object.code ?? (object.metadata?.resourceVersion === undefined ? "" : "at")}`,
      ),
    (error: unknown) => seen.push(error === null ? "end" : "break"),
  );
  onTestFinished(() => controller.abort());
  return seen;
};

const saw = async (seen: readonly string[], ...expected: string[]): Promise<void> => {
  await until(`events ${expected.join()}`, () => (seen.length >= expected.length ? true : undefined), 5000).catch(
    () => {},
  );
  expect(seen).toEqual(expected);
};

const versionOf = async ({ core }: Scene): Promise<string> =>
  (await core.listNamespacedConfigMap({ namespace })).metadata?.resourceVersion ?? "";

test("A watch continues from a version, in order", async () => {
  const scene = await startScene();
  await create(scene, "before");
  const resourceVersion = await versionOf(scene);
  await create(scene, "one");
  const seen = await watch(scene, { resourceVersion });
  await scene.core.patchNamespacedConfigMap({ namespace, name: "one", body: { data: { a: "b" } } }, mergePatch);
  await scene.core.createNamespacedSecret({ namespace, body: { metadata: { name: "other" } } });
  await scene.core.deleteNamespacedConfigMap({ namespace, name: "one" });
  await saw(seen, "ADDED one", "MODIFIED one", "DELETED one");
  const all = await watch(scene);
  await saw(all, "ADDED before");
});

test("Objects appear and disappear in a watch as they match its selector", async () => {
  const scene = await startScene();
  const resourceVersion = await versionOf(scene);
  const seen = await watch(scene, { resourceVersion, labelSelector: "app=test" });
  const named = await watch(scene, { resourceVersion, fieldSelector: "metadata.name=other" });
  await create(scene, "one");
  await create(scene, "other");
  for (const app of ["test", "test", "none"])
    await scene.core.patchNamespacedConfigMap(
      { namespace, name: "one", body: { metadata: { labels: { app, at: String(Math.random()).slice(2) } } } },
      mergePatch,
    );
  await saw(seen, "ADDED one", "MODIFIED one", "DELETED one");
  await saw(named, "ADDED other");
});

test("Bookmarks and timeouts", async () => {
  const scene = await startScene({ bookmarkMs: 50 });
  const resourceVersion = await versionOf(scene);
  const marked = await watch(scene, { resourceVersion, allowWatchBookmarks: true });
  const short = await watch(scene, { resourceVersion, timeoutSeconds: 1 });
  await scene.core.createNamespacedSecret({ namespace, body: { metadata: { name: "other" } } });
  await saw(marked, "BOOKMARK at");
  await saw(short, "end");
});

test("A forgotten version is too old", async () => {
  const scene = await startScene({ historyLimit: 3 });
  const resourceVersion = await versionOf(scene);
  const seen = await watch(scene, { resourceVersion });
  for (const name of ["a", "b", "c", "d"]) await create(scene, name);
  await saw(seen, "ADDED a", "ADDED b", "ADDED c", "ADDED d");
  await saw(await watch(scene, { resourceVersion }), "ERROR 410", "end");
  scene.cluster.expireWatches();
  await saw(seen, "ADDED a", "ADDED b", "ADDED c", "ADDED d", "ERROR 410", "end");
  await saw(await watch(scene, { resourceVersion: await versionOf(scene) }));
  const first = await scene.core.listNamespacedConfigMap({ namespace, limit: 1 });
  scene.cluster.expireWatches();
  await expect(
    scene.core.listNamespacedConfigMap({ namespace, limit: 1, _continue: first.metadata?._continue ?? "" }),
  ).rejects.toMatchObject({ code: 410 });
});

test("An informer lists again when its version has expired, and continues when its connection ends", async () => {
  const scene = await startScene();
  const informer = k8s.makeInformer(scene.config, path, () => scene.core.listNamespacedConfigMap({ namespace }));
  const seen: string[] = [];
  for (const verb of ["add", "update", "delete"] as const)
    informer.on(verb, ({ metadata }) => seen.push(`${verb} ${metadata?.name}`));
  informer.on("error", () => {
    seen.push("error");
    void informer.start();
  });
  onTestFinished(() => informer.stop());
  await create(scene, "one");
  await informer.start();
  const lists = (): number => scene.cluster.requests.filter(({ verb }) => verb === "list").length;
  await saw(seen, "add one");
  expect(lists()).toBe(1);
  scene.cluster.cutWatches("end");
  await create(scene, "two");
  await until("the watch after the cut", () => (seen.includes("add two") ? true : undefined), 10_000);
  expect(lists()).toBe(1);
  await scene.core.deleteNamespacedConfigMap({ namespace, name: "one" });
  await until("the deletion", () => (seen.includes("delete one") ? true : undefined), 10_000);
  scene.cluster.expireWatches();
  await create(scene, "three");
  await until("the second list", () => (seen.includes("add three") ? true : undefined), 15_000);
  expect(lists()).toBe(2);
  scene.cluster.cutWatches("reset");
  await until("the error of the broken connection", () => (seen.includes("error") ? true : undefined), 5000);
  await create(scene, "four");
  await until("the watch after the break", () => (seen.includes("add four") ? true : undefined), 15_000);
});
