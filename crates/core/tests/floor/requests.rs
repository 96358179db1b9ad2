//! Policies, and requests around their edges, for the floor: drawn by a generator whose numbers are the
//! same in every run.

use imagegate_core::policy::Policy;
use serde_json::{Value, json};

use crate::support::policy::policy;

/// A moment in January 2027, at which the floors are made.
pub(crate) const NOW: i64 = 1_800_000_000;

/// What no page of the documentation has.
const FURTHER: [(&str, &str); 27] = [
    ("the default", "{}"),
    ("hub only", "allowedRegistries: [docker.io]\nshortNames: dockerHub\n"),
    ("hub below library", "allowedRegistries: [docker.io/library]\nshortNames: dockerHub\n"),
    ("hub, one repository", "allowedRegistries: [docker.io/library/nginx, docker.io/nginx/foo]\n"),
    ("hub, globs", "allowedRegistries: ['docker.io/**', 'docker.io/*/base']\n"),
    ("hub, a glob in the first segment", "allowedRegistries: ['docker.io/lib*', 'docker.io/*b']\n"),
    (
        "hub among hosts",
        "allowedRegistries: ['*.io']\nblockedRegistries: ['*.io/acme', '*docker.io/library']\n",
    ),
    (
        "hub, blocked",
        "allowedRegistries: ['*']\nblockedRegistries: [docker.io/nginx, docker.io/library/redis, docker.io/b**]\n",
    ),
    (
        "everything, no tag",
        "allowedRegistries: ['*']\nblockedTags: []\nrequireTag: false\nrequireDigest: true\n",
    ),
    (
        "ports",
        "allowedRegistries: ['gcr.io:5000', 'localhost:5000', 'reg:443', '[2001:db8::1]:5000', '*.dev:8*']\n",
    ),
    ("words", "allowedRegistries: ['*:4*', 'r*', localhost]\n"),
    (
        "regexes",
        "allowedRegistries: ['/(gcr[.]io|docker[.]io)/(acme|library)/.*/', '/.*[.]dev/.*/']\nblockedRegistries: ['/.*evil.*/', '/[^:]+/x/']\n",
    ),
    (
        "regexes over tags",
        "allowedRegistries: ['*']\nblockedTags: ['/(?i)latest|dev-[0-9]+/', '/^edge$/']\nallowedTags: ['/[v0-9].*/', 'semver:>=1']\n",
    ),
    (
        "pinned tags",
        "allowedRegistries: ['*/**:1.*', 'gcr.io/acme/web:latest', 'docker.io/library/nginx:1.27', 'docker.io/**:edge']\n",
    ),
    (
        "blocked images",
        "allowedRegistries: ['*']\nblockedRegistries: ['*/**:nightly', 'docker.io/library/nginx:latest', 'gcr.io/acme/web:semver:<1.4']\nblockedTags: []\n",
    ),
    (
        "short names by a registry",
        "shortNames: {registry: docker.io}\nallowedRegistries: [docker.io/library]\noverrides:\n  - {name: m, namespaces: ['prod*'], shortNames: {registry: mirror.example.com/hub}, allowedRegistries: [mirror.example.com]}\n  - {name: d, namespaces: [ci], shortNames: deny}\n",
    ),
    (
        "exemptions",
        "templates: enforce\nexemptions:\n  - {name: a, images: ['*/acme/**'], rules: [untrusted-registry], namespaces: ['dev-*', ci], reason: r}\n  - {name: b, images: [docker.io/library/nginx], rules: [missing-tag, blocked-tag], groups: ['dev*'], reason: r}\n  - {name: c, images: [evil.example], users: [jane], serviceAccounts: ['kube-system/*'], reason: r}\n  - {name: d, images: ['/gcr[.]io[.]evil.*/'], reason: r, expires: 2027-03-01}\n  - {name: e, images: ['quay.io'], reason: r, expires: 2020-03-01}\n",
    ),
    (
        "warn, but for an entry",
        "mode: warn\nallowedRegistries:\n  - '*'\n  - {registry: gcr.io, mode: enforce, requireDigest: true}\n  - {registry: 'docker.io/library', mode: enforce, blockedTags: ['1.*'], message: '{image} of {container} in {namespace}'}\nblockedRegistries: [gcr.io/acme/web]\n",
    ),
    (
        "entries",
        "requireDigest: true\nallowedRegistries:\n  - docker.io\n  - {registry: docker.io/acme, requireDigest: false, allowedTags: ['semver:*']}\n  - {registry: docker.io/acme/tools, mode: audit}\n  - {registry: 'gcr.io', requireTag: false, blockedTags: [edge]}\n  - {registry: 'gcr.io/acme', requireDigest: false}\nblockedRegistries: ['gcr.io/acme/x']\n",
    ),
    (
        "updates and templates",
        "updates: all\ntemplates: enforce\noverrides:\n  - {name: a, namespaces: ['prod-*'], updates: changed}\n  - {name: b, namespaces: [prod, shop], templates: warn, messages: {blocked-tag: 'no {tag}'}}\n  - {name: c, namespaces: ['play-*'], mode: audit}\n",
    ),
    (
        "labels",
        "templates: enforce\noverrides:\n  - {name: r, podSelector: {matchLabels: {team: research}, matchExpressions: [{key: stage, operator: NotIn, values: [production, test]}]}, blockedTags: [], allowedRegistries: ['*']}\n  - {name: d, namespaces: ['dev-*'], podSelector: {matchExpressions: [{key: app.kubernetes.io/name, operator: Exists}]}, mode: warn}\n  - {name: n, namespaces: [ci, shop], podSelector: {matchExpressions: [{key: team, operator: DoesNotExist}, {key: stage, operator: In, values: [production, test]}]}, requireDigest: true}\n",
    ),
    (
        "kinds of containers",
        "overrides:\n  - {name: d, containers: [ephemeral], allowedRegistries: [evil.example, gcr.io], blockedTags: [], updates: all}\n  - {name: v, containers: [image-volume, init], namespaces: ['p*', ci], requireDigest: true, shortNames: {registry: mirror.example.com/hub}, allowedRegistries: [mirror.example.com, docker.io]}\n  - {name: w, namespaces: [shop], mode: warn}\n",
    ),
    (
        "kinds of objects",
        "templates: enforce\noverrides:\n  - {name: c, kinds: [CronJob, PodTemplate], allowedRegistries: ['*'], requireTag: false}\n  - {name: p, kinds: [Pod], namespaces: ['*-*'], requireDigest: true}\n  - {name: t, kinds: [apps/Deployment], templates: warn}\nexemptions:\n  - {name: e, images: ['*.dev'], kinds: [ReplicationController, Pod], reason: r}\n",
    ),
    (
        "exemptions by selectors",
        "templates: enforce\nexemptions:\n  - {name: a, images: [evil.example, quay.io], containers: [init, ephemeral], reason: r}\n  - {name: b, images: ['docker.io', 'gcr.io'], podSelector: {matchLabels: {team: research}}, namespaces: ['*'], rules: [missing-tag, blocked-tag], reason: r}\n  - {name: c, images: ['**'], kinds: [Pod], containers: [image-volume], groups: [dev], podSelector: {matchExpressions: [{key: stage, operator: NotIn, values: [production]}]}, reason: r}\n",
    ),
    (
        "pull policies",
        "imagePullPolicy: always\nallowedRegistries: ['*', {registry: gcr.io, imagePullPolicy: any}, {registry: docker.io, imagePullPolicy: alwaysForMutableTags, message: 'pull {image}'}]\nblockedTags: [edge]\nrequireTag: false\noverrides:\n  - {name: m, namespaces: ['p*'], imagePullPolicy: alwaysForMutableTags, updates: all}\n  - {name: a, namespaces: [ci], imagePullPolicy: any}\nexemptions:\n  - {name: e, images: [quay.io], rules: [pull-policy], reason: r}\n",
    ),
    (
        "all selectors",
        "templates: enforce\nimagePullPolicy: alwaysForMutableTags\noverrides:\n  - {name: a, containers: [regular, init], kinds: [Deployment, Pod], podSelector: {matchLabels: {team: data}}, imagePullPolicy: any, allowedRegistries: ['*']}\n  - {name: b, containers: [regular], namespaces: ['*'], mode: warn, podSelector: {matchLabels: {stage: test}}}\n  - {name: c, namespaces: [prod, ci], requireDigest: true}\n",
    ),
    (
        "modes",
        "mode: audit\noverrides:\n  - {name: a, namespaces: ['*-*'], mode: enforce, requireDigest: true}\n  - {name: b, namespaces: ['p*'], mode: warn}\n",
    ),
];

