//! The connections of one API server to the gate, as Go's `http.Transport` keeps them for HTTP/1.1.
//!
//! A request takes the connection that was used last. Where none is idle, one is opened, and the request
//! takes whichever is free first, that one or another; so a client has as many as it ever had requests at
//! once, up to [`MOST_IDLE`], and nearly all requests travel on the few at the top. Source: `queueForIdleConn`
//! and `queueForDial` of Go's `net/http/transport.go`.

use std::collections::VecDeque;

use crate::constants::{IDLE, MOST_IDLE};

/// An open connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) replica: usize,
    /// Which process of that replica: after a restart it is another.
    pub(crate) process: u32,
    /// When the gate asks for its end.
    pub(crate) retires: f64,
    used: f64,
}

impl Connection {
    pub(crate) fn new(replica: usize, process: u32, retires: f64) -> Self {
        Self { replica, process, retires, used: 0.0 }
    }
}

/// A review that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) arrived: f64,
    /// Seconds of a processor.
    pub(crate) work: f64,
}

/// One API server.
#[derive(Debug, Default)]
pub(crate) struct Client {
    idle: Vec<Connection>,
    waiting: VecDeque<Request>,
}

impl Client {
    /// The connection for a request that arrives; `None` where it has to wait and one has to be opened.
    pub(crate) fn take(
        &mut self,
        request: Request,
        now: f64,
        is_open: impl Fn(&Connection) -> bool,
    ) -> Option<Connection> {
        while let Some(connection) = self.idle.pop() {
            // A client sees that the other side has closed an idle connection.
            if connection.used + IDLE > now && is_open(&connection) {
                return Some(connection);
            }
        }
        self.waiting.push_back(request);
        None
    }

    /// A connection is free; the request that takes it.
    pub(crate) fn give(&mut self, mut connection: Connection, now: f64) -> Option<Request> {
        let next = self.waiting.pop_front();
        if next.is_none() && self.idle.len() < MOST_IDLE {
            connection.used = now;
            self.idle.push(connection);
        }
        next
    }

    /// Forgets a request that has waited for too long; whether it was still there.
    pub(crate) fn give_up(&mut self, number: u64) -> bool {
        // They came in the order of their numbers, and wait equally long.
        let is_first = self.waiting.front().is_some_and(|first| first.number == number);
        is_first && self.waiting.pop_front().is_some()
    }

    /// The connection was refused that the last one to come had asked for; whether it was still there.
    pub(crate) fn refused(&mut self) -> bool {
        self.waiting.pop_back().is_some()
    }

    /// Whether requests wait.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Connection, Request};
    use crate::constants::{IDLE, MOST_IDLE};

    const REQUEST: Request = Request { number: 1, arrived: 0.0, work: 0.0 };

    #[test]
    fn the_last_one_used_is_used_next() {
        let mut client = Client::default();
        for replica in 0..3 {
            assert!(client.give(Connection::new(replica, 0, 600.0), 0.0).is_none());
        }
        assert_eq!(client.take(REQUEST, 1.0, |_| true).unwrap().replica, 2);
        // A closed one is passed over.
        assert_eq!(client.take(REQUEST, 1.0, |it| it.replica == 0).unwrap().replica, 0);
        assert!(client.take(REQUEST, 1.0, |_| true).is_none());
        assert!(client.is_waiting() && client.give_up(1) && !client.give_up(1));
    }

    #[test]
    fn no_more_than_so_many_idle_ones_are_kept_and_none_for_long() {
        let mut client = Client::default();
        for replica in 0..MOST_IDLE + 5 {
            client.give(Connection::new(replica, 0, 600.0), 0.0);
        }
        assert_eq!(client.idle.len(), MOST_IDLE);
        assert!(client.take(REQUEST, IDLE, |_| true).is_none());
    }

    #[test]
    fn who_waits_gets_the_first_that_is_free() {
        let mut client = Client::default();
        assert!(client.take(REQUEST, 0.0, |_| true).is_none());
        let taken = client.give(Connection::new(4, 0, 600.0), 0.1);
        assert_eq!(taken.map(|request| request.number), Some(1));
        assert!(client.idle.is_empty());
    }
}
