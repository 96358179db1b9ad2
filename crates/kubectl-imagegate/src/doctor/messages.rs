//! What an API server says of a webhook that it could not ask, and what to do about it.
//!
//! The rows are those of docs/operations/troubleshooting.md, which a test compares.

/// Part of a message, its cause, and the cure.
pub(super) struct Row {
    /// What the message contains.
    pub(super) part: &'static str,
    pub(super) cause: &'static str,
    pub(super) cure: &'static str,
}

/// The first row whose part is in a message decides.
pub(super) const ROWS: [Row; 16] = [
    Row {
        part: "certificate signed by unknown authority",
        cause: "caBundle is not the CA of the certificate in use",
        cure: "apply secret.yaml and webhook.yaml from the same run of certificates.sh",
    },
    Row {
        part: "certificate is valid for",
        cause: "the certificate is for another Service or namespace",
        cure: "./certificates.sh --namespace NAME --service NAME; a certificate of your own needs that DNS name",
    },
    Row {
        part: "certificate relies on legacy Common Name field",
        cause: "the certificate has no DNS names",
        cure: "./certificates.sh --namespace NAME --service NAME; a certificate of your own needs that DNS name",
    },
    Row {
        part: "certificate has expired or is not yet valid",
        cause: "nothing renewed the certificate, or a clock is wrong",
        cure: "rotate it: docs/operations/certificates.md",
    },
    Row {
        part: "tls: certificate required",
        cause: "--client-ca is set, and the API server presents no certificate, or one from another CA",
        cure: "client certificates: docs/operations/certificates.md",
    },
    Row {
        part: "context deadline exceeded",
        cause: "the control plane does not reach the Pods, or they are overloaded",
        cure: "allow TCP 3000 from the control plane to the nodes; leave networkPolicy.webhookFrom empty, or put the API server's address in it; look at imagegate_requests_shed_total",
    },
    Row {
        part: "connection refused",
        cause: "no replica is ready, or none runs",
        cure: "docs/operations/break-glass.md, step 2",
    },
    Row {
        part: "no endpoints available",
        cause: "no replica is ready, or none runs",
        cure: "docs/operations/break-glass.md, step 2",
    },
    Row {
        part: "service \"",
        cause: "the Service or the namespace was removed before the webhook configuration",
        cure: "kubectl delete validatingwebhookconfiguration com.imagegate.webhook",
    },
    Row {
        part: "server gave HTTP response to HTTPS client",
        cause: "the port is 8080, not 3000",
        cure: "targetPort: webhook in the Service",
    },
    Row {
        part: "there is no valid policy yet",
        cause: "503 (no-policy): the replica has no valid policy",
        cure: "correct the ConfigMap; imagegate validate says what is wrong with it",
    },
    Row {
        part: "too many requests at once",
        cause: "503 (overload), even after the API server's retries",
        cure: "more replicas, or a larger max_requests",
    },
    Row {
        part: "the policy has no override named",
        cause: "404: the webhook's path pins an override that the policy does not have",
        cure: "add the override, or correct the path",
    },
    Row {
        part: "there is nothing at this path",
        cause: "404: the webhook's path is none of the gate's",
        cure: "correct the path: /validate, or /validate/NAME",
    },
    Row {
        part: "the body is larger than",
        cause: "413: the review is larger than max_body_bytes",
        cure: "raise it, and the memory limit with it",
    },
    Row {
        part: "the server rejected our request for an unknown reason",
        cause: "400: the body is not an AdmissionReview that the gate can read",
        cure: "see the log of the API server; please report it",
    },
];

/// The row of a message.
pub(super) fn row(message: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| message.contains(row.part))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ROWS, row};

    #[test]
    fn every_message_of_the_runbook_has_its_row_in_the_same_order() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations/troubleshooting.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (_, table) = page.split_once("| message | cause | fix |\n|---|---|---|\n").unwrap();
        let lines = table.lines().take_while(|line| line.starts_with("| "));
        let mut positions = Vec::new();
        // `the same, since …` is the message of the row above it.
        for line in lines.filter(|line| line.starts_with("| `")) {
            let cell = line.trim_start_matches("| ").split(" | ").next().unwrap();
            let row = row(cell).unwrap_or_else(|| panic!("no row for {cell}"));
            positions.push(ROWS.iter().position(|each| each.part == row.part).unwrap());
        }
        assert!(positions.is_sorted(), "{positions:?}");
        assert!(positions.len() >= 14, "{positions:?}");
    }

    #[test]
    fn a_message_that_is_not_known_has_no_row() {
        assert!(row("something else").is_none());
    }
}
