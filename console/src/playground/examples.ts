/** Something to begin with. */

export interface Example {
  label: string;
  manifest: string;
}

/** The policy of a page that nobody has given one. */
export const POLICY = `# Empty, this is what ImageGate has by default.
allowedRegistries:
  - registry.example.com
  - docker.io/library
blockedTags: [latest, staging]
exemptions:
  - name: tracing-agent
    images: [quay.io/acme/tracer]
    namespaces: [monitoring]
    reason: INC-1234, until the mirror is up
`;

export const EXAMPLES: readonly Example[] = [
  { label: "Image", manifest: "nginx:latest\n" },
  {
    label: "Deployment",
    manifest: `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      initContainers:
        - name: migrate
          image: registry.example.com/shop/migrate
      containers:
        - name: web
          image: registry.example.com/shop/web:1.4.2
        - name: proxy
          image: gcr.io/acme/proxy:2.1
`,
  },
  {
    label: "Helm output",
    manifest: `---
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
data:
  greeting: hello
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: web
          image: "registry.example.com/shop/web:1.4.2"
        - name: cache
          image: docker.io/library/redis:7.4
---
# Source: shop/templates/agent.yaml
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: tracer
  namespace: monitoring
spec:
  selector:
    matchLabels: {app: tracer}
  template:
    metadata:
      labels: {app: tracer}
    spec:
      containers:
        - name: agent
          image: quay.io/acme/tracer:3
---
# Source: shop/templates/tests/smoke.yaml
apiVersion: v1
kind: Pod
metadata:
  name: smoke
  annotations:
    helm.sh/hook: test
spec:
  restartPolicy: Never
  containers:
    - name: curl
      image: curlimages/curl:staging
`,
  },
  {
    label: "Broken YAML",
    manifest: `apiVersion: v1
kind: Pod
metadata:
  name: half
spec:
  containers:
    - name: web
      image: "docker.io/library/nginx:1.29
    - name: log
      image: docker.io/library/busybox:1.37
`,
  },
];
