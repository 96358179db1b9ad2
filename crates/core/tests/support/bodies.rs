//! Reviews of a Pod as a real API server sends them, in any size: managed fields, annotations and
//! status grow with it, as they do in clusters.
#![allow(dead_code, reason = "each user takes a part of this")]

use std::fmt::Write as _;

/// An image that the default policy admits.
pub(crate) const ALLOWED: &str = "docker.io/library/nginx:1.27";
/// An image that it refuses: its host is like a trusted one.
pub(crate) const DENIED: &str = "gcr.io.example.com/acme/web:1.27";

/// The sizes that are measured, in kB.
pub(crate) const SIZES: [usize; 4] = [2, 12, 100, 1000];

/// Parts of a Pod that grow with its size.
#[derive(Default)]
struct Parts {
    annotations: String,
    managed: String,
    env: String,
    conditions: String,
}

impl Parts {
    fn len(&self) -> usize {
        self.annotations.len() + self.managed.len() + self.env.len() + self.conditions.len()
    }

    /// Adds one of each in turn, in the proportions that recorded Pods have.
    fn grow(&mut self, number: usize) {
        match number % 4 {
            0 => write!(
                self.managed,
                r#""k:{{\"name\":\"SETTING_{number}\"}}":{{".":{{}},"f:name":{{}},"f:valueFrom":{{".":{{}},"f:secretKeyRef":{{}}}}}},"#,
            ),
            1 => write!(
                self.env,
                r#"{{"name":"SETTING_{number}","valueFrom":{{"secretKeyRef":{{"name":"web-{number}","key":"value"}}}}}},"#,
            ),
            2 => write!(
                self.annotations,
                r#""example.com/applied-{number}":"{{\"kind\":\"Pod\",\"env\":[{{\"name\":\"SETTING_{number}\",\"value\":\"one of many\"}}]}}\n","#,
            ),
            _ => write!(
                self.conditions,
                r#"{{"type":"example.com/Ready{number}","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-11-23T11:06:50Z"}},"#,
            ),
        }
        .unwrap();
    }
}

/// The review of a Pod that is created, of about `size` bytes and never less. All its images are
/// `image`; there is one container, and one more for each 10 kB up to twelve.
pub(crate) fn pod_review(size: usize, image: &str) -> Vec<u8> {
    let containers = 1 + (size / 10_000).min(11);
    let mut parts = Parts::default();
    let mut body = render(&parts, containers, image);
    let empty = body.len();
    for number in 0.. {
        if empty + parts.len() >= size {
            break;
        }
        parts.grow(number);
    }
    if parts.len() > 0 {
        body = render(&parts, containers, image);
    }
    body.into_bytes()
}

fn render(parts: &Parts, containers: usize, image: &str) -> String {
    let Parts { annotations, managed, env, conditions } = parts;
    let listed = |text: &str| text.trim_end_matches(',').to_owned();
    let container = |index: usize| {
        let env = if index == 0 { listed(env) } else { String::new() };
        format!(
            r#"{{"name":"web-{index}","image":"{image}","env":[{env}],"ports":[{{"containerPort":80,"protocol":"TCP"}}],"resources":{{"limits":{{"cpu":"100m","memory":"64Mi"}}}},"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"}}"#
        )
    };
    let containers = (0..containers).map(container).collect::<Vec<_>>().join(",");
    let (annotations, managed, conditions) =
        (listed(annotations), listed(managed), listed(conditions));
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"9d441dc0-4cb7-42ac-bf0f-700f61090b6b","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"requestKind":{{"group":"","version":"v1","kind":"Pod"}},"requestResource":{{"group":"","version":"v1","resource":"pods"}},"name":"web","namespace":"default","operation":"CREATE","userInfo":{{"username":"system:serviceaccount:kube-system:replicaset-controller","groups":["system:serviceaccounts","system:authenticated"]}},"object":{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"web","namespace":"default","creationTimestamp":"2026-11-23T11:06:50Z","labels":{{"app":"web"}},"annotations":{{{annotations}}},"managedFields":[{{"manager":"kubectl","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:spec":{{"f:containers":{{"k:{{\"name\":\"web\"}}":{{".":{{}},"f:env":{{{managed}}},"f:image":{{}},"f:name":{{}}}}}},"f:dnsPolicy":{{}}}}}}}}]}},"spec":{{"containers":[{containers}],"restartPolicy":"Always","dnsPolicy":"ClusterFirst","securityContext":{{}},"tolerations":[{{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}}],"priority":0,"enableServiceLinks":true}},"status":{{"phase":"Pending","qosClass":"Burstable","conditions":[{conditions}]}}}},"oldObject":null,"dryRun":false,"options":{{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}}}}}}"#
    )
}
