//! The operator ports of the replicas: what each of them remembers.
//!
//! The port is bound to loopback inside its Pod, so a port-forward is the way to it, and whoever may
//! create one may read it. A gate without one is of an older version.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Uri;
use imagegate_core::policy::printable;
use imagegate_core::usage::{Gathered, Remembered, Usage};
use serde::Deserialize;

use super::find::{Found, Pod};
use crate::cluster::{Asked, AtPort, Cluster, Fault, again_if_broken};

/// Why nobody remembers anything.
pub(crate) const NO_POD: &str = "no Pod of the gate is running";
/// A namespace that there cannot be: the answer is then its head alone.
const HEAD_ONLY: &str = "/images?namespace=-";

/// Where the operator port of a replica is.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    /// Of the Pod, or the address of `--endpoint`.
    pub(crate) name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Pod { namespace: String, port: u16 },
    Address(Uri),
}

/// How much a replica remembers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Memory {
    /// Since when, as RFC 3339 has it.
    pub(crate) since: String,
    /// Distinct uses of images.
    pub(crate) entries: u64,
}

/// What the replicas remember, merged.
#[derive(Debug, Default)]
pub(crate) struct Remembering {
    pub(crate) gathered: Gathered,
    /// Whose memory it is and since when, a line for each replica.
    pub(crate) notes: Vec<String>,
    /// What is missing, in words.
    pub(crate) gaps: Vec<String>,
}

impl Operator {
    /// Those of the gate's Pods that run.
    pub(crate) fn of_gate(gate: &Found) -> Vec<Self> {
        let running = gate.pods.iter().filter(|pod| pod.state == "Running");
        running.map(|pod| Self::of_pod(&gate.namespace, pod)).collect()
    }

    fn of_pod(namespace: &str, pod: &Pod) -> Self {
        let place = Place::Pod { namespace: namespace.to_owned(), port: pod.operator_port };
        Self { name: pod.name.clone(), place }
    }

    /// Those at these addresses.
    pub(crate) fn at(endpoints: &[Uri]) -> Vec<Self> {
        let of = |address: &Uri| Self {
            name: address.to_string().trim_end_matches('/').to_owned(),
            place: Place::Address(address.clone()),
        };
        endpoints.iter().map(of).collect()
    }

    /// Connects to the port.
    pub(crate) async fn connect(&self, cluster: &Cluster) -> Result<AtPort, Fault> {
        match &self.place {
            Place::Pod { namespace, port } => cluster.at_port(namespace, &self.name, *port).await,
            Place::Address(address) => AtPort::at_address(address).await,
        }
    }

    /// A page of the port.
    pub(crate) async fn page(&self, cluster: &Cluster, path: &str) -> Result<Bytes, Fault> {
        match again_if_broken(|| async { self.connect(cluster).await?.memory(path).await }).await? {
            Asked::Page(page) => Ok(page),
            Asked::Missing => Err(Self::without(path)),
        }
    }

    /// There is no such page.
    pub(crate) fn without(path: &str) -> Fault {
        let page = path.split('?').next().unwrap_or(path);
        let fault = Fault::unreadable(&format!("there is no {page}: this is no operator port"));
        fault.with_hint("the gate is older than this plugin, or --endpoint names its admin port")
    }

    /// How much the replica remembers.
    pub(crate) async fn memory(&self, cluster: &Cluster) -> Result<Memory, Fault> {
        let page = self.page(cluster, HEAD_ONLY).await?;
        serde_json::from_slice(&page)
            .map_err(|error| Fault::unreadable(&format!("{}: {error}", self.name)))
    }
}

impl Remembering {
    /// Asks all of them, at the same time, and keeps what is wanted.
    pub(crate) async fn ask(
        cluster: &Cluster,
        operators: &[Operator],
        is_wanted: impl Fn(&Usage<'_>) -> bool,
    ) -> Self {
        let pages = operators.iter().map(|each| each.page(cluster, "/images?format=ndjson"));
        let names = operators.iter().map(|each| each.name.as_str());
        Self::of(names.zip(join_all(pages).await), is_wanted)
    }

    fn of<'a>(
        pages: impl ExactSizeIterator<Item = (&'a str, Result<Bytes, Fault>)>,
        is_wanted: impl Fn(&Usage<'_>) -> bool,
    ) -> Self {
        let mut remembering = Self::default();
        if pages.len() == 0 {
            remembering.gaps.push(NO_POD.to_owned());
        }
        for (name, page) in pages {
            let name = printable(name);
            let page = match page {
                Ok(page) => page,
                Err(fault) => {
                    let why = fault.message();
                    remembering.gaps.push(format!("what {name} remembers is not known: {why}"));
                    continue;
                }
            };
            match Remembered::parse(&page) {
                Ok(mut remembered) => {
                    // By the name of the Pod, whatever the container calls itself.
                    remembered.replica = name.as_ref().into();
                    remembering.notes.push(remembered.in_words(&name));
                    remembering.gathered.remember(&remembered, &is_wanted);
                }
                Err(error) => {
                    let gap = format!("what {name} remembers cannot be read: {error}");
                    remembering.gaps.push(gap);
                }
            }
        }
        remembering
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::{NO_POD, Operator, Remembering};
    use crate::cluster::{Cluster, Fault, Kind};

    #[tokio::test]
    async fn a_connection_that_ends_without_an_answer_is_made_once_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let operator = Operator::at(&[address.parse().unwrap()]).remove(0);
        let cluster = Cluster::none().unwrap();
        let answers = async {
            for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "", ""] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1024]).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        let asked = async {
            assert_eq!(operator.page(&cluster, "/images").await.unwrap(), "ok");
            let fault = operator.page(&cluster, "/images").await.unwrap_err();
            assert_eq!(fault.kind, Kind::Broken, "{fault}");
        };
        tokio::join!(answers, asked);
    }

    #[test]
    fn a_memory_that_is_missing_is_a_gap() {
        let none = Remembering::of(std::iter::empty(), |_| true);
        assert_eq!((none.gaps, none.notes.len()), (vec![NO_POD.to_owned()], 0));
        let pages = vec![("one", Err(Fault::lost("no answer")))];
        let lost = Remembering::of(pages.into_iter(), |_| true);
        assert_eq!(lost.gaps, ["what one remembers is not known: no answer"]);
    }
}
