import { z } from "zod";

/**
 * The fields that the server reads of the objects it stores. Other fields are stored unchanged; whether Kubernetes knows them
 * is checked elsewhere.
 */

const strings = z.record(z.string(), z.string());

const OwnerSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});
export type Owner = z.infer<typeof OwnerSchema>;

/** Of a stored object, in which the server has filled in its own fields. */
const MetaSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.string(),
  generation: z.number().optional(),
  generateName: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: strings.optional(),
  annotations: strings.optional(),
  finalizers: z.array(z.string()).optional(),
  ownerReferences: z.array(OwnerSchema).optional(),
});

export const ObjectSchema = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: MetaSchema });
export type KubeObject = z.infer<typeof ObjectSchema>;

const KeyRefSchema = z.looseObject({ name: z.string(), key: z.string(), optional: z.boolean().optional() });
const FieldRefSchema = z.looseObject({ fieldPath: z.string() });
const ResourceRefSchema = z.looseObject({
  resource: z.string(),
  containerName: z.string().optional(),
  divisor: z.string().optional(),
});

const EnvSchema = z.looseObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .looseObject({
      secretKeyRef: KeyRefSchema.optional(),
      configMapKeyRef: KeyRefSchema.optional(),
      fieldRef: FieldRefSchema.optional(),
      resourceFieldRef: ResourceRefSchema.optional(),
    })
    .optional(),
});
export type EnvVar = z.infer<typeof EnvSchema>;

const ItemsSchema = z.array(z.looseObject({ key: z.string(), path: z.string() }));
const KeyedSourceSchema = z.looseObject({ items: ItemsSchema.optional(), optional: z.boolean().optional() });
const DownwardSchema = z.looseObject({
  items: z
    .array(
      z.looseObject({
        path: z.string(),
        fieldRef: FieldRefSchema.optional(),
        resourceFieldRef: ResourceRefSchema.optional(),
      }),
    )
    .optional(),
});
const NamedSourceSchema = KeyedSourceSchema.extend({ name: z.string() });
const ProjectionSchema = z.looseObject({
  secret: NamedSourceSchema.optional(),
  configMap: NamedSourceSchema.optional(),
  downwardAPI: DownwardSchema.optional(),
  serviceAccountToken: z.looseObject({ path: z.string() }).optional(),
});
export type Projection = z.infer<typeof ProjectionSchema>;

const VolumeSchema = z.looseObject({
  name: z.string(),
  emptyDir: z.looseObject({}).optional(),
  secret: KeyedSourceSchema.extend({ secretName: z.string() }).optional(),
  configMap: NamedSourceSchema.optional(),
  downwardAPI: DownwardSchema.optional(),
  projected: z.looseObject({ sources: z.array(ProjectionSchema) }).optional(),
});
export type Volume = z.infer<typeof VolumeSchema>;

const QuantitiesSchema = z.record(z.string(), z.union([z.string(), z.number()]));

const ProbeSchema = z.looseObject({
  exec: z.looseObject({ command: z.array(z.string()) }).optional(),
  initialDelaySeconds: z.number().default(0),
  periodSeconds: z.number().default(10),
  timeoutSeconds: z.number().default(1),
  failureThreshold: z.number().default(3),
});
export type Probe = z.infer<typeof ProbeSchema>;

const ContainerSchema = z.looseObject({
  name: z.string(),
  image: z.string().default(""),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(EnvSchema).optional(),
  resources: z.looseObject({ limits: QuantitiesSchema.optional(), requests: QuantitiesSchema.optional() }).default({}),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }))
    .optional(),
  readinessProbe: ProbeSchema.optional(),
  terminationMessagePath: z.string().default("/dev/termination-log"),
  terminationMessagePolicy: z.enum(["File", "FallbackToLogsOnError"]).default("File"),
});
export type Container = z.infer<typeof ContainerSchema>;

export const PodSpecSchema = z.looseObject({
  containers: z.array(ContainerSchema),
  initContainers: z.array(z.unknown()).optional(),
  volumes: z.array(VolumeSchema).optional(),
  nodeName: z.string().optional(),
  nodeSelector: strings.optional(),
  restartPolicy: z.enum(["Always", "OnFailure", "Never"]).default("Always"),
  terminationGracePeriodSeconds: z.number().default(30),
  dnsPolicy: z.string().default("ClusterFirst"),
  securityContext: z.looseObject({}).default({}),
  schedulerName: z.string().default("default-scheduler"),
  serviceAccountName: z.string().optional(),
});
export type PodSpec = z.infer<typeof PodSpecSchema>;

const PodConditionSchema = z.looseObject({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastProbeTime: z.null().optional(),
  lastTransitionTime: z.string().optional(),
});
export type PodCondition = z.infer<typeof PodConditionSchema>;

const TerminatedSchema = z.looseObject({
  exitCode: z.number(),
  reason: z.string().optional(),
  message: z.string().optional(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
});
export type Terminated = z.infer<typeof TerminatedSchema>;

const ContainerStateSchema = z.looseObject({
  waiting: z.looseObject({ reason: z.string(), message: z.string().optional() }).optional(),
  running: z.looseObject({ startedAt: z.string() }).optional(),
  terminated: TerminatedSchema.optional(),
});
export type ContainerState = z.infer<typeof ContainerStateSchema>;

const PodStatusSchema = z.looseObject({
  phase: z.enum(["Pending", "Running", "Succeeded", "Failed"]).default("Pending"),
  reason: z.string().optional(),
  message: z.string().optional(),
  conditions: z.array(PodConditionSchema).optional(),
  containerStatuses: z.array(z.looseObject({ name: z.string(), state: ContainerStateSchema })).optional(),
  startTime: z.string().optional(),
});

export const PodSchema = ObjectSchema.extend({
  spec: PodSpecSchema,
  status: PodStatusSchema.default({ phase: "Pending" }),
});
export type Pod = z.infer<typeof PodSchema>;

export const SecretSchema = ObjectSchema.extend({
  type: z.string().default("Opaque"),
  data: strings.optional(),
  stringData: strings.optional(),
  immutable: z.boolean().optional(),
});
export const ConfigMapSchema = ObjectSchema.extend({ data: strings.optional(), binaryData: strings.optional() });

export const EventSchema = ObjectSchema.extend({
  involvedObject: z.looseObject({
    apiVersion: z.string().optional(),
    kind: z.string().optional(),
    namespace: z.string().optional(),
    name: z.string().optional(),
    uid: z.string().optional(),
  }),
  type: z.string().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  count: z.number().optional(),
});