const HOSTS: [&str; 38] = [
    "[2001:db8:0::1]:5000/",
    "[2001:0DB8::0001]:05000/",
    "",
    "",
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "DOCKER.io/",
    "docker.io:443/",
    "Index.docker.io:0443/",
    "docker.io:5000/",
    "gcr.io/",
    "GCR.IO/",
    "gcr.io:443/",
    "gcr.io:5000/",
    "gcr.io:05000/",
    "gcr.io.evil.example/",
    "gcrxio/",
    "evil.example/",
    "eu.pkg.dev/",
    "EU.pkg.dev:0443/",
    "eu.pkg.dev:8080/",
    "pkg.dev/",
    "a_b.pkg.dev/",
    "localhost/",
    "LOCALHOST/",
    "localhost:05000/",
    "REG/",
    "reg:443/",
    "reg:0443/",
    "reg/",
    "[2001:db8::1]:5000/",
    "[2001:DB8::1]:05000/",
    "mirror.example.com/",
    "quay.io/",
    "registry.example.com/",
    "registry.example.com:443/",
    "old-registry.example.com/",
];
const PATHS: [&str; 28] = [
    "nginx",
    "nginx",
    "library/nginx",
    "library/redis",
    "redis",
    "acme/web",
    "acme/web",
    "acme",
    "acmex/web",
    "acme/tools/lint",
    "acme/x/base",
    "acme/x",
    "acme/base",
    "base",
    "team-7/web",
    "hub/nginx",
    "retired/web",
    "sandbox/web",
    "shop/web",
    "nginx/foo",
    "library/nginx/foo",
    "web",
    "NGINX",
    "a..b",
    "acme/node-agent",
    "acme/etcd",
    "library",
    "a__b/c-d.e",
];
const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const TAILS: [&str; 28] = [
    "",
    "",
    ":latest",
    ":latest",
    ":1.27",
    ":1.27",
    ":1",
    ":v1.4.2",
    ":1.4-rc1",
    ":staging",
    ":2.0-rc1",
    ":edge",
    ":LATEST",
    ":dev-7",
    ":nightly",
    ":latest-1.2",
    ":1.3.9",
    ":0.9",
    ":v3.5.9",
    ":v3",
    "@",
    ":1.27@",
    ":latest@",
    ":v3@",
    ":",
    ":-x",
    "@sha256:12",
    ":1.27\n",
];
const ODD: [&str; 9] = [
    "",
    "sha256",
    "sha256:e3",
    "sha512@x",
    "a b",
    "nginx\n",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "http://gcr.io/x:1",
    "\u{212a}.io/x:1",
];
const NAMESPACES: [&str; 9] =
    ["default", "prod", "prod-eu", "dev-jane", "play-jane", "ci", "shop", "monitoring", "team-a"];
