/** A kubeconfig for clients, in JSON, which is valid YAML. */
export const kubeconfigText = ({
  server,
  certificate,
  user,
  token,
  namespace,
}: {
  readonly server: string;
  readonly certificate: string;
  readonly user: string;
  readonly token: string;
  readonly namespace: string;
}): string =>
  JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "test",
          cluster: { server, "certificate-authority-data": Buffer.from(certificate).toString("base64") },
        },
      ],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user, namespace } }],
      "current-context": "test",
    },
    undefined,
    2,
  );
