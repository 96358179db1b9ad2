//! Server-sent events, as a stream of bytes brings them.
//!
//! Of our own, for the sake of its limits: whoever sends them decides how long a line is, and when the next
//! one comes. Reads what a gate sends: lines that end with LF or CRLF, in UTF-8.
//!
//! Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;

use super::Fault;

/// Bytes of an event, its end not reached.
const LONGEST: usize = 1 << 20;
/// The time without a byte after which a stream counts as lost. A gate gives a sign of life every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its type; empty where it has none.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// The events of an answer.
pub(crate) struct Events {
    body: Incoming,
    lines: Lines,
    /// The connection lives as long as this.
    _sender: SendRequest<Empty<Bytes>>,
}

impl Events {
    pub(super) fn of(body: Incoming, sender: SendRequest<Empty<Bytes>>) -> Self {
        Self { body, lines: Lines::default(), _sender: sender }
    }

    /// The next event; `None` where the stream ended as it should.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(event) = self.lines.next() {
                return Ok(Some(event));
            }
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            let silent = || format!("no sign of life within {} s", SILENCE.as_secs());
            match frame.map_err(|_| Fault::lost(&silent()))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(Fault::lost(&error.to_string())),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.lines.add(bytes)?;
                    }
                }
            }
        }
    }
}

/// What has arrived and makes no whole event yet.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    event: Event,
}

impl Lines {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() + self.event.data.len() > LONGEST {
            return Err(Fault::unreadable(&format!("an event of more than {LONGEST} bytes")));
        }
        Ok(())
    }

    /// The next whole event among what has arrived.
    fn next(&mut self) -> Option<Event> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\n').trim_end_matches('\r');
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if event.data.is_empty() {
                    continue;
                }
                return Some(event);
            }
            // A line that begins with a colon is a comment: a sign of life.
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event.name),
                "id" => value.clone_into(&mut self.event.id),
                "data" => {
                    if !self.event.data.is_empty() {
                        self.event.data.push('\n');
                    }
                    self.event.data.push_str(value);
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, LONGEST, Lines};

    fn event(name: &str, id: &str, data: &str) -> Event {
        Event { name: name.to_owned(), id: id.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = "event:replica\ndata:{}\n\n:\n\n: alive\r\n\r\nevent: decision\r\nid: 7-1\r\n\
                    data: {\r\ndata:  \"\u{e4}\"}\r\nretry: 5\r\n\r\ndata\n\nid: 9\n";
        let expected = [event("replica", "", "{}"), event("decision", "7-1", "{\n \"\u{e4}\"}")];
        for size in [1, 2, 3, 7, text.len()] {
            let mut lines = Lines::default();
            let mut read = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.add(piece).unwrap();
                read.extend(std::iter::from_fn(|| lines.next()));
            }
            assert_eq!(read, expected, "{size}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 1 << 16];
        let pieces = (0..=LONGEST / piece.len()).take_while(|_| lines.add(&piece).is_ok());
        assert_eq!(pieces.count(), LONGEST / piece.len());
        let mut lines = Lines::default();
        let row = format!("data:{}\n", "x".repeat(piece.len()));
        let rows = (0..=LONGEST / piece.len()).take_while(|_| {
            let added = lines.add(row.as_bytes()).is_ok();
            assert_eq!(lines.next(), None);
            added
        });
        assert!(rows.count() <= LONGEST / piece.len());
    }
}