const USERS: [&str; 4] = [
    "jane",
    "joe",
    "system:serviceaccount:kube-system:replicaset-controller",
    "system:serviceaccount:kube-system:daemon-set-controller",
];
const GROUPS: [&str; 4] = ["dev", "devs/x", "system:authenticated", "ops"];

const LABELS: [(&str, &str); 8] = [
    ("team", "research"),
    ("team", "data"),
    ("team", ""),
    ("stage", "production"),
    ("stage", "test"),
    ("app.kubernetes.io/name", "web"),
    ("app.kubernetes.io/name", "it's"),
    ("other", "research"),
];
const PULL_POLICIES: [&str; 6] = ["Always", "Always", "IfNotPresent", "IfNotPresent", "Never", ""];

/// Each example of the documentation, and the policies above, with their names.
pub(crate) fn policies() -> Vec<(String, Policy)> {
    let page = include_str!("../../../../docs/policy.md");
    let examples = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples = examples
        .enumerate()
        .map(|(index, yaml)| (format!("docs/policy.md, example {}", index + 1), policy(yaml)));
    let further = FURTHER.iter().map(|(name, yaml)| ((*name).to_owned(), policy(yaml)));
    examples.chain(further).collect()
}

/// Numbers by xorshift64*.
pub(crate) struct Generator(u64);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(crate) fn image(&mut self) -> String {
        if self.below(40) == 0 {
            return self.one(&ODD).to_owned();
        }
        let (host, path, tail) = (self.one(&HOSTS), self.one(&PATHS), self.one(&TAILS));
        let tail = tail.strip_suffix('@').map_or(tail.to_owned(), |tag| format!("{tag}{DIGEST}"));
        let long = if self.below(200) == 0 { "/x".repeat(130) } else { String::new() };
        format!("{host}{path}{long}{tail}")
    }

    fn containers(&mut self, count: usize) -> Value {
        let mut list: Vec<_> = (0..count)
            .map(|index| {
                let mut one = json!({"name": format!("c{index}"), "image": self.image()});
                self.pulled(&mut one, "imagePullPolicy");
                one
            })
            .collect();
        if self.below(60) == 0 {
            list.push(json!({"name": "none"}));
        }
        list.into()
    }

    /// With a pull policy, as an API server fills it in, or without one.
    fn pulled(&mut self, one: &mut Value, field: &str) {
        let pull_policy = self.one(&PULL_POLICIES);
        if !pull_policy.is_empty() {
            one[field] = pull_policy.into();
        }
    }

    /// Metadata with some labels, or without.
    fn metadata(&mut self) -> Value {
        match self.below(5) {
            0 => json!({"name": "web"}),
            1 => json!({"labels": {}}),
            many => {
                let chosen: Vec<_> = (1..many).map(|_| self.one(&LABELS)).collect();
                let labels = chosen.into_iter().map(|(key, value)| (key.to_owned(), value.into()));
                json!({"labels": labels.collect::<serde_json::Map<_, _>>()})
            }
        }
    }

    fn pod_spec(&mut self) -> Value {
        let count = 1 + self.below(6) / 4;
        let mut spec = json!({"containers": self.containers(count)});
        if self.below(6) == 0 {
            spec["initContainers"] = self.containers(1);
        }
        if self.below(10) == 0 {
            spec["ephemeralContainers"] = self.containers(1);
        }
        match self.below(12) {
            0 => {
                let mut image = json!({"reference": self.image()});
                self.pulled(&mut image, "pullPolicy");
                spec["volumes"] = json!([{"name": "v", "image": image}]);
            }
            1 => {
                spec["volumes"] =
                    json!([{"name": "v", "emptyDir": {}}, {"name": "w", "image": {}}]);
            }
            _ => {}
        }
        spec
    }

    fn object(&mut self, kind: &str) -> Value {
        let spec = self.pod_spec();
        let metadata = self.metadata();
        // Some have none.
        let pod = match self.below(6) {
            0 => json!({"spec": spec}),
            _ => json!({"metadata": metadata, "spec": spec}),
        };
        match kind {
            "Pod" => pod,
            "PodTemplate" => json!({"metadata": self.metadata(), "template": pod}),
            "CronJob" => json!({"spec": {"jobTemplate": {"spec": {"template": pod}}}}),
            "ReplicationController" if self.below(3) == 0 => json!({"spec": {"replicas": 1}}),
            "ConfigMap" => json!({"data": {"image": "evil.example/x"}}),
            _ => json!({"metadata": self.metadata(), "spec": {"template": pod}}),
        }
    }

    /// The `request` of a review.
    pub(crate) fn request(&mut self) -> Value {
        let kinds = [
            ("", "Pod"),
            ("", "Pod"),
            ("", "Pod"),
            ("", "Pod"),
            ("", "Pod"),
            ("", "Pod"),
            ("apps", "Deployment"),
            ("batch", "CronJob"),
            ("", "PodTemplate"),
            ("", "ReplicationController"),
            ("", "ConfigMap"),
        ];
        let (group, kind) = self.one(&kinds);
        let mut object = self.object(kind);
        let mut request = json!({
            "uid": "u-1",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": format!("{}s", kind.to_lowercase())},
            "operation": "CREATE",
            "namespace": self.one(&NAMESPACES),
            "name": "web",
            "userInfo": {"username": self.one(&USERS), "groups": [self.one(&GROUPS), self.one(&GROUPS)]},
        });
        if self.below(20) == 0 {
            request["userInfo"] = json!({"username": "jane"});
        }
        if self.below(4) == 0 {
            request["operation"] = "UPDATE".into();
            let old = self.object(kind);
            // Mostly the same object with one more image.
            if kind == "Pod" && self.below(3) > 0 {
                let added = old["spec"]["containers"][0].clone();
                request["oldObject"] = object.clone();
                match self.below(6) {
                    0..3 => object["spec"]["containers"].as_array_mut().unwrap().push(added),
                    // The same images with other labels, or as containers of another kind.
                    3 => object["metadata"] = self.metadata(),
                    4 => {
                        let moved = object["spec"]["containers"].take();
                        object["spec"]["containers"] = json!([added]);
                        object["spec"]["initContainers"] = moved;
                    }
                    _ => {}
                }
            } else {
                request["oldObject"] = old;
            }
            if kind == "Pod" && self.below(3) == 0 {
                request["subResource"] = self.one(&["ephemeralcontainers", "status"]).into();
            }
        }
        request["object"] = object;
        request
    }
}
