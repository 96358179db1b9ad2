//! Policies that attack the gate that reads them, as edits to be judged and as the mounted policy,
//! under the manifests' memory limit.

/// What several test files share.
mod support {
    pub(crate) mod authority;
    pub(crate) mod client;
    pub(crate) mod load;
    pub(crate) mod process;
    pub(crate) mod siege;
    pub(crate) mod volume;
}

use http::StatusCode;
use serde_json::{Value, json};
use support::client::{Client, PROTOCOLS};
use support::siege::{Cost, Siege};

/// The most that the API server takes in a ConfigMap.
const LARGEST: usize = 1 << 20;

/// An edit of the policy, by anybody who reaches the port.
fn edit(policy: &str) -> Vec<u8> {
    let labels = json!({"imagegate/policy": "true"});
    let object = json!({"metadata": {"labels": labels}, "data": {"policy.yaml": policy}});
    let request = json!({"uid": "1", "operation": "CREATE", "object": object});
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request,
    });
    review.to_string().into_bytes()
}

/// Has the policy judged some times, and returns the last answer.
async fn judged(client: &Client, policy: &str, times: usize) -> Value {
    let body = edit(policy);
    let mut answer = Value::Null;
    for _ in 0..times {
        let response = client.send(PROTOCOLS[0], "/validate-config", &body).await;
        assert_eq!(response.status, StatusCode::OK);
        answer = serde_json::from_slice(&response.body).unwrap();
    }
    answer["response"].clone()
}

fn filled(head: &str, tail: &str, item: impl Fn(u32) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let item = item(number);
        if text.len() + item.len() + tail.len() > LARGEST {
            break;
        }
        text.push_str(&item);
    }
    text + tail
}
